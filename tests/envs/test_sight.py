"""Rays and surfaces: against closed forms, and against what the renderer sees."""

from pathlib import Path

import numpy as np
import pytest

from simgen.catalog import build_model
from simgen.catalog.mesh import box_mesh
from simgen.envs import dome
from simgen.envs.sight import Sight, surface_points


def test_points_are_spread_over_the_area():
    points, normals = surface_points(box_mesh((0.4, 0.2, 0.1)), 2800, np.random.default_rng(0))
    np.testing.assert_allclose(np.abs(points / (0.2, 0.1, 0.05)).max(1), 1)
    counts = np.abs(normals).sum(0)
    np.testing.assert_allclose(counts, 2800 * np.array([0.02, 0.04, 0.08]) / 0.14, atol=2)
    on_side = (points * normals).sum(1)
    np.testing.assert_allclose(on_side, np.abs(normals) @ (0.2, 0.1, 0.05))


def test_a_wall_hides_what_is_behind_it():
    cube, wall = box_mesh((0.1, 0.1, 0.1)), box_mesh((0.01, 1.0, 1.0))
    sight = Sight([cube, wall], [(0, 0, 0)] * 2)
    points, normals = surface_points(cube, 600, np.random.default_rng(0))
    eyes = [(1, 0, 0), (0, 1, 0)]
    sight.place(1, (0, 0, 9), (0, 0, 0, 1))
    free = sight.sees(eyes, points, normals)
    np.testing.assert_array_equal(free[0], normals[:, 0] > 0.5)
    sight.place(1, (0.3, 0, 0), (0, 0, 0, 1))
    hidden = sight.sees(eyes, points, normals)
    assert not hidden[0].any()
    np.testing.assert_array_equal(hidden[1], free[1])
    sight.close()
    sight.close()


def test_a_part_hides_another_of_the_same_thing():
    """The wall of the bracket is 25 mm over its floor at x = 0 mm: at 45 degrees from behind it shadows x < 25 mm."""
    model = build_model({"kind": "mesh", "path": str(_bracket()), "scale": 0.001})
    mesh, center = model.mesh(Path()), np.array(model.center_m(Path()))
    sight = Sight([mesh], [center])
    points, normals = surface_points(mesh, 2000, np.random.default_rng(0))
    seen = sight.sees([(1.0, 0.0, 1.0), (-1.0, 0.0, 1.0)], points - center, normals)
    inner_wall = (normals[:, 0] > 0.9) & (points[:, 0] < 0.006)
    assert inner_wall.any()
    assert seen[0, inner_wall].all()
    floor = (normals[:, 2] > 0.9) & (points[:, 2] < 0.006)
    assert (seen[1, floor] == (points[floor, 0] > 0.025)).mean() > 0.98
    sight.close()


def _bracket() -> Path:
    from importlib.resources import files

    return Path(str(files("simgen.assets") / "meshes" / "bracket.obj"))


def test_places_on_the_dome_and_the_angles_between_them():
    place = np.array([0.0, 0.5, 0.6])
    np.testing.assert_allclose(
        dome.eyes_m(place) - dome.CENTER_M, [0.6 * np.cos(0.5), 0, 0.6 * np.sin(0.5)], atol=1e-12
    )
    others = np.array([[0.0, 0.5, 0.7], [0.0, 0.9, 0.6], [np.pi, 0.5, 0.6]])
    np.testing.assert_allclose(dome.arcs_rad(place, others), [0, 0.4, np.pi - 1.0], atol=1e-7)


@pytest.mark.parametrize("control", dome.CONTROLS.values())
def test_a_control_comes_to_a_goal_around_the_short_side(control):
    place, goal = np.array([3.0, 0.3, 0.5]), np.array([-3.0, 0.8, 0.7])
    for _ in range(4):
        place = control.moved(place, control.towards(place, goal))
    np.testing.assert_allclose(place, goal, atol=1e-9)
