"""Where files and folders may lie that a page or a program elsewhere names: the one place that decides it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from types import ModuleType

from .. import options
from ..config import TrainConfig
from ..errors import ConfigError, DataError
from ..host.base import Host
from ..sentences import Sentence

FLAG = "--lora-trainer-folder FOLDER"
"""Of the WebUI's command line and of `ui`: a folder that may be used."""


class Roots:
    """Anywhere, or only in and below `folders` (which may be files, too)."""

    def __init__(self, folders: Iterable[Path] | None = None) -> None:
        self.limited = folders is not None
        self._spelled = [str(Path(folder).expanduser().absolute()) for folder in folders or ()]
        self._real = [os.path.realpath(folder) for folder in self._spelled]

    def allow(self, path: str | Path) -> bool:
        """Whether a path may be used: as it is spelled, and where its links lead.

        The spelling alone decides first. On Windows the mere look at a share of another machine sends it the user's
        credentials, and nobody shall learn from an answer what there is elsewhere on the disk.
        """
        if not self.limited:
            return True
        named = os.path.expanduser(str(path))  # noqa: PTH111  pathlib drops what Windows makes of a name's end
        if "\0" in named:
            return False
        if not any(below(named, root) for root in (*self._spelled, *self._real)):
            return False
        real = os.path.realpath(named)
        return any(below(real, root) for root in self._real)

    def require(self, folder: str | Path) -> None:
        """Raise DataError for a folder of pictures that may not be used."""
        if not self.allow(folder):
            raise DataError(
                Sentence(
                    "folder_not_allowed",
                    "'{path}' may not be opened from a page that others can reach. Drop the pictures instead, or allow "
                    "the folder at the program's start: {flag}.",
                    path=str(folder),
                    flag=FLAG,
                )
            )

    def check(self, config: TrainConfig, known: Collection[str] = ()) -> None:
        """Raise ConfigError with a sentence for every option that names what may not be used.

        `known` are values that the program itself put in.
        """
        problems = [
            Sentence(
                "path_not_allowed",
                "{path} is '{value}', which may not be used from a page that others can reach. Put it where models or "
                "data sets lie, or allow its folder at the program's start: {flag}.",
                path=path,
                value=value,
                flag=FLAG,
            )
            for path, value in places(config)
            if value and value not in known and not self.allow(value)
        ]
        if problems:
            raise ConfigError(problems)


def roots_of(host: Host, folders: Iterable[Path], *, listens: bool) -> Roots:
    """Anywhere for a host that nobody else can reach; else data sets, runs, the host's models and `folders`."""
    if not listens:
        return Roots()
    own = [host.data_folder() / name for name in ("datasets", "runs")]
    models = getattr(host, "model_folders", lambda: [host.lora_folder()])
    return Roots([*own, *models(), *folders])


def places(config: TrainConfig) -> Iterator[tuple[str, str]]:
    """(path of the option, value) of all that name a file or folder other than by default."""
    for option in options.walk():
        if option.place and (value := attrgetter(option.path)(config)) != option.default:
            yield option.path, value
    for number, folder in enumerate(config.data.folders):
        yield f"data.folders[{number}]", folder.path


def below(path: str | Path, root: str | Path, system: ModuleType = os.path) -> bool:
    """Whether `path` is `root` or lies below it by its spelling, as `system` (posixpath, ntpath) reads it."""
    inner, outer = (system.normcase(system.abspath(str(one))) for one in (path, root))
    return inner == outer or inner.startswith(outer.rstrip(system.sep) + system.sep)
