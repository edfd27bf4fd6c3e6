// Exposure, filmic curve, sRGB, and edges: the pixel's corners know what they hit from a pass of their own, and each takes
// its colour from the pixel around it that hit the same (after Chajdas et al. 2011). With EDGES 0, pixels whose corners
// all hit what the centre hits are finished, and the others left to a second pass.
uniform usampler2D surfaces;
uniform usampler2D keys;      // of the corners: (u, v) is the one before pixel (u, v) in both directions
uniform sampler2D light;
uniform sampler2D backdrop;   // display-referred, where nothing is
given float filmic;
flat in float v_exposure;     // a factor

layout(location = 0) out vec4 out_rgb;

// ACES as fitted by Narkowicz (2015), with his factor of 0.6 before it.
vec3 film(vec3 x) {
    x *= 0.6;
    return x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14);
}

// Linear, in [0, 1].
vec3 shown(ivec2 pixel) {
    vec4 c = texelFetch(light, pixel, 0);
    vec3 x = c.rgb * v_exposure;
    x = clamp(mix(x, film(x), filmic), 0.0, 1.0);
#if BACKDROP
    vec3 behind = texelFetch(backdrop, min(pixel, textureSize(backdrop, 0) - 1), 0).rgb;
    x = c.a == 0.0 ? to_linear(behind) : x;
#endif
    return x;
}

// The curve by square roots, fitted to within 0.00005.
vec3 to_srgb(vec3 c) {
    vec3 a = sqrt(c), b = sqrt(a), d = sqrt(b);
    return mix(0.64236361 * a + 0.71211277 * b - 0.3368709 * d - 0.01756237 * c, 12.92 * c, lessThan(c, vec3(0.0031308)));
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy), last = textureSize(light, 0) - 1;
#if SMOOTH
    uint mine = texelFetch(surfaces, pixel, 0).y;
    uvec4 around = textureGather(keys, (vec2(pixel) + 1.0) / vec2(last + 2));
    uint corners[4] = uint[4](around.w, around.z, around.x, around.y);
#if EDGES
    vec3 own = shown(pixel), sum = 4.0 * own;
    for (int i = 0; i < 4; i++) {
        ivec2 to = 2 * ivec2(i & 1, i >> 1) - 1;
        ivec2 from = pixel;
        bool found = alike(corners[i], mine);
        for (int k = 1; k < 4; k++) {
            ivec2 q = clamp(pixel + to * ivec2(k & 1, k >> 1), ivec2(0), last);
            bool fits = !found && alike(corners[i], texelFetch(surfaces, q, 0).y);
            from = fits ? q : from;
            found = found || fits;
        }
        sum += shown(from);
    }
    out_rgb = vec4(to_srgb(sum / 8.0), 1.0);
    return;
#else
    bool inside = alike(corners[0], mine) && alike(corners[1], mine) && alike(corners[2], mine) && alike(corners[3], mine);
    if (!inside) discard;
#endif
#endif
    out_rgb = vec4(to_srgb(shown(pixel)), 1.0);
}
