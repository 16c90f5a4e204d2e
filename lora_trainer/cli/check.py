"""`check`: what is the matter with pictures and captions, before a training."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..errors import ConfigError
from ..registry import suggest

if TYPE_CHECKING:
    from ..config import TrainConfig
    from ..health import Finding, Report, Subject

MOST_LISTED = 12
"""How many pictures of a finding are printed; --json has all."""


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("check", help="examine pictures and captions", description=__doc__)
    parser.add_argument("folders", metavar="DIR", nargs="+", help="folder of pictures")
    parser.add_argument("--set", metavar="option.path=value", action="append", default=[], help="any option of the run")
    parser.add_argument("--fix", metavar="CHECK", action="append", default=[], help="mend what this check finds")
    parser.add_argument("--undo", metavar="ID", help="take back the fix of this id")
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Examine, mend what is asked for, and print the findings. `ok` is false when one is an error."""
    from ..health import Looks, gather, report_on

    config = _config(arguments)
    if arguments.undo:
        _undo(config, arguments.undo)
    looks = Looks()

    def look() -> Subject:
        return gather(config.data, looks, family=_family(config), max_tokens=config.base.max_tokens)

    subject = look()
    undo_ids: list[str] = []
    for check in arguments.fix:
        undo_ids += _mend(check, subject)
        subject = look()
    report = report_on(subject)
    if not arguments.json:
        print("\n".join([*(f"Mended; to take it back: --undo {id}" for id in undo_ids), _text(report)]))
    return {"ok": report.healthy, "undo": undo_ids, **report.to_json()}


def _config(arguments: argparse.Namespace) -> TrainConfig:
    """The options of the run. Raises ConfigError for wrong ones and for folders that are not there."""
    folders = [str(Path(folder).expanduser().absolute()) for folder in arguments.folders]
    missing = [f"There is no folder '{folder}'." for folder in folders if not Path(folder).is_dir()]
    if missing:
        raise ConfigError(missing)
    values = options.merged(options.parse_changes(arguments.set), {"data": {"folders": folders}})
    config = options.build(values)
    resolution = config.data.resolution or _native_resolution(config)
    return replace(config, data=replace(config.data, resolution=resolution))


def _family(config: TrainConfig) -> str:
    from ..health.subject import FAMILY

    return FAMILY if config.base.family == "auto" else config.base.family


def _native_resolution(config: TrainConfig) -> int:
    """SDXL's 1024, else 512."""
    from ..health.subject import RESOLUTION

    return 2 * RESOLUTION if config.base.family == "sdxl" else RESOLUTION


def _undo(config: TrainConfig, id: str) -> None:
    """Take back a fix in the folder that it was made in. Raises NotFound where there is none of this id."""
    from ..errors import NotFound
    from ..health import undo

    *others, last = [Path(folder.path) for folder in config.data.folders]
    for folder in others:
        try:
            return undo(folder, id)
        except NotFound:
            continue
    return undo(last, id)


def _mend(check: str, subject: Subject) -> list[str]:
    """Apply the first fix of what a check finds; the ids to undo it with, one for each folder.

    Raises ConfigError for an unknown check, and for one whose findings cannot be mended from here.
    """
    from ..health import apply, report_on
    from ..health.checks import CHECKS
    from ..health.fixes import FIXES

    if check not in CHECKS:
        raise ConfigError([f"There is no check '{check}'. {suggest(check, CHECKS.names())}"])
    report, done = report_on(subject), []
    for finding in [finding for name, finding in report.findings if name == check]:
        fix = next((fix for fix in finding.fixes if fix.kind in FIXES), None)
        if fix is None:
            raise ConfigError([f"What '{check}' finds cannot be mended from here. {finding.advice}"])
        for root in dict.fromkeys(map(subject.root_of, fix.pictures)):
            names = [report.names[path] for path in fix.pictures if subject.root_of(path) == root]
            done.append(apply(fix.kind, names, subject))
    return [id for id in done if id]


def _text(report: Report) -> str:
    lines = [str(report.summary())]
    for check, finding in report.findings:
        lines += ["", f"{finding.severity.upper()} {check}: {finding.sentence}", f"  {finding.advice}"]
        lines += _pictures(report, finding)
        lines += [f"  --fix {check}: {fix.title}" for fix in finding.fixes[:1] if fix.pictures]
        lines += [
            f"  --set {path}={str(value).lower()}" for fix in finding.fixes for path, value in fix.options.items()
        ]
    return "\n".join(lines)


def _pictures(report: Report, finding: Finding) -> list[str]:
    listed = [
        f"  - {report.names.get(path, path.name)}" + (f": {detail}" if detail else "")
        for path, detail in list(finding.pictures.items())[:MOST_LISTED]
    ]
    more = len(finding.pictures) - len(listed)
    return [*listed, f"  - and {more} more"] if more else listed
