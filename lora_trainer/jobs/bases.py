"""The base that a job was lined up for, and whether it is the one that would be trained on now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from .. import options
from ..errors import BaseAway, BaseModelError
from ..files.fingerprint import fingerprint
from ..host.base import BaseInfo, Host
from ..sentences import Sentence
from .job import Job


def base_of(info: BaseInfo) -> dict[str, str]:
    """What a record keeps of a base: `name`, `path`, and the `fingerprint` of its content, where there is a file."""
    found = fingerprint(Path(info.path)) if info.path else ""
    return {"name": info.name, "path": info.path, "fingerprint": found}


def require_base(job: Job, host: Host) -> None:
    """See to it that a run begins, or goes on, with the base that it was lined up for, wherever that lies by now.

    Raises BaseAway when it is not there: the job waits until somebody has decided.
    """
    asked = job.record.base
    try:
        host.settle(job.config)  # a host that has several bases knows best how to come back to one
        here = base_of(host.describe())
    except BaseModelError as error:
        if asked:
            raise BaseAway(error.sentence) from error
        raise
    if asked and asked["fingerprint"] and asked["fingerprint"] != here["fingerprint"]:
        raise BaseAway(_difference(asked, here))
    if not asked:
        job.change(base=here)
    elif here["path"] != asked["path"] and not Path(asked["path"]).exists():
        job.config = replace(job.config, base=replace(job.config.base, checkpoint=here["path"]))
        job.change(base=here, config=options.to_values(job.config))


def require_file(job: Job, path: Path) -> None:
    """The same for a process that opens the base in `path` for itself, whatever the host holds. Raises BaseAway."""
    asked = job.record.base
    found = fingerprint(path) or fingerprint(Path(asked.get("path", "")))  # an embedded base has a name alone
    if asked and asked["fingerprint"] and asked["fingerprint"] != found:
        raise BaseAway(_difference(asked, {"name": path.stem, "path": str(path)}))


def _difference(asked: Mapping[str, str], here: Mapping[str, str]) -> Sentence:
    """Why a job cannot begin, and what somebody may do about it."""
    values = {"name": asked["name"], "path": asked["path"]}
    if not Path(asked["path"]).exists():
        sentence = (
            "The base '{name}' is not there any more ('{path}'). Put it back to go on, or clone this run: the clone is "
            "for the base that is selected now."
        )
        return Sentence("base_gone", sentence, **values)
    if Path(asked["path"]) == Path(here["path"]):
        sentence = (
            "The file of the base '{name}' is another one now than when this run was lined up ('{path}'). Put the "
            "earlier one back to go on, or clone this run to train on the new one."
        )
        return Sentence("base_replaced", sentence, **values)
    sentence = (
        "This run is for the base '{name}' ('{path}'), but '{other}' is the one that is here now. Bring '{name}' back "
        "to go on, or clone this run to train on '{other}'."
    )
    return Sentence("base_other", sentence, **values, other=here["name"])
