"""The LoRA breaks prompts without its word: they no longer say what they said."""

from __future__ import annotations

from typing import Any

from ...events import Event, Reached
from ...sentences import Sentence
from ..catalogue import CONDITIONS, ENDS, Advice, Condition, rounded

BROKEN = 0.25
"""The share of what prompts say that must be left. Runs that taught their word left 0.45 and more (training/reach.py);
one whose LoRA spoiled all pictures 0.19, on its way through 0.63, 0.56 and 0.27."""


class BrokenPrompts(Condition):
    """Runs without a trigger word tell nothing of this: a style may change everything."""

    name, title = "broken_prompts", "Pictures without the trigger word are spoiled too"
    remedy = (
        "Use an earlier save or a lower strength. For the next run: regularization pictures of the class in general, "
        "captions that say more than the word, fewer steps or a lower `optimizer.learning_rate`."
    )

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._kept: dict[int, float] = {}

    def see(self, event: Event) -> Advice | None:
        if isinstance(event, Reached):
            self._kept[event.step] = event.kept
        if not (isinstance(event, ENDS) and self._kept and self._kept[max(self._kept)] < BROKEN):
            return None
        end, rate = max(self._kept), self.config.optimizer.learning_rate
        sound = max((step for step, kept in self._kept.items() if kept >= 2 * BROKEN), default=0)
        values = {"percent": round(100 * max(0.0, self._kept[end])), "step": end}
        broken = "After step {step}, prompts without the trigger word keep {percent} % of what they say to the base. "
        often = "A style that is always on may do that; else "
        if sound:
            earlier = "use the save nearest to step {sound} ({kept} %), and train {sound} steps, or add regularization "
            kept = round(100 * self._kept[sound])
            text = broken + often + earlier + "pictures."
            return Advice(Sentence("advice_broken_since", text, sound=sound, kept=kept, **values), {"steps": sound})
        lower = rounded(rate / 3)
        text = broken + often + "lower the learning rate from {rate} to {lower}, add regularization pictures, and let "
        sentence = Sentence("advice_broken_prompts", text + "captions say more.", rate=rate, lower=lower, **values)
        return Advice(sentence, {"optimizer.learning_rate": lower})


CONDITIONS.add(BrokenPrompts.name, BrokenPrompts)
