"""Reading numbers back from a device without waiting for all that it has still to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Later:
    """A few numbers on their way from the device; `read` waits for them alone, not for what was launched since."""

    def __init__(self, values: torch.Tensor) -> None:
        self._event = None
        self._values = values.detach()
        if values.device.type == "cuda":
            import torch

            self._values = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._values.copy_(values.detach(), non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()

    def read(self) -> list[float]:
        if self._event is not None:
            self._event.synchronize()
        return self._values.tolist()
