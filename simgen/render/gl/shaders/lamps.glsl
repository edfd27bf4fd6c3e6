// Lamps as a table of 5 vec4 each (see lamps.py).
const int LAMPS = 8;
uniform int lamp_count;
uniform vec4 lamps[LAMPS * 5];

const float DIRECTIONAL = 0.0, POINT = 1.0, SPOT = 2.0, AREA = 3.0;

// Towards the lamp from a place: direction and distance.
vec4 towards(int lamp, vec3 place) {
    vec4 at = lamps[5 * lamp];
    if (at.w == DIRECTIONAL) return vec4(at.xyz, 1.0);
    vec3 d = at.xyz - place;
    float far = max(length(d), 1e-6);
    return vec4(d / far, far);
}
