"""Text files as people have them: UTF-8, UTF-16, cp1252 or GBK, with or without a byte order mark."""

from __future__ import annotations

import codecs
from pathlib import Path

from .reach import require_readable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """The file's text with '\\n' as line end. Raises OSError, and ValueError when a marked encoding is damaged."""
    require_readable(path)
    return decode(path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n")


def decode(data: bytes) -> str:
    """Text of unknown encoding. Raises ValueError when a marked encoding is damaged."""
    encoding = encoding_of(data)
    return data.decode(encoding, errors="replace" if encoding == "cp1252" else "strict")


def encoding_of(data: bytes) -> str:
    """The codec of a text: what a byte order mark says, else UTF-8 if valid, GBK if likely, cp1252 at last."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if b"\0" in data:
        return "utf-16-le" if data[1::2].count(0) >= data[::2].count(0) else "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "gbk" if _looks_like_gbk(data) else "cp1252"
    return "utf-8"


def _looks_like_gbk(data: bytes) -> bool:
    """Whether non-ASCII bytes read as pairs are mostly common Chinese characters.

    GBK orders characters by how common they are: punctuation has lead bytes A1-A3, everyday characters B0-D7, each with
    a second byte of at least A1. Western accented letters (E0-FF in cp1252) lead to rare characters, if to any.
    """
    try:
        data.decode("gbk")
    except UnicodeDecodeError:
        return False
    pairs, common, place = 0, 0, 0
    while place < len(data):
        lead = data[place]
        if lead < 0x80:
            place += 1
            continue
        everyday = 0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xD7
        pairs, common = pairs + 1, common + (everyday and data[place + 1] >= 0xA1)
        place += 2
    return common * 2 >= pairs
