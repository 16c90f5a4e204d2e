"""Giving a finished LoRA file another place and name: the tensors' bytes stay, the header is written anew."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import FileFormatError
from .atomic import replacing
from .container import header_bytes, read_header
from .hashes import sha256_from, stamp
from .write import named

PIECE = 2**20


def copy_lora(source: Path, target: Path) -> None:
    """Copy a LoRA file, so that `ss_output_name` and the hashes are those of `target`.

    `target` is as it was until the copy is whole, read back and found equal. Raises FileFormatError when it is not,
    and as `atomic.replacing` (FileInUse, full disk).
    """
    header = read_header(source)
    beginning = header_bytes(header.tensors, named(header.metadata, target.stem))

    def check(partial: Path) -> None:
        with source.open("rb") as one, partial.open("rb") as other:
            if sha256_from(one, header.data_start) != sha256_from(other, len(beginning)):
                raise FileFormatError(f"'{target}' was read back changed; the disk may be failing. Copy it again.")

    with source.open("rb") as origin, replacing(target, check) as file:
        file.write(beginning)
        origin.seek(header.data_start)
        shutil.copyfileobj(origin, file, PIECE)
        stamp(file, len(beginning))


def copy_file(source: Path, target: Path) -> None:
    """Copy any file, whole or not at all. Raises as `atomic.replacing`."""
    with source.open("rb") as origin, replacing(target) as file:
        shutil.copyfileobj(origin, file, PIECE)
