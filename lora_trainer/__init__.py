"""Train LoRA: trains LoRAs on the checkpoint that is already loaded, inside the WebUI or without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .trainer import LoRATrainer

__version__ = "0.1.0"
__all__ = ["LoRATrainer", "__version__"]


def __getattr__(name: str) -> Any:
    """`lora_trainer.LoRATrainer` without importing torch for those who only want the version."""
    if name == "LoRATrainer":
        from .trainer import LoRATrainer

        return LoRATrainer
    raise AttributeError(f"module 'lora_trainer' has no attribute '{name}'")
