// Depth at half resolution.
uniform usampler2D surfaces;

layout(location = 0) out vec4 out_depth;

void main() {
    ivec2 pixel = min(2 * ivec2(gl_FragCoord.xy), textureSize(surfaces, 0) - 1);
    out_depth = vec4(uintBitsToFloat(texelFetch(surfaces, pixel, 0).w));
}
