// Shades each pixel once, from the labels' targets: metallic-roughness with GGX (Walter et al. 2007), the
// height-correlated Smith visibility (Heitz 2014) in Hammon's approximation (2017), Schlick's Fresnel (1994).
uniform usampler2D labels;
uniform usampler2D surfaces;
uniform sampler2D materials;   // rows of 3 texels
uniform sampler2D visible;     // half resolution: three lamps' visibility and ambient occlusion
uniform sampler2D visible_more; // half resolution: four more lamps
uniform ivec2 half_size;
uniform bool first;            // also environment and background; later passes add lamps
uniform int background_kind;   // 0: display-referred, composed later; 1: the environment

layout(location = 0) out vec4 out_light;

struct Surface {
    vec3 n, v, base, f0, diffuse, bounced;
    float alpha, nv, coat, coat_alpha, transmission, metallic, roughness;
};

float ggx(float nh, float alpha) {
    float a2 = alpha * alpha;
    float d = (nh * a2 - nh) * nh + 1.0;
    return a2 / (PI * d * d);
}

float smith(float nl, float nv, float alpha) {
    return 0.5 / max(mix(2.0 * nl * nv, nl + nv, alpha), 1e-5);
}

vec3 schlick(vec3 f0, float vh) {
    float k = 1.0 - vh, k2 = k * k;
    return f0 + (clamp(50.0 * f0.g, 0.0, 1.0) - f0) * k2 * k2 * k;
}

// Radiance towards the eye of the gloss under a small lamp with irradiance 1 on a facing surface.
vec3 gloss(Surface s, vec3 l, float widened) {
    vec3 h = normalize(s.v + l);
    float nl = max(dot(s.n, l), 0.0), nh = clamp(dot(s.n, h), 0.0, 1.0), vh = clamp(dot(s.v, h), 0.0, 1.0);
    vec3 base = s.bounced * ggx(nh, widened) * smith(nl, s.nv, widened) * schlick(s.f0, vh);
    if (s.coat > 0.0) {
        float fresnel = s.coat * (0.04 + 0.96 * pow(1.0 - vh, 5.0));
        base = base * (1.0 - fresnel) + fresnel * ggx(nh, s.coat_alpha) * smith(nl, s.nv, s.coat_alpha);
    }
    return base * nl;
}

// Diffuse light through the body: cosine wrapped around it (d'Eon's normalisation, 2007), and a share of what comes from behind.
float wrapped(float cosine, float transmission) {
    float w = 0.5;
    float around = max(cosine + w, 0.0) / ((1.0 + w) * (1.0 + w));
    return mix(max(cosine, 0.0), around, transmission);
}

// A lamp of angular radius `size` (its radius over its distance) as one point: the one nearest to the mirror direction,
// with a lobe widened so that a mirror shows the lamp's own radiance (after Karis 2013).
vec3 extended_gloss(Surface s, vec3 l, float size) {
    float widened = min(s.alpha + 0.5 * size, 1.0);
    return gloss(s, l, widened);
}

vec3 nearest_on_ball(vec3 l, vec3 mirror, float size) {
    vec3 off = dot(l, mirror) * mirror - l;
    return normalize(l + off * min(size / max(length(off), 1e-6), 1.0));
}

vec3 edge(vec3 a, vec3 b) {
    float c = clamp(dot(a, b), -0.9999, 0.9999);
    return cross(a, b) * (acos(c) * inversesqrt(1.0 - c * c));
}

// Vector irradiance of a rectangle of radiance 1 over pi (Lambert's formula, see Arvo 1994).
vec3 rectangle_irradiance(vec3 center, vec3 u, vec3 v) {
    vec3 a = normalize(center - u - v), b = normalize(center + u - v);
    vec3 c = normalize(center + u + v), d = normalize(center - u + v);
    vec3 f = (edge(a, b) + edge(b, c) + edge(c, d) + edge(d, a)) / (2.0 * PI);
    return dot(f, center) < 0.0 ? -f : f;
}

