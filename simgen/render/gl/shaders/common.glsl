const float PI = 3.14159265359;

uint pack_unorm(vec4 v) {
    uvec4 u = uvec4(clamp(v, 0.0, 1.0) * 255.0 + 0.5);
    return u.x | (u.y << 8u) | (u.z << 16u) | (u.w << 24u);
}

vec4 unpack_unorm(uint u) {
    return vec4(u & 255u, (u >> 8u) & 255u, (u >> 16u) & 255u, u >> 24u) / 255.0;
}

// Octahedral map of a direction onto the square [-1, 1]^2 (Cigolle et al. 2014).
vec2 octahedral(vec3 n) {
    n /= abs(n.x) + abs(n.y) + abs(n.z);
    vec2 folded = (1.0 - abs(n.yx)) * vec2(n.x >= 0.0 ? 1.0 : -1.0, n.y >= 0.0 ? 1.0 : -1.0);
    return n.z >= 0.0 ? n.xy : folded;
}

vec3 from_octahedral(vec2 e) {
    vec3 n = vec3(e, 1.0 - abs(e.x) - abs(e.y));
    float t = max(-n.z, 0.0);
    n.xy += vec2(n.x >= 0.0 ? -t : t, n.y >= 0.0 ? -t : t);
    return normalize(n);
}

// A direction in the low 20 bits; the error is below 0.15 degrees.
uint pack_normal(vec3 n) {
    uvec2 u = uvec2((octahedral(n) * 0.5 + 0.5) * 1023.0 + 0.5);
    return u.x | (u.y << 10u);
}

vec3 unpack_normal(uint u) {
    return from_octahedral(vec2(u & 1023u, (u >> 10u) & 1023u) / 1023.0 * 2.0 - 1.0);
}

// sRGB to linear light within 0.2 % of white, without a power.
vec3 to_linear(vec3 c) {
    return c * (c * (c * 0.305306011 + 0.682171111) + 0.012522878);
}
