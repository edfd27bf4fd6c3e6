"""The colours of a mesh file's vertices, as the OpenGL renderer shows them."""

from pathlib import Path

import numpy as np
import trimesh
from gl_for_tests import LAMBERT, body, camera, needs_gl

from simgen.render import Frame, GlRenderer
from simgen.scene import LightSpec, MaterialSpec, SceneSpec
from simgen.world import World

pytestmark = needs_gl
LEFT, RIGHT = (200, 40, 0), (20, 60, 255)


def write_sheet(path: Path, colors: tuple[tuple[int, int, int], tuple[int, int, int]] | None) -> None:
    """Write two rectangles side by side that share no vertex, left and right of x = 0."""
    corners = [(x, y, 0) for left in (-1, 0) for x, y in ((left, -1), (left + 1, -1), (left + 1, 1), (left, 1))]
    faces = [(0, 1, 2), (0, 2, 3), (4, 5, 6), (4, 6, 7)]
    sheet = trimesh.Trimesh(corners, faces, process=False)
    if colors is not None:
        sheet.visual.vertex_colors = np.repeat(colors, 4, axis=0).astype(np.uint8)
    sheet.export(path)


def shown(folder: Path, name: str, material: MaterialSpec = LAMBERT) -> Frame:
    """Return a sheet seen from above in light that leaves its colours as they are."""
    things = (body("sheet", {"kind": "mesh", "path": name}, (0, 0, 0), material),)
    scene = SceneSpec(objects=things, light=LightSpec(ambient=1.0, diffuse=0.0), camera=camera())
    with World(scene, folder, visuals=False) as world:
        return GlRenderer(occlusion=0.0).render(world, scene.camera)


def sides(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels left and right of x = 0, without those beside it."""
    half = np.split(frame.rgb.astype(int), 2, axis=1)
    return half[0][:, :-2], half[1][:, 2:]


def test_a_sheet_of_two_colours_shows_both(tmp_path):
    write_sheet(tmp_path / "two.ply", (LEFT, RIGHT))
    left, right = sides(shown(tmp_path, "two.ply"))
    assert np.abs(left - LEFT).max() <= 1
    assert np.abs(right - RIGHT).max() <= 1


def test_colours_multiply_the_materials(tmp_path):
    write_sheet(tmp_path / "two.ply", (LEFT, RIGHT))
    half = MaterialSpec({"kind": "plain", "colors": [(128, 255, 64)]}, specular=0.0, roughness=1.0)
    for side, color in zip(sides(shown(tmp_path, "two.ply", half)), (LEFT, RIGHT), strict=True):
        assert np.abs(side - np.array(color) * (128, 255, 64) / 255).max() <= 1


def test_white_vertices_change_no_byte(tmp_path):
    write_sheet(tmp_path / "white.ply", ((255, 255, 255), (255, 255, 255)))
    write_sheet(tmp_path / "plain.ply", None)
    marble = MaterialSpec({"kind": "marble", "colors": [(30, 90, 200), (250, 240, 200)], "scale": 4.0, "seed": 3})
    white, plain = (shown(tmp_path, name, marble) for name in ("white.ply", "plain.ply"))
    assert white.rgb.std() > 5
    np.testing.assert_array_equal(white.rgb, plain.rgb)
    np.testing.assert_array_equal(white.depth_m, plain.depth_m)
    np.testing.assert_array_equal(white.instances, plain.instances)
