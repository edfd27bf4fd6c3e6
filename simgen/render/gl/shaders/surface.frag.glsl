// Writes all labels and what the light passes need to know of the surface, unblended. BUMP, COLORS and TRIPLANAR are set by the
// program that includes this: a software driver runs both sides of every branch.
in vec3 v_normal;
in vec3 v_place;
in vec3 v_inside;
in vec2 v_uv;
#if COLORS
in vec3 v_color;
#endif

uniform sampler2D surface;
uniform sampler2D slopes;
flat in uvec2 v_who;
flat in vec4 v_look;
#if BUMP || TRIPLANAR
flat in mat3 v_turn;
flat in float v_tiles_per_m;
#endif

layout(location = 0) out uvec4 out_shape;   // normal in camera axes, depth
layout(location = 1) out uvec4 out_labels;  // place in the bounding box, ids
layout(location = 2) out uvec4 out_surface; // base colour and roughness, key, shading normal, depth

// A texture's texel from the level that fits, chosen here: drivers choose differently.
vec4 texel_of(sampler2D image, vec2 uv) {
    vec2 dx = dFdx(uv), dy = dFdy(uv), size = vec2(textureSize(image, 0));
    dx *= size;
    dy *= size;
    // Half the exponent of twice the square: the nearest level.
    int twice = int(floatBitsToUint(2.0 * max(dot(dx, dx), dot(dy, dy))) >> 23u) - 127;
    return textureLod(image, uv, float(twice >> 1));
}

// Height's change per pixel along x and y (Mikkelsen 2010 needs no more), and the texel, of the projection in use.
#if TRIPLANAR
vec4 texel_at(vec3 q, vec3 w) {
    return w.x * texel_of(surface, q.yz) + w.y * texel_of(surface, q.zx) + w.z * texel_of(surface, q.xy);
}

vec2 height_change(vec3 q, vec3 w) {
    vec2 sx = texel_of(slopes, q.yz).xy, sy = texel_of(slopes, q.zx).xy, sz = texel_of(slopes, q.xy).xy;
    vec3 dx = dFdx(q), dy = dFdy(q);
    return w.x * vec2(dot(sx, dx.yz), dot(sx, dy.yz)) + w.y * vec2(dot(sy, dx.zx), dot(sy, dy.zx))
         + w.z * vec2(dot(sz, dx.xy), dot(sz, dy.xy));
}
#else
vec4 texel_at(vec3 q, vec3 w) { return texel_of(surface, v_uv); }

vec2 height_change(vec3 q, vec3 w) {
    vec2 slope = texel_of(slopes, v_uv).xy;
    return vec2(dot(slope, dFdx(v_uv)), dot(slope, dFdy(v_uv)));
}
#endif

vec3 bent(vec3 n, vec3 px, vec3 py, vec2 change) {
    vec3 r1 = cross(py, n), r2 = cross(n, px);
    float det = dot(px, r1);
    vec3 gradient = sign(det) * (change.x * r1 + change.y * r2);
    return normalize(abs(det) * n - gradient);
}

void main() {
    vec3 n = normalize(v_normal) * (gl_FrontFacing ? 1.0 : 1.0 - 2.0 * v_look.w);
    vec3 q = v_place, weights = vec3(0.0);
#if TRIPLANAR
    q *= v_tiles_per_m;
    vec3 sides = n * v_turn;  // v * R is transpose(R) * v
    weights = sides * sides * sides * sides;
    weights /= weights.x + weights.y + weights.z;
#endif
    vec4 texel = texel_at(q, weights);
#if COLORS
    texel.rgb *= v_color;
#endif
    vec3 shading = n;
#if BUMP
    vec3 place = v_turn * v_place;  // differs from the place in camera axes by a constant
    shading = bent(n, dFdx(place), dFdy(place), v_look.x * height_change(q, weights));
#endif
    float rough = clamp(v_look.y + v_look.z * (2.0 * texel.a - 1.0), 0.03, 1.0);
    uint depth = floatBitsToUint(1.0 / gl_FragCoord.w);
    out_shape = uvec4(floatBitsToUint(n), depth);
    out_labels = uvec4(floatBitsToUint(v_inside), v_who.y);
    out_surface = uvec4(pack_unorm(vec4(texel.rgb, rough)), pack_key(v_who.x, n), pack_direction(shading), depth);
}
