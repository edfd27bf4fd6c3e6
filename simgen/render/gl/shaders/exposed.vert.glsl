// As screen.vert.glsl, and reads the exposure once for all pixels.
in vec2 in_corner;
uniform float z;
uniform sampler2D exposure; // one texel
flat out float v_exposure;

void main() {
    v_exposure = texelFetch(exposure, ivec2(0), 0).r;
    gl_Position = vec4(in_corner, z, 1.0);
}
