"""Small crops, and a small rendered scene, for tests of the pixel space."""

from pathlib import Path

import cv2
import numpy as np

from simgen.formats.coco import CocoDataset, CocoWriter
from simgen.rare.pixels.crops import ATTRIBUTES, Crops
from simgen.rare.pixels.settings import CollapseGuard, GanLoss, Network, PixelTraining, VaeLoss
from simgen.samples import Annotation, Region, Sample

CLASSES = ("disc", "square")
SIZE = 16


def crops(count: int = 24, seed: int = 0, size: int = SIZE) -> Crops:
    """Return discs and squares in turn, of random colours and sizes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    rgba = np.zeros((count, size, size, 4), np.uint8)
    radius = rng.uniform(0.25, 0.45, count) * size
    labels = np.arange(count) % 2
    for k in range(count):
        inside = x**2 + y**2 < radius[k] ** 2 if labels[k] == 0 else np.maximum(abs(x), abs(y)) < radius[k]
        rgba[k, ..., :3] = rng.integers(30, 255, 3)
        rgba[k, size // 2 - 2, size // 2 + 1, :3] = 255  # no turn or mirror image looks the same
        rgba[k, ..., 3] = 255 * inside
    light = rng.uniform(0.2, 0.8, count)
    attributes = np.column_stack([np.ones(count), 4 * radius, light])
    side_px = np.full(count, 2.0 * size)
    sources = tuple(f"{k // 3}.png#{k % 3}" for k in range(count))
    return Crops(CLASSES, rgba, labels, attributes, ATTRIBUTES, side_px, np.full(count, 0.03), sources)


def settings(**changes) -> PixelTraining:
    """Return the settings of a run of seconds."""
    small = {
        "kind": "vae",
        "epochs": 3,
        "least_steps": 3,
        "batch_size": 8,
        "network": Network(latent=4, width=8),
        "vae": VaeLoss(warmup_epochs=1),
        "gan": GanLoss(start_epoch=1, r1_every=2),
        "collapse": CollapseGuard(coverage=0.0, crops=20),
    }
    return PixelTraining(**{**small, **changes})


def scene(tilt_rad: float = 0.3, size_wh: tuple[int, int] = (160, 120)) -> Sample:
    """Return a grey table with noise 0.5 m away, seen by a tilted camera, with a box of 3 cm standing on it."""
    width, height = size_wh
    matrix = np.array([[200.0, 0, (width - 1) / 2], [0, 200.0, (height - 1) / 2], [0, 0, 1]])
    v, u = np.mgrid[:height, :width].astype(float)
    rays = np.stack([(u - matrix[0, 2]) / 200, (v - matrix[1, 2]) / 200, np.ones_like(u)], -1)
    normal, offset = np.array([0.0, -np.sin(tilt_rad), -np.cos(tilt_rad)]), 0.5
    depth = -offset / (rays @ normal)
    box = np.zeros((height, width), bool)
    box[50:66, 70:86] = True
    depth[box] = -(offset - 0.03) / (rays[box] @ normal)
    rng = np.random.default_rng(0)
    rgb = np.clip(120 + rng.normal(0, 3, (height, width, 3)), 0, 255).astype(np.uint8)
    rgb[box] = (200, 40, 40)
    points = np.array([[78.0, 58.0, 2.0], [72.0, 52.0, 2.0]])
    annotation = Annotation(
        "square", np.array([70.0, 50, 86, 66]), Region.of(box), 3, 1.0, keypoints=points, keypoint_names=("a", "b")
    )
    instances = np.where(box, 3, 1).astype(np.int32)
    return Sample(7, rgb, (annotation,), depth.astype(np.float32), instances, matrix, {"scene": {}})


def written(folder: Path, samples: list[Sample]) -> CocoDataset:
    """Write samples as a dataset with depth and instances, as PNG; return it read again."""
    writer = CocoWriter(folder, CLASSES, {}, image="png", layers=("depth", "instances"))
    for sample in samples:
        writer.write(sample)
    writer.close()
    return CocoDataset.read(folder)


def alpha_png(path: Path, inside: np.ndarray, color: tuple[int, int, int]) -> None:
    """Write a PNG file of one colour (RGB) whose alpha is a mask; what is outside is green."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((*inside.shape, 4), np.uint8)
    image[..., :3] = np.where(inside[..., None], color[::-1], (0, 255, 0))
    image[..., 3] = 255 * inside
    cv2.imwrite(str(path), image)
