"""Which triangles are spared the driver: those that face away, and never another."""

import numpy as np
import pytest
from gl_for_tests import body, draw, floor, lit, needs_gl

from simgen.catalog import build_model
from simgen.render.gl.device import device
from simgen.render.gl.facing import facing, planes_of
from simgen.render.gl.meshes import Meshes
from simgen.render.gl.scratch import SMALLEST, Scratch
from simgen.render.items import body_items
from simgen.scene import LampSpec, SceneSpec
from simgen.world import World

MODELS = (
    {"kind": "box", "size_m": (0.1, 0.2, 0.3)},
    {"kind": "sphere", "radius_m": 0.05},
    {"kind": "capsule", "radius_m": 0.03, "height_m": 0.1},
    {"kind": "die", "size_m": 0.016},
)


@pytest.mark.parametrize("section", MODELS, ids=lambda section: section["kind"])
def test_what_faces_the_eye_is_kept_and_what_faces_away_is_not(section, tmp_path):
    mesh = build_model(section).mesh(tmp_path)
    a, b, c = (mesh.vertices_m[mesh.faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    area = np.linalg.norm(normals, axis=1)
    for eye in np.random.default_rng(0).normal(size=(50, 3)):
        kept = facing(planes_of(mesh), eye)
        cosine = np.einsum("ij,ij->i", normals, eye - a) / np.maximum(area * np.linalg.norm(eye - a, axis=1), 1e-30)
        whole = area > 1e-12
        assert kept[whole & (cosine > 0)].all()
        assert not kept[whole & (cosine < -1e-3)].any()
        assert kept[whole].mean() < 0.75


@needs_gl
def test_a_buffer_of_each_frame_grows_and_keeps_its_name():
    scratch = Scratch(device().gl)
    name = scratch.buffer.glo
    data = np.arange(SMALLEST, dtype=np.uint32)
    scratch.write(data)
    assert scratch.buffer.glo == name
    np.testing.assert_array_equal(np.frombuffer(scratch.buffer.read(data.nbytes), np.uint32), data)
    scratch.buffer.release()


@needs_gl
def test_the_picture_is_the_same_where_the_driver_drops_triangles_itself(monkeypatch):
    things = (
        body("die", {"kind": "die", "size_m": 0.06}, (0.02, 0.0, 0.03)),
        body("ball", MODELS[1], (-0.05, 0, 0.05)),
    )
    scene = lit(LampSpec("directional", 5.0, direction=(-0.4, 0.3, -1)), bodies=things)
    frames = []
    for software in (True, False):
        meshes = Meshes(device().gl, device().programs, software)
        monkeypatch.setattr(device(), "meshes", meshes)
        device().programs.forget_arrays()
        frames.append(draw(scene))
        meshes.release()
    assert set(np.unique(frames[0].instances)) == {1, 2, 3}
    np.testing.assert_array_equal(frames[0].rgb, frames[1].rgb)
    np.testing.assert_array_equal(frames[0].instances, frames[1].instances)


@needs_gl
def test_meshes_of_the_same_faces_share_their_indices(tmp_path):
    dice = tuple(body(f"die {n}", {"kind": "die", "size_m": size}, (n, 0, 0)) for n, size in enumerate((0.01, 0.02)))
    with World(SceneSpec(objects=(floor(), *dice)), tmp_path, visuals=False) as world:
        items = body_items(world)
    meshes = Meshes(device().gl, device().programs, software=True)
    _, one, two = meshes.place(items)
    meshes.release()
    assert one.faces.indices is two.faces.indices is one.shadow.faces
    assert one.faces.start < two.faces.start
