// One pixel: the factor of exposure. Mean of the logarithm over a grid (Reinhard et al. 2002) goes to middle grey.
uniform sampler2D light;
uniform float fixed_exposure; // 0: metered

layout(location = 0) out vec4 out_exposure;

void main() {
    ivec2 size = textureSize(light, 0);
    float sum = 0.0, count = 0.0;
    for (int y = 0; y < 24; y++) {
        for (int x = 0; x < 32; x++) {
            vec4 c = texelFetch(light, ivec2((vec2(x, y) + 0.5) / vec2(32.0, 24.0) * vec2(size)), 0);
            float luminance = dot(c.rgb, vec3(0.2126, 0.7152, 0.0722));
            sum += c.a * log(max(luminance, 1e-9));
            count += c.a;
        }
    }
    out_exposure = vec4(fixed_exposure > 0.0 ? fixed_exposure : count > 0.0 ? 0.18 / exp(sum / count) : 1.0);
}
