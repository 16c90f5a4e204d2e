"""The checks, a file for each thing that is looked at. A new one is a function with a row in the table."""

from . import amount, captions, contradictions, copies, files, looks, sizes, texts  # noqa: F401  each enters its rows
from .table import CHECKS, Check

__all__ = ["CHECKS", "Check"]
