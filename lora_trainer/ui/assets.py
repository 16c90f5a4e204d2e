"""The page's files over HTTP: modules, style sheet and catalogues, under a version that changes with their content."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

HERE = Path(__file__).parent
PAGE, CATALOGUES = HERE / "page", HERE / "catalogues"
ROUTE = "/lora-trainer/v1/page/{version}/{path:path}"
TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
FOREVER = "public, max-age=31536000, immutable"


def files() -> dict[str, Path]:
    """Every file of the page by its path in the address."""
    modules = {file.name: file for file in sorted(PAGE.iterdir()) if file.suffix in TYPES}
    return modules | {f"catalogues/{file.name}": file for file in sorted(CATALOGUES.glob("*.json"))}


@functools.cache
def contents() -> dict[str, bytes]:
    """All files, read once: they are small, and the host's threads for reading files may all be waiting."""
    return {name: file.read_bytes() for name, file in files().items()}


@functools.cache
def version() -> str:
    """A short name for the present content of all files: browsers keep what has the same name."""
    digest = hashlib.sha256()
    for name, content in contents().items():
        digest.update(name.encode() + content)
    return digest.hexdigest()[:12]


def add_page(app: Starlette) -> None:
    """Serve the page's files; call after `api.add_routes`, which answers everything else below that address.

    Every version is answered with the present files, but browsers keep only the present one.
    """
    from starlette.routing import Route

    app.router.routes.insert(0, Route(ROUTE, _answer, methods=["GET"]))


async def _answer(request: Request) -> Response:
    from starlette.responses import PlainTextResponse, Response

    name = request.path_params["path"]
    if name not in contents():
        return PlainTextResponse("There is no such file.", status_code=404)
    kept = FOREVER if request.path_params["version"] == version() else "no-store"
    kind = f"{TYPES[Path(name).suffix]}; charset=utf-8"
    return Response(contents()[name], media_type=kind, headers={"Cache-Control": kept})
