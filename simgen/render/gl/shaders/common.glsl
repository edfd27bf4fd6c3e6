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

// A direction as two shares of 16 bits; the error is below 0.01 degrees.
uint pack_direction(vec3 n) {
    uvec2 u = uvec2((octahedral(n) * 0.5 + 0.5) * 65535.0 + 0.5);
    return u.x | (u.y << 16u);
}

vec3 unpack_direction(uint u) {
    return from_octahedral(vec2(u & 65535u, u >> 16u) * (2.0 / 65535.0) - 1.0);
}

// What a place belongs to, in one word: 1 + the item's number and, in 20 bits, the normal in camera axes. What is seen faces the
// camera, so the octahedral map needs no fold and near normals have near numbers; their length does not matter. 0 is nothing.
uint pack_key(uint item, vec3 n) {
    vec2 e = n.xy / (abs(n.x) + abs(n.y) + max(-n.z, 0.0) + 1e-9);
    uvec2 u = uvec2((e * 0.5 + 0.5) * 1023.0 + 0.5);
    return u.x | (u.y << 10u) | ((item + 1u) << 20u);
}

uint key_item(uint key) { return (key >> 20u) - 1u; }

// The normal, of any length.
vec3 key_direction(uint key) {
    vec2 e = vec2(key & 1023u, (key >> 10u) & 1023u) * (2.0 / 1023.0) - 1.0;
    return vec3(e, abs(e.x) + abs(e.y) - 1.0);
}

vec3 key_normal(uint key) { return normalize(key_direction(key)); }

// How much a neighbour counts whose depth is `off` (a share) away from where this surface's plane would put it.
float same_plane(float off) { return max(1.0 - 5e4 * off * off, 0.0); }

// A depth to 2e-4 of it, and the item's part of a key, in one word: a fetched word is what costs a software driver most.
uint pack_depth(float depth, uint key) { return ((floatBitsToUint(depth) + 0x800u) & 0xFFFFF000u) | (key >> 20u); }
float packed_depth(uint word) { return uintBitsToFloat(word & 0xFFFFF000u); }

// The same surface, and normals within about ten degrees.
bool alike(uint a, uint b) {
    ivec2 off = abs(ivec2(a & 1023u, (a >> 10u) & 1023u) - ivec2(b & 1023u, (b >> 10u) & 1023u));
    return (a >> 20u) == (b >> 20u) && off.x + off.y < 90;
}

// sRGB to linear light without a power: a fit within 0.15 % of each value.
vec3 to_linear(vec3 c) {
    vec3 curve = 0.0009538 + c * (0.03115791 + c * (0.54013368 + c * (0.57113312 - 0.14482446 * c)));
    return mix(curve, c / 12.92, lessThan(c, vec3(0.04045)));
}
