"""Image files from elsewhere: their size without decoding them, and their pixels once they have proved whole.

Decoders differ in what they make of a truncated file (an error, grey pixels, or only a line on stderr), and a small
file may claim a size that fills the memory. Both are found here, before the decoder sees the file.
"""

import struct
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.errors import DataError

MAX_PIXELS = 100_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_JPEG = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
# Start-of-frame markers: 0xC0 to 0xCF but for the tables DHT (C4), JPG (C8) and DAC (CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN = 0xDA
_APP1 = 0xE1


def stored_size(path: Path) -> tuple[int, int]:
    """Return (width, height) from the header of a JPEG or PNG file, as stored (before any EXIF rotation).

    Raises:
        DataError: a missing, truncated or foreign file, or one of more than `MAX_PIXELS` pixels.
    """
    try:
        with path.open("rb") as file:
            size = header_size(file)
    except OSError as error:
        raise DataError(f'image "{path}": cannot be read: {error.strerror}') from None
    except (struct.error, IndexError):
        raise DataError(f'image "{path}": expected a whole image file, got a truncated one') from None
    if size is None:
        raise DataError(f'image "{path}": expected a JPEG or PNG file, got one that cannot be decoded')
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise DataError(f'image "{path}": expected 1 to {MAX_PIXELS} pixels, got {size[0]} x {size[1]}')
    return size


