// As screen.vert.glsl, and finds the exposure once for all pixels: what is fixed, or the mean of the light's logarithm over a
// grid, which goes to middle grey (Reinhard et al. 2002).
in vec2 in_corner;
uniform float z;
#if METERED
uniform sampler2D light;
#else
uniform float fixed_exposure;
#endif
flat out float v_exposure;

float exposure() {
#if METERED
    vec2 size = vec2(textureSize(light, 0));
    float sum = 0.0, count = 0.0;
    for (int y = 0; y < 24; y++) {
        for (int x = 0; x < 32; x++) {
            vec4 c = texelFetch(light, ivec2((vec2(x, y) + 0.5) / vec2(32.0, 24.0) * size), 0);
            float luminance = dot(c.rgb, vec3(0.2126, 0.7152, 0.0722));
            sum += c.a * log(max(luminance, 1e-9));
            count += c.a;
        }
    }
    return count > 0.0 ? 0.18 / exp(sum / count) : 1.0;
#else
    return fixed_exposure;
#endif
}

void main() {
    v_exposure = exposure();
    gl_Position = vec4(in_corner, z, 1.0);
}
