"""The page on its own: routes, files and gradio's carrier in one small server, for `ui` and `serve`."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..api import add_routes, keep_private
from ..errors import UserError
from ..sentences import Sentence
from . import assets

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from ..accounts import Accounts
    from ..api.gate import Guard
    from ..jobs.desk import Desk
    from .certificates import Certificate

TRIES = 20
"""How many ports after the wished one are tried."""
ANSWERS_SECONDS = 3
"""At the end, what is being answered may take so long."""
ENDING_SECONDS = 60.0
"""And what runs, to keep how far it came. A service manager waits for 90 seconds."""
BACKLOG = 128

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where the server is reached, and how. `proxies` are addresses or networks whose word on clients is taken.

    With `any_port` the next free port is taken when the wished one is in use. `root_path` is what a proxy puts before
    all paths, as '/trainer'.
    """

    address: str = "127.0.0.1"
    port: int = 7870
    any_port: bool = True
    certificate: Certificate | None = None
    proxies: tuple[str, ...] = ()
    root_path: str = ""

    @property
    def scheme(self) -> str:
        return "https" if self.certificate else "http"


HERE = Place()


def make_app(desk: Desk, guard: Guard | None = None, root_path: str = "") -> FastAPI:
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
    return gradio_versions.mount(app, build_tab(), path="/", head=head, root_path=root_path)


def make_server(desk: Desk, accounts: Accounts | None = None, place: Place = HERE) -> ASGIApp:
    """The application behind its wall: those who have an account come in, or without accounts this machine alone."""
    from .proxies import Forwarded, Proxies
    from .shares import FairShares
    from .sign_in import SignIn
    from .walls import LoopbackWall, ReadOnlyCarrier, SignInWall, guard

    if accounts is None:
        return LoopbackWall(ReadOnlyCarrier(make_app(desk)))
    desk.accounts = accounts
    app = ReadOnlyCarrier(make_app(desk, guard, place.root_path))
    wall = SignInWall(app, SignIn(accounts, place.root_path), desk.tickets, strict=place.certificate is not None)
    return Forwarded(FairShares(wall), Proxies(place.proxies), place.root_path)


def server_of(app: ASGIApp, place: Place = HERE) -> uvicorn.Server:
    """The application on uvicorn, with limits on what a client may take; see `connections`."""
    import uvicorn

    from .connections import considerate, settings
    from .proxies import Proxies

    certificate: dict[str, Any] = dict(place.certificate.settings()) if place.certificate else {}
    return uvicorn.Server(
        uvicorn.Config(
            considerate(app),
            proxy_headers=False,
            server_header=False,
            log_level="warning",
            backlog=BACKLOG,
            timeout_graceful_shutdown=ANSWERS_SECONDS,
            **settings(Proxies(place.proxies)),
            **certificate,
        )
    )


def serve(desk: Desk, place: Place = HERE, accounts: Accounts | None = None) -> None:
    """Serve until the program is told to end; what runs then keeps how far it came. Raises UserError.

    A second signal ends at once; then a run goes on from its last state.
    """
    server = server_of(make_server(desk, accounts, place), place)
    with _ending_by_signals(), contextlib.closing(listening(place)) as listener:
        port = listener.getsockname()[1]
        host = f"[{place.address}]" if ":" in place.address else place.address
        print(f"Train LoRA: {place.scheme}://{host}:{port}{place.root_path}", flush=True)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
        finally:
            desk.close(ENDING_SECONDS)


@contextlib.contextmanager
def _ending_by_signals() -> Iterator[None]:
    """Being told to end is the same as Ctrl+C: without this, uvicorn would let the system end the program at once."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # not in the main thread, where signals do not come
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def listening(place: Place) -> socket.socket:
    """A socket that listens at the place, which nobody else can take meanwhile. Raises UserError."""
    tries = range(place.port, min(place.port + TRIES, 65536)) if place.any_port else (place.port,)
    error: OSError | None = None
    for port in tries:
        try:
            return _socket(place.address, port)
        except OSError as failure:
            error = failure
    reason = os.strerror(error.errno) if error and error.errno else str(error)
    if not place.any_port:
        sentence = "Port {port} at {address} cannot be used: {reason}. End what uses it, or name another with --port."
        raise UserError(Sentence("port_taken", sentence, port=place.port, address=place.address, reason=reason))
    sentence = "No port from {port} on is free at {address}. Name another with --port."
    raise UserError(Sentence("no_port", sentence, port=place.port, address=place.address))


def _socket(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=BACKLOG)
