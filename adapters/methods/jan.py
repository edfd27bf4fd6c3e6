"""Joint adaptation networks: Long et al. 2017 (arXiv:1605.06636)."""

from torch import Tensor

from simgen.adapters.functional.discrepancy import gaussian_kernels, squared_mmd
from simgen.adapters.methods.base import SEVERAL_CLASSES
from simgen.adapters.methods.dan import Dan


class Jan(Dan):
    """The joint law of vectors and predicted classes is drawn together, not each on its own as in DAN.

    Minimises L_task(source) + weight * lambda(p) * JMMD^2 (eq. 10): the MMD^2 of the product of a kernel over the
    vectors and one over the softmax (eq. 7), both trained through, each the mean of five bandwidths about its median,
    estimated without bias from all pairs of the batch. lambda(p) = 2 / (1 + exp(-gamma p)) - 1 (sec. 5.1).

    Args:
        setup: what it is made for.
        weight: of the discrepancy.
        gamma: how fast lambda rises.
    """

    term = "jmmd"
    undefined = SEVERAL_CLASSES

    def distance(self, vectors: Tensor, logits: Tensor, n_source: int) -> Tensor:
        """Return the squared joint discrepancy; see `Dan.distance`."""
        kernel = gaussian_kernels(vectors) * gaussian_kernels(logits.float().softmax(dim=1))
        return squared_mmd(kernel, n_source)
