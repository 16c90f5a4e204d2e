"""Files that come in parts. A broken connection goes on from where it was, also after a restart of the program.

`.uploads/ID.part` holds what has arrived, `ID.json` what it belongs to. Nothing that a sender says is believed: the
offset is that of the file on the disk, and a part is added only when it is what its checksum says.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
import time
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import DataError, NotFound, UserError
from ..files.atomic import write_text
from ..files.disk import RESERVE, free_bytes
from ..sentences import Sentence
from . import names
from .folder import DataSetFolder
from .incoming import CHUNK, LARGEST_PICTURE, LARGEST_TEXT
from .intake import Added, Refused, as_sentence
from .unpack import MOST_BYTES

log = logging.getLogger(__name__)

PART, LARGEST_PART = 8 << 20, 64 << 20
"""Bytes of a part: as a page sends them, and at most."""
MOST_OPEN = 64
"""How many files may be on their way at once, for all senders together."""
MOST_OF_ONE, LEFT_SECONDS = 12, 900.0
"""How many of these may be one person's, and how long nothing came of one that gives way to a further one."""
STALE_SECONDS, KEPT_SECONDS = 24 * 3600.0, 3600.0
"""How long what nobody goes on with is kept, and what became of a finished one."""
RECEIVING, TAKING, DONE = "receiving", "taking", "done"
_ID = re.compile(r"[0-9a-f]{32}")


class NoSuchUpload(NotFound):
    """There is no upload of this id for this data set (any more)."""

    def __init__(self) -> None:
        super().__init__(Sentence("upload_missing", "This upload is not there any more: send the file again."))


class WrongOffset(UserError):
    """A part does not follow what has arrived; `values['offset']` of the sentence is where it goes on."""

    def __init__(self, offset: int) -> None:
        sentence = "The upload goes on at byte {offset}."
        super().__init__(Sentence("upload_offset", sentence, offset=offset))


