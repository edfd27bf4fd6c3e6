"""Contacts: which bodies touch as a scene stands, and groups of them that are moved as one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simgen.config import load
from simgen.generate import draw_scene
from simgen.geometry import pose_matrix, quat_about, quat_multiply
from simgen.rare.scenes.contacts import contacts, together
from simgen.rng import stream

SIDE = 0.02


def body(like, name, position_m, size_m=(SIDE, SIDE, SIDE), mass_kg=0.01):
    model = {"kind": "box", "size_m": list(size_m)}
    return replace(like, name=name, model=model, position_m=position_m, quat_xyzw=(0.0, 0.0, 0.0, 1.0), mass_kg=mass_kg)


@pytest.fixture(scope="module")
def scene():
    """Three boxes in a row, the first two touching; one on top of the first; one at a wall; all on a table."""
    drawn = draw_scene(load("dice"), 0, 0)
    like = drawn.objects[0]
    lies = SIDE / 2
    return replace(
        drawn,
        objects=(
            body(like, "table", (0, 0, -0.01), (1, 1, 0.02), 0.0),
            body(like, "wall", (0, 0.1, 0.02), (0.3, 0.01, 0.04), 0.0),
            body(like, "a", (0, 0, lies)),
            body(like, "b", (SIDE + 0.0004, 0.003, lies)),
            body(like, "c", (2 * SIDE + 0.005, 0, lies)),
            body(like, "top", (-0.005, 0, 3 * lies)),
            body(like, "leans", (-0.05, 0.095 - SIDE / 2, lies)),
        ),
    )


def pairs_of(scene, pairs):
    return {(scene.objects[a].name, scene.objects[b].name) for a, b in pairs}


def shifted(scene, rng):
    """Return the scene with every body shifted and turned on its own, the walls, too."""
    objects = []
    for spec in scene.objects:
        x, y, z = np.array(spec.position_m) + rng.normal(0, 0.01, 3)
        turned = quat_multiply(quat_about(rng.normal(size=3), rng.normal(0, 0.1)), spec.quat_xyzw)
        objects.append(replace(spec, position_m=(x, y, z), quat_xyzw=tuple(turned.tolist())))
    return replace(scene, objects=tuple(objects))


def poses(scene):
    return {spec.name: pose_matrix(spec.position_m, spec.quat_xyzw) for spec in scene.objects}


def test_what_stands_beside_or_on_another_body_touches_it_and_the_table_is_no_contact(scene):
    assert pairs_of(scene, contacts(scene, Path())) == {("a", "b"), ("a", "top"), ("wall", "leans")}


def test_groups_keep_their_relative_poses_and_stay_upright(scene):
    moved = shifted(scene, np.random.default_rng(1))
    made = together(scene, moved, contacts(scene, Path()), 1.0, stream(0, 0, "test"))
    old, new, alone = poses(scene), poses(made), poses(moved)
    for first, second in (("a", "b"), ("a", "top")):
        before, after = (np.linalg.inv(p[first]) @ p[second] for p in (old, new))
        assert np.allclose(before, after, atol=1e-5)
    assert all(np.allclose(new[name][2, 2:], old[name][2, 2:], atol=1e-5) for name in ("a", "b", "top", "leans"))
    assert not np.allclose(new["a"][:2, 3], old["a"][:2, 3], atol=1e-3)
    assert all(np.array_equal(new[name], alone[name]) for name in ("table", "wall", "c"))


def test_a_wall_takes_along_what_touches_it(scene):
    turned = quat_about((0, 0, 1), 0.5)
    wall = replace(scene.objects[1], position_m=(0.02, 0.13, 0.025), quat_xyzw=tuple(turned.tolist()))
    moved = replace(scene, objects=(scene.objects[0], wall, *scene.objects[2:]))
    made = together(scene, moved, contacts(scene, Path()), 1.0, stream(0, 0, "test"))
    before, after = (np.linalg.inv(p["wall"]) @ p["leans"] for p in (poses(scene), poses(made)))
    assert np.allclose(before[:2], after[:2], atol=1e-5)
    assert made.objects[6].position_m[2] == scene.objects[6].position_m[2]  # a higher wall lifts nothing
    assert ("wall", "leans") in pairs_of(made, contacts(made, Path()))


def test_contacts_that_do_not_stay_leave_bodies_as_they_were_moved(scene):
    moved = shifted(scene, np.random.default_rng(2))
    touching = contacts(scene, Path())
    assert together(scene, moved, touching, 0.0, stream(0, 0, "test")) == moved
    assert together(scene, moved, [], 1.0, stream(0, 0, "test")) == moved
    one, two = (together(scene, moved, touching, 0.5, stream(0, 3, "test")) for _ in range(2))
    assert one == two


def test_the_shapes_of_a_group_stay_and_its_looks_do_not(scene):
    wider = replace(scene.objects[3], model={"kind": "box", "size_m": [0.03] * 3}, friction=0.7)
    moved = replace(scene, objects=(*scene.objects[:3], wider, *scene.objects[4:]))
    made = together(scene, moved, contacts(scene, Path()), 1.0, stream(0, 0, "test"))
    assert made.objects[3].model == scene.objects[3].model
    assert made.objects[3].friction == 0.7
