// Light from all around, from an atlas of octahedral tiles whose edge texels lie on the edge: irradiance, and the map blurred
// for six roughnesses (split sum, Karis 2013).
uniform sampler2D gloss_atlas;
uniform sampler2D gloss_table; // scale and bias of f0, by (n.v, roughness)
uniform sampler2D panorama;   // equirectangular, for the background
uniform vec3 environment_scale;

vec3 tile_at(vec3 tile, vec2 at) {
    vec2 texel = tile.xy + 0.5 + (at * 0.5 + 0.5) * (tile.z - 1.0);
    return textureLod(gloss_atlas, texel / vec2(192.0, 128.0), 0.0).rgb;
}

// Irradiance over pi.
vec3 ambient(vec3 n) { return tile_at(vec3(176, 80, 16), octahedral(n)); }

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
    return textureLod(gloss_table, vec2(nv, roughness) * (127.0 / 128.0) + 0.5 / 128.0, 0.0).rg;
}

vec3 panorama_at(vec3 d) {
    vec2 uv = vec2(atan(d.y, d.x) / (2.0 * PI) + 0.5, acos(clamp(d.z, -1.0, 1.0)) / PI);
    return textureLod(panorama, uv, 0.0).rgb;
}
