import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from simgen.catalog.mesh import Mesh, box_mesh, merge
from simgen.catalog.meshfile import MeshFile, crease_normals, load_mesh
from simgen.errors import AssetError
from simgen.painter import painted
from simgen.scene import MaterialSpec, ObjectSpec


def test_edges_of_a_box_are_sharp(tmp_path):
    trimesh.creation.box((1, 2, 3)).export(tmp_path / "box.stl")
    mesh = load_mesh(tmp_path / "box.stl")
    assert len(mesh.vertices_m) == 24
    np.testing.assert_allclose(np.abs(mesh.normals).max(1), 1, atol=1e-9)
    corners = mesh.vertices_m[mesh.faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    np.testing.assert_allclose(mesh.normals[mesh.faces], np.repeat(flat[:, None], 3, 1), atol=1e-9)


@pytest.mark.parametrize("kind", ["ply", "stl"])
def test_corners_that_are_alike_are_one_vertex(tmp_path, kind):
    ball = trimesh.creation.icosphere(3)
    ball.export(tmp_path / f"ball.{kind}")
    mesh = load_mesh(tmp_path / f"ball.{kind}")
    assert len(mesh.vertices_m) == len(ball.vertices)
    np.testing.assert_allclose(mesh.vertices_m[mesh.faces], ball.vertices[ball.faces], atol=1e-6)


def test_a_ball_is_smooth_also_where_the_file_does_not_share_vertices():
    ball = trimesh.creation.icosphere(3)
    vertices = ball.vertices[ball.faces].reshape(-1, 3)
    faces = np.arange(len(vertices)).reshape(-1, 3)
    normals = crease_normals(vertices, faces)
    np.testing.assert_allclose(normals, vertices, atol=0.02)


def tinted_box() -> trimesh.Trimesh:
    """Return a box with a colour of its own at each vertex; the first is half bright."""
    box = trimesh.creation.box((1, 2, 3))
    box.visual.vertex_colors = [(128, 0, 255, 255), *[(0, 30 * n, 255 - 30 * n, 255) for n in range(1, 8)]]
    return box


def color_at(mesh: Mesh, place_m: np.ndarray) -> list[int]:
    return mesh.colors[np.abs(mesh.vertices_m - place_m).max(1).argmin()].tolist()


@pytest.mark.parametrize(("kind", "first"), [("obj", [128, 0, 255]), ("ply", [128, 0, 255]), ("glb", [188, 0, 255])])
def test_colours_of_vertices_are_those_of_the_file(tmp_path, kind, first):
    box = tinted_box()
    box.export(tmp_path / f"box.{kind}")
    mesh = load_mesh(tmp_path / f"box.{kind}")
    assert mesh.colors.shape == mesh.vertices_m.shape
    assert mesh.colors.dtype == np.uint8
    assert color_at(mesh, box.vertices[0]) == first  # of glTF: linear 128 is 188 in sRGB
    if kind != "glb":
        assert [color_at(mesh, v) for v in box.vertices] == box.visual.vertex_colors[:, :3].tolist()


def test_a_face_has_its_own_colour(tmp_path):
    box = trimesh.creation.box()
    box.visual.face_colors = [(20 * n, 5, 0, 255) for n in range(12)]
    box.export(tmp_path / "box.ply")
    mesh = load_mesh(tmp_path / "box.ply")
    assert mesh.colors[mesh.faces].tolist() == [[[20 * n, 5, 0]] * 3 for n in range(12)]


def test_colours_beside_a_texture_are_read_and_scaled_with_the_mesh(tmp_path):
    box = trimesh.creation.box()
    box.visual = TextureVisuals(uv=np.zeros((8, 2)), material=PBRMaterial(baseColorFactor=(255, 255, 255, 255)))
    box.visual.vertex_attributes["color"] = np.array([[255, 0, 255, 255]] * 8, np.uint8)
    box.export(tmp_path / "box.glb")
    mesh = MeshFile("box.glb", scale=0.5).mesh(tmp_path)
    assert np.ptp(mesh.vertices_m, axis=0).tolist() == [0.5, 0.5, 0.5]
    assert np.unique(mesh.colors, axis=0).tolist() == [[255, 0, 255]]


def test_a_part_without_colours_is_white_beside_one_with_some(tmp_path):
    plain, tinted = trimesh.creation.box((2, 2, 2)), trimesh.creation.box()
    tinted.visual.vertex_colors = [(0, 255, 0, 255)] * 8
    moved = trimesh.transformations.translation_matrix((5, 0, 0))
    scene = trimesh.Scene({"plain": plain})
    scene.add_geometry(tinted, transform=moved)
    scene.export(tmp_path / "two.glb")
    mesh = load_mesh(tmp_path / "two.glb")
    placed = mesh.vertices_m[:, 0] > 3
    assert np.unique(mesh.colors[placed], axis=0).tolist() == [[0, 255, 0]]
    assert np.unique(mesh.colors[~placed], axis=0).tolist() == [[255, 255, 255]]


def test_a_file_without_colours_has_none(tmp_path):
    trimesh.creation.box().export(tmp_path / "box.ply")
    assert load_mesh(tmp_path / "box.ply").colors is None


def test_merged_meshes_without_colours_are_white_beside_those_with_some(tmp_path):
    tinted_box().export(tmp_path / "box.ply")
    tinted, plain = load_mesh(tmp_path / "box.ply"), box_mesh((1.0, 1.0, 1.0))
    merged = merge([plain, tinted])
    assert merge([plain, plain]).colors is None
    assert (merged.colors[: len(plain.vertices_m)] == 255).all()
    np.testing.assert_array_equal(merged.colors[len(plain.vertices_m) :], tinted.colors)


def four_colours() -> Image.Image:
    """Return 64 x 64 pixels: red and green above, blue and white below."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:32, :32], pixels[:32, 32:] = (255, 0, 0), (0, 255, 0)
    pixels[32:, :32], pixels[32:, 32:] = (0, 0, 255), (255, 255, 255)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", ["glb", "obj"])
def test_the_texture_of_a_file_is_seen_where_its_coordinates_put_it(tmp_path, kind):
    corners = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]
    plate = trimesh.Trimesh(corners, [(0, 1, 2), (0, 2, 3)], process=False)
    material = PBRMaterial(baseColorTexture=four_colours()) if kind == "glb" else SimpleMaterial(image=four_colours())
    plate.visual = TextureVisuals(uv=np.array(corners)[:, :2], material=material)
    plate.export(tmp_path / f"plate.{kind}")
    model = MeshFile(f"plate.{kind}", texture_px=32)
    spec = ObjectSpec("plate", {"kind": "mesh"}, MaterialSpec({"kind": "plain", "colors": [(255, 128, 255)]}))
    picture, mesh = painted(spec, model, tmp_path), model.mesh(tmp_path)
    assert picture.shape == (32, 32, 3)
    for place, color in (
        ((0, 1), (255, 0, 0)),
        ((1, 1), (0, 128, 0)),
        ((0, 0), (0, 0, 255)),
        ((1, 0), (255, 128, 255)),
    ):
        u, v = mesh.uvs[np.abs(mesh.vertices_m[:, :2] - place).max(1).argmin()]
        pixel = picture[min(int(v * 32), 31), min(int(u * 32), 31)]
        np.testing.assert_allclose(pixel, color, atol=2)


WHITE = MaterialSpec({"kind": "plain", "colors": [(255, 255, 255)]})


def seen_colors(folder, name: str) -> list[list[int]]:
    """Return the colours of a mesh file's faces, under a white material."""
    model = MeshFile(name, texture_px=64)
    picture, mesh = painted(ObjectSpec("part", {"kind": "mesh"}, WHITE), model, folder), model.mesh(folder)
    columns, rows = np.minimum(mesh.uvs[mesh.faces[:, 0]] * 64, 63).astype(int).T
    return picture[rows, columns].tolist()


@pytest.mark.parametrize("kind", ["glb", "dae"])
def test_a_part_of_one_colour_has_it(tmp_path, kind):
    red = trimesh.creation.box()
    red.visual = TextureVisuals(material=PBRMaterial(baseColorFactor=(255, 0, 0, 255)))
    red.export(tmp_path / f"red.{kind}")
    assert seen_colors(tmp_path, f"red.{kind}") == [[255, 0, 0]] * 12


def test_each_part_has_its_own_colour(tmp_path):
    (tmp_path / "two.mtl").write_text("newmtl a\nKd 1 0 0\nnewmtl b\nKd 0 0 1\n")
    faces = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nusemtl a\nf 1 2 3\nusemtl b\nf 1 2 4\n"
    (tmp_path / "two.obj").write_text(f"mtllib two.mtl\n{faces}")
    assert sorted(seen_colors(tmp_path, "two.obj")) == [[0, 0, 255], [255, 0, 0]]


def test_triangles_without_an_area_are_refused(tmp_path):
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n")
    with pytest.raises(AssetError, match="expected triangles with an area, got 1 without"):
        load_mesh(tmp_path / "flat.obj")
