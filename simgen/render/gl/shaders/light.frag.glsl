// Shades from the surfaces' target: metallic-roughness with GGX (Walter et al. 2007), the height-correlated Smith
// visibility (Heitz 2014) in Hammon's approximation (2017), Schlick's Fresnel (1994). The program that includes this
// says how many lamps of which shape there are (EACH_LAMP calls SMALL_LAMP and AREA_LAMP with constants), and which of
// FIRST (environment) and RICH (clear coat, transmission) are needed: a software driver runs every branch.
uniform usampler2D materials;   // a row each: see material_rows
uniform usampler2D visible;    // half resolution, see visible.frag.glsl
given vec4 small_lamps[3 * SMALL_LAMPS];
given vec4 area_lamps[4 * AREA_LAMPS];

layout(location = 0) out vec4 out_light;

// facing is the cosine between n and v, nv the same kept above zero, f90 the Fresnel term at grazing angles: without any
// specular reflection there is none there either.
struct Surface {
    vec3 n, v, mirror, f0, diffuse, bounced;
    float alpha, facing, nv, f90, coat, coat_alpha, transmission;
};

// Distribution times visibility.
float ggx_smith(float nh, float nl, float nv, float alpha) {
    float a2 = alpha * alpha;
    float d = (nh * a2 - nh) * nh + 1.0;
    return (0.5 / PI) * a2 / (d * d * max(mix(2.0 * nl * nv, nl + nv, alpha), 1e-5));
}

float fifth(float k) { float k2 = k * k; return k2 * k2 * k; }

// Radiance towards the eye of the gloss under a lamp with irradiance 1 on a surface that faces it, from the cosines of
// the lamp's direction with n and v; all that it needs of the half vector follows from these. A lamp of angular radius
// `size` counts as its point nearest to the mirror direction, with a lobe widened so that a mirror shows the lamp's own
// radiance (after Karis 2013).
vec3 gloss(Surface s, float cosine, float vl, float size) {
    float inverse = inversesqrt(max(2.0 + 2.0 * vl, 1e-12));
    float nl = max(cosine, 0.0), nh = clamp((s.facing + nl) * inverse, 0.0, 1.0), vh = clamp((1.0 + vl) * inverse, 0.0, 1.0);
    float wide = min(s.alpha + 0.5 * size, 1.0);
    vec3 fresnel = s.f0 + (s.f90 - s.f0) * fifth(1.0 - vh);
    vec3 base = s.bounced * fresnel * ggx_smith(nh, nl, s.nv, wide);
#if RICH
    float share = s.coat * (0.04 + 0.96 * fifth(1.0 - vh));
    wide = min(s.coat_alpha + 0.5 * size, 1.0);
    base = base * (1.0 - share) + share * ggx_smith(nh, nl, s.nv, wide);
#endif
    return base * nl;
}

// Of what a translucent body takes in, two thirds come out where they went in and one behind; the cosines are wrapped
// around it (with the normalisation of d'Eon 2007). What is lost on the way through is in the lamp's visibility.
float scattered(float cosine) { return (2.0 * max(0.5 + cosine, 0.0) + max(0.5 - cosine, 0.0)) / (3.0 * 2.25); }

float lambert(Surface s, float cosine) {
    float front = max(cosine, 0.0);
#if RICH
    return mix(front, scattered(cosine), s.transmission);
#else
    return front;
#endif
}

vec3 small_light(Surface s, vec3 place, vec4 at, vec4 light, vec4 cone) {
    // at: place, 1; or direction towards a distant lamp, 0. cone: direction over the fade, and the offset of the fade.
    vec3 to = at.xyz - at.w * place;
    float inverse = inversesqrt(max(dot(to, to), 1e-12));
    vec3 l = to * inverse;
    inverse = at.w > 0.0 ? min(inverse, 1.0 / max(light.w, 1e-3)) : 1.0;
    float size = light.w * inverse;
    float fade = clamp(dot(l, cone.xyz) + cone.w, 0.0, 1.0);
    float power = inverse * inverse * fade * fade * (3.0 - 2.0 * fade);
    float cosine = dot(s.n, l);
    // The lamp's point nearest to the mirror direction lies between l and that direction's share along l.
    float vl = dot(s.v, l), along = 2.0 * s.facing * cosine - vl, off2 = max(1.0 - along * along, 0.0);
    float pull = min(size * inversesqrt(max(off2, 1e-12)), 1.0), keep = 1.0 - pull;
    float unit = inversesqrt(max(1.0 - pull * (2.0 - pull) * off2, 1e-12));
    float nearest_n = (keep * cosine + pull * along * s.facing) * unit;
    float nearest_v = (keep * vl + pull * along * (2.0 * s.facing * s.facing - 1.0)) * unit;
    vec3 seen = s.diffuse * (lambert(s, cosine) / PI) + gloss(s, nearest_n, nearest_v, size);
    return light.rgb * (power * seen);
}

