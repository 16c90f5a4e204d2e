"""What an exception means for the person who started the run, in a sentence."""

from __future__ import annotations

from collections.abc import Callable

from ..config import TrainConfig
from ..devices import is_out_of_memory
from ..errors import UserError
from ..files.disk import FULL, is_of_writing


def explain(error: BaseException, config: TrainConfig | None = None) -> str:
    """What went wrong and what to do about it; `config` is that of the run, where there is one."""
    if isinstance(error, UserError):
        return error.sentence
    if isinstance(error, OSError):
        return _file_sentence(error)
    if is_out_of_memory(error):
        advice = _memory_advice(config) if config else "Close other programs, or ask for less at a time."
        return f"Memory ran out. {advice}"
    return f"The run broke off: {error}. The details are in error.txt in the run's folder."


def explained(error: Exception, broke_off: Callable[[str], str]) -> str:
    """The same of work that is no run; of a mistake in a program, `broke_off` makes it from the error's own words."""
    if isinstance(error, (UserError, OSError)) or is_out_of_memory(error):
        return explain(error)
    return broke_off(str(error) or type(error).__name__)


def _memory_advice(config: TrainConfig) -> str:
    """The setting that saves most, of those that are still open."""
    data, memory = config.data, config.memory
    if data.batch_size > 1:
        half = data.batch_size // 2
        return f"Batch size {data.batch_size} does not fit: try data.batch_size {half} and twice the accumulation."
    if memory.checkpointing != "all":
        return "Set memory.checkpointing to 'all'."
    if data.resolution > 512:
        return f"Lower data.resolution (now {data.resolution})."
    return "Train with memory.precision bf16, a smaller network.rank, or close other programs."


def _file_sentence(error: OSError) -> str:
    where = f" '{error.filename}'" if error.filename else ""
    if is_of_writing(error):
        full = error.errno in FULL
        sentence = f"The disk {'is full' if full else 'is read-only'}{where and ' at' + where}."
        return f"{sentence} {'Free some space' if full else 'See to it'}; earlier saves are intact."
    return f"A file could not be used:{where} {error.strerror or error}."
