"""Small image sets in the formats of others, written by hand."""

from pathlib import Path

import cv2
import numpy as np

SIZE_WH = (40, 20)


def picture(path: Path, size_wh: tuple[int, int] = SIZE_WH, orientation: int | None = None) -> Path:
    """Write a grey picture, with an EXIF orientation where one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size_wh[1], size_wh[0], 3), 90, np.uint8))
    if orientation is not None:
        tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation]) + b"\0\0\0\0\0\0"
        segment = b"Exif\0\0" + tiff
        data = path.read_bytes()
        path.write_bytes(data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:])
    return path


def text(path: Path, content: str) -> Path:
    """Write a text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")
    return path


def yolo_set(folder: Path, line: str = "1 0.5 0.5 0.25 0.5") -> Path:
    """Write a set with one image in train and two in val; one of them has an outline, one no objects."""
    for part, name in (("train", "b"), ("val", "a"), ("val", "c")):
        picture(folder / "images" / part / f"{name}.png")
    text(folder / "data.yaml", "path: .\ntrain: images/train\nval: images/val\nnames: {0: bolt, 1: nut}\n")
    text(folder / "labels" / "train" / "b.txt", "0 0.1 0.2 0.3 0.2 0.3 0.6\n")
    text(folder / "labels" / "val" / "a.txt", f"0 0.05 0.1 0.1 0.2\n\n{line}\n")
    return folder


def voc_xml(objects: str = "", size: str = "", filename: str = "a.jpg", head: str = "") -> str:
    """Return an annotation."""
    return f"{head}<annotation>\n<filename>{filename}</filename>\n{size}\n{objects}\n</annotation>\n"


def voc_object(name: str = "nut", box: tuple[float, ...] = (1, 1, 40, 20), more: str = "") -> str:
    """Return an object."""
    sides = "".join(f"<{s}>{v}</{s}>" for s, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return f"<object><name>{name}</name>{more}\n<bndbox>{sides}</bndbox></object>"
