"""What cheap cameras do to pictures. Pure functions on (B, C, H, W) float32 in [0, 1]; settings differ by picture."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_BLOCK = 8
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def expose(pictures: Tensor, gain: Tensor, gamma: Tensor) -> Tensor:
    """Return clip(gain * x ** gamma): light, white balance and tone curve.

    Args:
        pictures: (B, C, H, W).
        gain: (B, C, 1, 1) or (B, 1, 1, 1).
        gamma: (B, 1, 1, 1).
    """
    return (gain * pictures.clamp(min=0) ** gamma).clamp(0, 1)


def blur(pictures: Tensor, kernels: Tensor) -> Tensor:
    """Convolve picture k with kernel k, (B, K, K) with K odd, of sum 1; the border's pixels are repeated."""
    batch, channels, height, width = pictures.shape
    margin = kernels.shape[-1] // 2
    padded = F.pad(pictures, (margin,) * 4, mode="replicate").reshape(1, batch * channels, *_grown(pictures, margin))
    weights = kernels.repeat_interleave(channels, dim=0)[:, None]
    return F.conv2d(padded, weights, groups=batch * channels).reshape(batch, channels, height, width)


def disc_kernels(radius_px: Tensor, size: int) -> Tensor:
    """Return the (B, size, size) kernels of defocus: discs of (B,) radii, their edges one pixel wide."""
    y, x = _grid(size, radius_px.device)
    return _normalised((radius_px[:, None, None] + 0.5 - torch.hypot(x, y)).clamp(0, 1))


def line_kernels(length_px: Tensor, angle_rad: Tensor, size: int) -> Tensor:
    """Return the (B, size, size) kernels of motion: lines of (B,) lengths and directions, one pixel wide."""
    y, x = _grid(size, length_px.device)
    cos, sin = angle_rad.cos()[:, None, None], angle_rad.sin()[:, None, None]
    along, across = (x * cos + y * sin).abs(), (y * cos - x * sin).abs()
    reach = (length_px[:, None, None] / 2 + 0.5 - along).clamp(0, 1)
    return _normalised(reach * (1 - across).clamp(0, 1))


def coarsen(pictures: Tensor, factor: float) -> Tensor:
    """Shrink by a factor >= 1, each new pixel the mean of its area, and enlarge again, bilinear."""
    height, width = pictures.shape[-2:]
    small = F.interpolate(pictures, size=(max(1, round(height / factor)), max(1, round(width / factor))), mode="area")
    return F.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)


def add_noise(pictures: Tensor, photons: Tensor, read: Tensor) -> Tensor:
    """Add a sensor's noise, of variance x / photons + read^2.

    Args:
        pictures: (B, C, H, W).
        photons: (B, 1, 1, 1) that a white pixel counts.
        read: (B, 1, 1, 1) standard deviation in the dark.
    """
    deviation = (pictures.clamp(min=0) / photons + read**2).sqrt()
    return (pictures + torch.randn_like(pictures) * deviation).clamp(0, 1)


def compress(pictures: Tensor, quality: Tensor) -> Tensor:
    """Quantise as baseline JPEG does (ITU-T T.81, annexes A and K.1), every channel by the luminance table.

    Args:
        pictures: (B, C, H, W).
        quality: (B,) in 1 to 100, as libjpeg scales its tables.
    """
    height, width = pictures.shape[-2:]
    pad = (0, -width % _BLOCK, 0, -height % _BLOCK)
    padded = F.pad(pictures, pad, mode="replicate") * 255 - 128
    rows, columns = (n // _BLOCK for n in padded.shape[-2:])
    blocks = padded.reshape(*pictures.shape[:2], rows, _BLOCK, columns, _BLOCK).transpose(3, 4)
    basis, table = _cosines(pictures), quantisation(quality)[:, None, None, None]
    levels = torch.round(basis @ blocks @ basis.T / table) * table
    restored = (basis.T @ levels @ basis).transpose(3, 4).flatten(4, 5).flatten(2, 3)
    return ((restored[..., :height, :width] + 128) / 255).clamp(0, 1)


def quantisation(quality: Tensor) -> Tensor:
    """Return the (B, 8, 8) quantisation tables of (B,) qualities."""
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None, None]
    return torch.floor((quality.new_tensor(_LUMINANCE) * scale + 50) / 100).clamp(1, 255)


def _cosines(like: Tensor) -> Tensor:
    """Return the orthonormal (8, 8) matrix of the discrete cosine transform, type II."""
    k = torch.arange(_BLOCK, device=like.device, dtype=like.dtype)
    basis = torch.cos(math.pi / _BLOCK * (k[None] + 0.5) * k[:, None]) * math.sqrt(2 / _BLOCK)
    basis[0] /= math.sqrt(2)
    return basis


def _grid(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    steps = torch.arange(size, device=device, dtype=torch.float32) - size // 2
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return y, x


def _normalised(kernels: Tensor) -> Tensor:
    return kernels / kernels.sum(dim=(1, 2), keepdim=True)


def _grown(pictures: Tensor, margin: int) -> tuple[int, int]:
    return pictures.shape[-2] + 2 * margin, pictures.shape[-1] + 2 * margin
