// Light from all around: irradiance as 9 spherical harmonics (Ramamoorthi and Hanrahan 2001), the gloss from an atlas of
// the map blurred for six roughnesses (split sum, Karis 2013), octahedral tiles whose edge texels lie on the edge.
uniform vec3 irradiance[9];   // over pi; the constants of the polynomial are in it
uniform sampler2D gloss_atlas;
uniform sampler2D gloss_brdf; // scale and bias of f0, by (n.v, roughness)
uniform sampler2D panorama;   // equirectangular, for the background
uniform vec3 environment_scale;

const int LEVELS = 6;
const float LEVEL_ROUGHNESS[LEVELS] = float[](0.0, 0.15, 0.3, 0.5, 0.75, 1.0);
const vec3 LEVEL_TILE[LEVELS] = vec3[](  // corner and edge in texels of the atlas of 192 x 128
    vec3(0, 0, 128), vec3(128, 0, 64), vec3(128, 64, 32), vec3(160, 64, 16), vec3(176, 64, 16), vec3(160, 80, 16));

vec3 ambient(vec3 n) {
    vec3 sum = irradiance[0] + irradiance[1] * n.y + irradiance[2] * n.z + irradiance[3] * n.x
             + irradiance[4] * n.x * n.y + irradiance[5] * n.y * n.z + irradiance[6] * (3.0 * n.z * n.z - 1.0)
             + irradiance[7] * n.x * n.z + irradiance[8] * (n.x * n.x - n.y * n.y);
    return max(sum, 0.0) * environment_scale;
}

vec3 tile(int level, vec2 at) {
    vec3 t = LEVEL_TILE[level];
    vec2 texel = t.xy + 0.5 + (at * 0.5 + 0.5) * (t.z - 1.0);
    return texture(gloss_atlas, texel / vec2(192.0, 128.0)).rgb;
}

vec3 reflected(vec3 direction, float roughness) {
    int level = 0;
    for (int i = 1; i < LEVELS - 1; i++) level += int(roughness >= LEVEL_ROUGHNESS[i]);
    float low = LEVEL_ROUGHNESS[level], high = LEVEL_ROUGHNESS[level + 1];
    vec2 at = octahedral(direction);
    return mix(tile(level, at), tile(level + 1, at), clamp((roughness - low) / (high - low), 0.0, 1.0))
         * environment_scale;
}

vec2 environment_brdf(float nv, float roughness) {
    return texture(gloss_brdf, (vec2(nv, roughness) * 31.0 + 0.5) / 32.0).rg;
}

vec3 environment_background(vec3 d) {
    vec2 uv = vec2(atan(d.y, d.x) / (2.0 * PI) + 0.5, acos(clamp(d.z, -1.0, 1.0)) / PI);
    return textureLod(panorama, uv, 0.0).rgb * environment_scale;
}
