// What is known of a translucent body in a shadow map.
uniform vec2 body; // share of light let through, 1 / depth in metres

layout(location = 0) out vec2 out_body;

void main() { out_body = body; }
