"""Crops placed in rendered scenes: where they can stand, as large as they are there, behind what is nearer.

The mask is what is drawn: a pixel belongs to the object if its alpha is at least one half and nothing of the scene is
in front of it, and those pixels, no others, take the crop's colours. So the annotation's mask and the drawn pixels are
the same by construction. The shadow darkens other pixels, as a rendered one does.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.rare.looks import luma
from simgen.rare.pixels.crops import Crops, light_of
from simgen.rare.pixels.matching import blur_px, gain_of, grain, matched_blur, noise_of, softened
from simgen.rare.pixels.relabel import Drawn, relabelled
from simgen.rare.pixels.spots import Placing, Spot, find_spot, pasted, resized
from simgen.rare.pixels.support import support_of
from simgen.rare.pixels.upright import turned_crop
from simgen.samples import Sample

_NEAR, _FAR = 0.025, 0.1
"""Standard deviations of the shadow's two blurs, in parts of the object's side."""
_LEAST_BLUR_PX = 0.5


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
        light = luma(sample.rgb)
        self._noise = noise_of(light, self._support.on_plane)
        smooth = softened(light, 0.7) if self._noise > 2 else light
        measured = blur_px(smooth, np.isfinite(self._support.heights_m))
        self._blur = float(np.sqrt(max(measured**2 - (0.49 if self._noise > 2 else 0.0), 0.0)))
        self._light = light_of(sample.rgb)

    def add(self, crops: Crops, number: int, rng: Generator, origin: Mapping[str, Any]) -> bool:
        """Place one crop; `sample` then holds it. Return whether a place was found.

        Args:
            crops: where it is from.
            number: which one of them.
            rng: draws the place, the noise, and how an upright crop is turned.
            origin: plain data on where the crop comes from; `metadata["placed"]` keeps it with the place.
        """
        rgba, side_m = crops.rgba[number], float(crops.side_m[number])
        if crops.upright:
            rgba = turned_crop(rgba, rng.uniform(0, 360))
            side_m *= len(rgba) / crops.rgba.shape[1]
        spot = find_spot(self.sample, self._support, rgba, side_m, self.placing, rng)
        if spot is None:
            return False
        light = crops.attribute("light")[number] if "light" in crops.names else self._light
        patch = self._patch(rgba, spot, float(light), rng)
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
        support, heights = self._support, self._support.heights_m.copy()
        points = support.rays[spot.mask] * spot.depth_m[spot.mask].astype(np.float64)[:, None]
        heights[spot.mask] = points @ support.normal + support.offset_m
        self._support = replace(support, heights_m=heights)
        return True

    def _patch(self, rgba: NDArray[np.uint8], spot: Spot, light: float, rng: Generator) -> NDArray[np.float32]:
        """Return the premultiplied (side, side, 4) patch, as bright, soft and noisy as the scene."""
        patch = matched_blur(resized(rgba, spot.side), self._blur)
        alpha = patch[..., 3:]
        color = patch[..., :3] / np.maximum(alpha, 1e-3) * gain_of(self._light, light, self.placing.light)
        if self.placing.noise:
            own = noise_of(255 * luma(color), alpha[..., 0] > 0.99)
            color = color + grain(color.shape[:2], np.sqrt(max(self._noise**2 - own**2, 0)), rng)
        return np.asarray(np.concatenate([np.clip(color, 0, 1) * alpha, alpha], -1), np.float32)

    def _drawn(self, patch: NDArray[np.float32], spot: Spot) -> NDArray[np.uint8]:
        """Return the picture with the shadow on the ground and the patch's colours on the spot's mask."""
        rgb, (x, y) = self.sample.rgb.copy(), spot.corner_xy
        # Beyond four standard deviations the shadow's blurs have nothing.
        reach = 2 + math.ceil(4 * max(_LEAST_BLUR_PX, _FAR * spot.side))
        left, top = max(x - reach, 0), max(y - reach, 0)
        window = (slice(top, max(y + spot.side + reach, 0)), slice(left, max(x + spot.side + reach, 0)))
        part, mask = rgb[window], spot.mask[window]
        full = pasted(patch, (x - left, y - top), mask.shape)
        ground = self._support.on_plane[window]
        shade = 1 - self.placing.shadow * np.where(ground, _soft_shadow(full[..., 3], spot.side), 0)
        dark = part * shade[..., None]
        # Blur may have taken a pixel of the mask below one half.
        alpha = np.maximum(full[..., 3:], 0.5)
        over = 255 * full[..., :3] * alpha / np.maximum(full[..., 3:], 1e-3) + (1 - alpha) * dark
        rgb[window] = np.rint(np.where(mask[..., None], over, dark)).clip(0, 255)
        return rgb


def _soft_shadow(alpha: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the (H, W) share of the sky that an object hides from the ground: two blurs of alpha."""
    near, far = (softened(alpha, max(_LEAST_BLUR_PX, share * side)) for share in (_NEAR, _FAR))
    return np.asarray(0.4 * near + 0.6 * far, np.float32)
