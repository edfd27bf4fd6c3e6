// A mesh in front of the camera.
in vec3 in_place;
in vec3 in_normal;
in vec2 in_uv;
#if COLORS
in vec4 in_color;
out vec3 v_color;           // sRGB
#endif

out vec3 v_normal;  // camera axes
out vec3 v_place;   // item axes
out vec3 v_inside;  // share of the bounding box
out vec2 v_uv;
// Handed on, since a software driver reads these once for many pixels, and a block anew for each.
flat out uvec2 v_who;   // item, ids
flat out vec4 v_look;   // bump_m, roughness, contrast, flip
#if BUMP || TRIPLANAR
flat out mat3 v_turn;   // cam_R_item
flat out float v_tiles_per_m;
#endif

void main() {
    v_place = in_place;
    v_inside = (in_place - low) * inverse_extent;
    v_normal = cam_R_item * in_normal;
    v_uv = in_uv;
    v_who = uvec2(item, ids);
    v_look = vec4(bump_m, roughness, contrast, flip);
#if BUMP || TRIPLANAR
    v_turn = cam_R_item;
    v_tiles_per_m = tiles_per_m;
#endif
#if COLORS
    v_color = in_color.rgb;
#endif
    gl_Position = clip_T_item * vec4(in_place, 1.0);
}
