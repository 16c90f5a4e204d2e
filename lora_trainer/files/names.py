"""Names of LoRA files that every system and every host can hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from ..errors import UserError

EXTENSION = ".safetensors"
LONGEST_STEM = 180
"""In UTF-8 bytes: file systems allow 255 for a whole name, and step numbers and temporary endings come on top."""

FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])", re.IGNORECASE)
STEP_MARK = re.compile(r"^(?P<name>.+)-(?P<unit>step|epoch)(?P<number>\d{6,})$", re.DOTALL)


def safe_stem(name: str) -> str:
    """`name` as a file name without ending that Windows, macOS and Linux take.

    Forbidden characters become '_'; dots and spaces at the ends go, since Windows drops trailing ones and a leading
    dot hides a file; names of Windows devices get a '_'. Raises UserError when nothing is left.
    """
    text = unicodedata.normalize("NFC", name)
    text = "".join("_" if _is_hidden(letter) else letter for letter in text)
    text = _shortened(FORBIDDEN.sub("_", text).strip(" ."))
    if not text:
        raise UserError(f"'{name}' leaves no file name; give a name with at least one letter or digit.")
    device, dot, rest = text.partition(".")
    return f"{device}_{dot}{rest}" if RESERVED.fullmatch(device.rstrip(" ")) else text


def _is_hidden(letter: str) -> bool:
    """Control characters, halves of characters, and what turns the direction of reading, as tricks with endings do."""
    turns = unicodedata.bidirectional(letter) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return turns or unicodedata.category(letter) in ("Cc", "Cs")


def name_problem(name: str) -> str | None:
    """A sentence that says why `name` cannot be a file's name, or None when it can."""
    if not name.strip(" ."):
        return "The name of the LoRA is empty; give it one, e.g. 'my_cat'."
    safe = safe_stem(name)
    if safe == unicodedata.normalize("NFC", name):
        return None
    return f"'{name}' cannot be the name of a file on every system; '{safe}' can."


def final_name(name: str) -> str:
    """File name of the finished LoRA."""
    return safe_stem(name) + EXTENSION


def step_name(name: str, step: int) -> str:
    """File name of the save after `step` steps, e.g. 'cat-step000100.safetensors'."""
    return f"{safe_stem(name)}-step{step:06d}{EXTENSION}"


def next_name(name: str, taken: Collection[str]) -> str:
    """`name` with the next free number behind it: 'cat' becomes 'cat-2', 'cat-2' becomes 'cat-3'."""
    begun = re.fullmatch(r"(.+)-(\d{1,6})", name)
    stem, number = (begun[1], int(begun[2]) + 1) if begun else (name, 2)
    while safe_stem(f"{stem}-{number}") in {safe_stem(one) for one in taken}:
        number += 1
    return f"{stem}-{number}"


def split_stem(stem: str) -> tuple[str, str, int | None]:
    """The name, unit ('step', 'epoch' or '') and number in a save's stem; ('cat', '', None) for the final file."""
    found = STEP_MARK.match(stem)
    return (found["name"], found["unit"], int(found["number"])) if found else (stem, "", None)


def _shortened(text: str) -> str:
    """`text` cut to LONGEST_STEM bytes between two characters."""
    return text.encode("utf-8")[:LONGEST_STEM].decode("utf-8", errors="ignore").rstrip(" .")
