"""Files as answers, read in threads of ours: the server's own file answers use threads that may all be taken."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from ..errors import NotFound
from ..sentences import Sentence

PIECE = 2**20
KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


def picture(content: bytes, *, lasting: bool = False) -> Response:
    """A picture; `lasting` ones may be kept by the browser."""
    kind = next((kind for start, kind in KINDS.items() if content.startswith(start)), "application/octet-stream")
    headers = {
        "cache-control": "private, max-age=86400" if lasting else "no-cache",
        "x-content-type-options": "nosniff",
    }
    return Response(content, media_type=kind, headers=headers)


def read_picture(path: Path, *, lasting: bool = True) -> Response:
    """A picture in a file. Raises NotFound when it is gone."""
    try:
        return picture(path.read_bytes(), lasting=lasting)
    except FileNotFoundError:
        raise NotFound(Sentence("file_gone", "'{file}' is not there any more.", file=path.name)) from None


def kept_as(name: str) -> str:
    """The header by which a browser keeps a file under that name, whatever letters it has."""
    return f"attachment; filename*=utf-8''{quote(name, safe='', errors='replace')}"


def download(path: Path, asked: Mapping[str, str]) -> Response:
    """A file of any size, to be kept under its name. Raises NotFound when it is gone.

    `asked` are the request's headers: `Range: bytes=N-` goes on at that byte, unless `If-Range` names other content.
    The ETag is the SHA-256 of the file.
    """
    try:
        facts = path.stat()
        tag = f'"{_hash_of(path, facts.st_size, facts.st_mtime_ns)}"'
    except FileNotFoundError:
        raise NotFound(Sentence("file_gone", "'{file}' is not there any more.", file=path.name)) from None
    start = _start(asked.get("range", ""), facts.st_size) if asked.get("if-range", tag) == tag else 0
    headers = {
        "content-disposition": kept_as(path.name),
        "content-length": str(facts.st_size - start),
        "accept-ranges": "bytes",
        "etag": tag,
    }
    if start:
        headers["content-range"] = f"bytes {start}-{facts.st_size - 1}/{facts.st_size}"
    return StreamingResponse(
        _pieces(path, start), 206 if start else 200, media_type="application/octet-stream", headers=headers
    )


@functools.lru_cache(maxsize=256)
def _hash_of(path: Path, size: int, changed: int) -> str:
    """The SHA-256 of a file, in hex; it is read once as long as it stays as it is."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest()


def _start(asked: str, size: int) -> int:
    """The byte that a range begins with, of those that reach to the end; 0 for all others, which get the whole."""
    found = re.fullmatch(r"bytes=([0-9]{1,15})-", asked.strip())
    return int(found[1]) if found and int(found[1]) < size else 0


def streamed(pieces: Iterator[bytes], name: str, kind: str) -> Response:
    """Bytes that are made while they are sent, to be kept under a name. They are not packed once more on the way."""
    headers = {
        "content-disposition": kept_as(name),
        "content-encoding": "identity",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(_in_threads(pieces), media_type=kind, headers=headers)


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    while piece := await loop.run_in_executor(None, next, pieces, b""):
        yield piece


async def _pieces(path: Path, start: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    with path.open("rb") as file:
        file.seek(start)
        while piece := await loop.run_in_executor(None, file.read, PIECE):
            yield piece
