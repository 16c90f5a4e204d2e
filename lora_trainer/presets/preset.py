"""What a preset is, and which one suits a base and a goal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..host.base import BaseInfo

GOALS = ("character", "style", "object", "product", "photo")
"""What pictures may show."""
ELSE = "object"
"""The goal whose preset stands in where a base has none of its own: the most careful one."""
TAGS = "tags"
"""The lineage of SDXL bases that were trained on tags."""
TAG_BASES = re.compile(r"illustrious|pony|noob|animagine|wai-?ni|autismmix", re.IGNORECASE)
"""Their names; nothing in such a file says so."""


@dataclass(frozen=True)
class Preset:
    """A starting point. `values` are nested options, those that it sets and no others.

    `families` and `lineage` are the kind of base that it is meant for; `base`, where it is set, the one base by name.
    `goal` is one of GOALS, or empty where it suits any. `own`: it is the user's. Title and reason of shipped ones are
    Sentences, which a page can translate.
    """

    name: str
    title: str
    why: str
    values: Mapping[str, Any]
    families: tuple[str, ...] = ()
    base: str = ""
    lineage: str = ""
    goal: str = ""
    own: bool = False

    def suits(self, info: BaseInfo) -> bool:
        """Whether it is made for the kind of base that this is."""
        return info.family in self.families and self.lineage == lineage_of(info)


def lineage_of(info: BaseInfo) -> str:
    """What a base's family alone does not tell: 'tags' for Illustrious, Pony and their like."""
    return TAGS if info.family == "sdxl" and TAG_BASES.search(info.name) else ""


def best_preset(presets: Sequence[Preset], info: BaseInfo, goal: str) -> Preset | None:
    """The preset to begin with: the base's own where it has one, else that of its kind for the goal."""
    shipped = [preset for preset in presets if not preset.own]
    for preset in shipped:
        if preset.base and preset.base == info.name:
            return preset
    by_goal = {preset.goal: preset for preset in shipped if preset.goal and preset.suits(info)}
    return by_goal.get(goal) or by_goal.get(ELSE)
