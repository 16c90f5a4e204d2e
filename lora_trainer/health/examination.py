"""The examination: everything gathered once, every check asked, the findings in order."""

from __future__ import annotations

from ..config import DataOptions
from .checks import CHECKS
from .findings import SEVERITIES, Report
from .look import Looks
from .subject import FAMILY, Progress, Subject, gather


def examine(
    data: DataOptions,
    looks: Looks | None = None,
    *,
    family: str = FAMILY,
    max_tokens: int = 75,
    may_delete: bool = False,
    progress: Progress = lambda done, total: None,
) -> Report:
    """What is the matter with the pictures and captions of a run with these options, before it starts.

    `looks` remembers what pictures look like from one examination to the next. Raises DataError for a missing folder.
    """
    options = {"family": family, "max_tokens": max_tokens, "may_delete": may_delete}
    return report_on(gather(data, looks or Looks(), **options, progress=progress))  # type: ignore[arg-type]


def report_on(subject: Subject) -> Report:
    """What the checks say."""
    found = [(name, finding) for name in CHECKS.names() for finding in CHECKS.get(name)(subject)]
    found.sort(key=lambda pair: SEVERITIES.index(pair[1].severity))
    return Report(tuple(found), subject.names, len(subject.cases), len(subject.excluded))
