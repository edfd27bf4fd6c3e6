"""What the readers of all formats share: boxes inside their image, paths inside their folder, texts of mistakes.

Hand-drawn boxes often spill over the image's border: up to `SPILL_PX` pixels (or a tenth of the box) they are
clipped; more is refused, and so is a box that has no area or lies wholly outside. A path outside the folder, also by
a link, is refused.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import DataError

SPILL_PX = 2.0
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


def clipped(corners: NDArray[np.float64], size_wh: tuple[int, int]) -> NDArray[np.float64] | None:
    """Return a (4,) box xyxy clipped to its image, None where it lies too far outside or has no area left."""
    inside = np.clip(corners, 0, [*size_wh, *size_wh])
    allowed = max(SPILL_PX, 0.1 * float((corners[2:] - corners[:2]).max()))
    if np.abs(corners - inside).max() > allowed or (inside[2:] <= inside[:2]).any():
        return None
    return np.asarray(inside, np.float64)


def is_inside(path: Path, home: Path) -> bool:
    """Whether a path, links followed, lies in a folder."""
    return path.resolve().is_relative_to(home.resolve())


def is_image(path: Path) -> bool:
    """Whether a file is an image by its name (names that begin with a dot are none)."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def images_in(folder: Path, home: Path) -> list[Path]:
    """Return the images in a folder and the folders in it, sorted. Raises `DataError` for a link that leads outside."""
    found = sorted(path for path in folder.rglob("*") if is_image(path))
    for path in found:
        if not is_inside(path, home):
            raise DataError(f'image "{path}": lies outside the folder "{home}"')
    return found


def read_text(file: Path) -> str:
    """Return a label file's text. Raises `DataError`."""
    try:
        return file.read_text("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f'labels "{file}": there is no such file') from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'labels "{file}": cannot be read: {error}') from None


def short(value: Any) -> str:
    """Return a value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def size_text(size_wh: tuple[int, int]) -> str:
    """Return "640 x 480"."""
    return f"{size_wh[0]} x {size_wh[1]}"
