"""Colour transfer: Reinhard, Ashikhmin, Gooch and Shirley 2001, "Color transfer between images"."""

from torch import Tensor

from simgen.adapters.functional.translate import transfer_color
from simgen.adapters.methods.changed import Translated


class ColorTransfer(Translated):
    """Source pictures take the mean and deviation of target pictures in each channel of l-alpha-beta (eq. 10-11).

    Grey pictures take those of the intensity. It does nothing where the task's view standardises every picture.
    """

    def translate(self, pictures: Tensor, styles: Tensor) -> Tensor:
        return transfer_color(pictures, styles)
