"""Style as the mean and deviation of each channel of a map, and how a method reaches into a model for it.

Maps are (B, C, H, W); statistics are those of each picture and channel over its pixels.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_TINY = 1e-5

Statistics = tuple[Tensor, Tensor]
"""Mean and standard deviation, (B, C, 1, 1) each."""


def channel_statistics(maps: Tensor) -> Statistics:
    """Return the statistics of maps; they carry no gradient."""
    with torch.no_grad():
        return maps.mean(dim=(2, 3), keepdim=True), maps.std(dim=(2, 3), keepdim=True, correction=0)


def restyled(maps: Tensor, style: Statistics) -> Tensor:
    """Return maps with the statistics of a style: AdaIN, Huang and Belongie 2017 (arXiv:1703.06868, eq. 8).

    A channel that is constant takes the style's mean and stays constant.
    """
    (own_mean, own_std), (mean, std) = channel_statistics(maps), style
    return (maps - own_mean) / own_std.clamp(min=_TINY) * std + mean


def mixed_statistics(first: Statistics, second: Statistics, share: Tensor) -> Statistics:
    """Return share * first + (1 - share) * second, share (B, 1, 1, 1): MixStyle (arXiv:2104.02008, eq. 4 and 5)."""
    mean, std = (share * a + (1 - share) * b for a, b in zip(first, second, strict=True))
    return mean, std


def shallow_modules(model: Any) -> list[nn.Module]:
    """Return the model's first submodules, in order.

    Raises:
        ValueError: it names none.
    """
    if not model.shallow:
        raise ValueError('expected a model that names its first submodules ("shallow"), but this one names none')
    return [model.get_submodule(name) for name in model.shallow]


@contextmanager
def changed_outputs(modules: Sequence[nn.Module], change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """While it lasts, what each module returns is changed before the next one gets it."""
    with ExitStack() as stack:
        for module in modules:
            handle = module.register_forward_hook(lambda _module, _inputs, output: change(output))
            stack.callback(handle.remove)
        yield
