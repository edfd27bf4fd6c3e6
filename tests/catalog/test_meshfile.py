import numpy as np
import trimesh

from simgen.catalog.meshfile import crease_normals, load_mesh


def test_edges_of_a_box_are_sharp(tmp_path):
    trimesh.creation.box((1, 2, 3)).export(tmp_path / "box.stl")
    mesh = load_mesh(tmp_path / "box.stl")
    assert len(mesh.vertices_m) == 36
    np.testing.assert_allclose(np.abs(mesh.normals).max(1), 1, atol=1e-9)
    corners = mesh.vertices_m[mesh.faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    np.testing.assert_allclose(mesh.normals.reshape(-1, 3, 3), np.repeat(flat[:, None], 3, 1), atol=1e-9)


def test_a_ball_is_smooth_also_where_the_file_does_not_share_vertices():
    ball = trimesh.creation.icosphere(3)
    vertices = ball.vertices[ball.faces].reshape(-1, 3)
    faces = np.arange(len(vertices)).reshape(-1, 3)
    normals = crease_normals(vertices, faces)
    np.testing.assert_allclose(normals, vertices, atol=0.02)
