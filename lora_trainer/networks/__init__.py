"""Network types, a file each: what is trained beside the frozen base. Importing the package registers them."""

from . import lora

__all__ = ["lora"]
