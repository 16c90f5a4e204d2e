"""The table of checks, and the shape that all of them have."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...registry import Registry
from ..findings import Finding
from ..subject import Subject

Check = Callable[[Subject], Iterator[Finding]]
"""Yields a finding when something is the matter, nothing on a healthy data set."""

CHECKS: Registry[Check] = Registry("check")
