"""Sees to it that diffusers and peft are there, without changing a package of the host.

What the host has and what works is used. The rest goes, pinned and without its dependencies, into a folder of the
extension that no search path leads to: the trainer loads it from there as private copies (`private_copies`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..packages import NEEDED
from ..sentences import Sentence
from . import extras
from .pins import pins
from .probe import MARK
from .stamp import FOLDER, ROOT, Stamp, now, read, write

PINS = ("host-a1111-added.txt", "standalone.txt")
"""Requirements that say which versions are fetched: the first is for hosts as old as A1111, the next for newer ones."""
PROBE_SECONDS, FETCH_SECONDS = 600, 900

Findings = dict[str, dict[str, Any]]


def ensure(root: Path = ROOT) -> Stamp:
    """The packages in place, as far as that is possible; at once when nothing changed since the last time."""
    stamp = read(root)
    if stamp is not None and stamp.holds():
        return stamp
    stamp = _settled(root)
    if not stamp.problem:
        stamp = replace(stamp, places={**stamp.places, **extras.bring(root, fetch)})
    try:
        write(stamp, root)
    except UserError as error:
        return Stamp(stamp.fingerprint, problem=Sentence("packages_unwritten", "{text}", text=str(error)))
    return stamp


def command(root: Path = ROOT) -> str:
    """What a user types to install what is missing."""
    return f'"{sys.executable}" "{root / "install.py"}"'


def _settled(root: Path) -> Stamp:
    """What works is looked for in the host, then in what was fetched earlier, and then fetched."""
    found = probe({}, root)
    if stamp := _complete(found):
        return stamp
    places = {name: root / FOLDER for name, answer in found.items() if not answer["works"]}
    if all((place / name).is_dir() for name, place in places.items()):
        found = probe(places, root)
        if stamp := _complete(found):
            return stamp
    for file in PINS:
        versions = pins(root / "requirements" / file)
        wanted = [f"{name}=={versions[name]}" for name in NEEDED if name in places]
        if reason := fetch(wanted, root / FOLDER):
            return Stamp(now(), problem=_unfetched(wanted, reason, root))
        found = probe(places, root)
        if stamp := _complete(found):
            return stamp
    return Stamp(now(), problem=_unusable(found))


def _complete(found: Findings) -> Stamp | None:
    """The stamp of a search that found all, else None."""
    if not all(answer["works"] for answer in found.values()):
        return None
    return Stamp(now(), {name: Path(answer["place"]) for name, answer in found.items()})


def probe(places: Mapping[str, Path], root: Path = ROOT) -> Findings:
    """What `extension.probe` finds in a process of its own, with packages from `places` or the host's."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(_search_path(root)), "CUDA_VISIBLE_DEVICES": ""}
    arguments = json.dumps({name: str(place) for name, place in places.items()})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lora_trainer.extension.probe", arguments],
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PROBE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return _all_failed(str(error))
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(MARK):
            return json.loads(line[len(MARK) :])
    return _all_failed(_last_line(done.stderr) or f"the trial ended with code {done.returncode}")


def fetch(requirements: Sequence[str], folder: Path) -> str:
    """Put packages without their dependencies into `folder`. Returns why it failed, '' when it did not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as fresh:
            if reason := _pip(requirements, Path(fresh)):
                return reason
            for part in Path(fresh).iterdir():
                if part.name != "bin":
                    shutil.rmtree(folder / part.name, ignore_errors=True)
                    part.replace(folder / part.name)
    except OSError as error:
        return str(error)
    return ""


def _pip(requirements: Sequence[str], target: Path) -> str:
    """Run pip with a short patience: a start without a network is not to wait for it."""
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    options += ["--retries", "1", "--timeout", "15", "--target", str(target)]
    if index := os.environ.get("INDEX_URL"):  # the hosts' own way to name a mirror
        options += ["--index-url", index]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, *requirements],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=FETCH_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else _last_line(done.stderr) or f"pip ended with code {done.returncode}"


def _search_path(root: Path) -> Iterator[str]:
    yield str(root)
    if inherited := os.environ.get("PYTHONPATH"):
        yield inherited


def _all_failed(reason: str) -> Findings:
    return {name: {"works": False, "version": "", "place": "", "reason": reason} for name in NEEDED}


def _last_line(text: str) -> str:
    return next((line.strip().removeprefix("ERROR: ") for line in reversed(text.splitlines()) if line.strip()), "")


def _unfetched(wanted: Sequence[str], reason: str, root: Path) -> Sentence:
    return Sentence(
        "packages_unfetched",
        "Train LoRA lacks the packages {packages}, which could not be fetched ({reason}). "
        "With a network, run {command} or start the WebUI again; nothing of the WebUI's own is changed.",
        packages=" and ".join(wanted),
        reason=reason,
        command=command(root),
    )


def _unusable(found: Findings) -> Sentence:
    reasons = "; ".join(f"{name} {answer['reason']}" for name, answer in found.items() if not answer["works"])
    return Sentence(
        "packages_unusable",
        "Train LoRA cannot work with the packages of this WebUI: {reasons}. Update the WebUI or the extension.",
        reasons=reasons,
    )
