// Shades from the surfaces' target: metallic-roughness with GGX (Walter et al. 2007), the height-correlated Smith
// visibility (Heitz 2014) in Hammon's approximation (2017), Schlick's Fresnel (1994). The program that includes this
// says how many lamps of which shape there are (EACH_LAMP calls SMALL_LAMP and AREA_LAMP with constants), and which of
// FIRST (environment, background) and RICH (clear coat, transmission) are needed: a software driver runs every branch.
uniform sampler2D materials;   // rows of 2 texels
uniform usampler2D visible;    // half resolution, see visible.frag.glsl
uniform vec4 small_lamps[3 * MAX_LAMPS];
uniform vec4 area_lamps[4 * MAX_LAMPS];

layout(location = 0) out vec4 out_light;

struct Surface {
    vec3 n, v, mirror, f0, diffuse, bounced;
    float alpha, nv, coat, coat_alpha, transmission;
};

float ggx(float nh, float alpha) {
    float a2 = alpha * alpha;
    float d = (nh * a2 - nh) * nh + 1.0;
    return a2 / (PI * d * d);
}

float smith(float nl, float nv, float alpha) {
    return 0.5 / max(mix(2.0 * nl * nv, nl + nv, alpha), 1e-5);
}

float fifth(float k) { float k2 = k * k; return k2 * k2 * k; }

// Radiance towards the eye of the gloss under a lamp with irradiance 1 on a surface that faces it. A lamp of angular
// radius `size` counts as its point nearest to the mirror direction, with a lobe widened so that a mirror shows the
// lamp's own radiance (after Karis 2013).
vec3 gloss(Surface s, vec3 l, float size) {
    vec3 h = normalize(s.v + l);
    float nl = max(dot(s.n, l), 0.0), nh = clamp(dot(s.n, h), 0.0, 1.0), vh = clamp(dot(s.v, h), 0.0, 1.0);
    float wide = min(s.alpha + 0.5 * size, 1.0);
    vec3 fresnel = s.f0 + (clamp(50.0 * s.f0.g, 0.0, 1.0) - s.f0) * fifth(1.0 - vh);
    vec3 base = s.bounced * fresnel * (ggx(nh, wide) * smith(nl, s.nv, wide));
#if RICH
    float share = s.coat * (0.04 + 0.96 * fifth(1.0 - vh));
    wide = min(s.coat_alpha + 0.5 * size, 1.0);
    base = base * (1.0 - share) + share * ggx(nh, wide) * smith(nl, s.nv, wide);
#endif
    return base * nl;
}

// Diffuse light; through a translucent body the cosine is wrapped around it (with the normalisation of d'Eon 2007).
float lambert(Surface s, float cosine) {
    float front = max(cosine, 0.0);
#if RICH
    return mix(front, max(cosine + 0.5, 0.0) / 2.25, s.transmission);
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
    vec3 off = dot(l, s.mirror) * s.mirror - l;
    vec3 nearest = normalize(l + off * min(size * inversesqrt(max(dot(off, off), 1e-12)), 1.0));
    vec3 seen = s.diffuse * (lambert(s, cosine) / PI) + gloss(s, nearest, size);
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
    vec3 f = edge(a, b) + edge(b, c) + edge(c, d) + edge(d, a);
    f *= sign(dot(f, center));
    float size = length(f), z = dot(f, s.n);
    float lowest = min(min(dot(s.n, a), dot(s.n, b)), min(dot(s.n, c), dot(s.n, d)));
    float diffuse = mix(max((size * size + z) / (size + 1.0), 0.0), max(z, 0.0), clamp(lowest * 10.0, 0.0, 1.0));
#if RICH
    diffuse = mix(diffuse, size * max(z / max(size, 1e-6) + 0.5, 0.0) / 2.25, s.transmission);
#endif
    float ahead = dot(axis, s.mirror);
    vec3 hit = ahead < -1e-4 ? s.mirror * (dot(axis, center) / ahead) : center + 1e3 * s.mirror;
    vec3 off = hit - center;
    vec2 inside = clamp(vec2(dot(off, u) / dot(u, u), dot(off, v) / dot(v, v)), -1.0, 1.0);
    vec3 point = center + inside.x * u + inside.y * v;
    float inverse = inversesqrt(dot(point, point));
    vec3 shine = size * gloss(s, point * inverse, down.w * inverse);
    return front * PI * light.rgb * (s.diffuse / PI * diffuse + shine);
}

