// A mesh as a lamp sees it: depth only.
in vec3 in_place;
uniform mat4 clip_T_item;

void main() { gl_Position = clip_T_item * vec4(in_place, 1.0); }
