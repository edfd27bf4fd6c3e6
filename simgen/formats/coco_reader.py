"""COCO detection, masks and keypoints: the reader, for our own datasets and for real image sets from elsewhere.

Everything in the JSON is checked on reading, so that a mistake is found before a long run and not in its middle.
"""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import ConfigError, DataError
from simgen.formats import masks
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.formats.labels import clipped, is_inside, short, size_text
from simgen.formats.layers import read_layers
from simgen.imagefile import MAX_PIXELS, stored_size
from simgen.lens import lens_section
from simgen.samples import Annotation, Sample
from simgen.scene import Plain


class CocoDataset(ImageSet):
    """A COCO set; of our own datasets also depth, instances and metadata."""

    @staticmethod
    def matches(path: Path) -> bool:
        """Whether a path looks like a COCO set: a JSON file, or a folder with annotations.json."""
        return (path / "annotations.json").is_file() or (path.is_file() and path.suffix == ".json")

    @classmethod
    def read(cls, path: Path) -> "CocoDataset":
        """Return the set of a folder with annotations.json, or of a JSON file. Raises `DataError`."""
        file = path / "annotations.json" if path.is_dir() else path
        content = _load(file)
        return _Reader(file, content).dataset()

    def _sample(self, record: ImageRecord) -> Sample:
        stem = record.path.stem
        layers: dict[str, Any] = read_layers(self.root, stem, record.size_wh)
        return replace(super()._sample(record), metadata=_metadata(self.root / "meta" / f"{stem}.json"), **layers)


