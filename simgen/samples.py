"""`Sample`: one labelled image. The only thing that the generator, the formats and the adapters exchange.

(The module is called `samples` because `simgen.sample` is the function that makes one.)
Boxes are in pixel *edges* (x from 0 at the left border of the image to `width` at the right one), as COCO has them.
Keypoints and the camera matrix follow OpenCV: the centre of the top-left pixel is (0, 0).
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.scene import Plain


@dataclass(frozen=True, eq=False)
class Region:
    """Some pixels of an image, as the part of it that holds them all: objects are small, and images hold many.

    Attributes:
        part: (h, w) bool.
        corner_xy: column and row of its top-left pixel in the image.
        size_wh: of the image.
    """

    part: NDArray[np.bool_]
    corner_xy: tuple[int, int]
    size_wh: tuple[int, int]

    @staticmethod
    def of(mask: NDArray[np.bool_]) -> "Region":
        """Return the region of an (H, W) mask."""
        return Region(mask, (0, 0), (mask.shape[1], mask.shape[0]))

    def mask(self) -> NDArray[np.bool_]:
        """Return the (H, W) mask over the whole image."""
        (x, y), (height, width) = self.corner_xy, self.part.shape
        mask = np.zeros(self.size_wh[::-1], np.bool_)
        mask[y : y + height, x : x + width] = self.part
        return mask

    def cut(self) -> "Region":
        """Return the same pixels, at least one, in the smallest part that holds them."""
        x, y, width, height = cv2.boundingRect(self.part.view(np.uint8))
        left, top = x + self.corner_xy[0], y + self.corner_xy[1]
        return Region(self.part[y : y + height, x : x + width].copy(), (left, top), self.size_wh)

    def box_xyxy(self) -> NDArray[np.float64]:
        """Return the box (4,) around the part, in pixel edges: a tight one after `cut`."""
        (left, top), (height, width) = self.corner_xy, self.part.shape
        return np.array([left, top, left + width, top + height], np.float64)


@dataclass(frozen=True, eq=False)
class Annotation:
    """What is known of one object in one image.

    Attributes:
        class_name: one of the dataset's classes.
        box_xyxy: (4,) float64, pixel edges; tight around the visible pixels in simulated images.
        region: the visible pixels, or None where the set has none.
        instance_id: the object's number in the instance image, 0 where there is none.
        visible_fraction: visible pixels over the pixels of the whole silhouette, also outside the image.
        truncated: whether the silhouette reaches over the image's border.
        cam_T_object: (4, 4) float64, metres, OpenCV camera axes, or None.
        keypoints: (K, 3) float64 of x, y, v with v 0 = outside the image, 1 = occluded, 2 = visible.
        keypoint_names: K names.
        keypoints_m: (K, 3) float64, the same points in the object's frame; (0, 3) where that is not known.
        outline_m: of a flat object in the plane z = 0 of its frame, with a corner at the origin, the width and height
            of the part that its keypoints are on (a print without its rim); or None.
        ignore: an object that must count neither as found nor as missed (COCO's iscrowd).
        whole: all that the object covers, as if nothing stood before it (amodal), or None where that is not known.
    """

    class_name: str
    box_xyxy: NDArray[np.float64]
    region: Region | None = None
    instance_id: int = 0
    visible_fraction: float = 1.0
    truncated: bool = False
    cam_T_object: NDArray[np.float64] | None = None
    keypoints: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    keypoint_names: tuple[str, ...] = ()
    keypoints_m: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    outline_m: tuple[float, float] | None = None
    ignore: bool = False
    whole: Region | None = None

    @cached_property
    def mask(self) -> NDArray[np.bool_] | None:
        """(H, W) bool of the visible pixels, or None where the set has none; made when it is first asked for."""
        return None if self.region is None else self.region.mask()

    @property
    def size_wh(self) -> tuple[float, float]:
        x1, y1, x2, y2 = (float(v) for v in self.box_xyxy)
        return x2 - x1, y2 - y1


@dataclass(frozen=True, eq=False)
class Sample:
    """One image with its annotations.

    Attributes:
        index: the sample's number in its dataset.
        rgb: (H, W, 3) uint8.
        annotations: one for each labelled object that can be seen.
        depth_m: (H, W) float32 along the optical axis, 0 where nothing was hit, or None.
        instances: (H, W) int32, 0 = background, or None.
        camera_matrix: (3, 3) float64, or None.
        metadata: plain data, at least {"scene": ...} for a simulated sample: everything needed to make it again.
        lens: the distortion, a section of `simgen.lens.LENSES`, or None for a pinhole; the labels go through it.
        parts: (H, W) int32, 1 + the number of the object's part (link), 0 = background, or None.
        normals: (H, W, 3) float32 unit normals in camera axes, 0 = background, or None.
        coordinates: (H, W, 3) float32 place in the part's bounding box, [0, 1] (NOCS, Wang et al. 2019), or None.
    """

    index: int
    rgb: NDArray[np.uint8]
    annotations: tuple[Annotation, ...]
    depth_m: NDArray[np.float32] | None = None
    instances: NDArray[np.int32] | None = None
    camera_matrix: NDArray[np.float64] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    lens: Plain | None = None
    parts: NDArray[np.int32] | None = None
    normals: NDArray[np.float32] | None = None
    coordinates: NDArray[np.float32] | None = None
