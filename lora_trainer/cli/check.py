"""`check`: what is the matter with pictures and captions, before a training."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..errors import ConfigError
from ..registry import suggest
from .named import require

if TYPE_CHECKING:
    from ..config import TrainConfig
    from ..health import Finding, Report, Subject

MOST_LISTED = 12
"""How many pictures of a finding are printed; --json has all."""


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("check", help="examine pictures and captions", description=__doc__)
    parser.add_argument("folders", metavar="DIR", nargs="+", help="folder of pictures")
    add_run(parser)
    parser.add_argument("--fix", metavar="CHECK", action="append", default=[], help="mend what this check finds")
    parser.add_argument("--undo", metavar="ID", help="take back the fix of this id")
    parser.set_defaults(run=run)
    return [parser]


def add_run(parser: argparse.ArgumentParser) -> None:
    """What is to be known of the run that the pictures are for."""
    parser.add_argument("--base", default="", metavar="FILE", help="checkpoint: its kind and resolution are asked for")
    parser.add_argument("--set", metavar="option.path=value", action="append", default=[], help="any option of the run")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Examine, mend what is asked for, and print the findings. `ok` is false when one is an error."""
    from ..health import Looks, gather, report_on

    config, family = config_of(arguments, arguments.folders)
    if arguments.undo:
        _undo(config, arguments.undo)
    looks = Looks()

    def look() -> Subject:
        return gather(config.data, looks, family=family, max_tokens=config.base.max_tokens)

    subject = look()
    undo_ids: list[str] = []
    for check in arguments.fix:
        undo_ids += _mend(check, subject)
        subject = look()
    report = report_on(subject)
    if not arguments.json:
        print("\n".join([*(f"Mended; to take it back: --undo {id}" for id in undo_ids), _text(report)]))
    return {"ok": report.healthy, "undo": undo_ids, **report.to_json()}


def config_of(arguments: argparse.Namespace, named: Sequence[str]) -> tuple[TrainConfig, str]:
    """The options of a run on these folders, and its base's family; without a base, SD1.5 is taken for granted.

    Raises ConfigError for wrong options and for what is not there, BaseModelError for a base that cannot be read.
    """
    folders = [str(Path(folder).expanduser().absolute()) for folder in named]
    missing = [f"There is no folder '{folder}'." for folder in folders if not Path(folder).is_dir()]
    if missing:
        raise ConfigError(missing)
    given = {"data": {"folders": folders}, "base": {"checkpoint": arguments.base} if arguments.base else {}}
    config = options.build(options.merged(options.parse_changes(arguments.set), given))
    require(config.base.checkpoint)
    resolution, family = _asked_of_base(config) if config.base.checkpoint else _taken_for_granted(config)
    return replace(config, data=replace(config.data, resolution=config.data.resolution or resolution)), family


def _asked_of_base(config: TrainConfig) -> tuple[int, str]:
    """Its own resolution, and its family."""
    from ..host.standalone import StandaloneHost

    info = StandaloneHost(config.base, config.memory).describe()
    return info.native_resolution, info.family


def _taken_for_granted(config: TrainConfig) -> tuple[int, str]:
    """SDXL's 1024 pixels, else 512."""
    from ..health.subject import FAMILY, RESOLUTION

    family = FAMILY if config.base.family == "auto" else config.base.family
    return 2 * RESOLUTION if family == "sdxl" else RESOLUTION, family


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
