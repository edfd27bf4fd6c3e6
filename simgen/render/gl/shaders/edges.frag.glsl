// At twice the size: what is hit, in one word.
in vec3 v_normal;
uniform uint item;
uniform bool flip;

layout(location = 0) out uint out_key;

void main() {
    vec3 n = normalize(v_normal);
    if (flip && !gl_FrontFacing) n = -n;
    out_key = pack_normal(n) | (item << 20u);
}
