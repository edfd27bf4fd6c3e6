"""A contact sheet of samples with their labels drawn: what assertions miss, the eye catches."""

import colorsys
from collections.abc import Callable, Collection, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.formats.layers import LAYERS
from simgen.samples import Annotation, Sample

Image = NDArray[np.uint8]
Corners = tuple[int, int, int, int]
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_TEXT = 0.5


def class_color(number: int) -> tuple[int, int, int]:
    """Return a distinct rgb colour for a class or instance number."""
    r, g, b = colorsys.hsv_to_rgb((0.61803399 * number) % 1.0, 0.75, 1.0)
    return round(255 * r), round(255 * g), round(255 * b)


def draw_labels(sample: Sample, classes: Sequence[str], scale: float = 1.0) -> Image:
    """Return the image, enlarged by `scale`, with boxes, class names, mask outlines and keypoints drawn on it."""
    image = cv2.resize(sample.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    names = list(classes)
    for annotation in sample.annotations:
        _draw_annotation(image, annotation, class_color(names.index(annotation.class_name)), scale)
    taken: list[Corners] = []
    for a in sample.annotations:  # over all outlines
        text = a.class_name + ("" if a.visible_fraction > 0.995 else f" {a.visible_fraction:.2f}")
        put_text(image, text, a.box_xyxy * scale, class_color(names.index(a.class_name)), taken)
    return image


def _draw_annotation(image: Image, annotation: Annotation, color: tuple[int, int, int], scale: float) -> None:
    x1, y1, x2, y2 = (round(float(v) * scale) for v in annotation.box_xyxy)
    cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), color, 1)
    if annotation.mask is not None:
        mask = cv2.resize(annotation.mask.astype(np.uint8), image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        outline, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, outline, -1, (255, 255, 255), 1)
    for x, y, v in annotation.keypoints:
        if v == 2:
            center = (round((float(x) + 0.5) * scale), round((float(y) + 0.5) * scale))
            cv2.circle(image, center, 2, (255, 0, 255), -1)


def put_text(
    image: Image, text: str, box_xyxy: NDArray[np.float64], color: tuple[int, int, int], taken: list[Corners]
) -> None:
    """Write a text on a filled label above a box, or below or in it where others or the image's border are in the way.

    Args:
        image: (H, W, 3) uint8, written to.
        text: of one line.
        box_xyxy: (4,) in pixels of the image.
        color: of the label; the text is black or white, whichever stands out.
        taken: the labels that are there already; this one is added.
    """
    (width, height), below = cv2.getTextSize(text, _FONT, _TEXT, 1)
    wide, high = width + 6, height + below + 3
    x1, y1, _, y2 = (round(float(v)) for v in box_xyxy)
    left = min(max(x1, 0), max(image.shape[1] - wide, 0))
    tops = [top for top in (y1 - high, y2, y1, y1 - 2 * high, y2 + high) if 0 <= top <= image.shape[0] - high]
    free = [top for top in tops if not any(_meet((left, top, left + wide, top + high), other) for other in taken)]
    top = (free or tops or [0])[0]
    taken.append((left, top, left + wide, top + high))
    cv2.rectangle(image, (left, top), (left + wide - 1, top + high - 1), color, -1)
    ink = (0, 0, 0) if np.dot(color, (0.299, 0.587, 0.114)) > 130 else (255, 255, 255)
    cv2.putText(image, text, (left + 3, top + height + 2), _FONT, _TEXT, ink, 1, cv2.LINE_AA)


def _meet(a: Corners, b: Corners) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def depth_view(depth_m: NDArray[np.float32]) -> Image:
    """Return depth as colours: near is bright, nothing is black."""
    hit = depth_m > 0
    if not hit.any():
        return np.zeros((*depth_m.shape, 3), np.uint8)
    low, high = np.percentile(depth_m[hit], [0.5, 99.5])
    near = 1 - np.clip((depth_m - low) / max(high - low, 1e-6), 0, 1)
    colored = cv2.applyColorMap((255 * near).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    return np.where(hit[..., None], colored, 0).astype(np.uint8)


def instance_view(instances: NDArray[np.int32]) -> Image:
    """Return instance ids as colours."""
    table = np.array([(0, 0, 0), *(class_color(i) for i in range(1, int(instances.max()) + 1))], np.uint8)
    return np.asarray(table[instances], np.uint8)


def normal_view(normals: NDArray[np.float32]) -> Image:
    """Return normals as colours: red to the right, green upwards, blue towards the camera, nothing is black."""
    shown = (normals * (1, -1, -1) + 1) * (127.5 * normals.any(-1, keepdims=True))
    return shown.round().astype(np.uint8)


def coordinate_view(coordinates: NDArray[np.float32]) -> Image:
    """Return object coordinates as colours: x, y, z are red, green, blue."""
    return (255 * coordinates).round().astype(np.uint8)


VIEWS: dict[str, Callable[[Any], Image]] = {
    "depth": depth_view,
    "instances": instance_view,
    "parts": instance_view,
    "normals": normal_view,
    "coordinates": coordinate_view,
}
"""How the label images of `simgen.formats.layers` are shown."""


def contact_sheet(
    samples: Sequence[Sample],
    classes: Sequence[str],
    tile_px: int = 560,
    layers: Collection[str] = ("depth", "instances"),
) -> Image:
    """Return one row for each sample: the labelled image and its label images.

    Args:
        samples: at least one.
        classes: the class names in the order of their ids.
        tile_px: width of each view.
        layers: the label images to show, of `VIEWS`, those of them that a sample has.
    """
    rows = []
    for sample in samples:
        scale = tile_px / sample.rgb.shape[1]
        views = [draw_labels(sample, classes, scale)]
        size = views[0].shape[1::-1]
        fields = {name: getattr(sample, LAYERS[name].field) for name in VIEWS if name in layers}
        others = [VIEWS[name](values) for name, values in fields.items() if values is not None]
        views += [cv2.resize(view, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8) for view in others]
        rows.append(np.hstack(views))
    columns = 2 if len(rows) > 2 else 1
    rows += [np.zeros_like(rows[0])] * (-len(rows) % columns)
    return np.vstack([np.hstack(rows[i : i + columns]) for i in range(0, len(rows), columns)])