def decode(path: Path, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 RGB of a JPEG or PNG file.

    A rotation in the EXIF data is carried out, unless only the pixels as stored have the labelled size.

    Args:
        path: the file.
        size_wh: the size that its labels were made for.

    Raises:
        DataError: a file that is truncated, cannot be decoded, or has another size.
    """
    stored = stored_size(path)
    data = path.read_bytes()
    if not is_whole(data):
        kind = "PNG" if data.startswith(_PNG) else "JPEG"
        raise DataError(f'image "{path}": expected a whole {kind} file, got a truncated one')
    pixels = decoded(data, cv2.IMREAD_COLOR)
    if pixels is not None and pixels.shape[1::-1] != size_wh and stored == size_wh:
        pixels = decoded(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise DataError(f'image "{path}": expected a readable image, got one that cannot be decoded')
    if pixels.shape[1::-1] != size_wh:
        got = f"{pixels.shape[1]} x {pixels.shape[0]}"
        raise DataError(f'image "{path}": expected {size_wh[0]} x {size_wh[1]} pixels as labelled, got {got}')
    return np.ascontiguousarray(pixels[..., ::-1])


def decode_side(path: Path, size_wh: tuple[int, int], channels: int = 1) -> NDArray[np.uint16] | None:
    """Return the (H, W) or (H, W, 3) RGB uint16 of a label image beside a photograph, None if there is no such file.

    Args:
        path: the file.
        size_wh: the photograph's.
        channels: 1 or 3.

    Raises:
        DataError: a file that is truncated, or has another size, depth or number of channels.
    """
    if not path.is_file():
        return None
    if stored_size(path) != size_wh:
        raise DataError(f'image "{path}": expected the {size_wh[0]} x {size_wh[1]} pixels of its photograph')
    data = path.read_bytes()
    image = decoded(data, cv2.IMREAD_UNCHANGED) if is_whole(data) else None
    shape = (size_wh[1], size_wh[0], 3)[: 2 if channels == 1 else 3]
    if image is None or image.shape != shape or image.dtype != np.uint16:
        raise DataError(f'image "{path}": expected a whole 16-bit PNG file, got something else')
    return np.asarray(image if channels == 1 else image[..., ::-1], np.uint16)


def alpha_of(path: Path) -> NDArray[np.uint8] | None:
    """Return the (H, W) uint8 alpha channel of a PNG file, None of a file that has none. Raises `DataError`."""
    stored_size(path)
    data = path.read_bytes()
    if not data.startswith(_PNG):
        return None
    image = decoded(data, cv2.IMREAD_UNCHANGED) if is_whole(data) else None
    if image is None:
        raise DataError(f'image "{path}": expected a whole PNG file, got a truncated one')
    return np.asarray(image[..., 3], np.uint8) if image.ndim == 3 and image.shape[2] == 4 else None


def decoded(data: bytes, flags: int) -> NDArray[Any] | None:
    """Return what OpenCV makes of an image file, None of one that it refuses; it writes nothing of that to stderr."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)
    return None if image is None else np.asarray(image)


def header_size(file: BinaryIO) -> tuple[int, int] | None:
    """Return (width, height) that a PNG or JPEG file claims, None for other kinds.

    Raises:
        struct.error: the file ends within its header.
        IndexError: the same.
    """
    start = file.read(8)
    if start == _PNG:
        _, kind, width, height = struct.unpack(">I4sII", file.read(16))
        return (width, height) if kind == b"IHDR" else None
    if start[:2] == _JPEG:
        file.seek(2)
        return _jpeg_size(file)
    return None


def _jpeg_size(file: BinaryIO) -> tuple[int, int] | None:
    while True:
        marker = _next_marker(file)
        if marker in _FRAMES:
            _, _, height, width = struct.unpack(">HBHH", file.read(7))
            return width, height
        if marker is None or marker == _SCAN:
            return None
        file.seek(struct.unpack(">H", file.read(2))[0] - 2, 1)


def _next_marker(file: BinaryIO) -> int | None:
    """Return the marker of the next segment; the file then stands at its length. None where there is no segment."""
    if file.read(1)[0] != 0xFF:
        return None
    while (code := file.read(1)[0]) == 0xFF:
        pass
    return code


def is_whole(data: bytes) -> bool:
    """Whether a PNG or JPEG file holds its end (a phone may write more after that of a JPEG); True of other kinds."""
    if data.startswith(_PNG):
        return _png_ends(data)
    if not data.startswith(_JPEG):
        return True
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == _SCAN:
            return data.find(_JPEG_END, place) >= 0
        place += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", data, place + 2)[0]
    return False


def file_is_whole(path: Path) -> bool:
    """Whether a PNG or JPEG file is there and holds its end; only a file whose last bytes say nothing is read whole."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_PNG))
            file.seek(max(file.seek(0, 2) - len(_PNG_END), 0))
            end = file.read()
    except OSError:
        return False
    if (start == _PNG and end == _PNG_END) or (start.startswith(_JPEG) and end.endswith(_JPEG_END)):
        return True
    return start.startswith((_PNG, _JPEG)) and is_whole(path.read_bytes())


def _png_ends(data: bytes) -> bool:
    place = len(_PNG)
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        place += 12 + length
        if kind == b"IEND":
            return bool(place <= len(data))
    return False


def shown_size(path: Path) -> tuple[int, int]:
    """Return (width, height) as an image is shown: turned as a JPEG's EXIF data say. Raises as `stored_size`."""
    width, height = stored_size(path)
    with path.open("rb") as file:
        turned = file.read(2) == _JPEG and _orientation(file) >= 5
    return (height, width) if turned else (width, height)


def _orientation(file: BinaryIO) -> int:
    """Return the EXIF orientation of a JPEG file that stands at its first segment; 1 where there is none."""
    try:
        while (marker := _next_marker(file)) not in (None, _SCAN, *_FRAMES):
            (length,) = struct.unpack(">H", file.read(2))
            data = file.read(length - 2)
            if marker == _APP1 and data.startswith(b"Exif\0\0"):
                return _tag(data[6:], 0x0112) or 1
    except (struct.error, IndexError, ValueError):
        return 1
    return 1


def _tag(tiff: bytes, wanted: int) -> int | None:
    """Return a short number of a TIFF header's first directory. Source: TIFF 6.0, section 2."""
    order = "<" if tiff.startswith(b"II") else ">"
    (place,) = struct.unpack_from(f"{order}I", tiff, 4)
    (entries,) = struct.unpack_from(f"{order}H", tiff, place)
    for number in range(entries):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, place + 2 + 12 * number)
        if tag == wanted:
            return int(value)
    return None