class _Reader:
    def __init__(self, file: Path, content: dict[str, Any]) -> None:
        self.file, self.content, self.root = file, content, file.parent
        categories = sorted(self._list("categories"), key=lambda c: self._field(c, "id", int, "a category"))
        self._refuse_twice([c["id"] for c in categories], "category id")
        self.names = {c["id"]: str(self._field(c, "name", str, f"category {c['id']}")) for c in categories}
        self._refuse_twice(list(self.names.values()), "category name")
        self.points = {c["id"]: self._keypoint_names(c) for c in categories}
        self.categories = {c["id"]: c for c in categories}
        self.camera = self._camera()

    def dataset(self) -> CocoDataset:
        by_image: dict[int, list[dict[str, Any]]] = {}
        images = self._list("images")
        for image in images:
            by_image[self._field(image, "id", int, "an image")] = []
        self._refuse_twice([image["id"] for image in images], "image id")
        found = self._list("annotations")
        self._refuse_twice([self._field(a, "id", int, "an annotation") for a in found], "annotation id")
        for record in found:
            number = self._field(record, "image_id", int, f"annotation {record.get('id')}")
            if number not in by_image:
                raise self._error(f"annotation {record.get('id')} names image id {number}, which is not there")
            by_image[number].append(record)
        records = [self._image(image, by_image[image["id"]]) for image in images]
        records.sort(key=lambda r: r.path.name)
        return CocoDataset(self.root, tuple(self.names.values()), tuple(records))

    def _image(self, image: dict[str, Any], found: list[dict[str, Any]]) -> ImageRecord:
        what = f"image {image['id']}"
        name = self._field(image, "file_name", str, what)
        size = (self._field(image, "width", int, what), self._field(image, "height", int, what))
        if not (0 < size[0] * size[1] <= MAX_PIXELS and size[0] > 0):
            raise self._error(f"{what}: expected 1 to {MAX_PIXELS} pixels, got {size_text(size)}")
        path = self._path(name)
        stored = stored_size(path)
        if size not in (stored, stored[::-1]):  # EXIF data may turn it; decoding finds out
            raise self._error(f'image "{name}": expected {size_text(size)} pixels as labelled, got {size_text(stored)}')
        matrix = self._numbers(image, "cam_K", what, 9)
        return ImageRecord(
            path,
            image["id"],
            size,
            tuple(self._annotation(record, size) for record in found),
            self.camera if matrix is None else matrix.reshape(3, 3),
            tuple(self._segmentation(record, size, "segmentation") for record in found),
            self._lens(image, what),
            wholes=tuple(self._segmentation(record, size, "amodal_segmentation") for record in found),
        )

    def _lens(self, image: dict[str, Any], what: str) -> Plain | None:
        """Return the distortion of "dist" (OpenCV's order) and "dist_model", which is "brown" where it is missing."""
        numbers, kind = image.get("dist"), image.get("dist_model", "brown")
        if numbers is None:
            return None
        if not isinstance(numbers, list) or not _are_numbers(numbers, len(numbers)):
            raise self._error(f'{what}: expected "dist" to be numbers, got {short(numbers)}')
        try:
            return lens_section(kind if isinstance(kind, str) else repr(kind), numbers)
        except ConfigError as error:
            raise self._error(f"{what}: {error}") from None

    def _path(self, name: str) -> Path:
        for folder in (self.root / "images", self.root):
            path = folder / name
            if "\0" in name:
                raise self._error(f"{name!r} is no file name")
            if not is_inside(path, self.root):
                raise self._error(f'image "{name}" lies outside the folder')
            if path.is_file():
                return path
        raise self._error(f'image "{name}" is missing')

    def _annotation(self, record: dict[str, Any], size_wh: tuple[int, int]) -> Annotation:
        what = f"annotation {record.get('id')}"
        category = self._field(record, "category_id", int, what)
        if category not in self.names:
            known = ", ".join(str(i) for i in self.names)
            raise self._error(f"{what}: unknown category id {category} (known: {known})")
        names = self.points[category]
        points = self._keypoints(record, names, what)
        flat = {"outline_m": self.categories[category].get("outline_m"), **record}
        outline = self._numbers(flat, "outline_m", what, 2)
        return Annotation(
            class_name=self.names[category],
            box_xyxy=self._box(record, size_wh, what),
            instance_id=self._field(record, "instance_id", int, what, 0),
            visible_fraction=float(self._field(record, "visible_fraction", (float, int), what, 1.0)),
            truncated=bool(record.get("truncated", False)),
            cam_T_object=self._pose(record, what),
            keypoints=points,
            keypoint_names=names if len(points) else (),
            keypoints_m=self._places(record, category, what) if len(points) else np.zeros((0, 3)),
            outline_m=None if outline is None else (float(outline[0]), float(outline[1])),
            ignore=bool(record.get("iscrowd", 0)),
        )

    def _camera(self) -> NDArray[np.float64] | None:
        """Return the matrix of the "camera" that all images without one of their own were taken with, or None."""
        camera = self.content.get("camera")
        if camera is None:
            return None
        values: Any = [camera.get(key) for key in ("fx", "fy", "cx", "cy")] if isinstance(camera, dict) else None
        if not _are_numbers(values, 4) or min(values[:2]) <= 0:
            raise self._error(f'expected "camera" to have fx, fy > 0, cx, cy, got {short(camera)}')
        fx, fy, cx, cy = values
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], float)

    def _pose(self, record: dict[str, Any], what: str) -> NDArray[np.float64] | None:
        """Return cam_T_object (4, 4) in metres: our own field, or BOP's cam_R_m2c (row-wise) and cam_t_m2c_mm."""
        whole = self._numbers(record, "cam_T_object", what, 16)
        if whole is not None:
            return whole.reshape(4, 4)
        turn = self._numbers(record, "cam_R_m2c", what, 9)
        shift = self._numbers(record, "cam_t_m2c_mm", what, 3)
        if (turn is None) != (shift is None):
            raise self._error(f'{what}: expected "cam_R_m2c" and "cam_t_m2c_mm" together, got one of them')
        if turn is None or shift is None:
            return None
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = turn.reshape(3, 3), shift / 1000
        return pose

    def _places(self, record: dict[str, Any], category: int, what: str) -> NDArray[np.float64]:
        """Return the keypoints in the object's frame (K, 3), of the annotation or else of its category."""
        value = record.get("keypoints_3d_m", self.categories[category].get("keypoints_3d_m"))
        if value is None:
            return np.zeros((0, 3))
        count = len(self.points[category])
        if not isinstance(value, list) or len(value) != count or not all(_are_numbers(v, 3) for v in value):
            wanted = f'expected "keypoints_3d_m" to be {count} times 3 numbers'
            raise self._error(f"{what}: {wanted}, got {short(value)}")
        return np.array(value, np.float64)

    def _box(self, record: dict[str, Any], size_wh: tuple[int, int], what: str) -> NDArray[np.float64]:
        box: Any = record.get("bbox")
        if not _are_numbers(box, 4):
            raise self._error(f"{what}: expected bbox [x, y, width, height], got {short(box)}")
        x, y, width, height = (float(v) for v in box)
        if width <= 0 or height <= 0:
            raise self._error(f"{what}: expected a box with an area, got {box}")
        inside = clipped(np.array([x, y, x + width, y + height]), size_wh)
        if inside is None:
            raise self._error(f"{what}: the box {box} lies outside the image of {size_text(size_wh)} pixels")
        return inside

    def _list(self, key: str) -> list[dict[str, Any]]:
        value = self.content.get(key)
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self._error(f'expected a list of records under "{key}"')
        return value

    def _field(self, record: dict[str, Any], key: str, kind: Any, what: str, default: Any = None) -> Any:
        value = record.get(key, default)
        if not isinstance(value, kind) or isinstance(value, bool):
            wanted = kind[0] if isinstance(kind, tuple) else kind
            raise self._error(f'{what}: expected "{key}" ({wanted.__name__}), got {short(value)}')
        return value

    def _numbers(self, record: dict[str, Any], key: str, what: str, count: int) -> NDArray[np.float64] | None:
        value = record.get(key)
        if value is None:
            return None
        if not _are_numbers(value, count):
            raise self._error(f'{what}: expected "{key}" to be {count} numbers, got {short(value)}')
        return np.array(value, np.float64)

    def _keypoints(self, record: dict[str, Any], names: tuple[str, ...], what: str) -> NDArray[np.float64]:
        value = record.get("keypoints") or []
        unnamed = len(value) // 3 if isinstance(value, list) else 0
        points = self._numbers(record, "keypoints", what, 3 * (len(names) or unnamed)) if value else None
        return np.zeros((0, 3)) if points is None else points.reshape(-1, 3)

    def _keypoint_names(self, category: dict[str, Any]) -> tuple[str, ...]:
        names = category.get("keypoints", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self._error(f'category {category["id"]}: expected "keypoints" to be names, got {short(names)}')
        return tuple(names)

    def _segmentation(self, record: dict[str, Any], size_wh: tuple[int, int], key: str) -> Any:
        value = record.get(key) or None
        if value is not None and not masks.is_sound(value, size_wh):
            what = f'annotation {record["id"]}: expected "{key}" to be'
            raise self._error(f"{what} polygons or run lengths for {size_text(size_wh)} pixels, got {short(value)}")
        return value

    def _refuse_twice(self, values: list[Any], what: str) -> None:
        value, times = Counter(values).most_common(1)[0] if values else (None, 1)
        if times > 1:
            raise self._error(f"{what} {value} occurs twice")

    def _error(self, sentence: str) -> DataError:
        return DataError(f'labels "{self.file}": {sentence}')


def _load(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(f'labels "{file}": there is no such file') from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f'labels "{file}": cannot be read: {error}') from None
    except json.JSONDecodeError as error:
        raise DataError(f'labels "{file}" line {error.lineno}: expected JSON, got {error.msg}') from None
    except RecursionError:
        raise DataError(f'labels "{file}": expected the layout of COCO, got one nested too deep') from None
    if not isinstance(content, dict):
        raise DataError(f'labels "{file}": expected a mapping at the top, got {type(content).__name__}')
    return content


def _metadata(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    return {key: value for key, value in _load(file).items() if key not in ("image", "annotations")}


def _are_numbers(value: Any, count: int) -> bool:
    sound = isinstance(value, list) and all(type(v) in (int, float) and abs(v) < 1e12 for v in value)
    return bool(sound and len(value) == count)
