// At half resolution: how much of up to seven lamps each place sees (percentage-closer soft shadows, Fernando 2005), and
// ambient occlusion (after McGuire et al. 2011). The taps lie on a Vogel spiral that has 9 turns over 3 x 3 pixels; the
// pass that follows averages over these. EACH_CASTER and CUBES are set by the program: loops over lamps are unrolled.
uniform sampler2D shadow_atlas;
#if TRANSLUCENT
uniform sampler2D shadow_bodies; // see translucent.frag.glsl
const vec2 ENTER = vec2(0.0, 1.0 / 3.0), LEAVE = vec2(0.0, 2.0 / 3.0); // from a map to those of translucent bodies
#endif
given float occlusion_m;   // reach of the occlusion
given vec3 inverse_focal;  // 1 / fx, 1 / fy, fy in pixels; the skew is too small to matter
given vec2 center_px;

given mat4 clip_T_world[VIEWS];
given vec4 tiles[VIEWS];    // of the atlas: scale and offset of texture coordinates
given vec4 kernels[VIEWS];  // lamp's half size along the view's axes in texture coordinates (see shadows.py), texel,
                              // and the normal's offset in metres per metre of distance
given vec4 ranges[VIEWS];   // near, far (0, 0: orthographic), reach of casters, 1 for orthographic depth in metres
#if CUBES
uniform ivec4 firsts[2];      // of each lamp: its first view
uniform ivec4 faces[2];       // 1, or 6 for a lamp that is seen all around
uniform vec3 lamp_places[7];
#endif

layout(location = 0) out uvec4 out_visible; // first four channels, depth and item, key, last four channels

#ifndef GL_ARB_derivative_control
#define dFdxFine dFdx
#define dFdyFine dFdy
#endif

const int TAPS = 4, SKY = 6, TURNS = 3;
const mat2 THIRD = mat2(0.7373688, 0.6754903, -0.6754903, 0.7373688); // a turn that no two spirals' taps meet in

float linear_depth(float z, vec4 range) {
    return range.x == 0.0 ? z * range.w : range.x * range.y / (range.y - z * (range.y - range.x));
}

vec2 spiral(int i, float radius, vec2 turn) {
    float angle = 2.39996323 * float(i);
    vec2 v = radius * vec2(cos(angle), sin(angle));
    return vec2(v.x * turn.x - v.y * turn.y, v.x * turn.y + v.y * turn.x);
}

vec2 vogel(int i, int count, vec2 turn) { return spiral(i, sqrt((float(i) + 0.5) / float(count)), turn); }

// The sum over the 2 x 2 pixels that a driver shades together: a neighbour's value is the own one and the derivative.
vec2 over_quad(vec2 v) {
    vec2 ahead = 1.0 - 2.0 * vec2(ivec2(gl_FragCoord.xy) & 1);
    v = 2.0 * v + ahead.x * dFdxFine(v);
    return 2.0 * v + ahead.y * dFdyFine(v);
}

// How a place's projection, not yet divided by w, moves in the map when the place moves along a direction.
vec3 shift(mat4 clip, vec4 c, vec3 along) {
    vec4 d = clip * vec4(along, 0.0);
    return d.xyz * c.w - c.xyz * d.w;
}

#if TRANSLUCENT
// Whether a translucent body stands before a place of depth `z` in the map, how much of the light it stops, and its depth.
// A place that faces the lamp lies behind the whole body and gets what comes out of it; one that faces away lies on it or
// in it, and the light pass knows how much comes out: what it needs is how much is left on the way to there (the thickness
// from the map: Jimenez et al. 2010).
vec3 through(vec2 tap, float z, float ahead, bool faces, vec4 range) {
    float enter = textureLod(shadow_atlas, tap + ENTER, 0.0).r, leave = textureLod(shadow_atlas, tap + LEAVE, 0.0).r;
    vec2 body = textureLod(shadow_bodies, tap + ENTER, 0.0).xy;
    float thick = max(linear_depth(faces ? leave : min(leave, z), range) - linear_depth(enter, range), 0.0);
    float first = faces ? leave : enter;
    return vec3(float(first < ahead), 1.0 - (faces ? body.x : 1.0) * exp(-thick * body.y), first);
}
#endif

