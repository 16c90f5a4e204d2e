"""Whether the disk has room."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import TrainingError

RESERVE = 64 * 2**20
"""Bytes that stay free, so that logs and the system go on working."""


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk that `folder` is or will be on; the folder need not exist yet."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free


def enough_space(folder: Path, needed: int) -> bool:
    """Whether `needed` bytes fit into `folder` with a reserve left."""
    return free_bytes(folder) >= needed + RESERVE


def require_space(folder: Path, needed: int, purpose: str) -> None:
    """Raise TrainingError when `needed` bytes for `purpose` (e.g. 'all saves of this run') do not fit."""
    if not enough_space(folder, needed):
        free = free_bytes(folder)
        raise TrainingError(
            f"The disk of '{folder}' has {megabytes(free)} free, but {purpose} need {megabytes(needed + RESERVE)}. "
            "Free some space or choose another output folder."
        )


def megabytes(count: int) -> str:
    """A number of bytes for people, in MB or GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