#if FIRST
vec3 environment_light(Surface s, vec3 albedo, float roughness, float open, float coat_roughness) {
    vec3 around = ambient(s.n);
#if RICH
    around = mix(around, 0.5 * (around + ambient(-s.n)), s.transmission);
#endif
    vec3 base = s.diffuse * around + albedo * reflected(s.mirror, roughness);
#if RICH
    float share = s.coat * (0.04 + 0.96 * fifth(1.0 - s.nv));
    base = base * (1.0 - share) + share * reflected(s.mirror, coat_roughness);
#endif
    return open * environment_scale * base;
}
#endif

// Visibility from half resolution: of the four nearest samples those on the same surface, weighted by nearness.
vec4[2] gathered(ivec2 pixel, uint key, float depth, vec3 ray) {
    ivec2 corner = (pixel - 1) >> 1, last = textureSize(visible, 0) - 1;
    vec2 share = vec2((pixel - 1) & 1) * 0.5 + 0.25;
    vec3 n = world_R_cam * key_normal(key);
    vec3 plane = (n * world_R_pixel) / (dot(n, ray) * depth);
    vec4 sum = vec4(0.0), more = vec4(0.0);
    float total = 0.0;
    for (int i = 0; i < 4; i++) {
        ivec2 q = clamp(corner + ivec2(i & 1, i >> 1), ivec2(0), last);
        uvec4 there = texelFetch(visible, q, 0);
        float off = dot(plane, vec3(vec2(2 * q), 1.0)) * uintBitsToFloat(there.y) - 1.0;
        float weight = ((i & 1) == 1 ? share.x : 1.0 - share.x) * ((i >> 1) == 1 ? share.y : 1.0 - share.y);
        weight *= (there.z >> 20u) == (key >> 20u) ? max(1.0 / (1.0 + 1e5 * off * off), 1e-4) : 1e-4;
        sum += weight * unpack_unorm(there.x);
        total += weight;
#if MORE
        more += weight * unpack_unorm(there.w);
#endif
    }
    return vec4[2](sum / total, more / total);
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy);
    uvec4 word = texelFetch(surfaces, pixel, 0);
    vec3 ray = ray_at(pixel);
    float depth = uintBitsToFloat(word.w);
    vec3 place = eye + ray * depth;
    int row = int(key_item(max(word.y, 1u << 20u)));
    vec4 texel = unpack_unorm(word.x);
    vec4 m0 = texelFetch(materials, ivec2(0, row), 0);  // specular, metallic, transmission
    Surface s;
    s.n = world_R_cam * unpack_direction(word.z);
    s.v = -normalize(ray);
    s.nv = clamp(dot(s.n, s.v), 1e-3, 1.0);
    s.mirror = 2.0 * dot(s.n, s.v) * s.n - s.v;
    s.alpha = texel.a * texel.a;
    s.transmission = m0.z;
    vec4 m1 = vec4(0.0);
#if RICH
    m1 = texelFetch(materials, ivec2(1, row), 0);  // clear coat, its alpha, its roughness
    s.coat = m1.x;
    s.coat_alpha = m1.y;
#endif
    vec3 base = to_linear(texel.rgb);
    s.f0 = mix(vec3(0.08 * m0.x), base, m0.y);
    // Light that bounces between microfacets is given back (Fdez-Agueera 2019); what the gloss takes, the body lacks.
    vec2 dfg = gloss_albedo(s.nv, texel.a);
    s.bounced = 1.0 + s.f0 * (1.0 / (dfg.x + dfg.y) - 1.0);
    vec3 albedo = (s.f0 * dfg.x + dfg.y) * s.bounced;
    s.diffuse = base * (1.0 - m0.y) * (1.0 - albedo);
    vec4 seen[2] = gathered(pixel, word.y, depth, ray);
    vec3 light = vec3(0.0);
#define SMALL_LAMP(i, visibility) light += visibility * small_light(s, place, small_lamps[3 * i], small_lamps[3 * i + 1], small_lamps[3 * i + 2]);
#define AREA_LAMP(i, visibility) light += visibility * area_light(s, place, area_lamps[4 * i], area_lamps[4 * i + 1], area_lamps[4 * i + 2], area_lamps[4 * i + 3]);
    EACH_LAMP
#if FIRST
    light += environment_light(s, albedo, texel.a, seen[0].w, m1.z);
#if PANORAMA
    vec3 behind = environment_scale * panorama_at(normalize(ray));
    out_light = vec4(word.w == 0u ? behind : light, 1.0);
#else
    out_light = word.w == 0u ? vec4(0.0) : vec4(light, 1.0);
#endif
#else
    out_light = word.w == 0u ? vec4(0.0) : vec4(light, 0.0);
#endif
}
