import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from simgen.adapters.functional.degradation import (
    add_noise,
    blur,
    coarsen,
    compress,
    disc_kernels,
    expose,
    line_kernels,
    quantisation,
)

PICTURES = torch.rand(3, 3, 20, 26, generator=torch.Generator().manual_seed(0))


def test_blur_is_scipys_convolution():
    kernels = torch.rand(3, 5, 5, generator=torch.Generator().manual_seed(1))
    kernels = kernels / kernels.sum((1, 2), keepdim=True)
    result = blur(PICTURES, kernels)
    for k in range(3):
        # conv2d correlates: the kernel is mirrored for a convolution.
        expected = convolve(PICTURES[k, 1].numpy(), kernels[k].flip(0, 1).numpy(), mode="nearest")
        assert np.allclose(result[k, 1], expected, atol=1e-5)


def test_kernels_have_sum_one_and_their_size():
    discs = disc_kernels(torch.tensor([0.0, 1.0, 3.0]), 9)
    assert torch.allclose(discs.sum((1, 2)), torch.ones(3))
    assert float(discs[0, 4, 4]) == 1
    assert int((discs[2] > 0).sum()) == pytest.approx(np.pi * 3.5**2, rel=0.1)
    lines = line_kernels(torch.tensor([0.0, 4.0, 4.0]), torch.tensor([0.3, 0.0, np.pi / 2]), 9)
    assert torch.allclose(lines.sum((1, 2)), torch.ones(3))
    assert float(lines[0, 4, 4]) == pytest.approx(1, abs=0.05)
    assert torch.allclose(lines[1], lines[2].T, atol=1e-6)
    assert int((lines[1].sum(1) > 1e-4).sum()) == 1


def test_exposure_is_gain_and_curve():
    gain, gamma = torch.tensor([1.0, 0.5, 2.0]).reshape(3, 1, 1, 1), torch.tensor([1.0, 2.0, 0.5]).reshape(3, 1, 1, 1)
    result = expose(PICTURES, gain, gamma)
    assert torch.equal(result[0], PICTURES[0])
    assert torch.allclose(result[1], 0.5 * PICTURES[1] ** 2)
    assert float(result[2].max()) == 1


def test_coarsening_keeps_the_mean_and_loses_detail():
    assert torch.allclose(coarsen(PICTURES, 1.0), PICTURES, atol=1e-6)
    coarse = coarsen(PICTURES, 2.0)
    assert coarse.shape == PICTURES.shape
    assert torch.allclose(coarse.mean((2, 3)), PICTURES.mean((2, 3)), atol=0.02)
    assert (coarse.std((2, 3)) < 0.7 * PICTURES.std((2, 3))).all()


def test_noise_has_the_variance_of_photons_and_reading():
    torch.manual_seed(0)
    flat = torch.full((2, 1, 300, 300), 0.5)
    photons, read = torch.tensor([100.0, 1e9]).reshape(2, 1, 1, 1), torch.tensor([0.0, 0.05]).reshape(2, 1, 1, 1)
    deviation = add_noise(flat, photons, read).std((1, 2, 3))
    assert deviation.tolist() == pytest.approx([0.005**0.5, 0.05], rel=0.02)


@pytest.mark.parametrize("quality", [20, 50, 80])
def test_compression_is_that_of_a_jpeg_library(quality: int):
    smooth = cv2.GaussianBlur(PICTURES[0, 0].numpy(), (0, 0), 1.5)
    grey = np.round(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    expected = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE).astype(float)
    picture = torch.from_numpy(grey)[None, None].float() / 255
    result = 255 * compress(picture, torch.tensor([float(quality)]))[0, 0].numpy()
    # Encoders round their transforms to whole numbers, and pad blocks as they like.
    assert np.abs(result - expected)[:16, :24].mean() < 1.0
    assert np.abs(result - grey).mean() > 0.3


def test_the_quantisation_table_is_scaled_as_libjpeg_does():
    tables = quantisation(torch.tensor([50.0, 25.0, 100.0]))
    assert tables[0, 0, :3].tolist() == [16, 11, 10]
    assert tables[1, 0, :3].tolist() == [32, 22, 20]
    assert tables[2].unique().tolist() == [1]
