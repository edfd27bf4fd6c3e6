"""Fourier domain adaptation: Yang and Soatto 2020 (arXiv:2004.05498)."""

from torch import Tensor

from simgen.adapters.functional.translate import fourier_style
from simgen.adapters.methods.base import Setup, require_within
from simgen.adapters.methods.changed import Translated


class Fda(Translated):
    """Source pictures take the low-frequency amplitudes of target pictures and keep their own phases (eq. 1-3).

    Before the model's normalisation, on pictures in [0, 1]. The paper's entropy term on target predictions and its
    averaging over several beta are left out: this is its translation alone.

    Args:
        setup: what it is made for.
        beta: half-width of the swapped square in cycles a pixel, the paper's 0.01 to 0.09. Pictures of n pixels have
            frequencies k / n: below 1 / n only the mean brightness of each channel is swapped.
    """

    def __init__(self, setup: Setup, *, beta: float = 0.05) -> None:
        super().__init__(setup)
        require_within(0, 0.5, beta=beta)
        self.beta = beta

    def translate(self, pictures: Tensor, styles: Tensor) -> Tensor:
        return fourier_style(pictures, styles, self.beta)
