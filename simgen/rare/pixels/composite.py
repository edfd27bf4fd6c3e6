"""Crops placed in rendered scenes: where they can stand, as large as they are there, behind what is nearer.

The mask is what is drawn: a pixel belongs to the object if its alpha is at least one half and nothing of the scene is
in front of it, and those pixels, no others, take the crop's colours. So the annotation's mask and the drawn pixels are
the same by construction. The shadow darkens other pixels, as a rendered one does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass

from simgen.annotate import Labels
from simgen.lens import build_lens
from simgen.rare.pixels.crops import Crops, light_of
from simgen.rare.pixels.descriptor import premultiply
from simgen.rare.pixels.matching import blur_px, gain_of, grain, luma_of, matched_blur, noise_of, softened
from simgen.rare.pixels.relabel import Drawn, relabelled
from simgen.rare.pixels.support import Support, support_of
from simgen.samples import Sample
from simgen.scene import STRICT

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Share = Annotated[float, Field(ge=0, le=1)]


@config_dataclass(frozen=True, config=STRICT)
class Placing:
    """How crops are placed.

    Attributes:
        tries: random places that are looked at before a crop is given up.
        height: how high an object stands, over the longer side of its silhouette.
        footprint: the radius of the ground that it needs for itself, over that side.
        visible: the (low, high) share of the crop's silhouette that must be seen, inside the picture and not hidden.
        shadow: how much the ground darkens right at the object.
        light: 0 leaves the crop as bright as it is, 1 brings it wholly to the scene's light level.
        noise: whether the crop gets the scene's noise.
        labels: which objects stay annotated.
    """

    tries: Annotated[int, Field(ge=1, le=10_000)] = 200
    height: Annotated[float, Field(gt=0, le=4)] = 0.7
    footprint: Annotated[float, Field(gt=0, le=2)] = 0.42
    visible: tuple[Share, Share] = (0.5, 1.0)
    shadow: Share = 0.45
    light: Share = 0.7
    noise: bool = True
    labels: Labels = Labels()


@dataclass(frozen=True, eq=False)
class Spot:
    """Where a crop stands.

    Attributes:
        corner_xy: column and row of its square's top-left pixel in the picture; may lie outside.
        side: of its square in pixels.
        mask: (H, W) the pixels that it takes.
        depth_m: (H, W) float32 its depth, infinite outside its silhouette.
        visible: their share of its silhouette.
    """

    corner_xy: tuple[int, int]
    side: int
    mask: Mask
    depth_m: NDArray[np.float32]
    visible: float
    truncated: bool


class Composer:
    """Places crops in one rendered scene, one after the other.

    Args:
        sample: with depth, instances and camera matrix.
        placing: how.
        rng: for finding the support plane.

    Raises:
        DataError: the sample lacks one of them, or shows no plane.
    """

    def __init__(self, sample: Sample, placing: Placing, rng: Generator) -> None:
        self.sample, self.placing = sample, placing
        self._support = support_of(sample, rng)
        luma = luma_of(sample.rgb)
        self._noise = noise_of(luma, self._support.on_plane)
        smooth = softened(luma, 0.7) if self._noise > 2 else luma
        measured = blur_px(smooth, np.isfinite(self._support.heights_m))
        self._blur = float(np.sqrt(max(measured**2 - (0.49 if self._noise > 2 else 0.0), 0.0)))
        self._light = light_of(sample.rgb)

    def add(self, crops: Crops, number: int, rng: Generator, origin: Mapping[str, Any]) -> bool:
        """Place one crop; `sample` then holds it. Return whether a place was found.

        Args:
            crops: where it is from.
            number: which one of them.
            rng: draws the place and the noise.
            origin: plain data on where the crop comes from; `metadata["placed"]` keeps it with the place.
        """
        side_m = float(crops.side_m[number])
        spot = find_spot(self.sample, self._support, crops.rgba[number], side_m, self.placing, rng)
        if spot is None:
            return False
        light = crops.attribute("light")[number] if "light" in crops.names else self._light
        patch = self._patch(crops.rgba[number], spot, float(light), rng)
        rgb = self._drawn(patch, spot)
        shown = float(crops.attribute("visible_fraction")[number]) if "visible_fraction" in crops.names else 1.0
        drawn = Drawn(
            class_name=crops.classes[int(crops.labels[number])],
            mask=spot.mask,
            depth_m=spot.depth_m,
            visible_fraction=spot.visible * shown,
            truncated=spot.truncated,
            origin={**origin, "crop": crops.sources[number]},
        )
        self.sample = relabelled(replace(self.sample, rgb=rgb), drawn, self.placing.labels)
        depth = np.asarray(self.sample.depth_m, np.float64)[..., None]
        points = self._support.rays * depth
        heights = np.where(depth[..., 0] > 0, points @ self._support.normal + self._support.offset_m, np.nan)
        self._support = replace(self._support, heights_m=heights)
        return True

    def _patch(self, rgba: NDArray[np.uint8], spot: Spot, light: float, rng: Generator) -> NDArray[np.float32]:
        """Return the premultiplied (side, side, 4) patch, as bright, soft and noisy as the scene."""
        patch = matched_blur(_resized(rgba, spot.side), self._blur)
        alpha = patch[..., 3:]
        color = patch[..., :3] / np.maximum(alpha, 1e-3) * gain_of(self._light, light, self.placing.light)
        if self.placing.noise:
            own = noise_of(255 * luma_of(color), alpha[..., 0] > 0.99)
            color = color + grain(color.shape[:2], np.sqrt(max(self._noise**2 - own**2, 0)), rng)
        return np.asarray(np.concatenate([np.clip(color, 0, 1) * alpha, alpha], -1), np.float32)

    def _drawn(self, patch: NDArray[np.float32], spot: Spot) -> NDArray[np.uint8]:
        """Return the picture with the shadow on the ground and the patch's colours on the spot's mask."""
        shape = self.sample.rgb.shape[:2]
        full = _placed(patch, spot.corner_xy, shape)
        ground = self._support.on_plane
        shade = 1 - self.placing.shadow * np.where(ground, _soft_shadow(full[..., 3], spot.side), 0)
        dark = self.sample.rgb * shade[..., None]
        # Blur may have taken a pixel of the mask below one half.
        alpha = np.maximum(full[..., 3:], 0.5)
        over = 255 * full[..., :3] * alpha / np.maximum(full[..., 3:], 1e-3) + (1 - alpha) * dark
        return np.asarray(np.rint(np.where(spot.mask[..., None], over, dark)).clip(0, 255), np.uint8)


def find_spot(
    sample: Sample,
    support: Support,
    rgba: NDArray[np.uint8],
    side_m: float,
    placing: Placing,
    rng: Generator,
) -> Spot | None:
    """Return a random place on the support where a crop can stand, None where none was found.

    Its footprint is a disc: it must lie on the plane as far as that can be seen, and nothing may stand in it. What is
    drawn in front of what follows from depth.

    Args:
        sample: the scene.
        support: of it.
        rgba: (S, S, 4).
        side_m: side of the crop's square in metres; where it is not known (NaN), the crop is made as large as the
            picture's objects are, at the median.
        placing: the rules.
        rng: draws the places.
    """
    box = cv2.boundingRect((rgba[..., 3] >= 128).astype(np.uint8))
    share = max(box[2:]) / len(rgba)
    longer_m = share * side_m if np.isfinite(side_m) else _usual_side(sample)
    if min(share, longer_m) <= 0:
        return None
    obstacles = (support.rays * np.asarray(sample.depth_m)[..., None])[support.above]
    obstacles = obstacles - (obstacles @ support.normal + support.offset_m)[:, None] * support.normal
    radius = placing.footprint * longer_m
    height, width = sample.rgb.shape[:2]
    for column, row in zip(
        rng.integers(width, size=placing.tries), rng.integers(height, size=placing.tries), strict=True
    ):
        foot = support.beneath(support.rays[row, column])
        if foot is None or (len(obstacles) and (((obstacles - foot) ** 2).sum(1) < radius**2).any()):
            continue
        middle = foot + 0.5 * placing.height * longer_m * support.normal
        if middle[2] <= 0 or not _is_ground(sample, support, foot, radius):
            continue
        spot = _spot(sample, support, rgba, (middle, longer_m / share, placing.height * longer_m))
        if spot is not None and placing.visible[0] <= spot.visible <= placing.visible[1]:
            return spot
    return None


def _spot(sample: Sample, support: Support, rgba: NDArray[np.uint8], solid: tuple[Floats, float, float]) -> Spot | None:
    middle, side_m, height_m = solid
    assert sample.camera_matrix is not None
    side = round(side_m * float(sample.camera_matrix[0, 0]) / float(middle[2]))
    if not 4 <= side <= 4 * max(sample.rgb.shape):
        return None
    u, v = _pixel(sample, middle)
    corner_xy = (round(u - (side - 1) / 2), round(v - (side - 1) / 2))
    inside = _resized(rgba, side)[..., 3] >= 0.5
    shape = sample.rgb.shape[:2]
    silhouette = _placed(inside[..., None].astype(np.float32), corner_xy, shape)[..., 0] > 0
    dome = (middle[2] - 0.5 * height_m * (1 - _ring(inside) ** 2)).astype(np.float32)
    depth_m = np.where(silhouette, _placed(dome[..., None], corner_xy, shape)[..., 0], np.float32(np.inf))
    mask = silhouette & ~(support.above & (np.asarray(sample.depth_m) < depth_m))
    if not mask.any():
        return None
    whole = int(inside.sum())
    return Spot(corner_xy, side, mask, depth_m, float(mask.sum() / whole), int(silhouette.sum()) < whole)


def _is_ground(sample: Sample, support: Support, foot: Floats, radius: float) -> bool:
    """Whether the disc around a foot lies on the plane wherever the ground around it can be seen."""
    across = np.cross(support.normal, [1.0, 0, 0] if abs(support.normal[0]) < 0.9 else [0, 1.0, 0])
    across /= np.linalg.norm(across)
    along = np.cross(support.normal, across)
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)[:, None]
    for reach in (0.0, 0.5 * radius, radius):
        for point in foot + reach * (np.cos(turns) * across + np.sin(turns) * along):
            u, v = (round(x) for x in _pixel(sample, point))
            if not (0 <= v < sample.rgb.shape[0] and 0 <= u < sample.rgb.shape[1]):
                continue
            seen = support.heights_m[v, u]
            if not seen >= -support.tolerance_m:
                return False
    return True


def _pixel(sample: Sample, point: Floats) -> tuple[float, float]:
    assert sample.camera_matrix is not None
    xy = point[:2] / point[2]
    if sample.lens is not None:
        xy = build_lens(sample.lens).distort(xy[None])[0]
    u, v, _ = sample.camera_matrix @ [*xy, 1.0]
    return float(u), float(v)


def _usual_side(sample: Sample) -> float:
    """Return the median longer side in metres of a picture's annotated objects, 0 where there are none."""
    assert sample.camera_matrix is not None
    assert sample.depth_m is not None
    sides = []
    for annotation in sample.annotations:
        x, y = (int(v) for v in annotation.box_xyxy[:2] + np.array(annotation.size_wh) / 2)
        depth = float(sample.depth_m[min(y, len(sample.depth_m) - 1), min(x, sample.depth_m.shape[1] - 1)])
        sides.append(max(annotation.size_wh) * depth / float(sample.camera_matrix[0, 0]))
    return float(np.median(sides)) if sides else 0.0


