"""Versions that requirements files of the extension name."""

from __future__ import annotations

import re
from pathlib import Path


def pins(requirements: Path) -> dict[str, str]:
    """The version of each package that the file pins."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    found = (re.match(r"([A-Za-z0-9_-]+)==([^\s;]+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}
