"""Which save at which strength: drawn pictures are scored by judges, and a rule proposes one of them."""

from . import clip, pixels
from .base import JUDGES, Judge, Settings

__all__ = ["JUDGES", "Judge", "Settings", "clip", "pixels"]
