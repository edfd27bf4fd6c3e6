"""COCO detection, masks and keypoints: the writer.

    dataset.json            config, seed, versions: the dataset's identity
    images/00000012.jpg     and depth/00000012.png, instances/00000012.png, ... where asked for (layers.py)
    meta/00000012.json      scene, poses and COCO records of one sample; written last, so its existence means complete
    annotations.json        made from all the meta files by `close`

No clock, no absolute path, keys in one order, and every file replaced atomically: a run that was killed and started
again ends in the same bytes as one that was not.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from simgen.errors import OutputError
from simgen.formats import masks
from simgen.formats.coco_reader import CocoDataset
from simgen.formats.imageset import ImageRecord
from simgen.formats.layers import LAYERS, encoded_layer, layer_file
from simgen.imagefile import file_is_whole
from simgen.lens import build_lens
from simgen.runfile import first_difference
from simgen.samples import Annotation, Sample

_FOLDERS = ("images", *LAYERS, "meta")


class CocoWriter:
    """Writes a dataset folder; several processes may write different samples at once."""

    def __init__(
        self,
        folder: Path,
        classes: Sequence[str],
        header: dict[str, Any],
        *,
        image: str = "jpg",
        quality: int = 95,
        layers: Sequence[str] = (),
    ) -> None:
        """Open or create the folder.

        Args:
            folder: the dataset.
            classes: category names; the first has id 1.
            header: plain data that identifies the dataset, e.g. its config and seed.
            image: "jpg" or "png".
            quality: of the JPEG files, 1 to 100.
            layers: names of the label images to write, of `simgen.formats.layers.LAYERS`.

        Raises:
            OutputError: the folder holds another dataset or foreign files.
        """
        self.folder, self.classes = folder, tuple(classes)
        self.image, self.quality, self.layers = image, quality, tuple(layers)
        self._claim({"format": "simgen-coco/1", "classes": list(classes), **header})

    def _claim(self, header: dict[str, Any]) -> None:
        file = self.folder / "dataset.json"
        require_place(self.folder)
        if file.is_file():
            try:
                found = json.loads(file.read_text("utf-8"))
            except ValueError:
                raise OutputError(f'output "{self.folder}": dataset.json is damaged; choose another folder') from None
            different = first_difference(found, json.loads(json.dumps(header)))
            if different is None:
                return
            if self._metas():
                key = different[0] or "dataset.json"
                raise OutputError(
                    f'output "{self.folder}": holds another dataset ("{key}" differs); choose another folder'
                )
            # A run that failed before its first sample left nothing worth keeping: the folder is taken over.
        try:
            for name in ("images", "meta", *self.layers):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            _replace(file, _json(header))
        except OSError as error:
            raise OutputError(f'output "{self.folder}": cannot be written: {error.strerror}') from None

    def done(self) -> set[int]:
        """Return the indices of the complete samples: metadata that can be read, and no picture missing or cut."""
        return {int(file.stem) for file in self._metas() if _is_json(file) and self._has_files(file.stem)}

    def metadata(self, index: int) -> dict[str, Any]:
        """Return the metadata of a complete sample."""
        found: dict[str, Any] = json.loads((self.folder / "meta" / f"{index:08d}.json").read_bytes())
        return found

    def discard(self, indices: Iterable[int]) -> None:
        """Remove samples, those of them that are there: first what says that they are complete."""
        for index in indices:
            for name, end in (("meta", "json"), ("images", self.image), *((layer, "png") for layer in LAYERS)):
                (self.folder / name / f"{index:08d}.{end}").unlink(missing_ok=True)

    def _has_files(self, stem: str) -> bool:
        files = [self.folder / "images" / f"{stem}.{self.image}"]
        files += [layer_file(self.folder, layer, stem) for layer in self.layers]
        return all(file_is_whole(file) for file in files)

    def _metas(self) -> list[Path]:
        return sorted(p for p in (self.folder / "meta").glob("*.json") if p.stem.isdigit())

    def write(self, sample: Sample) -> None:
        """Write one sample. Raises `OutputError` if the disk refuses."""
        stem = f"{sample.index:08d}"
        try:
            _replace(self.folder / "images" / f"{stem}.{self.image}", self._encoded(sample.rgb))
            for layer in self.layers:
                picture = encoded_layer(layer, sample)
                if picture is not None:
                    _replace(layer_file(self.folder, layer, stem), _png(picture))
            records = {
                "image": self._image_record(sample),
                "annotations": self._records(sample.annotations),
            }
            # Many numbers: pydantic writes them four times as fast as the standard library.
            _replace(self.folder / "meta" / f"{stem}.json", to_json({**sample.metadata, **records}) + b"\n")
        except OSError as error:
            raise OutputError(f'output "{self.folder}": sample {sample.index} not written: {error.strerror}') from None

    def close(self) -> None:
        """Make annotations.json from all complete samples, in the order of their indices, and tidy up.

        Call it when no other process writes any more: temporary files that a killed one left behind are removed.

        Raises:
            OutputError: a sample's metadata is damaged, or the disk refuses.
        """
        for name in (".", *_FOLDERS):
            for part in (self.folder / name).glob(".*.part"):
                part.unlink(missing_ok=True)
        images: list[Any] = []
        annotations: list[dict[str, Any]] = []
        for file in self._metas():
            try:
                meta = json.loads(file.read_text("utf-8"))
            except ValueError:
                raise OutputError(f'output "{file}": is damaged; delete it and run the same command again') from None
            images.append(meta["image"])
            for record in meta["annotations"]:
                annotations.append({**record, "id": len(annotations) + 1, "image_id": meta["image"]["id"]})
        names = {a["category_id"]: a["keypoint_names"] for a in annotations if a.get("keypoint_names")}
        categories = [
            {
                "id": i,
                "name": name,
                **({"keypoints": names[i], "skeleton": []} if i in names else {}),
                **_moved([a for a in annotations if a["category_id"] == i]),
            }
            for i, name in enumerate(self.classes, 1)
        ]
        for record in annotations:
            record.pop("keypoint_names", None)
        whole = {"images": images, "annotations": annotations, "categories": categories}
        try:
            _replace(self.folder / "annotations.json", _json(whole))
        except OSError as error:
            raise OutputError(f'output "{self.folder}": cannot be written: {error.strerror}') from None

    def _encoded(self, rgb: NDArray[np.uint8]) -> bytes:
        bgr = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)
        if self.image == "png":
            return _png(bgr)
        return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1].tobytes()

    def _image_record(self, sample: Sample) -> dict[str, Any]:
        height, width = sample.rgb.shape[:2]
        record: dict[str, Any] = {
            "id": sample.index + 1,
            "file_name": f"{sample.index:08d}.{self.image}",
            "width": width,
            "height": height,
        }
        if sample.camera_matrix is not None:
            record["cam_K"] = [float(v) for v in sample.camera_matrix.ravel()]
        if sample.lens is not None:
            record["dist"] = list(build_lens(sample.lens).coefficients())
            record["dist_model"] = sample.lens["kind"]
        return record

    def _records(self, annotations: Sequence[Annotation]) -> list[dict[str, Any]]:
        """Return a record an annotation; what is faster for all at once is."""
        records = [self._record(a) for a in annotations]
        posed = [(record, a.cam_T_object) for record, a in zip(records, annotations, strict=True)]
        posed = [(record, pose) for record, pose in posed if pose is not None]
        poses = np.array([pose for _, pose in posed]).round(9).reshape(-1, 16).tolist()
        for (record, _), numbers in zip(posed, poses, strict=True):
            record["cam_T_object"] = numbers
        masked = [(record, a.region) for record, a in zip(records, annotations, strict=True) if a.region is not None]
        for (record, region), code in zip(masked, masks.encode_all([region for _, region in masked]), strict=True):
            record["segmentation"], record["area"] = code, int(np.count_nonzero(region.part))
        whole = [(record, a.whole) for record, a in zip(records, annotations, strict=True) if a.whole is not None]
        for (record, region), code in zip(whole, masks.encode_all([region for _, region in whole]), strict=True):
            x1, y1, x2, y2 = region.cut().box_xyxy().tolist()
            record["amodal_segmentation"], record["amodal_bbox"] = code, [x1, y1, x2 - x1, y2 - y1]
        return records

    def _record(self, a: Annotation) -> dict[str, Any]:
        (x, y), (width, height) = a.box_xyxy[:2], a.size_wh
        record: dict[str, Any] = {
            "category_id": self.classes.index(a.class_name) + 1,
            "bbox": [float(x), float(y), width, height],
            "area": width * height,
            "iscrowd": int(a.ignore),
            "instance_id": a.instance_id,
            "visible_fraction": a.visible_fraction,
            "truncated": a.truncated,
        }
        if len(a.keypoints):
            rows = [[round(float(x), 4), round(float(y), 4), int(v)] for x, y, v in a.keypoints]
            record["keypoints"] = [value for row in rows for value in row]
            record["num_keypoints"] = sum(row[2] > 0 for row in rows)
            record["keypoint_names"] = list(a.keypoint_names)
        if len(a.keypoints_m):
            record["keypoints_3d_m"] = [[round(float(v), 9) for v in point] for point in a.keypoints_m]
        if a.outline_m is not None:
            record["outline_m"] = [round(v, 9) for v in a.outline_m]
        return record


def _moved(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Take what all records of a category agree in, of the object's frame, out of them; return it for the category."""
    moved = {}
    for key in ("keypoints_3d_m", "outline_m"):
        first = records[0].get(key) if records else None
        if first is not None and all(r.get(key) == first for r in records):
            moved[key] = first
            for record in records:
                del record[key]
    return moved


def require_place(folder: Path) -> None:
    """Raise `OutputError` where no dataset can be: a file, or a folder with something that is none of a dataset's."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f'output "{folder}": expected a folder, got a file')
    try:
        foreign = None if (folder / "dataset.json").is_file() else _foreign(folder)
    except OSError as error:
        raise OutputError(f'output "{folder}": cannot be written: {error.strerror}') from None
    if foreign:
        raise OutputError(f'output "{folder}": expected an empty folder, got one with "{foreign}"')


def _foreign(folder: Path) -> str | None:
    """Return the name of something in a folder without dataset.json that a run of ours could not have left there."""
    if not folder.exists():
        return None
    for path in sorted(folder.iterdir()):
        started = path.name in _FOLDERS and path.is_dir() and not any(path.iterdir())
        if not started and not (path.name.startswith(".dataset.json.") and path.suffix == ".part"):
            return path.name
    return None


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def _json(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _png(image: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    # Runs and Huffman codes alone: of pictures with a sensor's noise both smaller and faster than searching matches.
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    return cv2.imencode(".png", image, options)[1].tobytes()


def _replace(file: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(file)


__all__ = ["CocoDataset", "CocoWriter", "ImageRecord"]
