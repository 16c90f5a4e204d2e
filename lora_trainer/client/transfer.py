"""Files up and down, in parts that go on where a connection broke."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ..errors import UserError
from ..files.atomic import replacing
from ..sentences import Sentence
from ..wire.datasets import Added, Upload
from .connection import Connection, place
from .errors import ServerRefused, Unreachable
from .patience import Patience

Progress = Callable[[int, int], None]
"""Told how many bytes of how many have gone over."""
PIECE = 2**20
LOOKS = (0.05, 0.1, 0.2, 0.5)
"""Seconds between two looks whether the server has taken a file."""


def silent(done: int, total: int) -> None:
    """Nobody watches."""


def upload(server: Connection, dataset: str, name: str, file: BinaryIO, size: int, progress: Progress) -> Added:
    """Send a file in parts, each with its checksum, and say what became of it.

    Raises ServerRefused for what the server does not take, Unreachable when it stays away.
    """
    patience = Patience()
    uploads = place("datasets", dataset, "uploads")
    state: Upload = server.json("POST", uploads, {"name": name, "size": size})
    where = uploads + place(state["id"])
    while (offset := state["offset"]) < size:
        progress(offset, size)
        file.seek(offset)
        part = file.read(state["part"])
        if not part:
            raise UserError(Sentence("file_shrank", "'{name}' has changed while it was sent.", name=name))
        query = {"offset": offset, "crc32": f"{zlib.crc32(part):08x}"}
        try:
            state = server.send("PUT", where, part, query)
            patience.went_well()
        except Unreachable as error:
            patience.broke(error)
            state = _looked(server, where, patience)
        except ServerRefused as error:
            if error.code not in ("upload_offset", "part_damaged"):
                raise
            patience.broke(Unreachable(server.url, error))
            state = _looked(server, where, patience)
    progress(size, size)
    return _finished(server, where, patience)


def _looked(server: Connection, where: str, patience: Patience) -> Upload:
    """How far an upload is, as soon as the server answers."""
    while True:
        try:
            found: Upload = server.json("GET", where)
            return found
        except Unreachable as error:
            patience.broke(error)


def _finished(server: Connection, where: str, patience: Patience) -> Added:
    """What became of a file that has arrived. Asked twice, the server does it once."""
    while True:
        try:
            state: Upload = server.json("POST", f"{where}/finish")
            break
        except Unreachable as error:
            patience.broke(error)
    looks = 0
    while state["result"] is None:
        time.sleep(LOOKS[min(looks, len(LOOKS) - 1)])
        state, looks = _looked(server, where, patience), looks + 1
    return state["result"]


def download(server: Connection, path: str, to: Path, progress: Progress) -> None:
    """Fetch a file that is at `to` only when it is whole, and what its hash says.

    Raises UserError when it arrives damaged twice, ServerRefused when there is none, Unreachable when the server stays
    away.
    """
    with replacing(to) as out:
        if not (_fetched(server, path, out, progress) or _fetched(server, path, out, progress)):
            raise UserError(Sentence("download_damaged", "'{file}' was damaged on its way. Try again.", file=to.name))


def _fetched(server: Connection, path: str, out: BinaryIO, progress: Progress) -> bool:
    """One fetching of the whole, over however many connections; whether it is what its hash says."""
    patience, tag = Patience(), ""
    out.seek(0)
    out.truncate()
    while True:
        headers = {"Range": f"bytes={out.tell()}-", "If-Range": tag} if out.tell() else {}
        try:
            with server.opened("GET", path, headers=headers) as answer:
                if answer.status != 206:  # the whole: it is the first time, or the file is another one now
                    out.seek(0)
                    out.truncate()
                tag = answer.headers.get("ETag", "")
                total = out.tell() + int(answer.headers.get("Content-Length", 0))
                for piece in server.pieces(answer):
                    out.write(piece)
                    patience.went_well()
                    progress(out.tell(), total)
            return _is(out, tag)
        except Unreachable as error:
            patience.broke(error)


def _is(file: BinaryIO, tag: str) -> bool:
    """Whether a file has the SHA-256 that an ETag names."""
    found = hashlib.sha256()
    file.seek(0)
    while piece := file.read(PIECE):
        found.update(piece)
    return tag.strip('"') in ("", found.hexdigest())
