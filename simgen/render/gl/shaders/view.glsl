// The surfaces' target and the camera, for passes over the whole picture.
uniform usampler2D surfaces;
given vec3 eye;           // world
given mat3 world_R_pixel; // pixel (u, v, 1) to a ray of depth 1 in world axes
given mat3 world_R_cam;

vec3 ray_at(ivec2 pixel) { return world_R_pixel * vec3(vec2(pixel), 1.0); }