float lamp_visible(int view, vec3 place, vec3 n, mat2x3 tangents, vec2 turn) {
    vec4 kernel = kernels[view], range = ranges[view], tile = tiles[view];
    mat4 clip = clip_T_world[view];
    float flat_scale = range.x == 0.0 ? 1.0 : dot(vec4(clip[0].w, clip[1].w, clip[2].w, clip[3].w), vec4(place, 1.0));
    place += n * kernel.w * flat_scale;
    vec4 c = clip * vec4(place, 1.0);
    vec3 at = c.xyz / c.w * 0.5 + 0.5;
    // Depth on the receiver's own plane is linear in texture coordinates, so that a wide kernel does not shade it.
    vec3 plane = cross(shift(clip, c, tangents[0]), shift(clip, c, tangents[1]));
    vec2 slope = -plane.xy / (abs(plane.z) < 1e-12 ? 1e-12 : plane.z);
    float receiver = linear_depth(at.z, range);
    vec2 reach = kernel.xy;
    if (range.x > 0.0) reach *= min(range.z / max(receiver - range.z, range.x), 1.0) / receiver;
    reach = clamp(reach, vec2(1.5 * kernel.z), vec2(0.15));
    // From here on in the atlas's texture coordinates.
    vec2 base = at.xy * tile.xy + tile.zw, low = tile.zw + 0.5 * kernel.z * tile.xy, high = tile.zw + tile.xy - 0.5 * kernel.z * tile.xy;
    slope /= tile.xy;
    vec2 wide = reach * tile.xy;
    // The lamp, seen through a blocker, grows in proportion to the depth of the place behind the blocker, in the map as well.
    vec2 spread = kernel.xy * tile.xy * (range.x > 0.0 ? (range.y - range.x) / (range.x * range.y) : range.w / range.z);
    // The first turn looks for blockers within reach, for all of a quad at once. Its radii are a geometric series: what
    // blocks a wide lamp next to a contact is small beside the reach. Only where some taps are blocked and some are not,
    // and the surface faces the lamp, more turns follow, within the penumbra's radius: the rest of the picture is spared
    // them.
    vec2 radius = wide;
    float blocked = 0.0;
    int turns = 1;
    for (int k = 0; k < turns; k++) {
        float hits = 0.0, sum = 0.0;
#if TRANSLUCENT
        float stopped = 0.0;
#endif
        // What blocks the lamp at a tap stands at least this share times `cone` before the place. A plane that is steeper there
        // hides nothing from that: beside a lamp's horizon it would hide a roof.
        float cone = radius.x / max(spread.x, 1e-12);
        for (int i = 0; i < TAPS; i++) {
            float share = k == 0 ? exp2(1.5 * float(i + 1 - TAPS)) : sqrt((float(i) + 0.5) / float(TAPS));
            vec2 off = radius * spiral(i, share, turn);
            vec2 tap = clamp(base + off, low, high);
            float z = textureLod(shadow_atlas, tap, 0.0).r, ahead = at.z + clamp(dot(slope, off), -cone * share, 0.0);
            float hit = float(z < ahead);
#if TRANSLUCENT
            vec3 body = through(tap, at.z, ahead, plane.z < 0.0, range);
            stopped += max(hit, body.x * body.y);
            z = body.x > hit ? body.z : z;
            hit = max(hit, body.x);
#endif
            sum += hit * (at.z - z);
            hits += hit;
        }
        vec2 all = over_quad(vec2(hits, sum));
        vec2 penumbra = spread * (all.y / max(all.x, 1.0));
        bool more = k == 0 && all.x > 0.5 && all.x < 4.0 * float(TAPS) - 0.5 && plane.z < 0.0;
        radius = k == 0 ? clamp(penumbra, 1.2 * kernel.z * tile.xy, wide) : radius;
        turns = more ? TURNS : turns;
#if TRANSLUCENT
        hits = stopped;
#endif
        blocked = k == 1 ? hits : blocked + hits;
        turn = THIRD * turn;
    }
    float lit = 1.0 - blocked / float(TAPS * max(turns - 1, 1));
    bool outside = c.w <= 0.0 || any(greaterThan(abs(at - 0.5), vec3(0.5)));
    return outside ? 1.0 : lit;
}

