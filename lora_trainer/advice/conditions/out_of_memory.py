"""Memory ran out, and the run made do with less."""

from __future__ import annotations

from typing import Any

from ...events import Event, Warned
from ...sentences import Sentence
from ..catalogue import CONDITIONS, ENDS, Advice, Condition


class OutOfMemory(Condition):
    """Asks for what the run found out to fit: tried again in every run, it costs a step or more each time."""

    name, title = "out_of_memory", "Memory ran out"
    remedy = (
        "Nothing at once: the run went on with less at a time. Next time ask for what did fit, which the advice names."
    )

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._times = 0
        self._changes: dict[str, Any] = {}

    def see(self, event: Event) -> Advice | None:
        if isinstance(event, Warned) and event.code.startswith("memory_") and event.code != "memory_sample":
            self._times += 1
            self._note(event)
        if not (isinstance(event, ENDS) and self._changes):
            return None
        sentence = Sentence(
            "advice_out_of_memory",
            "Memory ran out {times} time(s). Ask for what did fit: {changes}.",
            times=self._times,
            changes=", ".join(f"{path} {value}" for path, value in self._changes.items()),
        )
        return Advice(sentence, dict(self._changes))

    def _note(self, event: Warned) -> None:
        """The option that asks for what was given up."""
        values, accumulation = event.values, self.config.optimizer.accumulation
        if event.code == "memory_batch":
            fits = values["at_a_time"]
            self._changes["data.batch_size"] = fits
            self._changes["optimizer.accumulation"] = accumulation * -(-self.config.data.batch_size // fits)
        elif event.code == "memory_checkpointing":
            self._changes["memory.checkpointing"] = values["mode"]
        elif event.code == "memory_bytes":
            self._changes["optimizer.name"] = "adafactor"


CONDITIONS.add(OutOfMemory.name, OutOfMemory)
