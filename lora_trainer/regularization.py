"""Regularization pictures: what the base itself draws of a class ("photo of a dog"), to be trained on beside one's own.

They keep a LoRA for one dog from turning every dog into it: in each epoch the run sees as many of them as of the
pictures that it learns from (`data.plan`), and what it learns of them is to go on drawing what the base always drew.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .config import Folder, SampleOptions, TrainConfig
from .data.captions import with_trigger
from .data.records import Picture, Size
from .data.walk import find_files
from .errors import ConfigError
from .events import Event, Preparing
from .files.atomic import write_text
from .host.base import Host
from .sampling.request import Request
from .sentences import Sentence
from .text.prompt import BREAK, drawn_text, parse

if TYPE_CHECKING:
    from .host.base import Drawn, Studio

MOST = 5000
MOST_PROMPTS, LONGEST_PROMPT = 100, 2000
PHASE = "class_pictures"
NAME = re.compile(r"class-(\d{1,9})")
GOLDEN = 0.6180339887498949
"""Multiples of it lie evenly between 0 and 1, however many there are, and in step with nothing."""


@dataclass(frozen=True)
class Order:
    """What is drawn: `count` pictures in all, of each class prompt in turn.

    `sizes` says how often which (height, width) is wanted; without any they are squares of the base's own resolution.
    The picture of number n has the seed `seed` + n - 1; -1 takes seeds that nobody had before.
    """

    prompts: Sequence[str]
    count: int
    negative_prompt: str = ""
    sizes: Mapping[Size, int] = field(default_factory=dict)
    seed: int = -1
    steps: int = 20
    guidance: float = 7.0
    sampler: str = "euler"
    clip_skip: int = 1

    @classmethod
    def of(
        cls, config: TrainConfig, prompts: Sequence[str], count: int, negative_prompt: str, sizes: Mapping[Size, int]
    ) -> Order:
        """Drawn as the samples of a run are."""
        samples: SampleOptions = config.samples
        return cls(
            [" ".join(prompt.split()) for prompt in prompts if prompt.strip()],
            count,
            negative_prompt,
            sizes,
            steps=samples.steps,
            guidance=samples.guidance,
            sampler=samples.sampler,
            clip_skip=config.base.clip_skip,
        )

    def check(self, trigger_word: str = "") -> None:
        """Raise ConfigError with everything that cannot be drawn; a class must not name what is to be learned."""
        problems = []
        if not 1 <= len(self.prompts) <= MOST_PROMPTS or any(len(text) > LONGEST_PROMPT for text in self.prompts):
            sentence = "Name 1 to {most} class prompts, one a line, such as 'photo of a dog'."
            problems.append(Sentence("class_prompts", sentence, most=MOST_PROMPTS))
        if not 1 <= self.count <= MOST:
            sentence = "The number of class pictures is {count}, but must lie between 1 and {most}."
            problems.append(Sentence("class_count", sentence, count=self.count, most=MOST))
        for prompt in self.prompts:
            if trigger_word and with_trigger(prompt, trigger_word) == prompt:
                sentence = "The class prompt '{prompt}' holds the trigger word: name the class alone, without '{word}'."
                problems.append(Sentence("class_trigger", sentence, prompt=prompt, word=trigger_word))
        if problems:
            raise ConfigError(problems)

    def request(self, number: int, first_seed: int, resolution: int) -> Request:
        """The picture of this number, from 1: prompts in turn, sizes in even shares, another seed for each."""
        height, width = self._size(number, resolution)
        return Request(
            prompt=self.prompts[(number - 1) % len(self.prompts)],
            negative_prompt=self.negative_prompt,
            seed=(first_seed + number - 1) % 2**32,
            width=width,
            height=height,
            steps=self.steps,
            guidance=self.guidance,
            sampler=self.sampler,
            clip_skip=self.clip_skip,
        )

    def _size(self, number: int, resolution: int) -> Size:
        place = number * GOLDEN % 1 * sum(self.sizes.values())
        for size, share in sorted(self.sizes.items()):
            place -= share
            if place < 0:
                return size
        return (resolution // 8 * 8, resolution // 8 * 8)


@dataclass(frozen=True)
class ClassDrawn(Event):
    """A picture of the class is on the disk: the `done`th of `total`, those that were there counted in."""

    done: int
    total: int
    name: str
    prompt: str
    seed: int


@dataclass(frozen=True)
class ClassPictures(Event):
    """The end: how many were drawn now, how many were there already. `stopped`: some are still to be drawn."""

    drawn: int
    kept: int
    stopped: bool
    folder: str


def usual_count(pictures: Sequence[Picture]) -> int:
    """As many as the run sees of its own pictures in an epoch, repeats and all."""
    return max(1, min(MOST, sum(picture.repeats for picture in pictures if not picture.regularization)))


def usual_sizes(pictures: Sequence[Picture]) -> dict[Size, int]:
    """The buckets of the run's own pictures, by how many each holds: prior pictures come in batches of these sizes."""
    sizes: dict[Size, int] = {}
    for picture in pictures:
        if not picture.regularization:
            sizes[picture.bucket] = sizes.get(picture.bucket, 0) + picture.repeats
    return sizes


def draw_class(
    host: Host, order: Order, folder: Path, stop: Callable[[], bool] = lambda: False
) -> Iterator[ClassDrawn | ClassPictures | Preparing]:
    """Draw what `folder` lacks of an order, each picture captioned with its prompt; the last event is ClassPictures.

    Pictures that are there, whoever made them, are kept and counted, so the same call goes on where it was stopped.
    Raises ConfigError, UserError when the host was interrupted, DataError when the folder cannot be searched.
    """
    order.check()
    folder.mkdir(parents=True, exist_ok=True)
    there = [found.path for found in find_files([Folder(str(folder))], [])]
    number = max((int(match[1]) for path in there if (match := NAME.fullmatch(path.stem))), default=0)
    total, done = max(order.count, len(there)), len(there)
    yield Preparing(PHASE, done, total)
    if done < total and not stop():
        first_seed = order.seed if order.seed >= 0 else secrets.randbelow(2**32)
        resolution = host.describe().native_resolution
        with host.studio([]) as studio:
            while done < total and not stop():
                number, done = number + 1, done + 1
                asked = order.request(number, first_seed, resolution)
                name = _keep(studio, asked, folder / f"class-{number:05d}.png")
                yield ClassDrawn(done, total, name, asked.prompt, asked.seed)
    yield ClassPictures(done - len(there), len(there), done < total, str(folder))


def caption_of(prompt: str) -> str:
    """What a class prompt says as a caption: without tags, brackets and weights."""
    return " ".join("".join(" " if run == BREAK else run.text for run in parse(drawn_text(prompt))).split())


def _keep(studio: Studio, asked: Request, file: Path) -> str:
    """Draw a picture and write it behind its caption: a picture on the disk is never without one."""
    from .sampling.infotext import write_png

    drawn: Drawn = studio.draw(asked)
    write_text(file.with_suffix(".txt"), caption_of(asked.prompt) + "\n")
    write_png(file, drawn.image, drawn.infotext)
    return file.name
