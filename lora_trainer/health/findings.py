"""What an examination of pictures and captions comes to: findings, each with its numbers, its advice and its fixes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..sentences import Sentence, to_json

ERROR, WARNING, HINT = "error", "warning", "hint"
SEVERITIES = (ERROR, WARNING, HINT)
"""From bad to harmless: something cannot be used; the LoRA will be worse for it; worth a look."""


@dataclass(frozen=True)
class Fix:
    """What one click does about a finding: a row of `fixes.FIXES` for these pictures, or `options` for the run."""

    kind: str
    title: Sentence
    pictures: tuple[Path, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    undoable: bool = True


@dataclass(frozen=True)
class Finding:
    """What a check found. `pictures` holds the files concerned, each with what there is to say of it alone."""

    severity: str
    sentence: Sentence
    advice: Sentence
    pictures: Mapping[Path, Sentence | None] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True)
class Report:
    """All findings by the name of their check, bad ones first. `names` are what pictures are called in it."""

    findings: tuple[tuple[str, Finding], ...]
    names: Mapping[Path, str]
    pictures: int
    excluded: int

    @property
    def healthy(self) -> bool:
        """Whether nothing stands in the way of a run."""
        return not any(finding.severity == ERROR for _, finding in self.findings)

    def get(self, check: str) -> Finding | None:
        return dict(self.findings).get(check)

    def summary(self) -> Sentence:
        counts = Counter(finding.severity for _, finding in self.findings)
        return Sentence(
            "health_summary",
            "{pictures} pictures ({excluded} more excluded). Errors: {errors}, warnings: {warnings}, hints: {hints}.",
            pictures=self.pictures,
            excluded=self.excluded,
            errors=counts[ERROR],
            warnings=counts[WARNING],
            hints=counts[HINT],
        )

    def to_json(self) -> dict[str, Any]:
        findings = [self._finding_json(check, finding) for check, finding in self.findings]
        numbers = {"pictures": self.pictures, "excluded": self.excluded}
        return {**numbers, "healthy": self.healthy, "sentence": to_json(self.summary()), "findings": findings}

    def _finding_json(self, check: str, finding: Finding) -> dict[str, Any]:
        details = {
            self.names.get(path, path.name): detail and to_json(detail) for path, detail in finding.pictures.items()
        }
        return {
            "check": check,
            "severity": finding.severity,
            "sentence": to_json(finding.sentence),
            "advice": to_json(finding.advice),
            "pictures": [{"name": name, "sentence": detail} for name, detail in details.items()],
            "fixes": [self._fix_json(fix) for fix in finding.fixes],
        }

    def _fix_json(self, fix: Fix) -> dict[str, Any]:
        return {
            "kind": fix.kind,
            "title": to_json(fix.title),
            "pictures": [self.names[path] for path in fix.pictures],
            "options": dict(fix.options),
            "undoable": fix.undoable,
        }
