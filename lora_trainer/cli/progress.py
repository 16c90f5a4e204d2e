"""Shows a run's events on a terminal: a progress bar, and a line for whatever else happens."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from ..events import (
    Advised,
    Event,
    Failed,
    Finished,
    Paused,
    Preparing,
    Sample,
    Saved,
    Started,
    Step,
    Validated,
    Warned,
)


def show(events: Iterable[Event], *, quiet: bool = False) -> dict[str, Any]:
    """Read all events, show them (on stderr, so that stdout stays for results), and return how the run ended."""
    screen = Screen(quiet)
    for event in events:
        screen.show(event)
    screen.close()
    return screen.result


class Screen:
    """The terminal's picture of a run. `result` holds the end of it as plain values."""

    def __init__(self, quiet: bool) -> None:
        self.result: dict[str, Any] = {"ok": False, "saves": [], "warnings": [], "advice": []}
        self._quiet = quiet
        self._bar: Any = None
        self._phase = ""
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            Preparing: self._preparing,
            Started: self._started,
            Step: self._step,
            Sample: lambda event: self.say(f"Sample: {event.path}"),
            Validated: self._validated,
            Saved: self._saved,
            Warned: self._warned,
            Advised: self._advised,
            Failed: self._failed,
            Paused: self._paused,
            Finished: self._finished,
        }

    def show(self, event: Event) -> None:
        handler = self._handlers.get(type(event))
        if handler:
            handler(event)

    def count(self, title: str) -> Callable[[int, int], None]:
        """A listener to how much of something is done."""

        def hear(done: int, total: int) -> None:
            if title != self._phase:
                self._phase = title
                self._open(title, total, leave=False)
            self._bar.update(done - self._bar.n)

        return hear

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _open(self, title: str, total: int, done: int = 0, **style: Any) -> None:
        from tqdm import tqdm

        self.close()
        self._bar = tqdm(total=total, initial=done, desc=title, disable=self._quiet, file=sys.stderr, **style)

    def say(self, text: str) -> None:
        """Print a line above the bar; nothing for an empty one."""
        if text and not self._quiet:
            from tqdm import tqdm

            tqdm.write(text, file=sys.stderr)

    def _preparing(self, event: Preparing) -> None:
        if event.phase != self._phase:
            self._phase = event.phase
            self._open(event.phase, event.total, leave=False)
        self._bar.update(event.done - self._bar.n)

    def _started(self, event: Started) -> None:
        self.say(
            f"Training '{event.name}' on {event.base_name} ({event.family}, {event.prediction_type}) with "
            f"{event.pictures} pictures: {event.total_steps} steps on {event.device}, {event.modules} modules, "
            f"{event.trainable_parameters / 1e6:.2f} M weights."
        )
        self.result |= {"first_step": event.first_step, "total_steps": event.total_steps}
        layout = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {postfix}"
        self._open(event.name, event.total_steps, event.first_step, bar_format=layout)

    def _step(self, event: Step) -> None:
        rate = max(event.rates.values(), default=0.0)
        left = _duration(event.seconds_left)
        self._bar.set_postfix_str(f"loss {event.smooth_loss:.4f}, rate {rate:.1e}, {left} left", refresh=False)
        self._bar.update(event.step - self._bar.n)
        self.result |= {"step": event.step, "loss": event.smooth_loss}

    def _validated(self, event: Validated) -> None:
        self.say(f"Validation after step {event.step}: {event.loss:.5f}{' (best so far)' if event.best else ''}")

    def _saved(self, event: Saved) -> None:
        self.say(f"Saved {event.path}")
        self.result["saves"].append(event.path)

    def _warned(self, event: Warned) -> None:
        self.say(f"Note: {event.message}")
        self.result["warnings"].append({"code": event.code, "message": event.message})

    def _advised(self, event: Advised) -> None:
        self.say(f"Advice: {event.message}")
        self.result["advice"].append({"code": event.code, "message": event.message, "changes": event.changes})

    def _failed(self, event: Failed) -> None:
        self.result |= {"ok": False, "step": event.step, "error": event.message}

    def _paused(self, event: Paused) -> None:
        self.result |= {"ok": False, "paused": True, "step": event.step, "error": event.message or "Paused."}

    def _finished(self, event: Finished) -> None:
        end = "Stopped" if event.stopped else "Finished"
        self.say(f"{end} after step {event.step}, {_duration(event.seconds)}.")
        if event.best_path:
            self.say(f"The lowest validation loss has step {event.best_step}: {event.best_path}")
        if not event.path:
            self.result["error"] = "Stopped before the first step was finished: no LoRA was written."
        self.result |= {
            "ok": bool(event.path),
            "stopped": event.stopped,
            "step": event.step,
            "path": event.path,
            "best_step": event.best_step,
            "best_path": event.best_path,
            "seconds": event.seconds,
        }


def _duration(seconds: float) -> str:
    """'1:02:03' or '2:03'."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
