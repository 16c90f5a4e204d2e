"""Keeps a server from giving out files of the private folder by routes that are not ours.

gradio answers `/file=PATH` with any file below the folders that its host allows, and a WebUI allows all of its data
path. Versions before 4 leave out folders whose names begin with a dot; later ones do not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from ..sentences import Sentence
from .errors import error_json

NAMING = re.compile(r"file[=/]")
"""What stands before a file's path in the addresses of every version of gradio: /file=, /file/, /gradio_api/file=."""


def keep_private(app: Any, folder: Callable[[], Path]) -> None:
    """Refuse, before any route of `app` is asked, what names a file in the folder, however its path is spelled."""
    app.router.routes.insert(0, _PrivateFiles(folder))


class _PrivateFiles(BaseRoute):
    """A route that is meant by nothing but requests for private files."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or not any(map(self._is_private, _named_files(scope["path"]))):
            return Match.NONE, {}
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _refusal()(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        raise NoMatchFound(name, path_params)

    def _is_private(self, path: str) -> bool:
        """Compared as places on the disk: there, a link, a short name or other capitals lead to the same folder."""
        folder = self._folder()
        try:
            real = Path(os.path.realpath(path))
        except (OSError, ValueError):  # no system has a file of such a name
            return False
        if real.is_relative_to(os.path.realpath(folder)):
            return True
        return any(_same(place, folder) for place in (real, *real.parents))


def _named_files(path: str) -> Iterator[str]:
    """All that could be a file's path in an address."""
    return (path[found.end() :] for found in NAMING.finditer(path))


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _refusal() -> JSONResponse:
    sentence = Sentence("private_file", "This file is private: only Train LoRA's own page shows it.")
    return error_json(sentence, 403)
