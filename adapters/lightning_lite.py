"""Lightning without torchvision: nothing here needs it, and one that does not fit torch would end the import."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Make a module that was not imported yet look as if it were not installed."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


with _hidden("torchvision"):
    from lightning import Callback, LightningModule, Trainer
    from lightning.fabric.utilities.exceptions import MisconfigurationException
    from lightning.pytorch.callbacks import ModelCheckpoint

__all__ = ["Callback", "LightningModule", "MisconfigurationException", "ModelCheckpoint", "Trainer"]
