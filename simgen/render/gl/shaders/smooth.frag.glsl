// Averages the turns of the taps over 3 x 3 neighbours on the same plane.
uniform usampler2D rough;

layout(location = 0) out uvec4 out_visible;

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy), last = textureSize(rough, 0) - 1;
    uvec4 own = texelFetch(rough, here, 0);
    float depth = packed_depth(own.y);
    // How far a neighbour lies off this plane, over the depth: a ray's depth on the plane is reciprocal to a linear form.
    vec3 plane = plane_at(2 * here, own.z, depth);
    vec4 sum = vec4(0.0);
    float total = 1e-6;
    vec2 inverse_size = 1.0 / vec2(last + 1);
#if MORE
    vec4 more = vec4(0.0);
#endif
    for (int i = 0; i < 9; i++) {
        ivec2 q = clamp(here + ivec2(i % 3, i / 3) - 1, ivec2(0), last);
        // The sampler clamps as well, and costs less than a fetch that is checked.
        uvec4 there = textureLod(rough, (vec2(here) + vec2(i % 3, i / 3) - 0.5) * inverse_size, 0.0);
        float off = dot(plane, vec3(vec2(2 * q), 1.0)) * packed_depth(there.y) - 1.0;
        float weight = ((there.y ^ own.y) & 0xFFFu) == 0u ? same_plane(off) : 0.0;
        sum += weight * unpack_unorm(there.x);
        total += weight;
#if MORE
        more += weight * unpack_unorm(there.w);
#endif
    }
    out_visible = own.z == 0u ? own : uvec4(pack_unorm(sum / total), own.yzw);
#if MORE
    out_visible.w = own.z == 0u ? own.w : pack_unorm(more / total);
#endif
}
