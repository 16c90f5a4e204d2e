"""Named starting points: settings that experts use for a kind of base and a goal, each with its reason."""

from .origin import origin_of
from .own import FOLDER, OwnPresets
from .preset import GOALS, Preset, best_preset, lineage_of
from .sharing import Given, from_text, make_preset, to_text
from .shipped import load_presets

__all__ = [
    "FOLDER",
    "GOALS",
    "Given",
    "OwnPresets",
    "Preset",
    "best_preset",
    "from_text",
    "lineage_of",
    "load_presets",
    "make_preset",
    "origin_of",
    "to_text",
]
