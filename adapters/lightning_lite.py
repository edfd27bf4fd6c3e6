"""Lightning as it is used here.

Without torchvision: nothing here needs it, and one that does not fit torch would end the import. And with its advice,
its way of ending and its loaders' tracebacks kept from the user.
"""

import logging
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from simgen.errors import DataError


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
    from lightning.pytorch.loggers import TensorBoardLogger

__all__ = [
    "Callback",
    "LightningModule",
    "MisconfigurationException",
    "ModelCheckpoint",
    "TensorBoardLogger",
    "Trainer",
    "ctrl_c",
    "quiet",
    "unwrapped",
]


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning's advice is for people who write its loops."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", module="torch.utils.data")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def unwrapped() -> Iterator[None]:
    """A loader process sends its whole traceback as the message; the user's sentence is the last line of it."""
    try:
        yield
    except DataError as error:
        raise DataError(str(error).strip().rpartition("DataError: ")[2]) from None


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Lightning turns Ctrl-C into the end of the process and ignores further ones; callers expect the exception."""
    try:
        yield
    except SystemExit:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise KeyboardInterrupt from None
