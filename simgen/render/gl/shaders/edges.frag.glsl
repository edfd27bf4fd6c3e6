// What is hit half a pixel up and left of the pixels' centres, in one word.
in vec3 v_normal;
flat in uint v_item;
flat in float v_flip;

layout(location = 0) out uint out_key;

void main() { out_key = pack_key(v_item, v_normal * (gl_FrontFacing ? 1.0 : 1.0 - 2.0 * v_flip)); }
