"""Named starting points: settings that experts use for a kind of base and a goal, each with its reason."""

from .preset import GOALS, Preset, best_preset, lineage_of
from .shipped import load_presets

__all__ = ["GOALS", "Preset", "best_preset", "lineage_of", "load_presets"]
