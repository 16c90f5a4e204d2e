"""Families of base models, a file each: how one is recognised, conditioned, and named in LoRA files."""
