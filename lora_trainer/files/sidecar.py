"""What a host shows of a LoRA beside its name: `<name>.json` and a preview picture next to the file.

The user edits the same JSON on the host's card. So the last values of ours are kept in it too, under a key of our own:
what differs from them is the user's, and stays.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..host.base import Card
from ..sentences import Sentence
from .atomic import write_text
from .copy import copy_file

VERSIONS = {"sd1": "SD1", "sd2": "SD2", "sdxl": "SDXL"}
"""The host's names of the families."""
OURS = "train lora"
"""The key that holds what was last written here."""
PREVIEW = ".preview.png"
"""The host shows the user's own `<name>.png` before this one."""


def write_card(file: Path, card: Card) -> list[Sentence]:
    """Write sidecar and preview of the LoRA `file`; returns what the user should know.

    Trigger word, notes and description are only written where the user has not written others; strength and version
    always. Raises as `atomic.replacing`.
    """
    if card.preview is not None and card.preview.is_file():
        copy_file(card.preview, file.with_suffix(PREVIEW))
    path = file.with_suffix(".json")
    try:
        written = _read(path)
    except ValueError:
        return [
            Sentence(
                "sidecar_unreadable",
                "'{file}' beside the LoRA cannot be read and was left as it is, so the card does not show the trigger "
                "word and the strength. Remove that file and keep the LoRA again.",
                file=path.name,
            )
        ]
    write_text(path, json.dumps(merged(written, card), indent=4, ensure_ascii=False))
    return []


def merged(written: dict[str, Any], card: Card) -> dict[str, Any]:
    """The sidecar's values `written` with those of `card`."""
    last = written.get(OURS)
    ours = last if isinstance(last, dict) else {}
    new = {
        "description": card.notes.partition("\n")[0],
        "activation text": card.trigger_word,
        "notes": card.notes,
    }
    result: dict[str, Any] = {
        "description": "",
        "sd version": "Unknown",
        "activation text": "",
        "negative text": "",
        "notes": "",
    }
    result |= {**written, "preferred weight": card.strength, OURS: new}
    for key, value in new.items():
        if written.get(key) in (None, "", ours.get(key)):
            result[key] = value
    if card.trigger_word and card.trigger_word not in str(result["activation text"]):
        result["activation text"] = f"{card.trigger_word}, {result['activation text']}"
    if card.family in VERSIONS:
        result["sd version"] = VERSIONS[card.family]
    return result


def _read(path: Path) -> dict[str, Any]:
    """The JSON that is there, {} when there is none. Raises ValueError for anything but an object."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(values, dict):
        raise ValueError(path)
    return values
