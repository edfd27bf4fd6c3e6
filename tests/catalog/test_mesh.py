from pathlib import Path

import numpy as np
import pytest

from simgen.catalog import build_model, surrounds

SHAPES = [
    {"kind": "box", "size_m": (0.2, 0.3, 0.1)},
    {"kind": "sphere", "radius_m": 0.1},
    {"kind": "capsule", "radius_m": 0.05, "height_m": 0.1},
    {"kind": "die", "size_m": 0.1},
    {"kind": "lump", "size_m": (0.2, 0.1, 0.3), "roundness": 1.5},
]


@pytest.mark.parametrize("section", SHAPES)
def test_points_pulled_towards_the_middle_are_inside_and_pushed_out_are_not(section):
    mesh = build_model(section).mesh(Path())
    middle = (mesh.vertices_m.min(0) + mesh.vertices_m.max(0)) / 2
    assert surrounds(mesh, middle)
    for corners in mesh.faces[:: max(1, len(mesh.faces) // 20)]:
        point = mesh.vertices_m[corners].mean(0)
        assert surrounds(mesh, middle + 0.98 * (point - middle))
        assert not surrounds(mesh, middle + 1.02 * (point - middle))


def test_the_corner_of_the_bounding_box_of_a_ball_is_outside():
    mesh = build_model({"kind": "sphere", "radius_m": 0.1}).mesh(Path())
    assert not surrounds(mesh, np.full(3, 0.09))
