"""Families of base models, a file each: how one is recognised, conditioned, and named in LoRA files."""

from . import sd1, sd2, sdxl

__all__ = ["sd1", "sd2", "sdxl"]
