"""Pascal VOC: the reader.

    Annotations/a.xml       <annotation> with <filename>, <size> and <object>s of <name> and <bndbox>; or all XML files
                            beside the images in one folder
    JPEGImages/a.jpg
    ImageSets/Main/val.txt  optional: the names of the images of a part, one a line

Pixels count from 1 there, and a box holds its last pixel: xmin = 1 is the left border, xmax = width the right one.
Objects that are marked `difficult` count neither as found nor as missed.

Source: Everingham et al. 2010, "The Pascal Visual Object Classes (VOC) Challenge", and its development kit.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from pathlib import Path

import numpy as np

from simgen.errors import DataError
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.formats.labels import clipped, is_image, is_inside, read_text, size_text
from simgen.imagefile import shown_size, stored_size
from simgen.samples import Annotation
from simgen.xmlfile import Element, parse

_FOLDERS = ("JPEGImages", "images", ".")
_SIDES = ("xmin", "ymin", "xmax", "ymax")


def matches(path: Path) -> bool:
    """Whether a folder looks like a VOC set: it holds XML files, or a folder Annotations does."""
    return path.is_dir() and bool(_label_files(path))


def read(path: Path) -> ImageSet:
    """Return the set of a folder; the lists in ImageSets/Main become the records' parts.

    Its classes are those that occur, sorted.

    Raises:
        DataError: a mistake in a file, with its line; or an image outside the folder.
    """
    files = _label_files(path) if path.is_dir() else []
    if not files:
        raise DataError(f'image set "{path}": expected XML files of Pascal VOC in it or in its Annotations, found none')
    parts = dict(_parts(path))
    found = [_record(file, path, parts) for file in files]
    found.sort(key=lambda record: (record.path.name, record.path))
    records = tuple(replace(record, image_id=number) for number, record in enumerate(found, 1))
    classes = sorted({annotation.class_name for record in records for annotation in record.annotations})
    return ImageSet(path, tuple(classes), records)


def _label_files(folder: Path) -> list[Path]:
    inner = folder / "Annotations"
    return sorted(file for file in (inner if inner.is_dir() else folder).glob("*.xml") if file.is_file())


def _parts(folder: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield the parts and the names of their images. Lists of single classes have a second column and are left out."""
    for file in sorted((folder / "ImageSets" / "Main").glob("*.txt")):
        if is_inside(file, folder):
            lines = [line.split() for line in read_text(file).splitlines() if line.strip()]
            if all(len(words) == 1 for words in lines):
                yield file.stem, {words[0] for words in lines}


def _record(file: Path, folder: Path, parts: dict[str, set[str]]) -> ImageRecord:
    where = f'labels "{file}"'
    if not is_inside(file, folder):
        raise DataError(f'{where}: lie outside the folder "{folder}"')
    try:
        top = parse(file.read_bytes(), where, "VOC")
    except OSError as error:
        raise DataError(f"{where}: cannot be read: {error.strerror}") from None
    if top.tag != "annotation":
        raise DataError(f"{where} line {top.line}: expected <annotation>, got <{top.tag:.40}>")
    image = _image(top, file, folder, where)
    size = _size(top, image, where)
    annotations = tuple(_annotation(found, size, where) for found in top.all("object"))
    mine = tuple(part for part, names in parts.items() if file.stem in names)
    return ImageRecord(image, 0, size, annotations, masks=(None,) * len(annotations), parts=mine)


def _image(top: Element, file: Path, folder: Path, where: str) -> Path:
    named = top.first("filename")
    names = [f"{file.stem}{suffix}" for suffix in (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")]
    line = where if named is None else f"{where} line {named.line}"
    if named is not None and named.text:
        names.insert(0, named.text)
    for place in (folder / inner / name for name in names for inner in _FOLDERS):
        if not is_inside(place, folder):
            raise DataError(f'{line}: image "{named.text if named else place}" lies outside the folder')
        if is_image(place):
            return place
    raise DataError(f'{line}: image "{names[0]}" is missing')


def _size(top: Element, image: Path, where: str) -> tuple[int, int]:
    """Return the size that the labels were made for: that of the image as shown, or as stored."""
    shown = shown_size(image)
    told = top.first("size")
    sides = [None if told is None else told.first(side) for side in ("width", "height")]
    if told is None or None in sides or all(side is not None and side.text in ("", "0") for side in sides):
        return shown  # some tools leave it out, or write 0
    labelled = tuple(side.text for side in sides if side is not None)
    for size in (shown, stored_size(image)):
        if labelled == tuple(str(v) for v in size):
            return size
    got = " x ".join(f"{text:.20}" for text in labelled)
    raise DataError(
        f'{where} line {told.line}: expected the size of image "{image.name}", {size_text(shown)}, got {got}'
    )


def _annotation(found: Element, size_wh: tuple[int, int], where: str) -> Annotation:
    name = found.first("name")
    if name is None or not name.text:
        raise DataError(f"{where} line {found.line}: expected an object with a <name>, got one without")
    box = found.first("bndbox")
    if box is None:
        raise DataError(
            f'{where} line {found.line}: expected the object "{name.text:.40}" to have a <bndbox>, got none'
        )
    x1, y1, x2, y2 = (_side(box, side, where) for side in _SIDES)
    corners = np.array([x1 - 1, y1 - 1, x2, y2])
    inside = clipped(corners, size_wh) if (corners[2:] > corners[:2]).all() else None
    if inside is None:
        box_text = ", ".join(f"{v:g}" for v in (x1, y1, x2, y2))
        raise DataError(
            f"{where} line {box.line}: expected a box in the image of {size_text(size_wh)} pixels, got [{box_text}]"
        )
    hard = found.first("difficult")
    return Annotation(name.text, inside, ignore=hard is not None and hard.text == "1")


def _side(box: Element, side: str, where: str) -> float:
    element = box.first(side)
    try:
        value = float(element.text) if element is not None else float("nan")
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        got = "none" if element is None else f'"{element.text:.20}"'
        raise DataError(f"{where} line {box.line}: expected <{side}> to be a number, got {got}")
    return value
