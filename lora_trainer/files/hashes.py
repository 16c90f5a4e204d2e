"""Hashes by which hosts and web sites know LoRA files.

`sshs_model_hash`: SHA-256 of everything behind the safetensors header, so that it survives edited metadata.
`sshs_legacy_hash`: first 8 hex digits of SHA-256 over 0x10000 bytes at 0x100000 of the file (the WebUI's old hash).
Both stand inside the file that they describe. That works because their length is fixed and they come first in the
header: the file is written with zeros in their place, and the zeros are then overwritten.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from .container import chunks

MODEL_HASH, LEGACY_HASH = "sshs_model_hash", "sshs_legacy_hash"
NO_HASHES = {MODEL_HASH: "0" * 64, LEGACY_HASH: "0" * 8}
LEGACY_AT, LEGACY_LENGTH = 0x100000, 0x10000


def sha256_of_file(path: Path) -> str:
    """SHA-256 of the whole file as hex digits."""
    with path.open("rb") as file:
        return sha256_from(file, 0)


def sha256_from(file: BinaryIO, start: int) -> str:
    """SHA-256 of `file` from byte `start` to its end."""
    digest = hashlib.sha256()
    file.seek(start)
    for chunk in chunks(file):
        digest.update(chunk)
    return digest.hexdigest()


def legacy_hash(file: BinaryIO) -> str:
    """The WebUI's old 8-digit hash; files below 1 MiB all share one."""
    file.seek(LEGACY_AT)
    return hashlib.sha256(file.read(LEGACY_LENGTH)).hexdigest()[:8]


def stamp(file: BinaryIO, data_start: int) -> None:
    """Overwrite the zeros of NO_HASHES, with which the header's metadata must begin, by the file's real hashes."""
    file.flush()
    hashes = {MODEL_HASH: sha256_from(file, data_start), LEGACY_HASH: legacy_hash(file)}
    file.seek(0)
    beginning = file.read(1024)
    for key, value in hashes.items():
        marker = f'"{key}":"'.encode()
        file.seek(beginning.index(marker) + len(marker))
        file.write(value.encode("ascii"))
