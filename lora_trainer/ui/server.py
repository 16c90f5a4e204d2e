"""The page on its own: routes, files and gradio's carrier in one small server, for `python -m lora_trainer ui`."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ..api import add_routes, keep_private
from ..errors import UserError
from ..sentences import Sentence
from . import assets

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from ..accounts import Accounts
    from ..api.gate import Guard
    from ..jobs.desk import Desk

TRIES = 20
"""How many ports after the wished one are tried."""


def make_app(desk: Desk, guard: Guard | None = None) -> FastAPI:
    """The whole page as an application; `guard` is asked by our own routes, and by no others."""
    from fastapi import FastAPI

    from . import gradio_versions
    from .tab import ELEMENT, build_tab

    app = FastAPI(title="Train LoRA", docs_url=None, redoc_url=None, openapi_url=None)
    keep_private(app, desk.host.data_folder)
    add_routes(app, desk, guard)
    assets.add_page(app)
    loader = f"./lora-trainer/v1/page/{assets.version()}/loader.js"
    script = f'import {{ whenThere }} from "{loader}"; whenThere("{ELEMENT}");'
    head = f'<script type="module">{script}</script><style>footer {{ display: none !important }}</style>'
    return gradio_versions.mount(app, build_tab(), path="/", head=head)


def make_server(desk: Desk, accounts: Accounts | None = None) -> ASGIApp:
    """The application behind its wall: those who have an account come in, or without accounts this machine alone."""
    from .sign_in import SignIn
    from .walls import LoopbackWall, SignInWall, guard

    if accounts is None:
        return LoopbackWall(make_app(desk))
    return SignInWall(make_app(desk, guard), SignIn(accounts), desk.tickets)


def serve(desk: Desk, *, address: str = "127.0.0.1", port: int = 7870, accounts: Accounts | None = None) -> None:
    """Serve until the program is interrupted. Raises UserError when no port is free."""
    import uvicorn

    port = free_port(address, port)
    host = f"[{address}]" if ":" in address else address
    print(f"Train LoRA: http://{host}:{port}", flush=True)
    try:
        uvicorn.run(make_server(desk, accounts), host=address, port=port, log_level="warning")
    finally:
        desk.tryouts.close()
        desk.regularizations.close()
        desk.inquiries.close()
        desk.notices.close()


def free_port(address: str, wished: int) -> int:
    """The first port from `wished` on that nobody uses. Raises UserError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in range(wished, min(wished + TRIES, 65536)):
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((address, port))
            except OSError:
                continue
            return port
    sentence = "No port from {port} on is free at {address}. Name another with --port."
    raise UserError(Sentence("no_port", sentence, port=wished, address=address))
