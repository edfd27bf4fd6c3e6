"""COCO detection, masks and keypoints: the reader, for our own datasets and for real image sets from elsewhere.

Everything in the JSON is checked on reading, so that a mistake is found before a long run and not in its middle.
Hand-drawn boxes often spill over the image's border: up to `SPILL_PX` pixels (or a tenth of the box) they are
clipped; more is refused.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as rle

from simgen.errors import DataError
from simgen.samples import Annotation, Sample

MAX_PIXELS = 100_000_000
SPILL_PX = 2.0


@dataclass(frozen=True, eq=False)
class ImageRecord:
    """One image of a set: its file and what is known without opening it.

    Attributes:
        path: the image file.
        image_id: COCO's id.
        size_wh: in pixels.
        annotations: without masks.
        camera_matrix: (3, 3) or None.
        masks: COCO's segmentation of each annotation, None where there is none.
    """

    path: Path
    image_id: int
    size_wh: tuple[int, int]
    annotations: tuple[Annotation, ...]
    camera_matrix: NDArray[np.float64] | None = None
    masks: tuple[Any, ...] = ()

    def rgb(self) -> NDArray[np.uint8]:
        """Return (H, W, 3) uint8. Raises `DataError` if the file is damaged or of another size."""
        try:
            data = np.fromfile(self.path, np.uint8)
        except OSError as error:
            raise DataError(f'image "{self.path}": cannot be read: {error.strerror}') from None
        if len(data) >= 4 and self.path.suffix.lower() in (".jpg", ".jpeg") and b"\xff\xd9" not in data[-64:].tobytes():
            raise DataError(f'image "{self.path}": expected a whole JPEG file, got a truncated one')
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if image is None:
            raise DataError(f'image "{self.path}": expected a readable image, got one that cannot be decoded')
        size = (image.shape[1], image.shape[0])
        if size != self.size_wh:
            raise DataError(
                f'image "{self.path}": expected {_size(self.size_wh)} pixels as labelled, got {_size(size)}'
            )
        return np.ascontiguousarray(image[..., ::-1].astype(np.uint8, copy=False))


class CocoDataset(Sequence[Sample]):
    """A COCO set in memory, without its pixels.

    Attributes:
        root: the folder.
        classes: category names in the order of their ids.
        records: one for each image, in the order of the file names.
    """

    def __init__(self, root: Path, classes: tuple[str, ...], records: tuple[ImageRecord, ...]) -> None:
        self.root, self.classes, self.records = root, classes, records

    @classmethod
    def read(cls, path: Path) -> "CocoDataset":
        """Return the set of a folder with annotations.json, or of a JSON file. Raises `DataError`."""
        file = path / "annotations.json" if path.is_dir() else path
        content = _load(file)
        return _Reader(file, content).dataset()

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        record = self.records[index]
        rgb = record.rgb()
        pairs = zip(record.annotations, record.masks, strict=True)
        annotations = tuple(replace(a, mask=_decoded(m, record)) for a, m in pairs)
        folder = record.path.parent.parent
        depth = _side_image(folder / "depth" / f"{record.path.stem}.png")
        instances = _side_image(folder / "instances" / f"{record.path.stem}.png")
        return Sample(
            index=record.image_id - 1,
            rgb=rgb,
            annotations=annotations,
            depth_m=None if depth is None else np.asarray(depth / np.float32(1000), np.float32),
            instances=None if instances is None else instances.astype(np.int32),
            camera_matrix=record.camera_matrix,
            metadata=_metadata(folder / "meta" / f"{record.path.stem}.json"),
        )

    def subset(self, indices: Iterable[int]) -> "CocoDataset":
        """Return the set of some of the images."""
        return CocoDataset(self.root, self.classes, tuple(self.records[i] for i in indices))

    def verify(self) -> None:
        """Decode every image. Raises `DataError` for the first that is damaged."""
        for record in self.records:
            record.rgb()


class _Reader:
    def __init__(self, file: Path, content: dict[str, Any]) -> None:
        self.file, self.content, self.root = file, content, file.parent
        categories = sorted(self._list("categories"), key=lambda c: self._field(c, "id", int, "a category"))
        self.names = {c["id"]: str(self._field(c, "name", str, f"category {c['id']}")) for c in categories}
        self.points = {c["id"]: tuple(str(k) for k in c.get("keypoints", ())) for c in categories}

    def dataset(self) -> CocoDataset:
        by_image: dict[int, list[dict[str, Any]]] = {}
        images = self._list("images")
        for image in images:
            number = self._field(image, "id", int, "an image")
            if number in by_image:
                raise self._error(f"image id {number} occurs twice")
            by_image[number] = []
        for record in self._list("annotations"):
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
            raise self._error(f"{what}: expected 1 to {MAX_PIXELS} pixels, got {_size(size)}")
        matrix = image.get("cam_K")
        return ImageRecord(
            self._path(name),
            image["id"],
            size,
            tuple(self._annotation(record, size) for record in found),
            None if matrix is None else np.array(matrix, float).reshape(3, 3),
            tuple(record.get("segmentation") or None for record in found),
        )

    def _path(self, name: str) -> Path:
        for folder in (self.root / "images", self.root):
            path = folder / name
            if not path.resolve().is_relative_to(self.root.resolve()):
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
        points = np.array(record.get("keypoints") or [], float).reshape(-1, 3)
        pose = record.get("cam_T_object")
        return Annotation(
            class_name=self.names[category],
            box_xyxy=self._box(record, size_wh, what),
            instance_id=int(record.get("instance_id", 0)),
            visible_fraction=float(record.get("visible_fraction", 1.0)),
            truncated=bool(record.get("truncated", False)),
            cam_T_object=None if pose is None else np.array(pose, float).reshape(4, 4),
            keypoints=points,
            keypoint_names=names if len(points) else (),
            ignore=bool(record.get("iscrowd", 0)),
        )

    def _box(self, record: dict[str, Any], size_wh: tuple[int, int], what: str) -> NDArray[np.float64]:
        box = record.get("bbox")
        numbers = isinstance(box, list) and len(box) == 4 and all(isinstance(v, int | float) for v in box)
        if not numbers or not np.isfinite(box).all():  # type: ignore[arg-type]
            raise self._error(f"{what}: expected bbox [x, y, width, height], got {box!r}")
        x, y, width, height = (float(v) for v in box)  # type: ignore[union-attr]
        if width <= 0 or height <= 0:
            raise self._error(f"{what}: expected a box with an area, got {box}")
        corners = np.array([x, y, x + width, y + height])
        inside = np.clip(corners, 0, [*size_wh, *size_wh])
        allowed = max(SPILL_PX, 0.1 * max(width, height))
        if np.abs(corners - inside).max() > allowed or (inside[2:] <= inside[:2]).any():
            raise self._error(f"{what}: the box {box} lies outside the image of {_size(size_wh)} pixels")
        return np.asarray(inside, np.float64)

    def _list(self, key: str) -> list[dict[str, Any]]:
        value = self.content.get(key)
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self._error(f'expected a list of records under "{key}"')
        return value

    def _field(self, record: dict[str, Any], key: str, kind: type[Any], what: str) -> Any:
        value = record.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self._error(f'{what}: expected "{key}" ({kind.__name__}), got {value!r}')
        return value

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
    if not isinstance(content, dict):
        raise DataError(f'labels "{file}": expected a mapping at the top, got {type(content).__name__}')
    return content


def _decoded(segmentation: Any, record: ImageRecord) -> NDArray[np.bool_] | None:
    if segmentation is None:
        return None
    width, height = record.size_wh
    if isinstance(segmentation, list):
        code = rle.merge(rle.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation.get("counts"), list):
        code = rle.frPyObjects(segmentation, height, width)
    else:
        code = segmentation
    return np.asarray(rle.decode(code), bool)


def _side_image(file: Path) -> NDArray[np.uint16] | None:
    image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED) if file.is_file() else None
    return None if image is None else np.asarray(image, np.uint16)


def _metadata(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    data: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return {key: value for key, value in data.items() if key not in ("image", "annotations")}


def _size(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]} x {size_wh[1]}"
