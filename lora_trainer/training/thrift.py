"""Making do with less memory: what a run gives up when a step runs out of it, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..config import CHECKPOINTING as MODES
from ..config import TrainConfig
from ..data.plan import RunPlan
from ..devices import release_memory
from ..errors import TrainingError
from ..events import Warned
from ..portions import halved, in_words
from ..sentences import Sentence
from .checkpointing import checkpoint_blocks
from .model import TrainingModel
from .sampling import Sampler
from .step import Stepper


@dataclass
class Thrift:
    """What was given up so far. It belongs to a run's state, never to its options.

    `at_a_time` is how many pictures go through the model together, 0 for a whole micro-batch; `checkpointing` counts
    when it is more than the options ask for; `idle_off` keeps the optimizer's state off the device between its moves.
    """

    at_a_time: int = 0
    checkpointing: str = "off"
    idle_off: bool = False
    bytes_in_optimizer: bool = False


class Relief:
    """The ladder of what is given up: pictures at a time, kept activations, room for what is idle, exact averages.

    Whatever is given up stays so, and is handed to `note` for the run's records.
    """

    def __init__(
        self,
        config: TrainConfig,
        plan: RunPlan,
        model: TrainingModel,
        stepper: Stepper,
        sampler: Sampler,
        note: Callable[[dict[str, Any]], None],
    ) -> None:
        self.thrift = Thrift()
        self._config, self._plan, self._model, self._stepper = config, plan, model, stepper
        self._sampler, self._note = sampler, note
        self._in_vain = -1  # the step that was tried once more when nothing was left

    def ease(self, step: int, reason: str = "") -> Iterator[Warned]:
        """Free what a step (from 0) held that ran out of memory, and give up the next thing, so that it can be retaken.

        Where nothing is left, it is retaken as it is, once: others may have had the memory. Then TrainingError, for
        which `reason` is what the device said.
        """
        self._model.forget_gradients()
        release_memory(self._model.device)
        yield Warned.of(self._next(step) or self._once_more(step, reason), step + 1)

    def restore(self, state: dict[str, Any]) -> None:
        """Begin with what was given up before `state` was saved, before the optimizer gets its own state."""
        self.thrift = Thrift(**state)
        if self.thrift != Thrift():
            self._apply()

    def state(self) -> dict[str, Any]:
        return asdict(self.thrift)

    def _apply(self) -> None:
        """Let all parts of the run do as the thrift says."""
        thrift, model = self.thrift, self._model
        self._stepper.at_a_time = thrift.at_a_time
        if thrift.checkpointing != "off":
            checkpoint_blocks(model.unet, self._checkpointing())
        if thrift.bytes_in_optimizer and model.can_keep_bytes(self._config.optimizer):
            model.keep_bytes()
        if thrift.idle_off:
            model.keep_states_off()
            self._sampler.keep_off()
        self._note(asdict(thrift))

    def _next(self, step: int) -> Sentence | None:
        for give_up in (self._halve, self._checkpoint, self._move_idle, self._shrink):
            sentence = give_up(step)
            if sentence:
                self._apply()
                return sentence
        return None

    def _halve(self, step: int) -> Sentence | None:
        """The micro-batch in half as many pictures at a time."""
        batch = max(len(self._plan.batch(step, micro).items) for micro in range(self._plan.accumulation))
        now = min(self.thrift.at_a_time or batch, batch)
        if now == 1:
            return None
        self.thrift.at_a_time = halved(now)
        return Sentence(
            "memory_batch",
            "Memory ran out at step {step}: batch {batch} is now taken as {parts}. The result stays the same.",
            step=step + 1,
            batch=batch,
            parts=in_words(batch, self.thrift.at_a_time),
            at_a_time=self.thrift.at_a_time,
        )

    def _checkpoint(self, step: int) -> Sentence | None:
        """More of the U-Net's activations computed twice."""
        now = MODES.index(self._checkpointing())
        if now == len(MODES) - 1:
            return None
        self.thrift.checkpointing = MODES[now + 1]
        return Sentence(
            "memory_checkpointing",
            "Memory ran out at step {step}: gradient checkpointing is now '{mode}', which makes steps slower. "
            "The result stays the same.",
            step=step + 1,
            mode=MODES[now + 1],
        )

    def _move_idle(self, step: int) -> Sentence | None:
        """What is needed between two predictions only: on a CPU there is nowhere else to keep it."""
        if self.thrift.idle_off or self._model.device.type == "cpu":
            return None
        self.thrift.idle_off = True
        return Sentence(
            "memory_idle",
            "Memory ran out at step {step}: what the optimizer remembers is now kept off the device while pictures go "
            "through the model. The result stays the same.",
            step=step + 1,
        )

    def _shrink(self, step: int) -> Sentence | None:
        """The optimizer's averages in a byte for each number, for those that have such a form."""
        if self.thrift.bytes_in_optimizer or not self._model.can_keep_bytes(self._config.optimizer):
            return None
        self.thrift.bytes_in_optimizer = True
        return Sentence(
            "memory_bytes",
            "Memory ran out at step {step}: what the optimizer remembers is now kept in 8 bits. "
            "The result stays nearly the same.",
            step=step + 1,
        )

    def _once_more(self, step: int, reason: str) -> Sentence:
        if self._in_vain == step:
            raise TrainingError(
                Sentence(
                    "memory_end",
                    "Memory ran out at step {step}, though as little as possible is held at a time. Close other "
                    "programs, lower data.resolution (now {resolution}) or network.rank (now {rank}), or set "
                    "memory.precision to bf16. Earlier saves are intact.",
                    step=step + 1,
                    resolution=self._config.data.resolution,
                    rank=self._config.network.rank,
                )
            ) from MemoryError(reason)
        self._in_vain = step
        return Sentence(
            "memory_again",
            "Memory ran out at step {step}, and nothing more can be given up: the step is taken once more.",
            step=step + 1,
        )

    def _checkpointing(self) -> str:
        """The mode in use: what the options ask for, or more."""
        return max(self._config.memory.checkpointing, self.thrift.checkpointing, key=MODES.index)
