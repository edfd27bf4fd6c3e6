"""The picture of a segmented photograph: masks and wrong pixels drawn on it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.adapters.metrics.segmentation import IGNORED
from simgen.adapters.report.embed import jpeg_uri
from simgen.adapters.report.pictures import Color, enlarged, notes_of, write_notes
from simgen.adapters.segments.labelmaps import class_map, objects_of

if TYPE_CHECKING:
    from simgen.adapters.metrics import Matches
    from simgen.adapters.segments.predict import Segments
    from simgen.formats.imageset import ImageRecord

WRONG_PIXELS = (255, 0, 255)


def segments_picture(record: "ImageRecord", found: "Segments", match: "Matches", classes: Sequence[str]) -> str:
    """Return the photograph with right (green), wrong (red) and missed (orange) masks, and pixels of a wrong class."""
    image, scale = enlarged(record)
    labels = {name: number for number, name in enumerate(classes)}
    truth = class_map(record, labels)
    _tint(image, (found.semantic != truth) & (truth != IGNORED), WRONG_PIXELS, 0.4)
    objects = objects_of(record)
    drawn = [found.regions[k] for k in match.kept] + [objects[k].region for k in match.missed_numbers]
    notes = notes_of(found.objects, match, classes, scale)
    for region, (_, color, _) in zip(drawn, notes, strict=True):
        if region is not None:
            _outline(image, region.mask(), color)
    write_notes(image, notes)
    return jpeg_uri(image)


def _tint(image: NDArray[np.uint8], mask: NDArray[np.bool_], color: Color, share: float) -> None:
    there = _resized(mask, image)
    image[there] = np.rint((1 - share) * image[there] + share * np.array(color)).astype(np.uint8)


def _outline(image: NDArray[np.uint8], mask: NDArray[np.bool_], color: Color) -> None:
    _tint(image, mask, color, 0.15)
    outline, _ = cv2.findContours(_resized(mask, image).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, outline, -1, color, 2)


def _resized(mask: NDArray[np.bool_], image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    size_wh = (image.shape[1], image.shape[0])
    return np.asarray(cv2.resize(mask.astype(np.uint8), size_wh, interpolation=cv2.INTER_NEAREST_EXACT), bool)