// The angle between unit vectors over its sine and 2 pi, from their cosine: a fit within 2e-6.
float angle_over_sine(float c) {
    float a = abs(c);
    float v = (0.87226438 + (0.49950547 + 0.01416546 * a) * a) / (3.48906306 + (4.21901847 + a) * a);
    return c > 0.0 ? v : 0.5 * inversesqrt(max(1.0 - c * c, 1e-7)) - v;
}

vec3 edge(vec3 a, vec3 b) { return cross(a, b) * angle_over_sine(dot(a, b)); }

// A rectangle that shines to one side: vector irradiance by Lambert's formula (see Arvo 1994); the cosine-weighted part
// over the horizon is exact for a rectangle wholly above it, else that of a ball (Hill and Heitz 2016).
vec3 area_light(Surface s, vec3 place, vec4 middle, vec4 light, vec4 across, vec4 down) {
    vec3 center = middle.xyz - place, u = across.xyz, v = down.xyz;
    vec3 axis = vec3(middle.w, light.w, across.w);
    float front = float(dot(axis, center) < 0.0);
    vec3 a = normalize(center - u - v), b = normalize(center + u - v);
    vec3 c = normalize(center + u + v), d = normalize(center - u + v);
    vec3 f = edge(b, a) + edge(c, b) + edge(d, c) + edge(a, d);
    float size = length(f), z = dot(f, s.n);
    float lowest = min(min(dot(s.n, a), dot(s.n, b)), min(dot(s.n, c), dot(s.n, d)));
    float diffuse = mix(max((size * size + z) / (size + 1.0), 0.0), max(z, 0.0), clamp(lowest * 10.0, 0.0, 1.0));
#if RICH
    diffuse = mix(diffuse, size * scattered(z / max(size, 1e-6)), s.transmission);
#endif
    float ahead = dot(axis, s.mirror);
    vec3 hit = ahead < -1e-4 ? s.mirror * (dot(axis, center) / ahead) : center + 1e3 * s.mirror;
    vec3 off = hit - center;
    vec2 inside = clamp(vec2(dot(off, u) / dot(u, u), dot(off, v) / dot(v, v)), -1.0, 1.0);
    vec3 point = center + inside.x * u + inside.y * v;
    float inverse = inversesqrt(dot(point, point));
    vec3 shine = size * gloss(s, dot(s.n, point) * inverse, dot(s.v, point) * inverse, down.w * inverse);
    return front * PI * light.rgb * (s.diffuse / PI * diffuse + shine);
}

#if FIRST
vec3 environment_light(Surface s, vec3 albedo, float roughness, float open, float coat_roughness) {
    vec3 around = ambient(s.n, s.transmission);
    vec3 base = s.diffuse * around + albedo * reflected(s.mirror, roughness);
#if RICH
    float share = s.coat * (0.04 + 0.96 * fifth(1.0 - s.nv));
    base = base * (1.0 - share) + share * reflected(s.mirror, coat_roughness);
#endif
    return open * environment_scale * base;
}
#endif

