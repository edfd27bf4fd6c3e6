// At half resolution: how much of up to four lamps each place sees (percentage-closer soft shadows, Fernando 2005), and
// ambient occlusion (after McGuire et al. 2011). The taps lie on a Vogel spiral that turns from pixel to pixel by
// interleaved gradient noise (Jimenez 2014); the pass that follows averages that away.
uniform sampler2D shadow_atlas;
uniform ivec4 casters;       // first shadow view of the lamp in each channel, or -1
uniform ivec4 faces;         // 1, or 6 for a lamp that is seen all around
uniform vec3 lamp_places[4];
uniform int occlusion;       // 1: the last channel is ambient occlusion
uniform float occlusion_m;   // its reach
uniform float pixels_per_m;  // at depth 1

const int VIEWS = 24;
uniform mat4 clip_T_world[VIEWS];
uniform mat4 plane_T_world[VIEWS]; // inverse transpose of it, up to a factor
uniform vec4 tiles[VIEWS];    // of the atlas: scale and offset of texture coordinates
uniform vec4 kernels[VIEWS];  // lamp's half size along the view's axes in texture coordinates (see shadows.py), texel,
                              // and the normal's offset in metres per metre of distance
uniform vec4 ranges[VIEWS];   // near, far (0, 0: orthographic), reach of casters, 1 for orthographic depth in metres

layout(location = 0) out vec4 out_visible;

const int SEARCH = 8, TAPS = 12;

float linear_depth(float z, vec4 range) {
    if (range.x == 0.0) return z * range.w;
    return range.x * range.y / (range.y - z * (range.y - range.x));
}

vec2 vogel(int i, int count, float turn) {
    float angle = 2.39996323 * float(i) + turn;
    return sqrt((float(i) + 0.5) / float(count)) * vec2(cos(angle), sin(angle));
}

int face_of(vec3 d) {
    vec3 a = abs(d);
    if (a.z >= a.x && a.z >= a.y) return d.z < 0.0 ? 0 : 1;
    if (a.x >= a.y) return d.x > 0.0 ? 2 : 3;
    return d.y > 0.0 ? 4 : 5;
}

float lamp_visible(int view, vec3 place, vec3 n, float turn) {
    vec4 kernel = kernels[view], range = ranges[view], tile = tiles[view];
    vec4 c = clip_T_world[view] * vec4(place, 1.0);
    place += n * kernel.w * (range.x == 0.0 ? 1.0 : c.w);
    c = clip_T_world[view] * vec4(place, 1.0);
    if (c.w <= 0.0) return 1.0;
    vec3 at = c.xyz / c.w * 0.5 + 0.5;
    if (any(greaterThan(abs(at - 0.5), vec3(0.5)))) return 1.0;
    // Depth on the receiver's own plane is linear in texture coordinates, so that a wide kernel does not shade it.
    vec4 plane = plane_T_world[view] * vec4(n, -dot(n, place));
    vec2 slope = -plane.xy / (abs(plane.z) < 1e-6 ? 1e-6 : plane.z);
    float receiver = linear_depth(at.z, range);
    float steepest = 0.02 / max(max(kernel.x, kernel.y), 1e-4);
    vec2 reach = kernel.xy;
    if (range.x > 0.0) reach *= min(range.z / max(receiver - range.z, range.x), 1.0) / receiver;
    reach = clamp(reach, vec2(kernel.z), vec2(0.15));
    int blocked = 0;
    float sum = 0.0;
    for (int i = 0; i < SEARCH; i++) {
        vec2 off = reach * vogel(i, SEARCH, turn);
        float z = textureLod(shadow_atlas, clamp(at.xy + off, 0.0, 1.0) * tile.xy + tile.zw, 0.0).r;
        if (z < at.z + min(dot(slope, off), 0.0)) {
            sum += linear_depth(z, range);
            blocked++;
        }
    }
    if (blocked == 0) return 1.0;
    if (blocked == SEARCH) return 0.0;
    float blocker = sum / float(blocked);
    float gap = max(receiver - blocker, 0.0);
    vec2 radius = range.x > 0.0 ? kernel.xy * gap / (blocker * receiver) : kernel.xy * gap / range.z;
    radius = clamp(radius, vec2(1.2 * kernel.z), reach);
    float lit = 0.0;
    for (int i = 0; i < TAPS; i++) {
        vec2 off = radius * vogel(i, TAPS, turn);
        float z = textureLod(shadow_atlas, clamp(at.xy + off, 0.0, 1.0) * tile.xy + tile.zw, 0.0).r;
        lit += float(z >= at.z + min(dot(slope, off), 0.0));
    }
    return lit / float(TAPS);
}

float open_sky(ivec2 pixel, vec3 place, vec3 n, float depth, float turn) {
    float radius = min(occlusion_m * pixels_per_m / depth, 120.0);
    if (radius < 1.5) return 1.0;
    ivec2 last = textureSize(shapes, 0) - 1;
    float sum = 0.0;
    for (int i = 0; i < 8; i++) {
        ivec2 q = clamp(pixel + ivec2(radius * vogel(i, 8, turn)), ivec2(0), last);
        float there = uintBitsToFloat(texelFetch(shapes, q, 0).w);
        vec3 d = eye + ray_at(q) * there - place;
        float far2 = dot(d, d), range2 = occlusion_m * occlusion_m;
        float fade = there > 0.0 ? max(1.0 - far2 / range2, 0.0) : 0.0;
        sum += fade * max(dot(d, n) * inversesqrt(far2 + 1e-12) - 0.08, 0.0);
    }
    return clamp(1.0 - 2.0 * sum / 8.0, 0.0, 1.0);
}

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy);
    ivec2 pixel = min(2 * here, textureSize(shapes, 0) - 1);
    uvec4 shape = texelFetch(shapes, pixel, 0);
    out_visible = vec4(1.0);
    if (shape.w == 0u) return;
    float depth = uintBitsToFloat(shape.w);
    vec3 place = eye + ray_at(pixel) * depth;
    vec3 n = world_R_cam * uintBitsToFloat(shape.xyz);
    float turn = 6.2831853 * fract(52.9829189 * fract(dot(vec2(here), vec2(0.06711056, 0.00583715))));
    for (int i = 0; i < 4; i++) {
        if (casters[i] < 0) continue;
        int view = casters[i];
        if (faces[i] == 6) view += face_of(place - lamp_places[i]);
        out_visible[i] = lamp_visible(view, place, n, turn);
    }
    if (occlusion == 1) out_visible.a = open_sky(pixel, place, n, depth, turn);
}
