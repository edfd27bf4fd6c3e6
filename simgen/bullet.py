"""PyBullet, imported without the line that it prints: `from simgen.bullet import p`."""

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Send what C code writes to stderr to nowhere (it does not go through Python's `sys.stderr`)."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _silent_stderr():
    import pybullet as p


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep Python's cycle collector from walking lists of thousands of points or rays, to PyBullet or from it."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


if not p.isNumpyEnabled():
    warnings.warn("this pybullet was built without numpy: images take much longer to fetch", stacklevel=1)

__all__ = ["collector_paused", "p"]
