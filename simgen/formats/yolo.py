"""YOLO, as Ultralytics has it: the reader.

data.yaml               path (default: its own folder), train, val, test: folders of images, or lists of files;
                        names: a list, or a mapping from 0, 1, 2 ...
images/val/a.jpg        labels/val/a.txt lies where "images" in the path is replaced by "labels"; without that file
                        an image has no objects
labels/val/a.txt        one object a line: class cx cy w h, or class x1 y1 x2 y2 x3 y3 ... (a polygon), as shares of
                        the image's width and height (after its EXIF rotation)
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from simgen.errors import DataError
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.formats.labels import clipped, images_in, is_image, is_inside, read_text, size_text
from simgen.imagefile import shown_size
from simgen.samples import Annotation

PARTS = ("train", "val", "test")
_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")


def matches(path: Path) -> bool:
    """Whether a path looks like a YOLO set: a YAML file, or a folder with data.yaml."""
    return _file(path) is not None


def read(path: Path) -> ImageSet:
    """Return the set of a data.yaml or of the folder that holds one; the parts that it lists become the records' parts.

    Raises:
        DataError: a mistake in a file, with its line; or a path outside the folder of data.yaml.
    """
    file = _file(path)
    if file is None:
        raise DataError(f'image set "{path}": expected data.yaml of a YOLO set there, found none')
    content = _content(file)
    classes = _classes(file, content)
    parts: dict[Path, list[str]] = {}
    for part in PARTS:
        for image in _images(file, content, part):
            parts.setdefault(image, []).append(part)
    if not parts:
        raise DataError(f'labels "{file}": expected images under "train", "val" or "test", found none')
    ordered = sorted(parts, key=lambda image: (image.name, image))
    records = (_record(image, n, tuple(parts[image]), (file, classes)) for n, image in enumerate(ordered, 1))
    return ImageSet(file.parent, classes, tuple(records))


def _file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix in (".yaml", ".yml") else None
    return next((path / name for name in _NAMES if (path / name).is_file()), None)


def _content(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(read_text(file))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise DataError(
            f'labels "{file}"{line}: expected YAML, got {getattr(error, "problem", "something else")}'
        ) from None
    except (RecursionError, ValueError):
        raise DataError(f'labels "{file}": expected the layout of YOLO, got something else') from None
    if not isinstance(content, dict):
        raise DataError(f'labels "{file}": expected a mapping at the top, got {type(content).__name__}')
    return content


def _classes(file: Path, content: dict[str, Any]) -> tuple[str, ...]:
    names = content.get("names")
    if isinstance(names, dict) and sorted(names, key=str) == sorted(range(len(names)), key=str):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(name, str | int | float) for name in names):
        raise DataError(f'labels "{file}": expected "names" to be a list of names, or a mapping from 0, 1, 2 ...')
    classes = tuple(str(name) for name in names)
    twice = sorted({name for name in classes if classes.count(name) > 1})
    if twice:
        raise DataError(f'labels "{file}": expected different names, got "{twice[0]}" twice')
    count = content.get("nc", len(classes))
    if count != len(classes):
        raise DataError(f'labels "{file}": expected as many "names" as "nc", got {len(classes)} and {count!r:.20}')
    return classes


def _images(file: Path, content: dict[str, Any], part: str) -> list[Path]:
    """Return the images of a part."""
    places = content.get(part)
    if places is None:
        return []
    places = places if isinstance(places, list) else [places]
    base = content.get("path") or "."
    found: list[Path] = []
    for place in places:
        if not isinstance(place, str) or not isinstance(base, str) or "\0" in place + base:
            raise DataError(f'labels "{file}": expected "path" and "{part}" to be names of folders')
        target = _inside(file, base, place, part)
        found += images_in(target, file.parent) if target.is_dir() else _listed(target, file.parent)
    return found


def _inside(file: Path, base: str, place: str, part: str) -> Path:
    """Return where a part lies. Exported sets often say "../val/images" for the folder beside data.yaml."""
    home = file.parent
    candidates = [home / base / place, home / place]
    candidates += [home / place.removeprefix("../")] if place.startswith("../") else []
    here = [path for path in candidates if is_inside(path, home)]
    if not here:
        raise DataError(f'labels "{file}": expected "{part}" in the folder of that file, got "{place}" outside of it')
    there = next((path for path in here if path.exists()), None)
    if there is None:
        raise DataError(f'labels "{file}": "{part}" names "{place}", which is not there')
    return home / there.resolve().relative_to(home.resolve())


def _listed(file: Path, home: Path) -> list[Path]:
    """Return the images that a text file lists, one a line."""
    if file.suffix != ".txt":
        raise DataError(f'images "{file}": expected a folder of images, or a .txt file that lists them')
    found = []
    for number, line in enumerate(read_text(file).splitlines(), 1):
        if not line.strip():
            continue
        name = line.strip()
        image = next(
            (p for p in (file.parent / name, home / name) if "\0" not in name and is_inside(p, home) and is_image(p)),
            None,
        )
        if image is None:
            raise DataError(f'list "{file}" line {number}: expected an image in the folder "{home}", got "{name:.80}"')
        found.append(image.resolve().relative_to(home.resolve()))
    return [home / name for name in found]


def _record(image: Path, number: int, parts: tuple[str, ...], told: tuple[Path, tuple[str, ...]]) -> ImageRecord:
    file, classes = told
    size = shown_size(image)
    label = _label_file(image, file.parent)
    if not is_inside(label, file.parent):
        raise DataError(f'labels "{label}": lie outside the folder "{file.parent}"')
    lines = read_text(label).splitlines() if label.is_file() else []
    objects = [
        _object(line, classes, size, f'labels "{label}" line {n}') for n, line in enumerate(lines, 1) if line.strip()
    ]
    annotations, polygons = tuple(a for a, _ in objects), tuple(p for _, p in objects)
    return ImageRecord(image, number, size, annotations, masks=polygons, parts=parts)


def _label_file(image: Path, home: Path) -> Path:
    """Return the label file: the last folder called "images" below the set's own is replaced by "labels"."""
    names = list(image.relative_to(home).parts[:-1])
    if "images" in names:
        names[len(names) - 1 - names[::-1].index("images")] = "labels"
    return home.joinpath(*names, image.stem + ".txt")


