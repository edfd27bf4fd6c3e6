"""Label images that lie beside a photograph: a number or three for each pixel, in PNG files of 16 bits.

0 is "nothing was hit", or nothing known, in each of them; the name of a layer is that of its folder and of its switch
in `output`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.imagefile import decode_side
from simgen.samples import Sample

_MOST = 65535


@dataclass(frozen=True)
class Layer:
    """How a label image is stored.

    Attributes:
        field: where a `Sample` has it.
        channels: 1 or 3; three are written in the order x, y, z as red, green, blue.
        store: from the sample's array to uint16.
        load: back again.
    """

    field: str
    channels: int
    store: Callable[[NDArray[Any]], NDArray[np.uint16]]
    load: Callable[[NDArray[np.uint16]], NDArray[Any]]


def _rounded(values: NDArray[Any]) -> NDArray[np.uint16]:
    return np.clip(np.round(values), 0, _MOST).astype(np.uint16)


def _numbers(ids: NDArray[Any]) -> NDArray[np.uint16]:
    return ids.astype(np.uint16)


def _ids(stored: NDArray[np.uint16]) -> NDArray[np.int32]:
    return stored.astype(np.int32)


def _metres(stored: NDArray[np.uint16]) -> NDArray[np.float32]:
    return np.asarray(stored / np.float32(1000), np.float32)


def _store_normals(normals: NDArray[Any]) -> NDArray[np.uint16]:
    return _rounded((normals + 1) * (normals.any(-1, keepdims=True) * _MOST / 2))


def _load_normals(stored: NDArray[np.uint16]) -> NDArray[np.float32]:
    vectors = stored * np.float32(2 / _MOST) - 1
    vectors[~stored.any(-1)] = 0
    return np.asarray(vectors, np.float32)


def _store_places(places: NDArray[Any]) -> NDArray[np.uint16]:
    return _rounded(1 + places * (_MOST - 1)) * places.any(-1, keepdims=True)


def _load_places(stored: NDArray[np.uint16]) -> NDArray[np.float32]:
    return np.asarray(np.maximum(stored.astype(np.float32) - 1, 0) / (_MOST - 1), np.float32)


LAYERS = {
    "depth": Layer("depth_m", 1, lambda metres: _rounded(metres * 1000), _metres),
    "instances": Layer("instances", 1, _numbers, _ids),
    "parts": Layer("parts", 1, _numbers, _ids),
    "normals": Layer("normals", 3, _store_normals, _load_normals),
    "coordinates": Layer("coordinates", 3, _store_places, _load_places),
}


def encoded_layer(name: str, sample: Sample) -> NDArray[np.uint16] | None:
    """Return the (H, W) or (H, W, 3) uint16 BGR picture of a sample's layer, None where the sample has none."""
    layer = LAYERS[name]
    values = getattr(sample, layer.field)
    if values is None:
        return None
    stored = layer.store(values)
    return np.asarray(cv2.cvtColor(stored, cv2.COLOR_RGB2BGR), np.uint16) if layer.channels == 3 else stored


def layer_file(folder: Path, name: str, stem: str) -> Path:
    """Return where a dataset has a layer of a photograph, by the photograph's name without its ending."""
    return folder / name / f"{stem}.png"


def read_layer(folder: Path, name: str, stem: str, size_wh: tuple[int, int]) -> NDArray[Any] | None:
    """Return a layer as a `Sample` has it, None where there is no such file. As `read_layers`."""
    layer = LAYERS[name]
    stored = decode_side(layer_file(folder, name, stem), size_wh, layer.channels)
    return None if stored is None else layer.load(stored)


def read_layers(folder: Path, stem: str, size_wh: tuple[int, int]) -> dict[str, NDArray[Any]]:
    """Return what lies beside a photograph, by the `Sample`'s fields.

    Args:
        folder: the dataset.
        stem: the photograph's name without its ending.
        size_wh: the photograph's.

    Raises:
        DataError: a file that is damaged or of another size.
    """
    found = {layer.field: read_layer(folder, name, stem, size_wh) for name, layer in LAYERS.items()}
    return {field: values for field, values in found.items() if values is not None}
