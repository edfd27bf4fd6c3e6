// A mesh in front of the camera, for the picture of the pixels' corners.
in vec3 in_place;
in vec3 in_normal;
out vec3 v_normal;
flat out uint v_item;
flat out float v_flip;

void main() {
    v_normal = cam_R_item * in_normal;
    v_item = item;
    v_flip = flip;
    gl_Position = corners_T_item * vec4(in_place, 1.0);
}