// Occlusion in camera axes; the height over the place's own plane is linear in a pixel's ray times its depth.
float open_sky(ivec2 pixel, vec3 n, float depth, vec2 turn) {
    float radius = min(occlusion_m * inverse_focal.z / depth, 120.0);
    vec2 inverse_size = 1.0 / vec2(textureSize(surfaces, 0));
    vec2 own = (vec2(pixel) - center_px) * inverse_focal.xy;
    float base = dot(n, vec3(own, 1.0)) * depth;
    float sum = 0.0, inverse2 = 1.0 / (occlusion_m * occlusion_m);
    for (int i = 0; i < SKY; i++) {
        vec2 q = floor(0.5 * (vec2(pixel) + radius * vogel(i, SKY, turn)));
        float there = uintBitsToFloat(textureLod(surfaces, (2.0 * q + 0.5) * inverse_size, 0.0).w);
        vec3 ray = vec3((2.0 * q - center_px) * inverse_focal.xy, 1.0);
        vec3 d = ray * there - vec3(own * depth, depth);
        float far2 = dot(d, d) + 1e-12;
        float fade = there > 0.0 ? max(1.0 - far2 * inverse2, 0.0) : 0.0;
        sum += fade * max((dot(n, ray) * there - base) * inversesqrt(far2) - 0.08, 0.0);
    }
    return radius < 1.5 ? 1.0 : clamp(1.0 - 2.0 * sum / float(SKY), 0.0, 1.0);
}

#if CUBES
int face_of(vec3 d) {
    vec3 a = abs(d);
    if (a.z >= a.x && a.z >= a.y) return d.z < 0.0 ? 0 : 1;
    if (a.x >= a.y) return d.x > 0.0 ? 2 : 3;
    return d.y > 0.0 ? 4 : 5;
}

#define VIEW(i) (firsts[(i) >> 2][(i) & 3] + (faces[(i) >> 2][(i) & 3] == 6 ? face_of(place - lamp_places[i]) : 0))
#else
#define VIEW(i) (i)
#endif

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy);
    ivec2 pixel = min(2 * here, textureSize(surfaces, 0) - 1);
    uvec2 word = texelFetch(surfaces, pixel, 0).yw;
    float depth = uintBitsToFloat(word.y);
    vec3 place = eye + ray_at(pixel) * depth;
    vec3 n = world_R_cam * key_normal(word.x);
    vec3 across = normalize(abs(n.x) < 0.7 ? vec3(0.0, n.z, -n.y) : vec3(-n.z, 0.0, n.x));
    mat2x3 tangents = mat2x3(across, cross(n, across));
    ivec2 cell = here % 3;
    float angle = float(3 * cell.y + cell.x) * (6.2831853 / 9.0);
    vec2 turn = vec2(cos(angle), sin(angle));
    vec4 seen[2] = vec4[2](vec4(1.0), vec4(1.0));
#define CASTER(i, channel) seen[channel >> 2][channel & 3] = lamp_visible(VIEW(i), place, n, tangents, turn);
    EACH_CASTER
#if OCCLUSION
    seen[0].w = open_sky(pixel, key_normal(word.x), depth, turn);
#endif
    bool nothing = word.x == 0u;
    out_visible = uvec4(nothing ? ~0u : pack_unorm(seen[0]), pack_depth(depth, word.x), word.x, nothing ? ~0u : pack_unorm(seen[1]));
}
