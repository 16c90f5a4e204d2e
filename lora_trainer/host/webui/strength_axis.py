"""The axis 'LoRA strength' of the host's X/Y/Z plot: values for every LoRA tag of the prompt, or for one by its name.

'0, 0.5, 1' and the host's ranges '0-1 (+0.25)' and '0-1 [5]' set every tag; 'my cat: 0-1 [5]' only <lora:my cat:...>.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ...errors import UserError
from ...sentences import Sentence

LABEL = "LoRA strength"
SCRIPT = "xyz_grid.py"
TAG = re.compile(r"<(?P<kind>lora|lyco):(?P<name>[^:>]+)(?P<rest>(?::[^:>]*)*)>")
NUMBER = r"[+-]?\d*\.?\d+"
RANGE = re.compile(rf"({NUMBER})\s*-\s*({NUMBER})\s*(?:\(\s*\+?\s*({NUMBER})\s*\)|\[\s*(\d+)\s*\])?")


def register() -> None:
    """Add the axis; call before the host builds its page, also after 'Reload UI'. No-op without the script."""
    from modules import scripts

    for data in scripts.scripts_data:
        module = data.module
        if data.script_class.__module__.endswith((SCRIPT, "xyz_grid")) and hasattr(module, "axis_options"):
            options = module.axis_options
            if all(option.label != LABEL for option in options):
                options.append(module.AxisOption(LABEL, str, apply, prepare=values))


def values(text: str) -> list[str]:
    """The axis' values, each as 'strength' or 'name:strength'. A name counts until the next one.

    Raises UserError for what is no number.
    """
    name, found = "", []
    for part in filter(None, map(str.strip, text.split(","))):
        head, colon, tail = part.rpartition(":")
        name = head.strip() if colon else name
        found += [f"{name}:{strength:g}" if name else f"{strength:g}" for strength in _strengths(tail.strip())]
    return found


def apply(work: Any, value: str, all_values: Sequence[str]) -> None:
    """Set the strength of the prompt's tags in the host's processing object. Raises UserError when none fits."""
    name, _, strength = value.rpartition(":")
    changed, count = with_strength(work.prompt, float(strength), name)
    if not count:
        wanted = f"<lora:{name}:1>" if name else "<lora:name:1>"
        raise UserError(
            Sentence("no_tag_for_axis", "{axis}: the prompt has no tag {tag}.", axis=LABEL, tag=wanted),
        )
    work.prompt = changed
    if getattr(work, "hr_prompt", ""):
        work.hr_prompt, _ = with_strength(work.hr_prompt, float(strength), name)


def with_strength(prompt: str, strength: float, name: str = "") -> tuple[str, int]:
    """`prompt` with another strength in its LoRA tags (all, or those called `name`), and how many were changed.

    The strength is set for U-Net and text encoders alike; further arguments by name (dyn=8) stay.
    """
    count = 0

    def changed(tag: re.Match[str]) -> str:
        nonlocal count
        if name and tag["name"].strip().lower() != name.lower():
            return tag[0]
        count += 1
        named = [part for part in tag["rest"].split(":") if "=" in part and not part.startswith(("te=", "unet="))]
        return f"<{':'.join([tag['kind'], tag['name'], f'{strength:g}', *named])}>"

    return TAG.sub(changed, prompt), count


def _strengths(text: str) -> Iterator[float]:
    """One number, or those of a range with its step or count."""
    found = RANGE.fullmatch(text)
    if found is None:
        try:
            yield float(text)
        except ValueError as error:
            raise UserError(
                Sentence("no_strength", "{axis}: '{text}' is no number and no range.", axis=LABEL, text=text)
            ) from error
        return
    first, last = float(found[1]), float(found[2])
    if found[4]:
        count = int(found[4])
        yield from (first + (last - first) * number / max(1, count - 1) for number in range(count))
        return
    step = abs(float(found[3] or 1)) or 1.0
    count = int(abs(last - first) / step + 1e-9) + 1
    yield from (first + number * step * (1 if last >= first else -1) for number in range(count))
