"""Curves of a run for TensorBoard, read from its events; and the numbers that curves are made of."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from .event_file import EventFile
from .events import Event, Reached, Started, Step, Validated

log = logging.getLogger(__name__)


class CurveLog:
    """Writes loss, rates, gradient norm, speed, memory, temperature and validation, whether or not TensorBoard is here.

    What cannot be written is left out: curves are no reason to end a run.
    """

    def __init__(self, folder: Path, *, wanted: bool = True) -> None:
        self._folder, self._wanted = folder, wanted
        self._file: EventFile | None = None

    def write(self, event: Event) -> None:
        if not self._wanted:
            return
        try:
            self._put(event)
        except OSError as error:
            self._wanted = False
            log.warning("No more curves are written to %s: %s", self._folder, error)

    def _put(self, event: Event) -> None:
        values = measures(event)
        if not (values or isinstance(event, Started)):
            return
        self._file = self._file or EventFile(self._folder)
        if isinstance(event, Started):
            self._file.begin(event.first_step + 1)
        elif isinstance(event, (Step, Validated, Reached)):
            self._file.write(event.step, values)

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()


def measures(event: Event) -> dict[str, float]:
    """What an event tells in numbers that make a curve, each under its curve's name; nothing where there is none."""
    if isinstance(event, Validated):
        return {"loss/validation": event.loss}
    if isinstance(event, Reached):
        return {"prior/kept" if event.prior else "others/kept": event.kept}
    if not isinstance(event, Step):
        return {}
    values = {
        "loss/raw": event.loss,
        "loss/smooth": event.smooth_loss,
        "gradient norm": event.gradient_norm,
        "seconds per step": event.seconds,
        "memory/MB": event.memory_bytes / 1e6,
        **{f"rate/{name}": rate for name, rate in event.rates.items()},
    }
    return values if event.temperature is None else {**values, "temperature/C": event.temperature}
