"""Captions made by models that the user has as local files: tags or sentences for every picture of a folder."""

from . import clip, image_to_text, wd14
from .base import CAPTIONERS, Answer, Captioner, Settings, Tag

__all__ = ["CAPTIONERS", "Answer", "Captioner", "Settings", "Tag", "clip", "image_to_text", "wd14"]
