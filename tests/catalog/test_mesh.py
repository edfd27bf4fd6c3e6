from pathlib import Path

import numpy as np
import pytest

from simgen.catalog import build_model, surrounds
from simgen.catalog.mesh import box_mesh, pieces_mesh

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


FEWER = [*SHAPES[1:], {"kind": "cylinder", "radius_m": 0.05, "height_m": 0.1}]


def corners(mesh):
    return np.moveaxis(mesh.vertices_m[mesh.faces], 1, 0)


@pytest.mark.parametrize("section", FEWER)
def test_a_coarse_surface_has_few_triangles_that_face_outwards_and_the_same_extents(section):
    model = build_model(section)
    fine, coarse = model.mesh(Path()), model.coarse_mesh(Path())
    assert len(coarse.faces) <= len(fine.faces) / 3
    np.testing.assert_allclose(coarse.bounds_m, fine.bounds_m, atol=1e-12)
    a, b, c = corners(coarse)
    normals = np.cross(b - a, c - a)
    assert np.linalg.norm(normals, axis=1).min() > 0
    assert (normals * coarse.normals[coarse.faces].mean(1)).sum(1).min() > 0
    assert surrounds(coarse, np.zeros(3))


@pytest.mark.parametrize("bottom", [True, False])
@pytest.mark.parametrize("size_m", [(1.3, 1.6, 0.04), (0.34, 0.008, 0.05), (0.1, 0.09, 0.08)])
def test_a_box_in_pieces_is_the_same_surface_with_the_same_texture_on_it(size_m, bottom):
    whole, pieces = box_mesh(size_m, bottom=bottom), pieces_mesh(size_m, bottom)
    for axis, sign in [(axis, sign) for axis in range(3) for sign in (-1, 1)]:
        sides = [mesh.faces[(mesh.normals[mesh.faces[:, 0]] * sign)[:, axis] > 0.5] for mesh in (whole, pieces)]
        assert bool(len(sides[1])) == bool(len(sides[0])) == (bottom or (axis, sign) != (2, -1))
        areas, moments = [], []
        for mesh, faces in zip((whole, pieces), sides, strict=True):
            points, uvs = np.moveaxis(mesh.vertices_m[faces], 1, 0), np.moveaxis(mesh.uvs[faces], 1, 0)
            normals = np.cross(points[1] - points[0], points[2] - points[0]) / 2
            assert (normals[:, axis] * sign > 0).all()
            areas.append(np.linalg.norm(normals, axis=1).sum())
            middles = np.concatenate([points.mean(0), uvs.mean(0)], 1)  # linear numbers: their means over a surface
            moments.append((np.linalg.norm(normals, axis=1)[:, None] * middles).sum(0))
        np.testing.assert_allclose(areas[0], areas[1])
        np.testing.assert_allclose(moments[0], moments[1], atol=1e-12)


def test_a_box_of_equal_edges_is_not_cut():
    assert len(pieces_mesh((0.1, 0.1, 0.1)).faces) == len(box_mesh((0.1, 0.1, 0.1)).faces)
