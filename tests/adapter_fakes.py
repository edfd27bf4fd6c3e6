"""Tiny COCO sets drawn with OpenCV, for the tests of simgen.adapters."""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.adapters.augment import STILL
from simgen.adapters.crops import CropView
from simgen.adapters.settings import OptimizerConfig, RuntimeConfig, TrainConfig, ValidationConfig
from simgen.formats.masks import encode
from simgen.rng import stream
from simgen.samples import Region

OFF = STILL
TINY = TrainConfig(
    task="classify",
    model={"kind": "crop_classifier", "widths": [4, 8]},
    steps=6,
    batch_size=4,
    view=CropView(input_size=8, grey=False),
    augment=OFF,
    optimizer=OptimizerConfig(warmup_steps=0),
    validation=ValidationConfig(fraction=0.34),
    runtime=RuntimeConfig(accelerator="cpu", precision="32-true", threads=1, workers=0, checkpoint_every=2),
)
"""A run of a classifier that takes a moment."""

Labelled = tuple[NDArray[np.uint8], list[tuple[str, tuple[float, float, float, float]]]]


def write_coco(folder: Path, images: Sequence[Labelled], classes: Sequence[str], masks: bool = False) -> Path:
    """Write (rgb, [(class, box xyxy)]) pairs as a real set is written: annotations.json beside images/.

    With masks, discs have run lengths and everything else a polygon.
    """
    (folder / "images").mkdir(parents=True)
    content: dict[str, list[object]] = {"images": [], "annotations": []}
    for number, (rgb, objects) in enumerate(images):
        name = f"{number:08d}.png"
        cv2.imwrite(str(folder / "images" / name), rgb[..., ::-1])
        content["images"].append({"id": number + 1, "file_name": name, "width": rgb.shape[1], "height": rgb.shape[0]})
        for kind, (x1, y1, x2, y2) in objects:
            w, h = x2 - x1, y2 - y1
            content["annotations"].append(
                {
                    "id": len(content["annotations"]) + 1,
                    "image_id": number + 1,
                    "category_id": list(classes).index(kind) + 1,
                    "bbox": [x1, y1, w, h],
                    "area": w * h,
                    "iscrowd": 0,
                    "instance_id": objects.index((kind, (x1, y1, x2, y2))) + 1,
                    **({"segmentation": segmentation(kind, (x1, y1, x2, y2), rgb.shape)} if masks else {}),
                }
            )
    categories = [{"id": k + 1, "name": name} for k, name in enumerate(classes)]
    (folder / "annotations.json").write_text(json.dumps({**content, "categories": categories}))
    return folder


def write_sides(folder: Path, images: Sequence[Labelled]) -> Path:
    """Write depth and instance images beside the pictures of `write_coco`: boxes 0.1 m above a ground 1 m away."""
    for kind in ("depth", "instances"):
        (folder / kind).mkdir()
    for number, (rgb, objects) in enumerate(images):
        depth, instances = np.full(rgb.shape[:2], 1000, np.uint16), np.zeros(rgb.shape[:2], np.uint16)
        for instance, (_, box) in enumerate(objects, 1):
            x1, y1, x2, y2 = (round(edge) for edge in box)
            depth[y1:y2, x1:x2], instances[y1:y2, x1:x2] = 900, instance
        cv2.imwrite(str(folder / "depth" / f"{number:08d}.png"), depth)
        cv2.imwrite(str(folder / "instances" / f"{number:08d}.png"), instances)
    return folder


def segmentation(kind: str, box: tuple[float, ...], shape: tuple[int, ...]) -> object:
    """Return COCO's segmentation of a shape that fills its box."""
    x1, y1, x2, y2 = box
    if kind != "disc":
        return [[x1, y1, x2, y1, x2, y2, x1, y2]]
    mask = np.zeros(shape[:2], np.uint8)
    cv2.circle(mask, (int(x1 + x2 - 1) // 2, int(y1 + y2 - 1) // 2), int(x2 - x1 - 1) // 2, 1, -1)
    return encode(Region.of(mask.astype(bool)))


def shapes(count: int, seed: int = 0, size: int = 128) -> list[Labelled]:
    """Draw pictures with a red square and a blue disc each, on noise."""
    images: list[Labelled] = []
    for number in range(count):
        rng = stream(seed, number, "shapes")
        rgb = np.ascontiguousarray(rng.integers(90, 130, (size, size, 3)).astype(np.uint8))
        side = int(rng.integers(20, 28))
        x, y = (int(v) for v in rng.integers(2, [size // 2 - side - 2, size - side - 2]))
        rgb[y : y + side, x : x + side] = (200, 30, 30)
        radius = int(rng.integers(10, 14))
        cx, cy = (int(v) for v in rng.integers([size // 2 + radius, radius], size - radius - 1))
        cv2.circle(rgb, (cx, cy), radius, (30, 30, 200), -1)
        square = ("square", (float(x), float(y), float(x + side), float(y + side)))
        disc = ("disc", (cx - radius, cy - radius, cx + radius + 1.0, cy + radius + 1.0))
        images.append((rgb, [square, disc]))
    return images
