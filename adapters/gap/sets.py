"""Which pictures are compared: a labelled set, or a bare folder of pictures, and at most so many of them."""

from pathlib import Path

from simgen.errors import DataError
from simgen.formats import READERS, read_images
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.imagefile import stored_size
from simgen.rng import stream

LEAST_IMAGES = 10
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


def chosen(data: ImageSet, most: int, seed: int) -> ImageSet:
    """Return at most `most` images, drawn evenly with the seed, in the order of their names.

    Raises:
        DataError: fewer than `LEAST_IMAGES`.
    """
    if min(len(data), most) < LEAST_IMAGES:
        raise DataError(f'image set "{data.root}": expected at least {LEAST_IMAGES} images to compare, got {len(data)}')
    if len(data) <= most:
        return data
    order = stream(seed, 0, "gap.images").permutation(len(data))
    return data.subset(sorted(int(k) for k in order[:most]))
