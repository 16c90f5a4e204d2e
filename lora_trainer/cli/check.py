"""`check`: what is the matter with pictures and captions, before a training."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..errors import ConfigError

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
    from ..health import Looks, gather, report_on, undo

    config = _config(arguments)
    if arguments.undo:
        undo(Path(config.data.folders[0].path), arguments.undo)
    looks = Looks()

    def look() -> Subject:
        return gather(config.data, looks, family=_family(config), max_tokens=config.base.max_tokens)

    subject = look()
    undo_ids = []
    for check in arguments.fix:
        undo_ids.append(_mend(check, subject))
        subject = look()
    report = report_on(subject)
    if not arguments.json:
        print("\n".join([*(f"Mended; to take it back: --undo {id}" for id in undo_ids if id), _text(report)]))
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


def _mend(check: str, subject: Subject) -> str:
    """Apply the first fix of what a check finds; the id to undo it with. Raises ConfigError where there is none."""
    from ..health import apply, report_on
    from ..health.checks import CHECKS
    from ..health.fixes import FIXES

    CHECKS.get(check)
    report = report_on(subject)
    done = ""
    for name, finding in report.findings:
        fixes = [fix for fix in finding.fixes if fix.kind in FIXES]
        if name != check:
            continue
        if not fixes:
            raise ConfigError([f"What '{check}' finds cannot be mended from here. {finding.advice}"])
        done = apply(fixes[0].kind, [report.names[path] for path in fixes[0].pictures], subject)
    return done


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
