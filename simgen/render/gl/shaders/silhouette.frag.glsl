layout(location = 0) out vec4 out_hit;

void main() { out_hit = vec4(1.0); }