def _resized(rgba: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Return the premultiplied (side, side, 4) crop, 0 to 1."""
    how = cv2.INTER_AREA if side < len(rgba) else cv2.INTER_CUBIC
    return np.asarray(np.clip(cv2.resize(premultiply(rgba), (side, side), interpolation=how), 0, 1), np.float32)


def _placed(patch: NDArray[np.float32], corner_xy: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a patch (side, side, C) in a picture of zeros (H, W, C)."""
    (x, y), side = corner_xy, len(patch)
    whole = np.zeros((*shape, patch.shape[2]), np.float32)
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + side, shape[1]), min(y + side, shape[0])
    if x2 > x1 and y2 > y1:
        whole[y1:y2, x1:x2] = patch[y1 - y : y2 - y, x1 - x : x2 - x]
    return whole


def _ring(inside: Mask) -> NDArray[np.float32]:
    """Return 0 in the middle of a silhouette to 1 at its rim."""
    reach = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(1 - reach / max(float(reach.max()), 1.0), np.float32)


def _soft_shadow(alpha: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the (H, W) share of the sky that an object hides from the ground: two blurs of alpha."""
    near, far = (softened(alpha, max(0.5, share * side)) for share in (0.025, 0.1))
    return np.asarray(0.6 * near + 0.4 * far, np.float32)
