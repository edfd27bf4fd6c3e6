"""What is known of a frame's items wherever they stand, worked out once for as long as the same items are drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.errors import RenderError
from simgen.render.gl.meshes import Range
from simgen.render.gl.textures import BUMP_SHARE
from simgen.render.items import Item

MAX_ITEMS = 4094
"""An item's row in the materials has 12 bits."""
ROW = np.dtype(
    [
        *(("clip_T_item", "f4", (4, 4)), ("corners_T_item", "f4", (4, 4)), ("cam_R_item", "f4", (3, 4))),
        *(("low_m", "f4", 3), ("bump_m", "f4"), ("inverse_extent", "f4", 3), ("roughness", "f4")),
        *(("look", "f4", 3), ("item", "u4"), ("ids", "u4"), ("unused", "u4", 7)),
    ]
)
"""An item as shaders/item.glsl reads it: matrices column by column, 256 bytes, where any driver lets a block begin."""


@dataclass(frozen=True, eq=False)
class Inventory:
    """Items and what they look like.

    Attributes:
        items: in order.
        ranges: of their meshes.
        low_m, extent_m: (m, 3) their boxes, in the items' frames.
        rows: (m,) of `ROW`, without matrices.
        materials: see `material_rows`.
    """

    items: list[Item]
    ranges: list[Range]
    low_m: NDArray[np.float64]
    extent_m: NDArray[np.float64]
    rows: NDArray[np.void]
    materials: NDArray[np.uint32]


class Inventories:
    """The inventory of the items drawn last."""

    def __init__(self) -> None:
        self._kept: Inventory | None = None

    def of(self, items: list[Item], ranges: list[Range]) -> Inventory:
        """Return the inventory of items whose meshes lie at `ranges`.

        Raises:
            RenderError: too many items.
        """
        kept = self._kept
        if kept is None or kept.items != items or kept.ranges != ranges:
            low = np.array([item.low_m for item in items]).reshape(-1, 3)
            extent = np.array([item.extent_m for item in items]).reshape(-1, 3)
            kept = Inventory(items, ranges, low, extent, _rows(items, ranges), material_rows(items))
            self._kept = kept
        return kept


def _rows(items: list[Item], ranges: list[Range]) -> NDArray[np.void]:
    rows = np.zeros(len(items), ROW)
    for number, (row, item, range_) in enumerate(zip(rows, items, ranges, strict=True)):
        m = item.material
        tile_m = m.texture_size_m if m.projection == "triplanar" else item.extent_m.max()
        contrast = m.roughness_contrast if m.roughness_texture is not None else 0.0
        row["low_m"], row["bump_m"] = item.low_m, BUMP_SHARE * m.bump * tile_m
        row["inverse_extent"], row["roughness"] = 1 / item.extent_m, m.roughness
        row["look"] = contrast, 1 / max(m.texture_size_m, 1e-6), not range_.closed
        row["item"], row["ids"] = number, item.instance | (item.part << 16)
    return rows


def material_rows(items: list[Item]) -> NDArray[np.uint32]:
    """Return the (n, 2) table that light.frag.glsl reads: few words, since fetching them is what takes long.

    From the lowest bit on: specular and metallic of 16 bits; transmission of 10, clear coat and its roughness of 11.

    Raises:
        RenderError: too many items.
    """
    if len(items) > MAX_ITEMS:
        raise RenderError(f"scene: expected at most {MAX_ITEMS} meshes, got {len(items)}")
    shares = np.zeros((max(len(items), 1), 5))
    for row, item in zip(shares, items, strict=False):
        m = item.material
        row[:] = m.specular, m.metallic, m.transmission, m.clear_coat, max(m.clear_coat_roughness, 0.03)
    most = np.array([65535, 65535, 1023, 2047, 2047])
    specular, metallic, transmission, coat, rough = np.round(np.clip(shares, 0, 1) * most).astype(np.uint32).T
    return np.stack([specular | (metallic << 16), transmission | (coat << 10) | (rough << 21)], 1)
