"""Silent spill: a full card lends memory from the machine, and every step takes several times as long."""

from __future__ import annotations

from statistics import median
from typing import Any

from ...events import Event, Started, Step
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition

FULL = 0.92
TIMES = 3.0
WINDOW = 10
"""Steps: a single one may wait for others on the card."""


class Spill(Condition):
    """Drivers on Windows do not say that memory ran out; only the time of steps shows it."""

    name, title = "spill", "The card is full and slow"
    remedy = "Ask for less: a smaller `data.batch_size`, `memory.checkpointing` all, or a lower `data.resolution`."

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._card = 0
        self._seconds: list[float] = []
        self._fastest = 0.0

    def see(self, event: Event) -> Advice | None:
        if isinstance(event, Started):
            self._card = event.card_bytes
        if not isinstance(event, Step) or not self._card:
            return None
        self._seconds.append(event.seconds)
        if len(self._seconds) < WINDOW:
            return None
        now = median(self._seconds[-WINDOW:])
        self._fastest = min(self._fastest or now, now)
        if event.memory_bytes < FULL * self._card or now < TIMES * self._fastest:
            return None
        changes = self._changes()
        sentence = Sentence(
            "advice_spill",
            "A step takes {now} s, {times} times as long as before, with {used} of {card} GB in use: the driver uses "
            "the machine's memory in place of the card's. Ask for less: {changes}.",
            now=round(now, 2),
            times=round(now / self._fastest, 1),
            used=round(event.memory_bytes / 2**30, 1),
            card=round(self._card / 2**30, 1),
            changes=", ".join(f"{path} {value}" for path, value in changes.items()),
        )
        return Advice(sentence, changes)

    def _changes(self) -> dict[str, Any]:
        """The option that saves most, of those that are open."""
        data, memory = self.config.data, self.config.memory
        if data.batch_size > 1:
            half = -(-data.batch_size // 2)
            return {"data.batch_size": half, "optimizer.accumulation": 2 * self.config.optimizer.accumulation}
        if memory.checkpointing != "all":
            return {"memory.checkpointing": "all"}
        return {"data.resolution": max(256, data.resolution * 3 // 4 // 64 * 64)}


CONDITIONS.add(Spill.name, Spill)
