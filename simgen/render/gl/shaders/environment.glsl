// Light from all around: irradiance as a polynomial in the normal (Ramamoorthi and Hanrahan 2001), and an atlas of octahedral
// tiles, whose edge texels lie on the edge, of the map blurred for six roughnesses (split sum, Karis 2013).
uniform sampler2D gloss_atlas;
uniform usampler2D gloss_table; // scale and bias of f0 in 16 bits each, by (n.v, roughness)
given vec3 environment_scale;
given vec3 harmonics[9];     // of 1, y, z, x, xy, yz, 3z^2 - 1, xz, x^2 - y^2

vec3 tile_at(vec3 tile, vec2 at) {
    vec2 texel = tile.xy + 0.5 + (at * 0.5 + 0.5) * (tile.z - 1.0);
    return textureLod(gloss_atlas, texel / vec2(192.0, 128.0), 0.0).rgb;
}

// Irradiance over pi. A translucent body takes a third of it from its other side, where odd terms have the other sign; how
// thick it is there is not known.
vec3 ambient(vec3 n, float transmission) {
    vec3 odd = harmonics[1] * n.y + harmonics[2] * n.z + harmonics[3] * n.x;
    vec3 even = harmonics[0] + harmonics[4] * (n.x * n.y) + harmonics[5] * (n.y * n.z)
              + harmonics[6] * (3.0 * n.z * n.z - 1.0) + harmonics[7] * (n.x * n.z) + harmonics[8] * (n.x * n.x - n.y * n.y);
    return max(even + (1.0 - 2.0 / 3.0 * transmission) * odd, 0.0);
}

// The tiles of roughness 0, 0.15, 0.3, 0.5, 0.75 and 1: corner and edge in texels of the atlas of 192 x 128.
vec3 reflected(vec3 direction, float roughness) {
    vec3 below = vec3(0, 0, 128), above = vec3(128, 0, 64);
    float low = 0.0, high = 0.15;
    if (roughness >= 0.15) { below = above; above = vec3(128, 64, 32); low = high; high = 0.3; }
    if (roughness >= 0.3) { below = above; above = vec3(160, 64, 16); low = high; high = 0.5; }
    if (roughness >= 0.5) { below = above; above = vec3(176, 64, 16); low = high; high = 0.75; }
    if (roughness >= 0.75) { below = above; above = vec3(160, 80, 16); low = high; high = 1.0; }
    vec2 at = octahedral(direction);
    return mix(tile_at(below, at), tile_at(above, at), clamp((roughness - low) / (high - low), 0.0, 1.0));
}

vec2 gloss_albedo(float nv, float roughness) {
    uint word = texelFetch(gloss_table, ivec2(vec2(nv, roughness) * 127.0 + 0.5), 0).r;
    return vec2(word & 0xFFFFu, word >> 16u) / 65535.0;
}
