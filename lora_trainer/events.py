"""What a run tells the world. The stream of these is the only way out of a training; everyone else reads it.

Every event is a frozen dataclass of plain values, so that `to_json` and `from_json` are exact inverses.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .registry import Registry
from .sentences import Sentence

EVENTS: Registry[type[Event]] = Registry("event")


@dataclass(frozen=True)
class Event:
    """Base of all events; `kind` is the class name in lower case."""

    kind: ClassVar[str] = "event"

    def __init_subclass__(cls) -> None:
        cls.kind = cls.__name__.lower()
        EVENTS.add(cls.kind, cls)


@dataclass(frozen=True)
class Preparing(Event):
    """Work before the first step: `done` of `total` units of `phase` (pictures, captions, model)."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class Compared(Event):
    """Captions of pictures that show the same were compared, before the first step.

    `alike` of `pictures` show the same as another one. `contradicting` names those whose captions cannot both be true,
    and `captions` are what is said of the first two of them.
    """

    pictures: int
    alike: int
    contradicting: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Understood(Event):
    """What the captions, without trigger words, are to the base, as it is without the LoRA.

    `gain` is by what share a caption lowers the base's loss against an empty one; below 0 it does harm. `helped` of
    `pictures` have a loss that is lower with their caption. `said` is how far captions move the base's prediction (a
    root mean square), and `everyday` how far everyday prompts do; `tags` is the share of captions that look like tags.
    """

    pictures: int
    helped: int
    gain: float
    said: float
    everyday: float
    tags: float = 0.0


@dataclass(frozen=True)
class Started(Event):
    """The first step is about to be taken. `first_step` is above 0 when a run is resumed.

    `card_bytes` is the memory of the card; 0 on a CPU, or where it is not told.
    """

    name: str
    family: str
    prediction_type: str
    base_name: str
    pictures: int
    first_step: int
    total_steps: int
    steps_per_epoch: int
    save_steps: tuple[int, ...]
    device: str
    seed: int
    trainable_parameters: int
    modules: int
    card_bytes: int = 0


@dataclass(frozen=True)
class Step(Event):
    """One optimizer step was taken. `seconds` is its wall time; `rates` holds the learning rate of every group.

    `temperature` is the device's in degrees Celsius, a few seconds old; None where nobody tells.
    """

    step: int
    epoch: int
    loss: float
    smooth_loss: float
    rates: dict[str, float]
    gradient_norm: float
    seconds: float
    seconds_left: float
    memory_bytes: int
    temperature: float | None = None


@dataclass(frozen=True)
class Sample(Event):
    """A sample picture was written."""

    step: int
    path: str
    prompt: str
    seed: int
    strength: float = 1.0


@dataclass(frozen=True)
class Validated(Event):
    """The mean loss on fixed pictures, noise and timesteps. `best` says whether it is the lowest so far."""

    step: int
    loss: float
    best: bool


@dataclass(frozen=True)
class Reached(Event):
    """What the LoRA leaves of prompts without the trigger word: `kept`, the share of what they say to the base.

    `prior` says whether they are captions of regularization pictures.
    """

    step: int
    kept: float
    prior: bool = False


@dataclass(frozen=True)
class Saved(Event):
    """A LoRA file was written, read back and found equal to the weights in memory."""

    step: int
    path: str
    sha256: str
    final: bool = False


@dataclass(frozen=True)
class Warned(Event):
    """Something that the user should know. `code` names the condition; `values` are its numbers."""

    code: str
    message: str
    step: int = 0
    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, sentence: Sentence, step: int = 0) -> Warned:
        """A sentence that can be translated, as an event."""
        return cls(sentence.code, sentence, step, dict(sentence.values))


@dataclass(frozen=True)
class Advised(Event):
    """A known condition was recognised. `changes` are the options, by their paths, that the next run should have.

    `pictures` says that pictures or captions are what to change, which their health report helps with.
    """

    code: str
    message: str
    step: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    pictures: bool = False


@dataclass(frozen=True)
class Paused(Event):
    """The run ended for now, with a state from which it goes on. `message` says why, unless somebody wished it."""

    step: int
    message: str = ""


@dataclass(frozen=True)
class Failed(Event):
    """The run ended in an error. Earlier saves are intact."""

    step: int
    message: str


@dataclass(frozen=True)
class Finished(Event):
    """The run ended. `stopped` says that it was asked to stop before its last step.

    `best_step` is, of the steps whose LoRA is on the disk, the one with the lowest validation loss; 0 without any.
    """

    step: int
    path: str
    best_step: int
    best_path: str
    seconds: float
    stopped: bool = False


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain values with its kind, fit for one line of JSON."""
    return {"kind": event.kind, **dataclasses.asdict(event)}


def from_json(values: dict[str, Any]) -> Event:
    """The event that `to_json` described. Raises UserError for an unknown kind."""
    rest = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items() if key != "kind"}
    return EVENTS.get(values["kind"])(**rest)
