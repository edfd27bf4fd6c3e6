"""What fragment shaders are given for a draw call: in plain GLSL for any driver, and the same picture either way."""

import re

import numpy as np
from gl_for_tests import draw, needs_gl
from test_gl_process import SCENE

from simgen.render.gl.device import device
from simgen.render.gl.given import hand_on
from simgen.render.gl.programs import Programs

VERTEX = "in vec2 corner;\nvoid main() { gl_Position = vec4(corner, 0.0, 1.0); }\n"
FRAGMENT = "given vec3 eye; // metres\ngiven mat4 views[2 * VIEWS];\ngiven float scale;\nvoid main() {}\n"


def test_what_fits_is_handed_on_in_order_and_the_rest_stays_uniform():
    vertex, fragment = hand_on(VERTEX, FRAGMENT, {"VIEWS": 3}, 4)
    assert fragment.splitlines()[:3] == [
        "flat in vec3 eye; // metres",
        "uniform mat4 views[2 * VIEWS];",
        "flat in float scale;",
    ]
    assert "uniform vec3 given_eye;\nflat out vec3 eye;" in vertex
    assert "void main() { eye = given_eye; scale = given_scale; gl_Position" in vertex
    assert "views" not in vertex


def test_with_room_for_nothing_all_are_uniforms():
    vertex, fragment = hand_on(VERTEX, FRAGMENT, {"VIEWS": 1}, 0)
    assert vertex == VERTEX
    assert fragment == re.sub("given", "uniform", FRAGMENT)


@needs_gl
def test_a_picture_is_the_same_whichever_way_its_values_come(monkeypatch):
    gpu = device()
    handed_on = draw(SCENE)
    plain = Programs(gpu.gl, room=0)
    for owner in (gpu, gpu.meshes, gpu.casters):
        monkeypatch.setattr(owner, "programs", plain)
    uniform = draw(SCENE)
    np.testing.assert_array_equal(uniform.instances, handed_on.instances)
    np.testing.assert_array_equal(uniform.depth_m, handed_on.depth_m)
    assert np.abs(uniform.rgb.astype(int) - handed_on.rgb).max() <= 1