// The cosine-weighted share over the horizon: exact for a lamp wholly above it, else as of a ball with
// the same vector irradiance (Hill and Heitz 2016).
float over_horizon(vec3 f, vec3 n, float lowest) {
    float size = length(f), z = dot(f, n);
    return mix(max((size * size + z) / (size + 1.0), 0.0), max(z, 0.0), smoothstep(0.0, 0.1, lowest));
}

vec3 area_light(Surface s, vec3 place, int lamp) {
    vec3 center = lamps[5 * lamp].xyz - place, axis = lamps[5 * lamp + 2].xyz;
    if (dot(axis, center) >= 0.0) return vec3(0.0);
    vec3 u = lamps[5 * lamp + 3].xyz, v = lamps[5 * lamp + 4].xyz;
    vec3 f = rectangle_irradiance(center, u, v);
    float lowest = (dot(s.n, center) - abs(dot(s.n, u)) - abs(dot(s.n, v))) * inversesqrt(dot(center, center));
    float diffuse = over_horizon(f, s.n, lowest);
    if (s.transmission > 0.0) diffuse = mix(diffuse, length(f) * wrapped(dot(s.n, normalize(f)), 1.0), s.transmission);
    vec3 mirror = reflect(-s.v, s.n);
    float down = dot(axis, mirror);
    vec3 hit = down < -1e-4 ? mirror * (dot(axis, center) / down) : s.n * dot(s.n, center) + mirror;
    vec3 off = hit - center;
    vec2 inside = clamp(vec2(dot(off, u) / dot(u, u), dot(off, v) / dot(v, v)), -1.0, 1.0);
    vec3 point = center + inside.x * u + inside.y * v;
    float size = 2.0 * sqrt(length(u) * length(v) / PI) * inversesqrt(dot(point, point));
    vec3 shine = length(f) * extended_gloss(s, normalize(point), size);
    return lamps[5 * lamp + 1].rgb * PI * (s.diffuse / PI * diffuse + shine);
}

vec3 small_light(Surface s, vec3 place, int lamp) {
    vec4 at = lamps[5 * lamp], light = lamps[5 * lamp + 1];
    vec4 l = towards(lamp, place);
    float size = light.w, power = 1.0;
    if (at.w != DIRECTIONAL) {
        float far = max(l.w, max(size, 1e-3));
        size /= far;
        power = 1.0 / (far * far);
        if (at.w == SPOT) {
            float outer = lamps[5 * lamp + 2].w, inner = lamps[5 * lamp + 3].w;
            power *= smoothstep(outer, inner, -dot(l.xyz, lamps[5 * lamp + 2].xyz));
        }
    }
    float cosine = dot(s.n, l.xyz);
    vec3 seen = s.diffuse / PI * wrapped(cosine, s.transmission);
    if (cosine > -size) seen += extended_gloss(s, nearest_on_ball(l.xyz, reflect(-s.v, s.n), size), size);
    return light.rgb * power * seen;
}

// Visibility and occlusion from half resolution: the four nearest samples, weighted by nearness and by how close they
// lie to this pixel's own plane.
vec4[2] gathered(ivec2 pixel, vec3 place, vec3 flat_n, float depth) {
    vec2 at = (vec2(pixel) + 0.5) * 0.5 - 0.5;
    ivec2 corner = ivec2(floor(at));
    vec2 share = at - vec2(corner);
    vec4 sum = vec4(0.0), more = vec4(0.0);
    float total = 1e-6;
    for (int i = 0; i < 4; i++) {
        ivec2 q = clamp(corner + ivec2(i & 1, i >> 1), ivec2(0), half_size - 1);
        ivec2 full = min(2 * q, textureSize(shapes, 0) - 1);
        uvec4 shape = texelFetch(shapes, full, 0);
        float there = uintBitsToFloat(shape.w);
        float off = abs(dot(flat_n, eye + ray_at(full) * there - place)) / depth;
        float like = max(dot(flat_n, world_R_cam * uintBitsToFloat(shape.xyz)), 0.0);
        float weight = ((i & 1) == 1 ? share.x : 1.0 - share.x) * ((i >> 1) == 1 ? share.y : 1.0 - share.y);
        weight = (weight + 0.01) * (there > 0.0 ? like * like / (1.0 + 1e6 * off * off) : 0.0) + 1e-6;
        sum += weight * texelFetch(visible, q, 0);
        more += weight * texelFetch(visible_more, q, 0);
        total += weight;
    }
    return vec4[2](sum / total, more / total);
}

