"""The colours that a mesh file gives its vertices or faces, and its texture, as trimesh read them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.environments import srgb_from_linear

Colors = NDArray[np.uint8]
_SHOWN = np.round(255 * srgb_from_linear(np.arange(256) / 255)).astype(np.uint8)


def texture_of(mesh: Any, linear: bool) -> Colors | None:
    """Return (H, W, 3) the base colours of the one mesh that trimesh joins a file to, or None where it has none.

    Parts with pictures or colours of their own share an atlas; a single colour is a single pixel.

    Args:
        mesh: the one mesh.
        linear: whether the file's colours that are no pictures are linear, as in glTF.
    """
    material = getattr(mesh.visual, "material", None)
    picture = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    color = part_color(material)
    shown = None if color is None else (_SHOWN[color] if linear else color)
    if picture is None or getattr(mesh.visual, "uv", None) is None:
        return None if shown is None else shown.reshape(1, 1, 3)
    pixels = np.asarray(picture.convert("RGB"), np.uint8)
    return pixels if shown is None or not linear else np.asarray(np.rint(pixels * (shown / 255)), np.uint8)


def corner_colors(scene: Any, faces: NDArray[np.int64], linear: bool) -> Colors | None:
    """Return (3F, 3) the sRGB colours of the faces' corners, or None where the file has none.

    Args:
        scene: a file as trimesh's scene.
        faces: (F, 3) of the one mesh that trimesh joins it to.
        linear: whether the file holds linear colours, as glTF does (its specification, 3.7.2.1).
    """
    parts = _parts(scene)
    if len(parts) == 1 and parts[0].visual.kind == "face":
        return np.repeat(np.asarray(parts[0].visual.face_colors, np.uint8)[:, :3], 3, axis=0)
    found = [_vertex_colors(part) for part in parts]
    if all(colors is None for colors in found):
        return None
    filled = [
        np.full((len(part.vertices), 3), 255, np.uint8) if colors is None else colors
        for part, colors in zip(parts, found, strict=True)
    ]
    colors = np.concatenate(filled)[faces.ravel()]
    return _SHOWN[colors] if linear else colors


def _parts(scene: Any) -> list[Any]:
    """Return the meshes in the order in which trimesh joins them; joined, they lose their colours beside a texture."""
    parts = [scene.geometry[scene.graph[node][1]] for node in scene.graph.nodes_geometry]
    return [part for part in parts if len(getattr(part, "faces", ()))]


def _vertex_colors(part: Any) -> Colors | None:
    from trimesh.visual.color import to_rgba

    visual = part.visual
    if visual.kind in ("vertex", "face"):
        return np.asarray(visual.vertex_colors, np.uint8)[:, :3]
    beside_texture = getattr(visual, "vertex_attributes", {}).get("color")
    return None if beside_texture is None else np.asarray(to_rgba(beside_texture), np.uint8)[:, :3]


def part_color(material: Any) -> Colors | None:
    """Return the (3,) base colour that a file gives a part, or None: trimesh's own grey is no file's."""
    from trimesh.visual.color import DEFAULT_COLOR

    color = getattr(material, "baseColorFactor", getattr(material, "diffuse", None))
    if color is None or np.array_equal(color, DEFAULT_COLOR):
        return None
    return np.asarray(color, np.uint8)[:3]
