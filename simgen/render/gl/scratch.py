"""A buffer on the device that each frame overwrites."""

from typing import Any

from numpy.typing import NDArray

SMALLEST = 1 << 18
"""Bytes at first."""


class Scratch:
    """It grows where it must and keeps its name, which is all that the vertex arrays that read it know of it."""

    def __init__(self, gl: Any) -> None:
        self.buffer = gl.buffer(reserve=SMALLEST, dynamic=True)

    def write(self, data: NDArray[Any]) -> None:
        """Replace what it holds."""
        if self.buffer.size < data.nbytes:
            self.buffer.orphan(1 << data.nbytes.bit_length())
        self.buffer.write(data)
