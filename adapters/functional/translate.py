"""Pictures in the style of others. Pure functions; pictures are (B, C, H, W) float32 in [0, 1], results are clipped."""

import torch
from torch import Tensor

from simgen.adapters.functional.styles import channel_statistics, restyled

# Reinhard et al. 2001, section 2: linear RGB to the responses of the three cones, and their logarithms to l-alpha-beta.
_LMS = ((0.3811, 0.5783, 0.0402), (0.1967, 0.7244, 0.0782), (0.0241, 0.1288, 0.8444))
_ROOTS = (3**-0.5, 6**-0.5, 2**-0.5)
_OPPONENT = ((1.0, 1.0, 1.0), (1.0, 1.0, -2.0), (1.0, -1.0, 0.0))
_DARKEST = 1 / 255


def swap_amplitude(pictures: Tensor, styles: Tensor, beta: float) -> Tensor:
    """Give pictures the low-frequency amplitudes of styles and keep their phases, not clipped.

    Fourier domain adaptation, Yang and Soatto 2020 (arXiv:2004.05498, eq. 1-3): F^-1(M |F(style)| + (1 - M) |F(x)|,
    phase of x), M the square |f| < beta about frequency 0. The square is symmetric about 0, so the spectrum stays that
    of a real picture.

    Args:
        pictures: (B, C, H, W).
        styles: (B, C, H, W).
        beta: half-width of the square in cycles a pixel: 0 changes nothing, above 0.5 swaps all amplitudes.
    """
    height, width = pictures.shape[-2:]
    own, other = torch.fft.rfft2(pictures), torch.fft.rfft2(styles)
    rows = torch.fft.fftfreq(height, device=pictures.device).abs() < beta
    columns = torch.fft.rfftfreq(width, device=pictures.device).abs() < beta
    amplitude = torch.where(rows[:, None] & columns, other.abs(), own.abs())
    changed: Tensor = torch.fft.irfft2(torch.polar(amplitude, own.angle()), s=(height, width))
    return changed


def fourier_style(pictures: Tensor, styles: Tensor, beta: float) -> Tensor:
    """As `swap_amplitude`, clipped."""
    return swap_amplitude(pictures, styles, beta).clamp(0, 1)


def transfer_color(pictures: Tensor, styles: Tensor) -> Tensor:
    """Give pictures the colour statistics of styles: Reinhard et al. 2001, "Color transfer between images" (eq. 10-11).

    Mean and standard deviation of each channel of l-alpha-beta are those of the style; of grey pictures, with their
    one channel, those of the intensity.
    """
    if pictures.shape[1] == 1:
        return matched(pictures, styles).clamp(0, 1)
    return from_lab(matched(to_lab(pictures), to_lab(styles))).clamp(0, 1)


def matched(pictures: Tensor, styles: Tensor) -> Tensor:
    """Return pictures whose channels have the means and standard deviations of the styles' channels."""
    return restyled(pictures, channel_statistics(styles))


def to_lab(rgb: Tensor) -> Tensor:
    """Return l-alpha-beta (B, 3, H, W) of RGB, no channel darker than 1/255 (the logarithm of 0 has no end)."""
    cones = _mixed(rgb.clamp(min=_DARKEST), rgb.new_tensor(_LMS))
    return _mixed(cones.log10(), _opponent(rgb))


def from_lab(lab: Tensor) -> Tensor:
    """Return the RGB of which `to_lab` made l-alpha-beta; it may lie outside [0, 1]."""
    cones = 10 ** _mixed(lab, torch.linalg.inv(_opponent(lab)))
    return _mixed(cones, torch.linalg.inv(lab.new_tensor(_LMS)))


def _opponent(like: Tensor) -> Tensor:
    return like.new_tensor(_ROOTS)[:, None] * like.new_tensor(_OPPONENT)


def _mixed(channels: Tensor, matrix: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix, channels)
