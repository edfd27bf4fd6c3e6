"""Surfaces of robots from mesh files: sharp edges, round bodies, mirrored parts."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from simgen.catalog import Mesh
from simgen.render.robots import items_of
from simgen.scene import SceneSpec
from simgen.world import World


def surface(folder: Path, mesh: trimesh.Trimesh, scale: str = "1 1 1", kind: str = "obj") -> Mesh:
    """Return the surface of a robot whose only link is shown by a mesh."""
    mesh.export(folder / f"mesh.{kind}")
    geometry = f'<geometry><mesh filename="mesh.{kind}" scale="{scale}"/></geometry>'
    (folder / "robot.urdf").write_text(f'<robot name="r"><link name="base"><visual>{geometry}</visual></link></robot>')
    with World(SceneSpec(objects=()), folder, visuals=False) as world:
        world.load_robot(folder / "robot.urdf")
        (item,) = items_of(world)
    return item.mesh


def face_normals(mesh: Mesh) -> np.ndarray:
    """Return (F, 3) unit normals of the triangles, by the order of their corners."""
    a, b, c = np.moveaxis(mesh.vertices_m[mesh.faces], 1, 0)
    normals = np.cross(b - a, c - a)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


@pytest.mark.parametrize("painted", [False, True], ids=["plain", "coloured faces"])
@pytest.mark.parametrize("scale", ["1 1 1", "0.5 1 2", "1 -1 1"])
def test_a_box_of_eight_shared_vertices_has_flat_sides(tmp_path, scale, painted):
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    if painted:
        box.visual.vertex_colors = [(20 * n, 0, 255, 255) for n in range(8)]
    mesh = surface(tmp_path, box, scale)
    np.testing.assert_allclose(mesh.normals[mesh.faces], face_normals(mesh)[:, None].repeat(3, 1), atol=1e-6)
    outwards = mesh.vertices_m[mesh.faces].mean(1)
    assert (np.einsum("ij,ij->i", outwards, face_normals(mesh)) > 0).all()


def test_a_ball_stays_round_where_its_file_shares_no_vertices(tmp_path):
    mesh = surface(tmp_path, trimesh.creation.icosphere(3, 0.1), kind="stl")
    np.testing.assert_allclose(mesh.normals, mesh.vertices_m / 0.1, atol=0.02)
    assert len(mesh.vertices_m) == 642
