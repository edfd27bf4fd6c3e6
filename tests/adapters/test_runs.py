"""The identity of a run: what it learns from."""

from dataclasses import replace
from pathlib import Path

from adapter_fakes import shapes, write_coco

from simgen.adapters.runs import fingerprint
from simgen.formats.coco import CocoDataset
from simgen.formats.imageset import ImageSet


def test_the_fingerprint_knows_the_masks(tmp_path: Path) -> None:
    masked = CocoDataset.read(write_coco(tmp_path / "masked", shapes(2), ("square", "disc"), masks=True))
    plain = CocoDataset.read(write_coco(tmp_path / "plain", shapes(2), ("square", "disc")))
    again = CocoDataset.read(write_coco(tmp_path / "again", shapes(2), ("square", "disc"), masks=True))
    first, *others = masked.records
    moved = replace(first, masks=([[1, 1, 9, 1, 9, 9]], *first.masks[1:]))
    other = ImageSet(masked.root, masked.classes, (moved, *others))
    assert fingerprint(masked) == fingerprint(again)
    assert len({fingerprint(data) for data in (masked, plain, other)}) == 3
