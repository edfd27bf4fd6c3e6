// A mesh in front of the camera.
in vec3 in_place;
in vec3 in_normal;
in vec2 in_uv;
#if COLORS
in vec4 in_color;
out vec3 v_color;           // sRGB
#endif

uniform mat4 clip_T_item;
uniform mat3 cam_R_item;
uniform vec3 low;           // of the item's bounding box
uniform vec3 inverse_extent;

out vec3 v_normal;  // camera axes
out vec3 v_place;   // item axes
out vec3 v_inside;  // share of the bounding box
out vec2 v_uv;

void main() {
    v_place = in_place;
    v_inside = (in_place - low) * inverse_extent;
    v_normal = cam_R_item * in_normal;
    v_uv = in_uv;
#if COLORS
    v_color = in_color.rgb;
#endif
    gl_Position = clip_T_item * vec4(in_place, 1.0);
}
