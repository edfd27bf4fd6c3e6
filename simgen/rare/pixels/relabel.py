"""The labels of a picture after an object was drawn into it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.annotate import Labels
from simgen.samples import Annotation, Region, Sample

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Drawn:
    """An object that was drawn.

    Attributes:
        class_name: its class.
        mask: (H, W) the pixels that it took, at least one.
        depth_m: (H, W) its depth on them.
        visible_fraction: of the object.
        truncated: whether its silhouette reaches over the picture's border.
        origin: plain data on where it comes from.
    """

    class_name: str
    mask: Mask
    depth_m: NDArray[np.float32]
    visible_fraction: float
    truncated: bool
    origin: Mapping[str, Any]


def relabelled(sample: Sample, drawn: Drawn, labels: Labels) -> Sample:
    """Return the sample with a drawn object's annotation, and less of what it hides.

    Depth and instances take the object; of its parts, normals and coordinates nothing is known: 0. Other objects lose
    its pixels from mask, box and visible fraction, and objects with too few pixels left lose their annotation. Their
    keypoints under it count as occluded.
    """
    numbers = [annotation.instance_id for annotation in sample.annotations]
    number = 1 + max([0, *numbers, *([] if sample.instances is None else [int(sample.instances.max(initial=0))])])
    others = [_covered(annotation, drawn.mask, labels) for annotation in sample.annotations]
    region = Region.of(drawn.mask).cut()
    fraction = round(min(1.0, drawn.visible_fraction), 4)
    ours = Annotation(
        class_name=drawn.class_name,
        box_xyxy=region.box_xyxy(),
        region=region,
        instance_id=number,
        visible_fraction=fraction,
        truncated=drawn.truncated,
        ignore=fraction < labels.min_visible_fraction,
    )
    placed = [*sample.metadata.get("placed", []), {**drawn.origin, "instance_id": number}]
    depth, instances = sample.depth_m, sample.instances
    return replace(
        sample,
        annotations=(*(a for a in others if a is not None), ours),
        depth_m=None if depth is None else np.where(drawn.mask, drawn.depth_m, depth).astype(np.float32),
        instances=None if instances is None else np.where(drawn.mask, number, instances).astype(np.int32),
        metadata={**sample.metadata, "placed": placed},
        parts=_cleared(sample.parts, drawn.mask),
        normals=_cleared(sample.normals, drawn.mask),
        coordinates=_cleared(sample.coordinates, drawn.mask),
    )


def _cleared(layer: NDArray[Any] | None, mask: Mask) -> NDArray[Any] | None:
    """Return a label image (H, W) or (H, W, 3) with 0 on a mask."""
    if layer is None:
        return None
    kept = layer.copy()
    kept[mask] = 0
    return kept


def _covered(annotation: Annotation, mask: Mask, labels: Labels) -> Annotation | None:
    """Return an annotation without the pixels of a mask, None where too few are left."""
    region = annotation.region
    if region is None:
        return annotation
    (x, y), (height, width) = region.corner_xy, region.part.shape
    left = region.part & ~mask[y : y + height, x : x + width]
    before, after = int(region.part.sum()), int(left.sum())
    if after == before:
        return annotation
    if after < max(1, labels.min_visible_px):
        return None
    smaller = Region(left, region.corner_xy, region.size_wh).cut()
    fraction = round(annotation.visible_fraction * after / before, 4)
    points = annotation.keypoints.copy()
    for point in points:
        u, v = round(float(point[0])), round(float(point[1]))
        if point[2] == 2 and 0 <= v < mask.shape[0] and 0 <= u < mask.shape[1] and mask[v, u]:
            point[2] = 1
    return replace(
        annotation,
        region=smaller,
        box_xyxy=smaller.box_xyxy(),
        visible_fraction=fraction,
        keypoints=points,
        ignore=annotation.ignore or fraction < labels.min_visible_fraction,
    )
