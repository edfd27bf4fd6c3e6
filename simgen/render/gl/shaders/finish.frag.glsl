// Exposure, filmic curve, sRGB, and edges: four places in a pixel know what they hit from a pass of twice the size, and
// each takes its colour from the neighbouring pixel that hit the same (after Chajdas et al. 2011).
uniform usampler2D shapes;
uniform usampler2D surfaces;
uniform usampler2D keys;      // twice the size: item and normal as in the second word of `surfaces`, 0: nothing
uniform sampler2D light;
uniform sampler2D exposure;   // one texel
uniform sampler2D backdrop;   // display-referred, where nothing is
uniform bool filmic;
uniform bool smooth_edges;

layout(location = 0) out vec4 out_rgb;

// ACES as fitted by Narkowicz (2015), with his factor of 0.6 before it.
vec3 film(vec3 x) {
    x *= 0.6;
    return clamp(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0);
}

vec3 to_srgb(vec3 c) {
    return mix(12.92 * c, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}

// Linear, in [0, 1].
vec3 shown(ivec2 pixel) {
    vec4 c = texelFetch(light, pixel, 0);
    if (c.a == 0.0) return to_linear(texelFetch(backdrop, min(pixel, textureSize(backdrop, 0) - 1), 0).rgb);
    vec3 x = c.rgb * texelFetch(exposure, ivec2(0), 0).r;
    return filmic ? film(x) : clamp(x, 0.0, 1.0);
}

uint key_at(ivec2 pixel) {
    uvec4 shape = texelFetch(shapes, pixel, 0);
    if (shape.w == 0u) return 0u;
    return (texelFetch(surfaces, pixel, 0).y & 0xfff00000u) | pack_normal(uintBitsToFloat(shape.xyz));
}

bool alike(uint a, uint b) {
    if (a == b) return true;
    if ((a ^ b) >> 20u != 0u || a == 0u || b == 0u) return false;
    return dot(unpack_normal(a), unpack_normal(b)) > 0.93;
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy), last = textureSize(light, 0) - 1;
    vec3 own = shown(pixel);
    if (smooth_edges) {
        uint mine = key_at(pixel);
        uint sub[4];
        bool edge = false;
        for (int i = 0; i < 4; i++) {
            sub[i] = texelFetch(keys, 2 * pixel + ivec2(i & 1, i >> 1), 0).r;
            edge = edge || !alike(sub[i], mine);
        }
        if (edge) {
            vec3 sum = vec3(0.0);
            for (int i = 0; i < 4; i++) {
                vec3 c = own;
                if (!alike(sub[i], mine)) {
                    ivec2 step = 2 * ivec2(i & 1, i >> 1) - 1;
                    for (int k = 1; k < 4; k++) {
                        ivec2 q = clamp(pixel + step * ivec2(k & 1, k >> 1), ivec2(0), last);
                        if (alike(sub[i], key_at(q))) { c = shown(q); break; }
                    }
                }
                sum += c;
            }
            own = sum / 4.0;
        }
    }
    out_rgb = vec4(to_srgb(own), 1.0);
}
