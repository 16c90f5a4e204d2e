"""A run's end in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..sentences import Sentence
from .notice import FAILED, FINISHED, INTERRUPTED, STOPPED, Notice


def of_run(
    occasion: str,
    name: str,
    *,
    step: int,
    total: int,
    seconds: float | None = None,
    loss: float | None = None,
    best_step: int = 0,
    message: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Notice:
    """A notice of one run. `loss` is the smoothed one of its last step; what is not known is not said."""
    known = {"name": name, "step": step, "total_steps": total, "seconds": seconds, "loss": loss, "best_step": best_step}
    sentences = [message] if message else []
    sentences += [_steps(step, total, seconds, loss)] if total else []
    if best_step and not message:
        sentences.append(Sentence("notice_best", "The lowest validation loss has step {step}.", step=best_step))
    return Notice(occasion, _title(occasion, name), tuple(sentences), {**known, **(facts or {})})


def _title(occasion: str, name: str) -> Sentence:
    if occasion == FINISHED:
        return Sentence("notice_finished", "Train LoRA: '{name}' is finished", name=name)
    if occasion == STOPPED:
        return Sentence("notice_stopped", "Train LoRA: '{name}' was stopped", name=name)
    if occasion == FAILED:
        return Sentence("notice_failed", "Train LoRA: '{name}' failed", name=name)
    if occasion == INTERRUPTED:
        return Sentence("notice_left_one", "Train LoRA: '{name}' was interrupted", name=name)
    return Sentence("notice_waiting", "Train LoRA: '{name}' waits for you", name=name)


def _steps(step: int, total: int, seconds: float | None, loss: float | None) -> Sentence:
    if seconds is None or loss is None:
        return Sentence("notice_steps", "{step} of {total} steps are done.", step=step, total=total)
    return Sentence(
        "notice_steps_loss",
        "{step} of {total} steps in {time}, smoothed loss {loss}.",
        step=step,
        total=total,
        time=_clock(seconds),
        loss=f"{loss:.4f}",
    )


def _clock(seconds: float) -> str:
    """'1:02:03' or '2:03': the same in every language."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
