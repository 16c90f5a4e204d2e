"""PNG files, taken apart without decoding them."""

from __future__ import annotations

import os
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LOOKS = (b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"IDAT", b"IEND")
"""The chunks that say how a picture looks; others tell where it comes from."""
END = b"\0\0\0\0IEND\xaeB`\x82"


def is_whole(path: Path) -> bool:
    """Whether a file begins and ends as a PNG does; one that was cut off, or that cannot be read, does not."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(SIGNATURE)) == SIGNATURE
            file.seek(-min(len(END), file.seek(0, os.SEEK_END)), os.SEEK_END)
            return begins and file.read() == END
    except OSError:
        return False


def without_texts(content: bytes) -> bytes:
    """The same picture without any chunk that tells more than its looks. Anything but a whole PNG comes back empty."""
    if not content.startswith(SIGNATURE):
        return b""
    kept, at = [SIGNATURE], len(SIGNATURE)
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        kind, end = content[at + 4 : at + 8], at + 12 + length
        if end > len(content):
            return b""
        if kind in LOOKS:
            kept.append(content[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    return b""
