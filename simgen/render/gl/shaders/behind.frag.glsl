// The environment itself, where nothing stands before it.
uniform sampler2D panorama;   // equirectangular
given vec3 environment_scale;

layout(location = 0) out vec4 out_light;

void main() {
    vec3 d = normalize(ray_at(ivec2(gl_FragCoord.xy)));
    vec2 uv = vec2(atan(d.y, d.x) / (2.0 * PI) + 0.5, acos(clamp(d.z, -1.0, 1.0)) / PI);
    out_light = vec4(environment_scale * textureLod(panorama, uv, 0.0).rgb, 1.0);
}
