// Averages the noise of the taps over 4 x 4 neighbours on the same plane.
uniform sampler2D rough;

layout(location = 0) out vec4 out_visible;

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy), last = textureSize(rough, 0) - 1, last_full = textureSize(shapes, 0) - 1;
    ivec2 pixel = min(2 * here, last_full);
    uvec4 shape = texelFetch(shapes, pixel, 0);
    vec4 own = texelFetch(rough, here, 0);
    out_visible = own;
    if (shape.w == 0u) return;
    float depth = uintBitsToFloat(shape.w);
    vec3 n = world_R_cam * uintBitsToFloat(shape.xyz), place = eye + ray_at(pixel) * depth;
    vec4 sum = vec4(0.0);
    float total = 0.0;
    for (int i = 0; i < 16; i++) {
        ivec2 q = clamp(here + ivec2(i & 3, i >> 2) - 2, ivec2(0), last);
        ivec2 full = min(2 * q, last_full);
        float there = uintBitsToFloat(texelFetch(shapes, full, 0).w);
        float off = dot(n, eye + ray_at(full) * there - place) / depth;
        float weight = there > 0.0 ? 1.0 / (1.0 + 1e6 * off * off) : 0.0;
        sum += weight * texelFetch(rough, q, 0);
        total += weight;
    }
    out_visible = total > 0.0 ? sum / total : own;
}
