"""Files of curves as TensorBoard reads them, written without it: its package is large, and hosts do not have it.

A file is a row of records (TFRecord: length, payload, and a checksum of each); a payload is an `Event` of TensorBoard's
event.proto, of which this writes what curves need.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

VERSION = b"brain.Event:2"
CASTAGNOLI = 0x82F63B78
WALL_TIME, STEP, FILE_VERSION, SUMMARY, SESSION = 1, 2, 3, 5, 7
"""Fields of an Event."""
VALUE, TAG, NUMBER, STATUS, START = 1, 1, 2, 1, 1
"""Of a Summary, of its values, and of a SessionLog; and the status with which a session begins."""
VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5
"""How protocol buffers write a field."""


class EventFile:
    """A new file in `folder`, which is made. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        seconds, rest = divmod(time.time_ns(), 10**9)  # TensorBoard reads a folder's files in the order of their names
        name = f"events.out.tfevents.{seconds:010}.{rest:09}.train-lora"
        self._file: IO[bytes] = (folder / name).open("xb")
        self._put(_field(FILE_VERSION, VERSION))

    def begin(self, step: int) -> None:
        """What other files in the folder say of this step and those after it holds no more: they are taken again."""
        self._put(_number(STEP, step) + _field(SESSION, _number(STATUS, START)))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """A point of every curve that is named."""
        points = b"".join(
            _field(VALUE, _field(TAG, tag.encode("utf-8")) + _key(NUMBER, FLOAT) + struct.pack("<f", value))
            for tag, value in values.items()
        )
        self._put(_number(STEP, step) + _field(SUMMARY, points))

    def close(self) -> None:
        self._file.close()

    def _put(self, rest: bytes) -> None:
        event = _key(WALL_TIME, DOUBLE) + struct.pack("<d", time.time()) + rest
        length = struct.pack("<Q", len(event))
        self._file.write(length + _checksum(length) + event + _checksum(event))
        self._file.flush()


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _number(field: int, value: int) -> bytes:
    return _key(field, VARINT) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _key(field, BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits in a byte, the lowest first; the eighth says that there are more."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _table() -> tuple[int, ...]:
    def remainder(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (CASTAGNOLI if value & 1 else 0)
        return value

    return tuple(map(remainder, range(256)))


TABLE = _table()


def _checksum(content: bytes) -> bytes:
    """CRC-32C, turned and shifted as TFRecord has it, so that a checksum of checksums is none that is well known."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