// Visibility from half resolution: of the four nearest samples those on the same surface, weighted by nearness.
vec4[2] gathered(ivec2 pixel, uint key, float depth) {
    ivec2 corner = (pixel - 1) >> 1, last = textureSize(visible, 0) - 1;
    vec2 share = vec2((pixel - 1) & 1) * 0.5 + 0.25;
    vec3 plane = plane_at(pixel, key, depth);
    // A gather is cheaper than four fetches; its order is (0, 1), (1, 1), (1, 0), (0, 0).
    vec2 at = vec2(corner + 1) / vec2(last + 1);
    uvec4 first = textureGather(visible, at, 0), words = textureGather(visible, at, 1);
    vec4 x = vec2(clamp(2 * (corner.xx + ivec2(0, 1)), ivec2(0), 2 * last.xx)).xyyx;
    vec4 y = vec2(clamp(2 * (corner.yy + ivec2(0, 1)), ivec2(0), 2 * last.yy)).yyxx;
    vec4 off = (plane.x * x + plane.y * y + plane.z) * uintBitsToFloat(words & 0xFFFFF000u) - 1.0;
    vec4 weight = max(vec4(same_plane(off.x), same_plane(off.y), same_plane(off.z), same_plane(off.w)), 1e-4);
    weight = mix(vec4(1e-4), weight, equal(words & 0xFFFu, uvec4(key >> 20u)));
    weight *= vec2(1.0 - share.x, share.x).xyyx * vec2(1.0 - share.y, share.y).yyxx;
    weight *= 1.0 / dot(weight, vec4(1.0));
    vec4 seen = unpack_unorm(first.x) * weight.x + unpack_unorm(first.y) * weight.y
              + unpack_unorm(first.z) * weight.z + unpack_unorm(first.w) * weight.w;
    vec4 more = vec4(1.0);
#if MORE
    uvec4 second = textureGather(visible, at, 3);
    more = unpack_unorm(second.x) * weight.x + unpack_unorm(second.y) * weight.y
         + unpack_unorm(second.z) * weight.z + unpack_unorm(second.w) * weight.w;
#endif
    return vec4[2](seen, more);
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy);
    uvec4 word = texelFetch(surfaces, pixel, 0);
    vec3 ray = ray_at(pixel);
    float depth = uintBitsToFloat(word.w);
    vec3 place = eye + ray * depth;
    int row = int(key_item(max(word.y, 1u << 20u)));
    vec4 texel = unpack_unorm(word.x);
    uvec2 row_words = texelFetch(materials, ivec2(0, row), 0).xy;
    float specular = float(row_words.x & 0xFFFFu) / 65535.0, metallic = float(row_words.x >> 16u) / 65535.0;
    Surface s;
    s.n = world_R_cam * unpack_direction(word.z);
    s.v = -normalize(ray);
    s.facing = dot(s.n, s.v);
    s.nv = clamp(s.facing, 1e-3, 1.0);
    s.mirror = 2.0 * s.facing * s.n - s.v;
    s.alpha = texel.a * texel.a;
    s.transmission = 0.0;
    float coat_roughness = 0.0;
#if RICH
    s.transmission = float(row_words.y & 0x3FFu) / 1023.0;
    s.coat = float((row_words.y >> 10u) & 0x7FFu) / 2047.0;
    coat_roughness = float(row_words.y >> 21u) / 2047.0;
    s.coat_alpha = coat_roughness * coat_roughness;
#endif
    vec3 base = to_linear(texel.rgb);
    s.f0 = mix(vec3(0.08 * specular), base, metallic);
    // Light that bounces between microfacets is given back (Fdez-Agueera 2019); what the gloss takes, the body lacks.
    vec2 dfg = gloss_albedo(s.nv, texel.a);
    s.f90 = clamp(50.0 * s.f0.g, 0.0, 1.0);
    s.bounced = 1.0 + s.f0 * (1.0 / (dfg.x + dfg.y) - 1.0);
    vec3 albedo = (s.f0 * dfg.x + s.f90 * dfg.y) * s.bounced;
    s.diffuse = base * (1.0 - metallic) * (1.0 - albedo);
    vec4 seen[2] = gathered(pixel, word.y, depth);
    vec3 light = vec3(0.0);
#define SMALL_LAMP(i, visibility) light += visibility * small_light(s, place, small_lamps[3 * i], small_lamps[3 * i + 1], small_lamps[3 * i + 2]);
#define AREA_LAMP(i, visibility) light += visibility * area_light(s, place, area_lamps[4 * i], area_lamps[4 * i + 1], area_lamps[4 * i + 2], area_lamps[4 * i + 3]);
    EACH_LAMP
#if FIRST
    light += environment_light(s, albedo, texel.a, seen[0].w, coat_roughness);
#endif
    out_light = vec4(light, float(FIRST));
}
