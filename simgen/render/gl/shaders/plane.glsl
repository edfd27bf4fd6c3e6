// What depth a surface's plane has at other pixels.
given mat3 cam_R_pixel; // pixel (u, v, 1) to a ray of depth 1 in camera axes

// The plane at a pixel: a form of (u, v, 1) that is the reciprocal of the depth on it.
vec3 plane_at(ivec2 pixel, uint key, float depth) {
    vec3 form = key_direction(key) * cam_R_pixel;
    return form / (dot(form, vec3(vec2(pixel), 1.0)) * depth);
}
