"""How much of the disk a run takes, by kind, and making room: what can go, and what never does."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from ..errors import UserError
from ..files.sizes import bytes_at
from ..sentences import Sentence
from .past import Past
from .shots import GRIDS

STATES, SAVES, SAMPLES, PICTURES, CACHES = "states", "saves", "samples", "grids", "caches"
THUMBNAILS = "thumbnails"
"""Small samples, made for lists of runs."""
REST = "rest"
"""What always stays: the finished LoRA, the best save, what is written down, curves."""


def spare_saves(run: Past) -> list[Path]:
    """The saves that may go: not the finished one (or the newest without it), the best, nor one that was published."""
    saves, best = run.folder.saves(), run.best_step or run.facts.best_step or run.facts.validation_step
    kept = {run.folder.lora, run.folder.save_path(best)}
    kept |= set() if run.folder.lora.is_file() else {*saves[-1:]}
    kept |= {run.folder.output / str(run.published.get("save", "")), Path(str(run.published.get("file", "")))}
    return [save for save in saves if save not in kept and not _same_as_any(save, kept)]


KINDS: Mapping[str, Callable[[Past], list[Path]]] = {
    STATES: lambda run: [run.folder.states],
    SAVES: spare_saves,
    SAMPLES: lambda run: [run.folder.samples, run.folder.path / THUMBNAILS],
    PICTURES: lambda run: [run.folder.path / GRIDS],
    CACHES: lambda run: [run.folder.cache],
}
"""What can be freed, by the name of its kind: the files and folders of a run that go."""


def require_kinds(kinds: Collection[str]) -> None:
    """Raise UserError for a kind that there is not, or for none at all."""
    wrong = [kind for kind in kinds if kind not in KINDS]
    if wrong or not kinds:
        sentence = "What can be freed are {known}, not '{kind}'."
        raise UserError(Sentence("no_such_space", sentence, known=", ".join(KINDS), kind=", ".join(wrong)))


def measure(run: Past) -> dict[str, int]:
    """Bytes of a run by kind, with the `rest`, which stays."""
    taken = {kind: sum(map(bytes_at, places(run))) for kind, places in KINDS.items()}
    files = {run.folder.lora, *run.folder.saves()}
    whole = bytes_at(run.folder.path) + sum(bytes_at(file) for file in files)
    return {**taken, REST: max(0, whole - sum(taken.values()))}


def free(run: Past, kinds: Collection[str]) -> int:
    """Delete what these kinds hold of a run, and tell how many bytes that were. What cannot be deleted stays.

    Raises UserError while the run is not over: it may need all of it.
    """
    require_over(run)
    freed = 0
    for kind in KINDS:
        if kind in kinds:
            for place in KINDS[kind](run):
                before = bytes_at(place)
                _delete(place)
                freed += before - bytes_at(place)
    return freed


def require_over(run: Past) -> None:
    if not run.over:
        sentence = "'{name}' has not ended, or pictures of it are being drawn: its files are needed."
        raise UserError(Sentence("run_not_over", sentence, name=run.name))


def _delete(place: Path) -> None:
    """A file, or all that is in a folder, which itself stays. A link is somebody else's business."""
    if place.is_symlink():
        return
    if place.is_dir():
        with contextlib.suppress(OSError):
            for entry in list(place.iterdir()):
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)
        return
    with contextlib.suppress(OSError):
        place.unlink(missing_ok=True)


def _same_as_any(file: Path, others: Collection[Path]) -> bool:
    """Whether a file is one of the others by another name or link."""
    for other in others:
        with contextlib.suppress(OSError):
            if other.is_file() and file.samefile(other):
                return True
    return False