def _object(
    line: str, classes: tuple[str, ...], size_wh: tuple[int, int], where: str
) -> tuple[Annotation, list[list[float]] | None]:
    """Return the object of a line, and its outline in pixels where it has one."""
    label, *rest = line.split()
    if not re.fullmatch(r"[0-9]+(\.0*)?", label) or int(float(label)) >= len(classes):
        raise DataError(f"{where}: expected a class from 0 to {len(classes) - 1}, got {label:.20}")
    numbers = _shares(rest, where) * np.resize(size_wh, len(rest))
    name = classes[int(float(label))]
    if len(rest) == 4:
        centre, half = numbers[:2], numbers[2:] / 2
        return Annotation(name, _box(np.concatenate([centre - half, centre + half]), size_wh, where)), None
    points = numbers.reshape(-1, 2)
    return Annotation(name, _box(np.concatenate([points.min(0), points.max(0)]), size_wh, where)), [numbers.tolist()]


def _shares(words: list[str], where: str) -> NDArray[np.float64]:
    if len(words) != 4 and (len(words) < 6 or len(words) % 2):
        raise DataError(
            f"{where}: expected a class and 4 numbers (a box) or 6, 8, 10 ... (a polygon), got {len(words)} numbers"
        )
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError:
        raise DataError(f"{where}: expected numbers, got {' '.join(words):.60}") from None
    if not ((numbers >= 0) & (numbers <= 1)).all():
        raise DataError(f"{where}: expected shares of the image from 0 to 1, got {' '.join(words):.60}")
    return numbers


def _box(corners: NDArray[np.float64], size_wh: tuple[int, int], where: str) -> NDArray[np.float64]:
    if (corners[2:] <= corners[:2]).any():
        raise DataError(f"{where}: expected an object with an area, got one without")
    inside = clipped(corners, size_wh)
    if inside is None:
        raise DataError(f"{where}: the box lies outside the image of {size_text(size_wh)} pixels")
    return inside
