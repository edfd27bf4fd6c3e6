"""Bare folders of pictures: sets without labels, for what needs none."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from simgen.formats import READERS, read_images
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.imagefile import stored_size
from simgen.samples import Annotation

_DESCRIBED = ("coco", "yolo", "voc")
"""The formats that a file in the folder tells; an `images/` alone could also be a class of the fourth."""
_ENDINGS = frozenset({".jpg", ".jpeg", ".png"})


def read_folder(folder: Path) -> ImageSet:
    """Return the labelled set at a path, or the unlabelled set of a folder of JPEG and PNG files.

    The pictures of an unlabelled set lie in the folder or in its `images/`.

    Raises:
        DataError: neither is there, or something in it is damaged.
    """
    if not folder.is_dir() or any(READERS[kind].matches(folder) for kind in _DESCRIBED):
        return read_images(folder)
    places = [place for place in (folder / "images", folder) if place.is_dir()]
    files = next((found for place in places if (found := _pictures(place))), [])
    if not files:
        return read_images(folder)
    records = tuple(ImageRecord(file, number, stored_size(file), ()) for number, file in enumerate(files, 1))
    return ImageSet(folder, (), records)


def _pictures(folder: Path) -> list[Path]:
    home = folder.resolve()
    files = [file for file in folder.iterdir() if file.suffix.lower() in _ENDINGS and not file.name.startswith(".")]
    return sorted(file for file in files if file.is_file() and file.resolve().is_relative_to(home))


def framed(data: ImageSet) -> ImageSet:
    """Return a set whose pictures without any object are one each: a classifier cuts objects out by their boxes.

    A set that says what its classes are, or has an object, is returned as it is.
    """
    if data.classes or any(record.annotations for record in data.records):
        return data
    return ImageSet(data.root, (), tuple(_framed(record) for record in data.records))


def _framed(record: ImageRecord) -> ImageRecord:
    box = np.array([0, 0, *record.size_wh], np.float64)
    return replace(record, annotations=(Annotation("", box),), masks=(None,))
