"""A network that says of each cell of a picture whether the object is there, and which place of the object it shows.

Dense object coordinates (Taylor et al. 2012, CVPR; DPOD, Zakharov et al. 2019, arXiv:1902.11020; Pix2Pose, Park et
al. 2019, arXiv:1908.07433) instead of a heat map for each point: the corners of a chess board all look alike, so a
heat map of "corner 7" must count squares from the border in one place, and one miscount is a gross failure. Coordinates
change smoothly, every cell of the board votes, and one robust fit through thousands of votes cannot miscount.

With stride R = 4 and the cell (i, j):

    m_ij = sigmoid(mask_ij)                  probability that the middle of the cell shows the object
    (u, v)_ij                                the place on the object, from its middle, in units of half its longer side
"""

from typing import NamedTuple

from torch import Tensor, nn

from simgen.adapters.models.backbone import ResidualBackbone
from simgen.adapters.models.neck import TopDown, head


class PlaneOutput(NamedTuple):
    """Raw maps at the network's stride: mask (B, 1, h, w) logits, coordinates (B, 2, h, w)."""

    mask: Tensor
    coordinates: Tensor


class PlaneNet(TopDown):
    """Backbone, top-down neck to its finest map, two heads.

    Args:
        n_classes: must be 1.
        backbone: see models/backbone.py; the default is a residual one down to stride 32, for the whole board must be
            in view of each cell that counts squares.
        neck: channels of the neck and heads.
    """

    heads = ("mask", "coordinates")

    def __init__(self, n_classes: int, backbone: nn.Module | None = None, neck: int = 48) -> None:
        if n_classes != 1:
            raise ValueError(f"expected one class, but got {n_classes}")
        super().__init__(backbone or ResidualBackbone(16, (32, 64, 96, 128), (1, 2, 2, 2)), neck)
        self.mask, self.coordinates = head(neck, 1), head(neck, 2)

    def forward(self, images: Tensor) -> PlaneOutput:
        """Map images (B, 3, H, W) float RGB in [0, 1], H and W multiples of `size_multiple`, to the raw maps."""
        return self.predict(self.features(images))

    def predict(self, features: Tensor) -> PlaneOutput:
        """Return the raw maps of the neck's map."""
        return PlaneOutput(self.mask(features), self.coordinates(features))
