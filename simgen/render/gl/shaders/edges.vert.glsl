// A mesh in front of the camera, for the pass of twice the size.
in vec3 in_place;
in vec3 in_normal;
uniform mat4 clip_T_item;
uniform mat3 cam_R_item;
out vec3 v_normal;

void main() {
    v_normal = cam_R_item * in_normal;
    gl_Position = clip_T_item * vec4(in_place, 1.0);
}
