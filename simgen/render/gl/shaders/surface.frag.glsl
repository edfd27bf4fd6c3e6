// Writes all labels and what the light passes need to know of the surface, unblended.
in vec3 v_normal;
in vec3 v_place;
in vec2 v_uv;

uniform sampler2D surface;
uniform sampler2D slopes;
uniform mat3 cam_R_item;
uniform vec3 low;
uniform vec3 inverse_extent;
uniform uint ids;          // instance, part << 16
uniform uint item;         // row of the materials' table
uniform float bump_m;      // height of the brightest texel over the darkest, 0: flat
uniform float roughness;
uniform float contrast;    // of the roughness
uniform float tiles_per_m; // triplanar projection, 0: texture coordinates
uniform bool flip;         // an open surface shows its back, too

layout(location = 0) out uvec4 out_shape;   // normal in camera axes, depth
layout(location = 1) out uvec4 out_labels;  // place in the bounding box, ids
layout(location = 2) out uvec2 out_surface; // base colour and roughness; bent normal and item

vec4 triplanar(vec3 weights, vec3 q) {
    return weights.x * texture(surface, q.yz) + weights.y * texture(surface, q.zx) + weights.z * texture(surface, q.xy);
}

// Unparametrised bump mapping (Mikkelsen 2010): `change` is the height's change per pixel in x and y, in metres.
vec3 bent(vec3 n, vec3 px, vec3 py, vec2 change) {
    vec3 r1 = cross(py, n), r2 = cross(n, px);
    float det = dot(px, r1);
    vec3 gradient = sign(det) * (change.x * r1 + change.y * r2);
    return normalize(abs(det) * n - gradient);
}

vec2 height_change(vec3 weights, vec3 q) {
    if (tiles_per_m == 0.0) {
        vec2 slope = texture(slopes, v_uv).xy;
        return vec2(dot(slope, dFdx(v_uv)), dot(slope, dFdy(v_uv)));
    }
    vec2 sx = texture(slopes, q.yz).xy, sy = texture(slopes, q.zx).xy, sz = texture(slopes, q.xy).xy;
    vec3 dx = dFdx(q), dy = dFdy(q);
    return weights.x * vec2(dot(sx, dx.yz), dot(sx, dy.yz)) + weights.y * vec2(dot(sy, dx.zx), dot(sy, dy.zx))
         + weights.z * vec2(dot(sz, dx.xy), dot(sz, dy.xy));
}

void main() {
    vec3 n = normalize(v_normal);
    if (flip && !gl_FrontFacing) n = -n;
    vec3 q = v_place * tiles_per_m, weights = vec3(0.0);
    vec4 texel;
    if (tiles_per_m > 0.0) {
        weights = pow(abs(n * cam_R_item), vec3(4.0));  // v * R is transpose(R) * v
        weights /= weights.x + weights.y + weights.z;
        texel = triplanar(weights, q);
    } else {
        texel = texture(surface, v_uv);
    }
    vec3 shading = n;
    if (bump_m > 0.0) {
        vec3 place = cam_R_item * v_place;  // differs from the place in camera axes by a constant
        shading = bent(n, dFdx(place), dFdy(place), bump_m * height_change(weights, q));
    }
    float rough = clamp(roughness + contrast * (2.0 * texel.a - 1.0), 0.03, 1.0);
    out_shape = uvec4(floatBitsToUint(n), floatBitsToUint(1.0 / gl_FragCoord.w));
    out_labels = uvec4(floatBitsToUint((v_place - low) * inverse_extent), ids);
    out_surface = uvec2(pack_unorm(vec4(texel.rgb, rough)), pack_normal(shading) | (item << 20u));
}
