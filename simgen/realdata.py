"""Real image sets to evaluate on: where they come from, under which licence, and how to get them.

Look-up order: the folder that the user names, the folder in `SIMGEN_DATA`, the user's cache, a download.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch

from simgen.errors import DataError, did_you_mean
from simgen.formats.coco import CocoDataset
from simgen.tfrecord import Values, read_examples

DICE = ("one", "two", "three", "four", "five", "six")


@dataclass(frozen=True)
class RemoteFile:
    """A file to download."""

    address: str
    size: int
    sha256: str


@dataclass(frozen=True)
class RealSet:
    """A real image set.

    Attributes:
        folder: its name inside `SIMGEN_DATA` and the cache.
        images: how many there are.
        files: what to download.
        convert: makes the COCO folder from the downloaded files.
    """

    title: str
    licence: str
    source: str
    folder: str
    images: int
    files: tuple[RemoteFile, ...]
    convert: Callable[[list[Path], Path], None]


def examples_to_coco(files: list[Path], out: Path, classes: tuple[str, ...] = DICE) -> None:
    """Convert tf.Example record files with embedded JPEGs (TensorFlow's object detection layout) to a COCO folder.

    Raises:
        DataError: a damaged file, or one of another layout.
    """
    (out / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for file in files:
        for example in read_examples(file):
            try:
                record, boxes = _converted(example, classes)
            except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
                raise DataError(f'record file "{file}": expected labelled images, got one without {error}') from None
            if any(record["file_name"] == image["file_name"] for image in images):
                raise DataError(
                    f'record file "{file}": expected images of different names, got {record["file_name"]} twice'
                )
            (out / "images" / record["file_name"]).write_bytes(example["image/encoded"][0])
            images.append({**record, "id": len(images) + 1})
            for box in boxes:
                annotations.append({**box, "id": len(annotations) + 1, "image_id": len(images), "iscrowd": 0})
    categories = [{"id": i, "name": name} for i, name in enumerate(classes, 1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    part = out / ".annotations.part"
    part.write_text(json.dumps(content, indent=1), "utf-8")
    part.replace(out / "annotations.json")


def _converted(example: dict[str, Values], classes: tuple[str, ...]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    name = Path(example["image/filename"][0].decode("utf-8")).name  # type: ignore[union-attr]
    width, height = int(example["image/width"][0]), int(example["image/height"][0])
    sides = [example[f"image/object/bbox/{side}"] for side in ("xmin", "ymin", "xmax", "ymax")]
    boxes = []
    for x1, y1, x2, y2, text in zip(*sides, example["image/object/class/text"], strict=True):
        label = classes.index(text.decode("utf-8")) + 1
        x, y = float(x1) * width, float(y1) * height
        w, h = float(x2) * width - x, float(y2) * height - y
        rounded = [round(v, 2) for v in (x, y, w, h)]
        boxes.append({"category_id": label, "bbox": rounded, "area": round(rounded[2] * rounded[3], 2)})
    if not name or name.startswith("."):
        raise ValueError("a file name")
    return {"file_name": name, "width": width, "height": height}, boxes


_DICE_ADDRESS = (
    "https://raw.githubusercontent.com/nell-byler/dice_detection/aa69c12b3b288df45d7ff8e77c0660d10f67b32b/tfrecords/"
)
EMBEDDED = {"digits": ("1,797 scans of handwritten digits, 8 x 8 pixels", "CC BY 4.0", "scikit-learn")}
"""Sets that come with a package that `simgen-robotics[train]` installs: title, licence, source."""

REAL_SETS: dict[str, RealSet] = {
    "d6-dice": RealSet(
        title="200 phone photographs of rolled six-sided dice",
        licence="BSD-3-Clause",
        source="github.com/nell-byler/dice_detection",
        folder="d6_dice",
        images=200,
        files=(
            RemoteFile(
                _DICE_ADDRESS + "train.record",
                3_794_824,
                "6476ed02ceb1f6a0a8487c91f2c25397f869bf88e054265a783a5e88264c4b8f",
            ),
        ),
        convert=examples_to_coco,
    ),
    "d6-dice-test": RealSet(
        title="50 more of the same",
        licence="BSD-3-Clause",
        source="github.com/nell-byler/dice_detection",
        folder="d6_dice_test",
        images=50,
        files=(
            RemoteFile(
                _DICE_ADDRESS + "test.record",
                910_001,
                "00ceed8d10f014d9389d631a17c2618d2634f2936d71fabb2d88953ea066ae19",
            ),
        ),
        convert=examples_to_coco,
    ),
}


def real_set(name: str) -> RealSet:
    """Return a set by name. Raises `DataError`."""
    if name in EMBEDDED:
        raise DataError(f"real image set {name}: comes with {EMBEDDED[name][2]}, so there is nothing to look for")
    if name not in REAL_SETS:
        raise DataError(f'real image set: unknown name "{name}"{did_you_mean(name, (*REAL_SETS, *EMBEDDED))}')
    return REAL_SETS[name]


def cache_folder() -> Path:
    """Return the user's cache of real image sets."""
    return Path(pooch.os_cache("simgen")) / "real"


def local_places(name: str, data: Path | None = None) -> list[Path]:
    """Return where a set may already lie, in the order of the look-up."""
    folder = real_set(name).folder
    places = [data, data / folder] if data is not None else []
    if os.environ.get("SIMGEN_DATA"):
        named = Path(os.environ["SIMGEN_DATA"])
        places += [named / folder, *([named] if named.name == folder else [])]
    return [*places, cache_folder() / folder]


def find_real_set(name: str, data: Path | None = None, *, download: bool = True) -> Path:
    """Return the COCO folder of a real image set, downloading it if need be.

    Args:
        name: a key of `REAL_SETS`.
        data: the folder of the set, or a folder that holds it; named by the user.
        download: whether to try the network.

    Raises:
        DataError: it is nowhere; the sentence names all places.
    """
    places = local_places(name, data)
    for place in places:
        if (place / "annotations.json").is_file():
            return place
    looked = ", ".join(f'"{p}"' for p in places)
    if not download:
        raise DataError(f"real image set {name}: not found in {looked}; `simgen data get {name}` downloads it")
    try:
        return get_real_set(name)
    except DataError as error:
        raise DataError(f"real image set {name}: not found in {looked}, and {error}") from None


def get_real_set(name: str) -> Path:
    """Return the folder of a set that lies here, else download it, verified and converted, into the user's cache.

    Raises:
        DataError: it cannot be had.
    """
    entry, out = real_set(name), cache_folder() / real_set(name).folder
    for place in local_places(name):
        if (place / "annotations.json").is_file():
            return place
    files = [_fetched(remote, cache_folder() / "downloads") for remote in entry.files]
    try:
        entry.convert(files, out)
    except OSError as error:
        raise DataError(f'the cache folder "{out}" cannot be written: {error.strerror}') from None
    return out


def _fetched(remote: RemoteFile, folder: Path) -> Path:
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        return Path(pooch.retrieve(remote.address, f"sha256:{remote.sha256}", path=folder))
    except Exception as error:  # every transport has errors of its own
        reason = "has another checksum" if "hash" in str(error).lower() else "could not be fetched"
        raise DataError(f"the download {remote.address} {reason} ({type(error).__name__})") from None
    finally:
        logger.setLevel(level)


def read_real_set(name: str, data: Path | None = None, *, download: bool = True) -> CocoDataset:
    """Return the set that `find_real_set` finds. Raises `DataError`, also where its folder holds another set."""
    found = CocoDataset.read(find_real_set(name, data, download=download))
    expected = real_set(name).images
    if len(found) != expected:
        raise DataError(f'real image set {name}: expected {expected} images in "{found.root}", got {len(found)}')
    return found


def verify_real_set(name: str, data: Path | None = None) -> CocoDataset:
    """Read every label and decode every image of a set that is here; return it. Raises `DataError`."""
    found = read_real_set(name, data, download=False)
    found.verify()
    return found
