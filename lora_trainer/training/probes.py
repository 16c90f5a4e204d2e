"""What a run measures of itself beside its losses: whether the base understands the captions, how far the LoRA reaches.

Nothing of the run is changed by it: all noise is drawn from what it is for, adapters are switched off and on again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from .. import optimizers
from ..config import TrainConfig
from ..data.plan import RunPlan, Variant
from ..data.wording import looks_like_tags, trigger_words
from ..devices import is_out_of_memory
from ..events import Event, Reached, Understood, Warned
from ..objective import NoiseSchedule
from ..portions import MAY_RUN_OUT
from ..sentences import Sentence
from .reach import Reach
from .step import Stepper
from .understanding import described, gains

PROMPTS = 4
"""Prompts that are followed after each validation: 24 predictions, where the validation itself takes up to 64."""
EVERYDAY = (
    "a photo of a dog in a park",
    "a woman in a city street",
    "a large green square, gray background",
    "a blue star at the left, orange background",
    "a small yellow circle on a blue background",
    "a medium cyan diamond, red background",
)
"""Prompts that are nobody's subject, for bases of all kinds: the shapes even pocket understands."""
FEWEST_SHOWINGS = 100
"""A shorter run is a trial."""


@dataclass(frozen=True)
class Questions:
    """Texts that the model is asked beside the captions of the run.

    `described` are captions without trigger words, by pictures' numbers. `others` are prompts without the word; `prior`
    says that they are captions of regularization pictures. Without a trigger word (a style that is to change
    everything) there are none.
    """

    described: dict[int, str]
    others: tuple[str, ...] = ()
    prior: bool = False

    @classmethod
    def of(cls, plan: RunPlan, config: TrainConfig) -> Questions:
        showings = plan.total_steps * config.optimizer.accumulation * config.data.batch_size
        if not trigger_words(config.data) or showings < FEWEST_SHOWINGS:
            return cls(described(plan, config))
        prior = dict.fromkeys(one.caption for one in plan.pictures if one.caption and one.regularization)
        return cls(described(plan, config), _spread(list(prior)) or EVERYDAY, bool(prior))

    @property
    def texts(self) -> tuple[str, ...]:
        everyday = EVERYDAY if self.described else ()
        return tuple(dict.fromkeys([*self.described.values(), *everyday, *self.others]))

    @property
    def variants(self) -> list[Variant]:
        """The pictures that are needed."""
        return [Variant(picture, 0, False) for picture in self.described]


class Probes:
    """Asks the questions, each measure as an event; what the memory does not suffice for is left out and said so."""

    def __init__(self, questions: Questions, stepper: Stepper, schedule: NoiseSchedule, prediction_type: str) -> None:
        self._questions, self._stepper = questions, stepper
        self._schedule, self._prediction_type = schedule, prediction_type
        self._asking = self._ask()

    def between(self, *, rest: bool = False) -> Iterator[Event]:
        """After a step: one more question to the base, which is what it was, and what there is to tell. It takes two
        predictions, so that nobody waits for it; `rest`: all that is left to ask."""
        for told in self._asking if rest else islice(self._asking, 1):
            if told is not None:
                yield told

    def after(self, step: int) -> Iterator[Event]:
        """What there is to tell after `step` steps and a validation."""
        if self._questions.others:
            yield from self._measured(lambda: self._reached(step), step)

    def _ask(self) -> Iterator[Event | None]:
        """All questions to the base, with None after each but the last."""
        if not self._questions.described:
            return
        try:
            logs = []
            for log in gains(self._stepper, self._questions.described):
                logs.append(log)
                yield None
            for prompt in (*self._captions, *EVERYDAY):
                for _ in self._reach.follow(prompt):
                    yield None
        except MAY_RUN_OUT as error:
            yield _unmeasured(error, 0)
            return
        yield from self._measured(lambda: self._understood(logs), 0)

    @property
    def _captions(self) -> list[str]:
        return list(self._questions.described.values())[:PROMPTS]

    def _understood(self, logs: list[float]) -> Understood | None:
        """The event from the gains of all pictures, at each of their timesteps."""
        captions, reach = self._questions.described, self._reach
        each = len(logs) // len(captions)
        found = [sum(logs[start : start + each]) / each for start in range(0, len(logs), each)]
        gain = 1 - math.exp(-sum(found) / len(found))
        said, everyday = reach.said(self._captions), reach.said(reach.telling(EVERYDAY))
        if not all(map(math.isfinite, (gain, said, everyday))):
            return None
        tags = sum(map(looks_like_tags, captions.values())) / len(captions)
        helped = sum(one > 0 for one in found)
        return Understood(len(found), helped, round(gain, 4), round(said, 5), round(everyday, 5), round(tags, 3))

    def _reached(self, step: int) -> Reached | None:
        with optimizers.weights_for_use(self._stepper.model.optimizer):
            kept = self._reach.measure(self._reach.telling(self._questions.others)[:PROMPTS]).kept
        return Reached(step, round(kept, 4), self._questions.prior) if math.isfinite(kept) else None

    @cached_property
    def _reach(self) -> Reach:
        """Measured at the size of the first picture, which a step has room for."""
        stepper, model = self._stepper, self._stepper.model
        batch = stepper.loader.load(stepper.loader.plan.batch(0))[slice(0, 1)]
        return Reach(
            lambda noisy, timestep, conditioning: model.predict(noisy, timestep, conditioning, batch.sizes),
            stepper.captions,
            model.adapters,
            self._schedule,
            self._prediction_type,
            batch.latents.shape[1:],
            model.device,
            stepper.config.seed,
        )

    def _measured(self, measure: Callable[[], Understood | Reached | None], step: int) -> Iterator[Event]:
        try:
            event: Event | None = measure()
        except MAY_RUN_OUT as error:
            event = _unmeasured(error, step)
        if event is not None:
            yield event


def _unmeasured(error: Exception, step: int) -> Warned:
    """Memory that ran out, as an event; any other error is raised."""
    if not is_out_of_memory(error):
        raise error
    sentence = "What the LoRA does to other prompts was not measured after step {step}: memory does not suffice."
    return Warned.of(Sentence("memory_measure", sentence, step=step), step)


def _spread(texts: list[str]) -> tuple[str, ...]:
    """At most `PROMPTS` of the texts, from all over them."""
    count = min(PROMPTS, len(texts))
    return tuple(texts[place * len(texts) // count] for place in range(count))
