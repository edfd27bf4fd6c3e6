"""Reads TFRecord files of tf.Example messages without TensorFlow.

A record is: length (uint64), masked CRC-32C of the length, the bytes, masked CRC-32C of the bytes. An Example is the
protocol buffer Features{feature: map<string, Feature{bytes_list = 1 | float_list = 2 | int64_list = 3}>}.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np

from simgen.errors import DataError

Values: TypeAlias = list[bytes] | list[float] | list[int]
MAX_RECORD_BYTES = 64 * 2**20


def read_examples(path: Path) -> Iterator[dict[str, Values]]:
    """Yield the features of each example by name. Raises `DataError` for a damaged file."""
    for payload in _records(path):
        try:
            yield _example(payload)
        except (KeyError, IndexError, ValueError, struct.error):
            raise DataError(f'record file "{path}": expected tf.Example messages, got something else') from None


def _records(path: Path) -> Iterator[bytes]:
    with _opened(path) as file:
        while header := file.read(12):
            if len(header) < 12:
                raise DataError(f'record file "{path}": expected a whole record, got a truncated one')
            length, check = struct.unpack("<QI", header)
            if check != _masked_crc(header[:8]) or length > MAX_RECORD_BYTES:
                raise DataError(f'record file "{path}": expected a TFRecord header, got damaged bytes')
            body = file.read(length + 4)
            if len(body) < length + 4:
                raise DataError(f'record file "{path}": expected a whole record, got a truncated one')
            if struct.unpack("<I", body[length:])[0] != _masked_crc(body[:length]):
                raise DataError(f'record file "{path}": a record does not match its checksum')
            yield body[:length]


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f'record file "{path}": cannot be read: {error.strerror}') from None


def _example(payload: bytes) -> dict[str, Values]:
    found: dict[str, Values] = {}
    for features in _numbered(payload, 1):
        for entry in _numbered(_bytes(features), 1):
            parts = dict(_fields(_bytes(entry)))
            found[_bytes(parts[1]).decode("utf-8")] = _feature(_bytes(parts.get(2, b"")))
    return found


def _feature(payload: bytes) -> Values:
    for kind, value in _fields(payload):
        items = _numbered(_bytes(value), 1)
        if kind == 1:
            return [_bytes(item) for item in items]
        if kind == 2:
            packed = b"".join(_bytes(item) for item in items)
            return [float(v) for v in np.frombuffer(packed, "<f4")]
        if kind == 3:
            numbers: list[int] = []
            for item in items:
                numbers += [item] if isinstance(item, int) else _varints(item)
            return [v - 2**64 if v >= 2**63 else v for v in numbers]
    return []


def _numbered(payload: bytes, wanted: int) -> list[int | bytes]:
    """Return the values of one field; fields of other numbers are passed over, as protocol buffers have it."""
    return [value for number, value in _fields(payload) if number == wanted]


def _fields(payload: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value): an int for varints, bytes for everything else."""
    place = 0
    while place < len(payload):
        key, place = _varint(payload, place)
        kind = key & 7
        if kind == 0:
            value, place = _varint(payload, place)
            yield key >> 3, value
            continue
        if kind == 2:
            length, place = _varint(payload, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if place + length > len(payload):
            raise ValueError("truncated")
        yield key >> 3, payload[place : place + length]
        place += length


def _varint(payload: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = payload[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
        if shift > 63:
            raise ValueError("varint too long")


def _varints(payload: bytes) -> list[int]:
    numbers, place = [], 0
    while place < len(payload):
        value, place = _varint(payload, place)
        numbers.append(value)
    return numbers


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("expected bytes")
    return value


def _crc_tables() -> list[list[int]]:
    table = []
    for i in range(256):
        crc = i
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    tables = [table]
    for _ in range(7):
        tables.append([(c >> 8) ^ table[c & 0xFF] for c in tables[-1]])
    return tables


_CRC = _crc_tables()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of the data; eight bytes a step ("slicing by 8")."""
    crc = 0xFFFFFFFF
    t0, t1, t2, t3, t4, t5, t6, t7 = _CRC
    whole = len(data) // 8
    for low, high in struct.iter_unpack("<II", data[: whole * 8]):
        low ^= crc
        crc = (
            t7[low & 0xFF]
            ^ t6[(low >> 8) & 0xFF]
            ^ t5[(low >> 16) & 0xFF]
            ^ t4[low >> 24]
            ^ t3[high & 0xFF]
            ^ t2[(high >> 8) & 0xFF]
            ^ t1[(high >> 16) & 0xFF]
            ^ t0[high >> 24]
        )
    for byte in data[whole * 8 :]:
        crc = (crc >> 8) ^ t0[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked_crc(data: bytes) -> int:
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
