"""Checkpoints: base models in a file or a diffusers folder, all seen under the original (ldm) names."""

from .checkpoint import Checkpoint, TensorInfo, open_checkpoint
from .hints import Hints, TextHints
from .writing import write_checkpoint

__all__ = ["Checkpoint", "Hints", "TensorInfo", "TextHints", "open_checkpoint", "write_checkpoint"]
