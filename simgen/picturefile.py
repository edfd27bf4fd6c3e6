"""Pictures for libraries that read them from files only: one file in memory, written anew for each picture.

Where the system has no files in memory (Linux has), it is a temporary one.
"""

import os
import struct
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


class PictureFile:
    """A file that holds one picture at a time; `contextlib.closing` closes it.

    Attributes:
        name: what to open it by, inside of this process.
    """

    def __init__(self) -> None:
        if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
            self._file, self._folder = os.memfd_create("picture"), None
            self.name = f"/proc/self/fd/{self._file}"
        else:
            self._folder = tempfile.TemporaryDirectory()
            self.name = str(Path(self._folder.name) / "picture.bmp")
            self._file = os.open(self.name, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0))
        self._size = 0

    def write(self, data: bytes) -> None:
        """Replace what the file holds by a picture's bytes, e.g. of `bmp`."""
        os.lseek(self._file, 0, os.SEEK_SET)
        if len(data) < self._size:
            os.ftruncate(self._file, len(data))
        self._size = len(data)
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        """Remove the file."""
        os.close(self._file)
        if self._folder is not None:
            self._folder.cleanup()


def bmp(rgb: NDArray[np.uint8]) -> bytes:
    """Return the BMP file of an (H, W, 3) picture, rows from the top, faster than OpenCV writes one.

    Source of the layout: BITMAPFILEHEADER and BITMAPINFOHEADER of Microsoft's wingdi.h.
    """
    height, width = rgb.shape[:2]
    rows = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR).reshape(height, 3 * width)
    rows = np.pad(rows, ((0, 0), (0, -3 * width % 4))) if width % 4 else rows  # rows are multiples of four bytes
    file = (b"BM", 54 + rows.nbytes, 0, 0, 54)
    info = (40, width, -height, 1, 24, 0, rows.nbytes, 2835, 2835, 0, 0)
    return struct.pack("<2sIHHIIiiHHIIiiII", *file, *info) + rows.tobytes()
