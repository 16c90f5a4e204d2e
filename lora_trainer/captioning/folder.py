"""Captioning a folder: in batches, to be stopped at any picture, and taken up again where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.pictures import UnreadablePicture, read
from ..devices import is_out_of_memory
from ..errors import ConfigError, UserError
from ..events import Event, Preparing, Warned
from ..files.atomic import write_text
from ..sentences import Sentence
from .base import Answer, Captioner, text_of
from .combine import KEEP, MODES, combined
from .events import Captioned, Described, LeftOut
from .journal import Done, Journal
from .pictures import Wanted, find_pictures, sharing
from .table import NAME, require_usable, write_table

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("txt", "csv", "both")
TABLES_IN_ALL = 20
"""How often a table is written in the course of a run: each time it is the whole of it."""


@dataclass(frozen=True)
class Task:
    """A folder, and what is to become of it.

    `mode`: pictures that have a caption keep it, or it is replaced, or the new one goes behind or in front of it.
    `form`: a .txt beside every picture, a table (`table`, else metadata.csv in the folder), or both.
    """

    folder: Path
    mode: str = KEEP
    form: str = "txt"
    trigger: str = ""
    batch: int = 8
    table: Path | None = None

    def check(self) -> None:
        """Raise ConfigError naming every value that is none."""
        wrong = [
            Sentence(
                "caption_choice",
                "{name} is '{value}', but must be one of {known}.",
                name=name,
                value=value,
                known=", ".join(known),
            )
            for name, value, known in (("mode", self.mode, MODES), ("format", self.form, FORMATS))
            if value not in known
        ]
        if not 1 <= self.batch <= 256:
            wrong.append(
                Sentence("caption_batch", "batch is {value}, but must lie between 1 and 256.", value=self.batch)
            )
        if wrong:
            raise ConfigError(wrong)


def describe(task: Task, captioner: Captioner, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Caption a folder; the last event is Described. `stop` is asked between two batches.

    Raises ConfigError, DataError when the folder is missing, UserError when the captioner lacks something or fails.
    Whatever is raised, the captions so far are written, and the same call goes on behind them.
    """
    task.check()
    if (sentence := captioner.missing()) is not None:
        raise UserError(sentence)
    run = _Run(task, captioner)
    with closing(run), closing(captioner):
        yield from run.go(stop)
    if hidden := run.hidden():
        yield _hidden(hidden)
    yield run.end()


