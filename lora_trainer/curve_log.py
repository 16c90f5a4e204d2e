"""Curves for TensorBoard, read from the events of a run."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
from pathlib import Path
from typing import Any

from .events import Event, Step, Validated

log = logging.getLogger(__name__)


class CurveLog:
    """Writes loss, rates, gradient norm, speed, memory and validation; nothing where TensorBoard is not installed."""

    def __init__(self, folder: Path, *, wanted: bool = True) -> None:
        self._folder = folder
        self._wanted = wanted and importlib.util.find_spec("tensorboard") is not None
        self._writer: Any = None

    def write(self, event: Event) -> None:
        if not self._wanted or not isinstance(event, (Step, Validated)):
            return
        try:
            self._add(event)
        except OSError as error:  # a full disk: the run is worth more than its curves, which its events hold too
            log.warning("Curves cannot be written to '%s' any more: %s", self._folder, error)
            self._wanted = False

    def _add(self, event: Step | Validated) -> None:
        writer = self._opened()
        if isinstance(event, Validated):
            writer.add_scalar("loss/validation", event.loss, event.step)
            return
        writer.add_scalar("loss/raw", event.loss, event.step)
        writer.add_scalar("loss/smooth", event.smooth_loss, event.step)
        writer.add_scalar("gradient norm", event.gradient_norm, event.step)
        writer.add_scalar("seconds per step", event.seconds, event.step)
        writer.add_scalar("memory/MB", event.memory_bytes / 1e6, event.step)
        for name, rate in event.rates.items():
            writer.add_scalar(f"rate/{name}", rate, event.step)

    def close(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()

    def _opened(self) -> Any:
        """The writer, made at the first event: importing it takes a while."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder))
        return self._writer
