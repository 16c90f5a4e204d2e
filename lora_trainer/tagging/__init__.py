"""Captions by hand, many at a time: what stands in them, what can be done to them, and how they are written.

tags        a caption taken apart into tags, and put together
counts      how often each tag stands in a set, and beside which others
choose      the pictures that something is to be done to
operations  what can be done: a row each, from a name and plain values
texts       those that see a caption as a sentence
saving      captions written to where a training reads them, with a backup, and never over what somebody else wrote
"""

from .choose import Choice
from .counts import Count, counted
from .operations import OPERATIONS, Operation, apply, operation_of
from .saving import Conflict, Saved, captions_of, save
from .tags import joined, key, split

__all__ = [
    "OPERATIONS",
    "Choice",
    "Conflict",
    "Count",
    "Operation",
    "Saved",
    "apply",
    "captions_of",
    "counted",
    "joined",
    "key",
    "operation_of",
    "save",
    "split",
]
