import torch
from torch import Tensor, nn

from simgen.adapters.models import MODELS, build_model
from simgen.adapters.models.boxes import cell_centres, encode_ltrb
from simgen.adapters.models.detector import UNIT_PX, CenterDetector, DetectorOutput, decode
from simgen.adapters.models.neck import STRIDE


def _maps(objects: list[tuple[int, int, int, float, tuple[float, ...]]], size: int = 16) -> DetectorOutput:
    """Draw raw maps that say (row, column, class, logit, box) and nothing elsewhere."""
    heat, box = torch.full((1, 3, size, size), -9.0), torch.zeros(1, 4, size, size)
    for row, column, label, logit, edges in objects:
        heat[0, label, row, column] = logit
        point = cell_centres(size, size, STRIDE)[row, column]
        box[0, :, row, column] = encode_ltrb(torch.tensor(edges), point, UNIT_PX)
    return DetectorOutput(heat, box)


def test_decode_returns_what_was_drawn():
    output = _maps([(5, 7, 2, 3.0, (20.0, 12, 40, 32)), (12, 2, 0, 1.0, (2.0, 40, 18, 60))])
    found = decode(output, STRIDE)[0]
    torch.testing.assert_close(found.boxes, torch.tensor([[20.0, 12, 40, 32], [2, 40, 18, 60]]))
    assert found.classes.tolist() == [2, 0]
    torch.testing.assert_close(found.scores, torch.tensor([3.0, 1.0]).sigmoid())


def test_two_classes_at_one_place_are_one_detection():
    box = (20.0, 12, 40, 32)
    same_cell = decode(_maps([(5, 7, 2, 3.0, box), (5, 7, 1, 2.5, box)]), STRIDE)[0]
    next_cell = decode(_maps([(5, 7, 2, 3.0, box), (5, 8, 1, 2.5, box)]), STRIDE)[0]
    two_cells_on = decode(_maps([(5, 7, 2, 3.0, box), (7, 8, 1, 2.5, box)]), STRIDE)[0]
    for found in (same_cell, next_cell, two_cells_on):
        assert found.classes.tolist() == [2]


def test_number_of_detections_is_bounded():
    cells = [
        (r, c, 0, 2.0, (c * 4.0, r * 4.0, c * 4 + 4.0, r * 4 + 4.0)) for r in range(0, 16, 2) for c in range(0, 16, 2)
    ]
    assert len(decode(_maps(cells), STRIDE)[0].scores) == 64
    assert len(decode(_maps(cells), STRIDE, most=10)[0].scores) == 10


def test_default_detector_is_compact():
    module = build_model({"kind": "center_detector"}, n_classes=6)
    assert 1.0e6 < sum(p.numel() for p in module.parameters()) < 1.5e6
    assert set(MODELS) == {"center_detector", "crop_classifier", "plane_net", "segmenter", "vector_classifier"}


class _Plain(nn.Module):
    """The least that a backbone must be."""

    channels = (4, 8)
    strides = (4, 8)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 4, 4), nn.Conv2d(4, 8, 2, 2)

    def forward(self, images: Tensor) -> list[Tensor]:
        fine = self.first(images)
        return [fine, self.second(fine)]


def test_any_module_with_channels_and_strides_is_a_backbone():
    module = CenterDetector(3, _Plain(), neck=8)
    output = module(torch.zeros(2, 3, 64, 48))
    assert output.heat.shape == (2, 3, 16, 12)
    assert output.box.shape == (2, 4, 16, 12)
    assert module.size_multiple == 8
