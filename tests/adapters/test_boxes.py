import torch

from simgen.adapters.models.boxes import cell_centres, decode_ltrb, encode_ltrb, iou_matrix, nms


def test_cell_centres_are_pixel_edges():
    centres = cell_centres(2, 3, 4)
    assert centres.shape == (2, 3, 2)
    assert centres[1, 2].tolist() == [10.0, 6.0]


def test_decoding_inverts_encoding():
    generator = torch.Generator().manual_seed(0)
    low = torch.rand(50, 2, generator=generator) * 100
    boxes = torch.cat([low, low + 5 + torch.rand(50, 2, generator=generator) * 60], dim=1)
    points = low + (boxes[:, 2:] - low) * (0.05 + 0.9 * torch.rand(50, 2, generator=generator))
    back = decode_ltrb(encode_ltrb(boxes, points, 16.0), points, 16.0)
    torch.testing.assert_close(back, boxes, rtol=1e-5, atol=1e-3)


def test_offset_zero_is_one_unit_to_each_side():
    assert decode_ltrb(torch.zeros(4), torch.tensor([20.0, 30.0]), 16.0).tolist() == [4, 14, 36, 46]


def test_iou_matrix_by_hand():
    overlaps = iou_matrix(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6]]))
    torch.testing.assert_close(overlaps, torch.tensor([[1.0, 1 / 7, 0.0]]))


def test_nms_keeps_the_best_of_each_heap():
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60], [0, 0, 10, 10]])
    assert nms(boxes, torch.tensor([0.5, 0.9, 0.3, 0.8]), 0.5).tolist() == [1, 2]


def test_nms_suppresses_only_through_what_is_kept():
    # The middle box overlaps both others; it goes, so the third stays although it overlaps the middle one.
    boxes = torch.tensor([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.3).tolist() == [0, 2]


def test_nms_is_bounded_and_takes_nothing():
    boxes = torch.arange(40.0)[:, None] * 20 + torch.tensor([0.0, 0, 10, 10])
    assert len(nms(boxes, torch.rand(40), 0.5, most=7)) == 7
    assert nms(torch.zeros(0, 4), torch.zeros(0), 0.5).tolist() == []