vec3 environment_light(Surface s, vec3 albedo, float open, float coat_roughness) {
    vec3 around = ambient(s.n);
    if (s.transmission > 0.0) around = mix(around, 0.5 * (around + ambient(-s.n)), s.transmission);
    vec3 mirror = reflect(-s.v, s.n);
    vec3 base = s.diffuse * around + albedo * reflected(mirror, s.roughness);
    if (s.coat > 0.0) {
        float fresnel = s.coat * (0.04 + 0.96 * pow(1.0 - s.nv, 5.0));
        base = base * (1.0 - fresnel) + fresnel * reflected(mirror, coat_roughness);
    }
    return open * base;
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy);
    uvec4 shape = texelFetch(shapes, pixel, 0);
    vec3 ray = ray_at(pixel);
    if (shape.w == 0u) {
        out_light = background_kind == 1 ? vec4(environment_background(normalize(ray)), 1.0) : vec4(0.0);
        if (!first) out_light = vec4(0.0);
        return;
    }
    float depth = uintBitsToFloat(shape.w);
    vec3 place = eye + ray * depth;
    uvec2 word = texelFetch(surfaces, pixel, 0).xy;
    int row = int(word.y >> 20u);
    vec4 m0 = texelFetch(materials, ivec2(0, row), 0);  // specular, metallic, transmission, bumped
    vec4 m1 = texelFetch(materials, ivec2(1, row), 0);  // clear coat, its alpha, its roughness
    vec4 texel = unpack_unorm(word.x);
    vec3 flat_n = world_R_cam * uintBitsToFloat(shape.xyz);
    Surface s;
    s.n = m0.w > 0.0 ? world_R_cam * unpack_normal(word.y) : flat_n;
    s.v = -normalize(ray);
    s.nv = clamp(dot(s.n, s.v), 1e-3, 1.0);
    s.base = to_linear(texel.rgb);
    s.metallic = m0.y;
    s.f0 = mix(vec3(0.08 * m0.x), s.base, s.metallic);
    s.roughness = texel.a;
    s.alpha = s.roughness * s.roughness;
    s.transmission = m0.z;
    s.coat = m1.x;
    s.coat_alpha = m1.y;
    // Light that bounces between microfacets is given back (Fdez-Agueera 2019); what the gloss takes, the body lacks.
    vec2 dfg = environment_brdf(s.nv, s.roughness);
    vec3 albedo = s.f0 * dfg.x + dfg.y;
    vec3 bounced = 1.0 + s.f0 * (1.0 / (dfg.x + dfg.y) - 1.0);
    s.diffuse = s.base * (1.0 - s.metallic) * (1.0 - albedo * bounced);
    s.bounced = bounced;
    vec4 seen[2] = gathered(pixel, place, flat_n, depth);
    vec3 light = vec3(0.0);
    for (int lamp = 0; lamp < lamp_count; lamp++) {
        int channel = int(lamps[5 * lamp + 4].w);
        float visibility = channel < 0 ? 1.0 : seen[channel >> 2][channel & 3];
        if (visibility <= 0.0) continue;
        light += visibility * (lamps[5 * lamp].w == AREA ? area_light(s, place, lamp) : small_light(s, place, lamp));
    }
    if (first) light += environment_light(s, albedo * bounced, seen[0].w, m1.z);
    out_light = vec4(light, first ? 1.0 : 0.0);
}
