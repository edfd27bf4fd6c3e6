import numpy as np
import pytest
import torch
from torch import Tensor

from simgen.adapters.functional.translate import from_lab, matched, swap_amplitude, to_lab, transfer_color

PICTURES = torch.rand(2, 3, 15, 22, generator=torch.Generator().manual_seed(0))
STYLES = 0.3 * torch.rand(2, 3, 15, 22, generator=torch.Generator().manual_seed(1)) + 0.5


def _spectrum(pictures: Tensor) -> np.ndarray:
    return np.fft.fft2(pictures.double().numpy())


def _window(shape: tuple[int, int], beta: float) -> np.ndarray:
    rows, columns = (np.abs(np.fft.fftfreq(n)) < beta for n in shape)
    return np.asarray(rows[:, None] & columns)


def test_low_amplitudes_are_the_styles_and_all_else_stays():
    changed = swap_amplitude(PICTURES.double(), STYLES.double(), 0.1)
    assert changed.dtype == torch.float64  # real
    own, style, result = _spectrum(PICTURES), _spectrum(STYLES), _spectrum(changed)
    inside = _window((15, 22), 0.1)
    assert inside.sum() == 3 * 5
    assert np.allclose(np.abs(result)[..., inside], np.abs(style)[..., inside], atol=1e-6)
    assert np.allclose(result[..., ~inside], own[..., ~inside], atol=1e-6)
    assert np.allclose(result / np.abs(result), own / np.abs(own), atol=1e-6)


def test_the_inverse_of_the_whole_spectrum_is_the_same_picture_and_real():
    own, style = _spectrum(PICTURES), _spectrum(STYLES)
    amplitude = np.where(_window((15, 22), 0.2), np.abs(style), np.abs(own))
    whole = np.fft.ifft2(amplitude * np.exp(1j * np.angle(own)))
    assert np.abs(whole.imag).max() < 1e-12
    assert np.allclose(swap_amplitude(PICTURES, STYLES, 0.2), whole.real, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (15, 22), (7, 9)])
def test_no_window_changes_nothing_and_the_full_one_swaps_all_amplitudes(size: tuple[int, int]):
    pictures, styles = (p[..., : size[0], : size[1]].double() for p in (PICTURES, STYLES))
    assert torch.allclose(swap_amplitude(pictures, styles, 0.0), pictures, atol=1e-12)
    whole = swap_amplitude(pictures, styles, 0.51)
    assert np.allclose(np.abs(_spectrum(whole)), np.abs(_spectrum(styles)), atol=1e-9)


def test_below_the_first_frequency_only_the_mean_moves():
    changed = swap_amplitude(PICTURES, STYLES, 1 / 30)
    expected = PICTURES - PICTURES.mean((2, 3), keepdim=True) + STYLES.mean((2, 3), keepdim=True)
    assert torch.allclose(changed, expected, atol=1e-5)


def test_color_transfer_moves_mean_and_deviation_exactly():
    moved = matched(to_lab(PICTURES), to_lab(STYLES))
    for statistic in (torch.mean, torch.std):
        assert torch.allclose(statistic(moved, (2, 3)), statistic(to_lab(STYLES), (2, 3)), atol=1e-4)
    back = to_lab(from_lab(moved))
    assert torch.allclose(back.mean((2, 3)), to_lab(STYLES).mean((2, 3)), atol=2e-2)


def test_lab_there_and_back_and_grey_has_no_colour():
    assert torch.allclose(from_lab(to_lab(STYLES)), STYLES, atol=1e-4)
    grey = to_lab(torch.full((1, 3, 1, 1), 0.4))[0, :, 0, 0]
    # The published matrix takes white to cones that differ by less than 1 %.
    assert grey[1:].abs().max() < 5e-3
    assert float(grey[0]) == pytest.approx(3**0.5 * np.log10(0.4), abs=5e-3)


def test_grey_pictures_take_the_intensitys_statistics():
    moved = transfer_color(PICTURES[:, :1], STYLES[:, :1])
    assert torch.allclose(moved.mean((2, 3)), STYLES[:, :1].mean((2, 3)), atol=1e-5)
    assert torch.allclose(moved.std((2, 3)), STYLES[:, :1].std((2, 3)), atol=1e-5)
    coloured = transfer_color(PICTURES, STYLES)
    assert float(coloured.min()) >= 0
    assert float(coloured.max()) <= 1
