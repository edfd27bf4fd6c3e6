"""Which triangles are spared the driver: those that face away, and never another."""

import numpy as np
import pytest
from gl_for_tests import needs_gl

from simgen.catalog import build_model
from simgen.render.gl.device import device
from simgen.render.gl.facing import facing, planes_of
from simgen.render.gl.scratch import SMALLEST, Scratch

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
