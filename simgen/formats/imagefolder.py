"""ImageFolder, as torchvision has it: the reader. A folder a class, or a folder a part with a folder a class inside.

    cat/a.jpg  dog/b.jpg
    train/cat/a.jpg  train/dog/b.jpg  val/cat/c.jpg

The whole image is the object's box.
"""

from pathlib import Path

import numpy as np

from simgen.errors import DataError
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.formats.labels import images_in, is_image
from simgen.formats.layers import LAYERS
from simgen.imagefile import shown_size
from simgen.samples import Annotation

PARTS = frozenset({"train", "training", "val", "valid", "validation", "test"})
_FOREIGN = frozenset({"images", "labels", "annotations", "jpegimages", "meta", *LAYERS})


def matches(path: Path) -> bool:
    """Whether a folder looks like folders of classes: there is no image beside them, and none is called "images" ..."""
    if not path.is_dir() or any(is_image(file) for file in path.iterdir()):
        return False
    folders = [folder for _, folder in _class_folders(path)]
    named = {folder.name.lower() for folder in folders}
    return not named & _FOREIGN and any(is_image(file) for folder in folders for file in folder.iterdir())


def read(path: Path) -> ImageSet:
    """Return the set of a folder; its classes are the folders' names, sorted.

    Raises:
        DataError: no images, a damaged one, or a link that leads outside.
    """
    folders = _class_folders(path) if path.is_dir() else []
    found = [(image, folder.name, part) for part, folder in folders for image in images_in(folder, path)]
    if not found:
        raise DataError(
            f'image set "{path}": expected a folder of JPEG or PNG files for each class in it, found no images'
        )
    found.sort(key=lambda row: (row[0].name, row[0]))
    records = (_record(image, name, part, number) for number, (image, name, part) in enumerate(found, 1))
    return ImageSet(path, tuple(sorted({folder.name for _, folder in folders})), tuple(records))


def _class_folders(path: Path) -> list[tuple[str, Path]]:
    """Return (part, folder of a class) pairs; the part is "" where there are none."""
    inner = _folders(path)
    if inner and all(folder.name.lower() in PARTS for folder in inner):
        return [(part.name, folder) for part in inner for folder in _folders(part)]
    return [("", folder) for folder in inner]


def _folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))


def _record(image: Path, name: str, part: str, number: int) -> ImageRecord:
    width, height = shown_size(image)
    whole = Annotation(name, np.array([0.0, 0.0, width, height]))
    return ImageRecord(image, number, (width, height), (whole,), masks=(None,), parts=(part,) if part else ())