@dataclass
class Upload:
    """A file on its way into the data set whose id is `dataset`; `owner` sends it, empty where nobody signs in."""

    id: str
    dataset: str
    name: str
    size: int
    file: Path
    owner: str = ""
    state: str = RECEIVING
    result: Added | None = None
    touched: float = field(default_factory=time.monotonic)
    """When something came of it last, or it was taken: by no clock that somebody may set."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def offset(self) -> int:
        """Bytes that have arrived."""
        if self.state != RECEIVING:
            return self.size
        try:
            return self.file.stat().st_size
        except OSError:
            raise NoSuchUpload from None


class Uploads:
    """All files that are on their way, in a hidden folder beside the data sets."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._known: dict[str, Upload] = {}

    def begin(self, dataset: str, name: str, size: int, owner: str = "") -> Upload:
        """Announce a file. Raises DataError for one that would not be taken, or for which there is no room."""
        most = _most(names.safe_name(name))
        if size > most:
            raise DataError(Sentence("file_too_large", "is larger than {most} MB, which is the limit", most=most >> 20))
        if size < 1:
            raise DataError(Sentence("picture_empty", "is empty (0 bytes)"))
        with self._lock:
            self._sweep()
            self._require_turn(owner)
            # Beside the file itself, what is made of it: an unpacked zip, a picture that is looked at.
            needed, free = sum(map(_missing, self._receiving())) + 2 * size + RESERVE, free_bytes(self._folder)
            if needed > free:
                sentence = "needs {size} MB on the way in, but only {free} MB are free on the disk"
                raise DataError(Sentence("upload_disk", sentence, size=needed >> 20, free=free >> 20))
            return self._made(dataset, name, size, owner)

    def get(self, dataset: str, id: str) -> Upload:
        """Raises NoSuchUpload."""
        if not _ID.fullmatch(id):
            raise NoSuchUpload
        with self._lock:
            upload = self._known.get(id) or self._found_again(id)
        if upload is None or upload.dataset != dataset:
            raise NoSuchUpload
        return upload

    def add(self, upload: Upload, offset: int, part: BinaryIO, checksum: str) -> None:
        """Add a part that begins at `offset`; `checksum` is its CRC-32 in 8 hexadecimal digits.

        Raises WrongOffset, and DataError for a part that is damaged, too long, or cannot be stored.
        """
        with upload.lock:
            if upload.state != RECEIVING or offset != upload.offset:
                raise WrongOffset(upload.offset)
            length, found = _measured(part)
            if not 0 < length <= min(LARGEST_PART, upload.size - offset):
                sentence = "A part of the upload has {length} bytes, which does not fit: send the file again."
                raise DataError(Sentence("part_length", sentence, length=length))
            if found != checksum.lower():
                raise DataError(Sentence("part_damaged", "A part of the upload was damaged on its way."))
            upload.touched = time.monotonic()
            try:
                _append(upload.file, part, offset)
            except OSError as error:
                reason = str(error.strerror or error)
                raise DataError(Sentence("file_unwritten", "could not be stored ({reason})", reason=reason)) from error

    def finish(self, upload: Upload, data_set: DataSetFolder, room: int | None = None) -> None:
        """Take the whole file into its data set, in a thread: large zip files take longer than a connection lasts.

        A zip may grow by `room` bytes. Asked again, it goes on with what it does. Raises WrongOffset for a part of it.
        """
        with upload.lock:
            if upload.state != RECEIVING:
                return
            if upload.offset != upload.size:
                raise WrongOffset(upload.offset)
            upload.state = TAKING
        taking = (upload, data_set, room)
        threading.Thread(target=self._take, args=taking, name="train-lora intake", daemon=True).start()

    def cancel(self, upload: Upload) -> None:
        """Forget a file that is on its way. What is being taken already goes on."""
        with upload.lock:
            if upload.state == RECEIVING:
                self._remove(upload)

    def expected(self, datasets: Collection[str]) -> int:
        """Bytes that are yet to come for these data sets, or have come in part."""
        with self._lock:
            return sum(upload.size for upload in self._receiving() if upload.dataset in datasets)

    def sweep(self) -> None:
        """Remove what nobody went on with for a day."""
        with self._lock:
            self._sweep()

    def _take(self, upload: Upload, data_set: DataSetFolder, room: int | None) -> None:
        result = Added()
        try:
            result = data_set.add(upload.name, upload.file, room)
        except (UserError, OSError, MemoryError) as error:
            log.exception("The upload of %r could not be taken.", upload.name)
            reason = error.sentence if isinstance(error, UserError) else str(error)
            result.refused.append(Refused(upload.name, as_sentence(reason)))
        finally:
            upload.result, upload.touched, upload.state = result, time.monotonic(), DONE
            _discard(upload.file, upload.file.with_suffix(".json"))

    def _require_turn(self, owner: str) -> None:
        """Raise DataError where too many files are on their way; what `owner` has left lying makes room before."""
        waiting = self._receiving()
        mine = sorted((one for one in waiting if owner and one.owner == owner), key=attrgetter("touched"))
        if len(mine) >= MOST_OF_ONE:
            if time.monotonic() - mine[0].touched < LEFT_SECONDS:
                sentence = "You are uploading {most} files at once already: wait until one of them has arrived."
                raise DataError(Sentence("uploads_own_many", sentence, most=MOST_OF_ONE))
            self._remove(mine[0])
        elif len(waiting) >= MOST_OPEN:
            sentence = "More than {most} files are being uploaded at once: try again later."
            raise DataError(Sentence("uploads_many", sentence, most=MOST_OPEN))

    def _made(self, dataset: str, name: str, size: int, owner: str) -> Upload:
        id = secrets.token_hex(16)
        upload = Upload(id, dataset, name, size, self._folder / f"{id}.part", owner)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            upload.file.touch()
        except OSError as error:
            reason = str(error.strerror or error)
            raise DataError(Sentence("file_unwritten", "could not be stored ({reason})", reason=reason)) from error
        values = {"dataset": dataset, "name": name, "size": size, "owner": owner}
        write_text(upload.file.with_suffix(".json"), json.dumps(values))
        self._known[id] = upload
        return upload

    def _found_again(self, id: str) -> Upload | None:
        """An upload that an earlier process began."""
        file = self._folder / f"{id}.part"
        try:
            values: dict[str, Any] = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
            name, owner = str(values["name"]), str(values.get("owner", ""))
            upload = Upload(id, str(values["dataset"]), name, int(values["size"]), file, owner)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not file.is_file():
            return None
        return self._known.setdefault(id, upload)

    def _receiving(self) -> list[Upload]:
        """Those that somebody may go on with, also of earlier processes."""
        found = [self._known.get(file.stem) or self._found_again(file.stem) for file in self._folder.glob("*.part")]
        return [upload for upload in found if upload is not None and upload.state == RECEIVING]

    def _sweep(self) -> None:
        now = time.monotonic()
        for upload in [*self._known.values()]:
            if upload.state == DONE and now - upload.touched > KEPT_SECONDS:
                del self._known[upload.id]
            elif upload.state == RECEIVING and now - upload.touched > STALE_SECONDS:
                self._remove(upload)
        for file in [*self._folder.glob("*")]:  # what an earlier program left
            newest = max(map(_changed, (file, file.with_suffix(".part"), file.with_suffix(".json"))))
            if file.stem not in self._known and time.time() - newest > STALE_SECONDS:
                _discard(file)

    def _remove(self, upload: Upload) -> None:
        self._known.pop(upload.id, None)
        _discard(upload.file, upload.file.with_suffix(".json"))


def _most(name: str) -> int:
    """Bytes that a file of this name may have. Raises DataError for a kind that is not taken."""
    if names.is_zip(name):
        return MOST_BYTES
    if names.is_picture(name):
        return LARGEST_PICTURE
    if names.is_text(name):
        return LARGEST_TEXT
    raise DataError(Sentence("not_a_picture", "is neither a picture nor a caption"))


def _missing(upload: Upload) -> int:
    """Bytes that have yet to come."""
    try:
        return upload.size - upload.offset
    except NoSuchUpload:  # just cancelled
        return 0


def _measured(part: BinaryIO) -> tuple[int, str]:
    """Length and CRC-32 of a part."""
    length, checksum = 0, 0
    while piece := part.read(CHUNK):
        length, checksum = length + len(piece), zlib.crc32(piece, checksum)
    part.seek(0)
    return length, f"{checksum:08x}"


def _append(file: Path, part: BinaryIO, offset: int) -> None:
    """Add the part at the end, whole or not at all."""
    with file.open("r+b") as out:
        out.seek(offset)
        try:
            while piece := part.read(CHUNK):
                out.write(piece)
            out.flush()
        except OSError:
            out.truncate(offset)
            raise


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _discard(*files: Path) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError:  # held by another program: the next sweep tries again
            log.info("'%s' could not be removed.", file)
