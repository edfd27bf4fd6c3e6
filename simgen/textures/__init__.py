"""Surfaces as pictures: what a section {"kind": ..., numbers} of a material looks like."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simgen.registry import build
from simgen.scene import Plain
from simgen.textures.base import Image, Size, Texture
from simgen.textures.patterns import Checker, Dust, Gradient, Marble, Noise, Speckle, Stripes, Uni, Wood
from simgen.textures.photo import NormalMap, Photo, find_images, read_image

TEXTURES: dict[str, type[Texture] | type[Photo]] = {
    "plain": Uni,
    "noise": Noise,
    "gradient": Gradient,
    "stripes": Stripes,
    "checker": Checker,
    "marble": Marble,
    "wood": Wood,
    "speckle": Speckle,
    "dust": Dust,
    "photo": Photo,
    "normal_map": NormalMap,
}


def draw_texture(spec: Plain, size_wh: Size, root: Path) -> Image:
    """Return the (H, W, 3) uint8 picture of a texture section. `root` is where relative file names start.

    Raises:
        ConfigError: the section does not fit. AssetError: its image file cannot be read.
    """
    return draw_textures([spec], size_wh, root)[0]


def draw_textures(specs: Sequence[Plain], size_wh: Size, root: Path) -> list[Image]:
    """Return each section's picture as `draw_texture` gives it; those of one kind are drawn together."""
    groups: dict[Any, dict[int, Any]] = {}
    for place, spec in enumerate(specs):
        texture = build(TEXTURES, spec, "texture")
        groups.setdefault(type(texture), {})[place] = texture
    images: dict[int, Image] = {}
    for kind, group in groups.items():
        images.update(zip(group, kind.draw_all(list(group.values()), size_wh, root), strict=True))
    return [images[place] for place in range(len(specs))]


__all__ = ["TEXTURES", "draw_texture", "draw_textures", "find_images", "read_image"]
