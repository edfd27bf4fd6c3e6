"""scikit-learn's 1,797 scanned handwritten digits as a labelled image set: real images that need no download."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.samples import Annotation

CLASSES = tuple("0123456789")


@dataclass(frozen=True, eq=False)
class ScanRecord(ImageRecord):
    """A scan that is in memory already: 8 x 8 pixels, ink bright on black."""

    pixels: NDArray[np.uint8] | None = None

    def rgb(self) -> NDArray[np.uint8]:
        """Return (8, 8, 3) uint8."""
        assert self.pixels is not None
        return np.repeat(self.pixels[..., None], 3, axis=2)


def scanned_digits() -> ImageSet:
    """Return the scans, each labelled with one box that is the whole image.

    Source: Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", as scikit-learn carries it.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    records = []
    for number, (image, label) in enumerate(zip(data.images, data.target, strict=True)):
        pixels = np.round(image * (255 / 16)).astype(np.uint8)
        annotation = Annotation(CLASSES[int(label)], np.array([0.0, 0.0, 8.0, 8.0]))
        path = Path(f"scan_{number:04d}")
        records.append(ScanRecord(path, number + 1, (8, 8), (annotation,), masks=(None,), pixels=pixels))
    return ImageSet(Path("scikit-learn digits"), CLASSES, tuple(records))