@dataclass
class _Run:
    """What is known of a run while it goes on."""

    task: Task
    captioner: Captioner
    written: int = 0
    left_out: int = 0
    stopped: bool = True
    texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        task = self.task
        self.since = time.monotonic()
        self.table = None if task.form == "txt" else task.table or task.folder / NAME
        self.pictures = find_pictures(task.folder, task.table)
        self.total, self.in_table = len(self.pictures), 0
        if self.table is not None:
            require_usable(self.table)
        work = f"{task.mode} {task.form} {task.table} {task.trigger} {self.captioner.identity}"
        self.journal = Journal(task.table.parent if task.table else task.folder, work)
        self.before = [self.journal.done[one.name] for one in self.pictures if one.name in self.journal.done]
        self.done = {one.name for one in self.before}
        for one in self.pictures:
            if one.before and task.mode == KEEP and one.name not in self.done:
                self.texts[one.name] = one.before  # a table holds the captions of all pictures
        self.kept = len(self.texts)
        self.done |= self.texts.keys()

    def go(self, stop: Callable[[], bool]) -> Iterator[Event]:
        self._finish_what_was_begun()
        shared = {} if self.task.form == "csv" else sharing(self.pictures)
        todo = [one for one in self.pictures if one.name not in self.done and one.name not in shared]
        yield Preparing("captions", len(self.done), self.total)
        for name, reason in shared.items():
            yield self._left_out(name, reason)
        if todo:
            yield Preparing("captioner", 0, 1)
            self.captioner.load()
            yield Preparing("captioner", 1, 1)
        for pictures, images in _read_ahead(todo, self.task.batch):
            if stop():
                return
            yield from self._batch(pictures, images)
        self.stopped = False

    def _batch(self, pictures: Sequence[Wanted], images: Sequence[Image | UnreadablePicture]) -> Iterator[Event]:
        """Caption a batch and write it; a picture that cannot be read does not keep the others out."""
        reasons = {
            one.name: image.sentence for one, image in zip(pictures, images) if isinstance(image, UnreadablePicture)
        }
        readable = {one.name: one for one in pictures if one.name not in reasons}
        answers = _answers(self.captioner, [image for image in images if not isinstance(image, UnreadablePicture)])
        new = {name: text_of(answer) for name, answer in zip(readable, answers)}
        reasons |= {name: _nothing_recognised() for name, text in new.items() if not text}
        finished = [self._finished(readable[name], text) for name, text in new.items() if text]
        self.journal.add(finished)
        for name, reason in reasons.items():
            yield self._left_out(name, reason)
        for done in finished:
            self._write(readable[done.name], done)
            self.done.add(done.name)
            yield Captioned(len(self.done) + self.left_out, self.total, done.name, done.text)
        self._write_table(every=max(1, self.total // TABLES_IN_ALL))

    def _finished(self, picture: Wanted, new: str) -> Done:
        """The caption to write. What somebody wrote beside the picture since the run began counts as there already."""
        now = picture.before if self.task.form == "csv" else picture.now()
        text = now if now and self.task.mode == KEEP else combined(now, new, self.task.mode, self.task.trigger)
        return Done(picture.name, now, text)

    def _write(self, picture: Wanted, done: Done) -> None:
        self.texts[done.name] = done.text
        if self.task.form != "csv" and done.text != done.before:
            write_text(picture.caption_file, done.text + "\n")
        kept = self.task.mode == KEEP and bool(done.before)
        self.kept, self.written = self.kept + kept, self.written + (not kept)

    def _finish_what_was_begun(self) -> None:
        """Write the captions of the journal that may not have been written; what the user changed since stays."""
        now = {one.name: one for one in self.pictures}
        for done in self.before:
            if now[done.name].before in (done.before, done.text):
                self.texts[done.name] = done.text
                if self.task.form != "csv" and now[done.name].before != done.text:
                    write_text(now[done.name].caption_file, done.text + "\n")

    def _write_table(self, every: int = 1) -> None:
        if self.table is not None and len(self.texts) >= self.in_table + every:
            self.in_table = len(self.texts)
            write_table(self.table, {self._name_in_table(name): text for name, text in self.texts.items()})

    def _name_in_table(self, name: str) -> str:
        """Below the table's own folder where it lies there, else below the folder of the pictures."""
        assert self.table is not None
        picture, folder = (self.task.folder / name).absolute(), self.table.absolute().parent
        return picture.relative_to(folder).as_posix() if picture.is_relative_to(folder) else name

    def _left_out(self, name: str, reason: str) -> LeftOut:
        self.left_out += 1
        return LeftOut(len(self.done) + self.left_out, self.total, name, reason)

    def close(self) -> None:
        try:
            self._write_table()
        finally:
            self.journal.close(finished=not self.stopped)

    def hidden(self) -> int:
        """How many captions of the table give way to a caption file or another table when the folder is trained on."""
        if self.task.form != "csv" or self.task.table is not None:
            return 0
        now = {one.name: one.before for one in find_pictures(self.task.folder)}
        return sum(now.get(name) != " ".join(text.split()) for name, text in self.texts.items())

    def end(self) -> Described:
        seconds = time.monotonic() - self.since
        table = str(self.table) if self.in_table else ""
        return Described(self.written, len(self.before), self.kept, self.left_out, self.stopped, seconds, table)


def _nothing_recognised() -> Sentence:
    return Sentence("nothing_recognised", "shows nothing that was recognised")


def _hidden(count: int) -> Warned:
    return Warned(
        "captions_hidden",
        Sentence(
            "captions_hidden",
            "{count} pictures have a caption file or another table beside metadata.csv, which a training takes first.",
            count=count,
        ),
    )


def _read_ahead(
    pictures: Sequence[Wanted], size: int
) -> Iterator[tuple[Sequence[Wanted], list[Image | UnreadablePicture]]]:
    """Batches, decoded: while one is captioned, the next is read."""
    batches = [pictures[start : start + size] for start in range(0, len(pictures), size)]
    with ThreadPoolExecutor(1, thread_name_prefix="train-lora captions") as pool:
        coming = [pool.submit(_read_all, batch) for batch in batches[:1]]
        for number, batch in enumerate(batches):
            coming += [pool.submit(_read_all, later) for later in batches[number + 1 : number + 2]]
            yield batch, coming.pop(0).result()


def _read_all(batch: Sequence[Wanted]) -> list[Image | UnreadablePicture]:
    return [_read(one.file.path) for one in batch]


def _read(path: Path) -> Image | UnreadablePicture:
    try:
        return read(path).rgb
    except UnreadablePicture as error:
        return error


def _answers(captioner: Captioner, images: Sequence[Image]) -> list[Answer]:
    """The captioner's answers; where its memory does not suffice for the batch, in two halves."""
    if not images:
        return []
    try:
        return captioner.caption(images)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or len(images) == 1:
            raise
    half = len(images) // 2
    return [*_answers(captioner, images[:half]), *_answers(captioner, images[half:])]
