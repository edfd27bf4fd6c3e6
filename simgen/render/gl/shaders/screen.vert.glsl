// One triangle over the whole target.
in vec2 in_corner;

void main() { gl_Position = vec4(in_corner, 0.0, 1.0); }
