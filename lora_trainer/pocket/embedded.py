"""Where the embedded base lies."""

from __future__ import annotations

from pathlib import Path

POCKET = "pocket"
"""What a user writes in place of a checkpoint's path to have the embedded base."""


def is_embedded(checkpoint: str) -> bool:
    return checkpoint == POCKET


def embedded_path() -> Path:
    """The embedded base's file; its yaml lies beside it under the same name."""
    return Path(__file__).parent / "assets" / "pocket.safetensors"
