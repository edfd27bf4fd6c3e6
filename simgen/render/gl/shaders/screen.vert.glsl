// One triangle over the whole target. A pass that leaves some pixels to a slower one writes depth where it is done, and
// the slower one is drawn behind that.
in vec2 in_corner;
uniform float z;

void main() { gl_Position = vec4(in_corner, z, 1.0); }
