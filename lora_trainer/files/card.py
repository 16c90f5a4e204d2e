"""What the WebUI shows of a LoRA beside its name: a JSON file and a picture of the same name, in A1111's format."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ..host.base import Card
from .atomic import replacing, write_text

VERSIONS = {"sd1": "SD1", "sd2": "SD2", "sdxl": "SDXL"}


def write_card(lora: Path, card: Card) -> None:
    """Write the card of the file `lora`. What the user wrote into an earlier one (description, notes ...) stays.

    Raises as `atomic.replacing`.
    """
    path = lora.with_suffix(".json")
    values = _earlier(path)
    values |= {
        "sd version": VERSIONS.get(card.family, "Unknown"),
        "activation text": card.trigger_word,
        "preferred weight": card.strength,
    }
    values.setdefault("description", "")
    values["notes"] = values.get("notes") or card.notes
    write_text(path, json.dumps(values, indent=4, ensure_ascii=False))
    if card.preview is not None and card.preview.is_file():
        copy_file(card.preview, lora.with_suffix(".png"))


def copy_file(source: Path, target: Path) -> None:
    """Copy a file so that `target` is there whole or as before. Raises as `atomic.replacing`."""
    with source.open("rb") as reader, replacing(target) as writer:
        shutil.copyfileobj(reader, writer)


def _earlier(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
