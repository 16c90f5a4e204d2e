"""Loss scaling for fp16: small gradients are lifted into the range that fp16 can hold (Micikevicius et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class LossScaler:
    """The factor on the loss: halved after a step that overflowed, doubled after `patience` good ones. 1 when off."""

    enabled: bool
    scale: float = 2.0**14
    patience: int = 500
    good_steps: int = 0

    @property
    def factor(self) -> float:
        return self.scale if self.enabled else 1.0

    def update(self, finite: bool) -> None:
        """Note whether the gradients of a step were numbers."""
        if not self.enabled:
            return
        self.good_steps = self.good_steps + 1 if finite else 0
        if not finite:
            self.scale = max(1.0, self.scale / 2)
        elif self.good_steps == self.patience:
            self.scale, self.good_steps = min(2.0**24, self.scale * 2), 0

    @property
    def exhausted(self) -> bool:
        """Whether overflow cannot be cured by a smaller factor."""
        return not self.enabled or self.scale <= 1.0

    def state(self) -> dict[str, Any]:
        return {"scale": self.scale, "good_steps": self.good_steps}

    def restore(self, state: dict[str, Any]) -> None:
        self.scale, self.good_steps = state["scale"], state["good_steps"]
