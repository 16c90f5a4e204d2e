"""The clients of `bench load`, in a process of their own: plain HTTP on connections that stay open."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
import sys
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

PREFIX = "/lora-trainer/v1"
PIECE, PICTURE = 64 * 2**10, 2 * 10**6
"""Bytes that are sent at once, and of a picture."""


@dataclass
class Seen:
    """What all clients together have seen and sent."""

    waits: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    told: int = 0
    bytes: int = 0


class Connection:
    """One connection, on which requests follow one another."""

    def __init__(self, address: str, seen: Seen) -> None:
        self._host, self._seen = address, seen
        self._streams: Any = None

    async def ask(self, method: str, path: str, body: bytes = b"", rate: float = 0.0) -> Any:
        """The answer's JSON. A body with a `rate` is sent at so many bytes a second."""
        if self._streams is None:
            host, port = self._host.rsplit(":", 1)
            self._streams = await asyncio.open_connection(host, int(port))
        reader, writer = self._streams
        head = f"{method} {PREFIX}{path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + (b"" if rate else body))
        if rate:
            await _paced(writer, body, rate)
        await writer.drain()
        began = time.perf_counter()
        top = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(top.split("content-length:")[1].split("\r\n")[0])
        content = await reader.readexactly(length)
        self._seen.waits.append(time.perf_counter() - began)
        status = int(top.split(" ", 2)[1])
        if status != 200:
            self._seen.errors.append(f"{method} {path}: {status} {content[:200]!r}")
        return json.loads(content)


async def _paced(writer: asyncio.StreamWriter, body: bytes, rate: float) -> None:
    began = time.perf_counter()
    for start in range(0, len(body), PIECE):
        writer.write(body[start : start + PIECE])
        await writer.drain()
        await asyncio.sleep(max(0.0, began + (start + PIECE) / rate - time.perf_counter()))


async def poll(wanted: dict[str, Any], seen: Seen, first: int, until: float) -> None:
    """Ask once a second, as a page does. Notes what was told twice, left out, or not at all."""
    connection, after, wrong, number = Connection(wanted["address"], seen), first, "", 0
    await asyncio.sleep(random.random())
    begin = time.perf_counter()
    while time.perf_counter() < until:
        await connection.ask("GET", "/state")
        answer = await connection.ask("GET", f"/jobs/{wanted['job']}/events?after={after}")
        told = [event["n"] for event in answer["events"]]
        if told != list(range(after + 1, after + 1 + len(told))):
            wrong = wrong or f"events {told[:3]} ... after {after}"
        after = told[-1] if told else after
        number += 1
        await asyncio.sleep(max(0.0, begin + number - time.perf_counter()))
    seen.told += after - first
    seen.events.append(wrong or ("no event at all" if after == first else ""))


async def upload(wanted: dict[str, Any], seen: Seen, name: str, picture: bytes, until: float) -> None:
    """Send pictures, one after another, in parts with their checksums."""
    connection = Connection(wanted["address"], seen)
    data_set = (await connection.ask("POST", "/datasets", json.dumps({"name": name}).encode()))["id"]
    files = seen.files.setdefault(data_set, {})
    while time.perf_counter() < until:
        body = picture + random.randbytes(16)  # behind a picture's end anything may stand
        announced = json.dumps({"name": f"{len(files)}.png", "size": len(body)}).encode()
        begun = await connection.ask("POST", f"/datasets/{data_set}/uploads", announced)
        path = f"/datasets/{data_set}/uploads/{begun['id']}"
        for start in range(0, len(body), begun["part"]):
            part = body[start : start + begun["part"]]
            query = f"?offset={start}&crc32={zlib.crc32(part):08x}"
            await connection.ask("PUT", path + query, part, wanted["rate"])
            seen.bytes += len(part)
        look = await connection.ask("POST", f"{path}/finish")
        while look["state"] != "done":
            await asyncio.sleep(0.2)
            look = await connection.ask("GET", path)
        if look["result"]["refused"]:
            seen.errors.append(f"refused: {look['result']['refused']}")
        for added in look["result"]["added"]:
            files[added] = hashlib.sha256(body).hexdigest()


def noise(seed: int) -> bytes:
    """A picture that nothing makes smaller."""
    from PIL import Image

    side = int((PICTURE / 3) ** 0.5)
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(seed).randbytes(side * side * 3)).save(file, "PNG")
    return file.getvalue()


async def main() -> None:
    wanted, seen = json.loads(sys.argv[1]), Seen()
    pictures = [noise(number) for number in range(wanted["uploaders"])]
    last = (await Connection(wanted["address"], Seen()).ask("GET", f"/jobs/{wanted['job']}/events?limit=10000"))["next"]
    began = time.perf_counter()
    until = began + wanted["seconds"]
    pollers = [poll(wanted, seen, last, until) for _ in range(wanted["pollers"])]
    uploads = [upload(wanted, seen, f"up {number}", one, until) for number, one in enumerate(pictures)]
    await asyncio.gather(*pollers, *uploads)
    told = {**vars(seen), "requests": len(seen.waits), "seconds": time.perf_counter() - began}
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main())
