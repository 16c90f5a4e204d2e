"""Starts the trainer in a WebUI: one desk for the life of the process, its routes on every app that the WebUI makes."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ..errors import UserError
from ..sentences import Sentence, to_json
from .ending import close_at_end

logger = logging.getLogger(__name__)

_desk: Any = None
_lock = threading.Lock()


def start(app: Any, demo: Any = None) -> None:
    """Add the routes to a FastAPI app. Called again with a new app after 'Reload UI'; jobs go on meanwhile.

    Never raises: what fails is what the page then shows.
    """
    try:
        from ..api import add_routes, keep_private
        from ..host.webui.flags import read_flags
        from ..host.webui.host import WebUIHost
        from ..ui.assets import add_page
        from .guard import Guard

        keep_private(app, WebUIHost().data_folder)  # first: also where all that follows fails
        flags = read_flags()
        add_routes(app, desk(), guard=Guard(app, flags.api_auth, flags.admins, flags.page_auth))
        add_page(app)
    except Exception as error:
        logger.exception("Train LoRA could not start.")
        _explain(app, error)


def desk() -> Any:
    """The process's one desk; made when it is first asked for."""
    global _desk
    with _lock:
        if _desk is None:
            _desk = _make_desk()
            close_at_end(lambda seconds: _desk.close(seconds))
        return _desk


def _make_desk() -> Any:
    from ..datasets import DataSets, roots_of
    from ..host.webui.flags import read_flags
    from ..host.webui.host import WebUIHost
    from ..jobs.desk import Desk
    from ..presets import load_presets
    from .settling import settle

    settle()
    host, flags = WebUIHost(), read_flags()
    roots = roots_of(host, flags.folders, listens=flags.listens)
    datasets = DataSets(host.data_folder() / "datasets", roots)
    return Desk(host, datasets, presets=load_presets, elsewhere=lambda: flags.devices)


def _explain(app: Any, error: Exception) -> None:
    """In place of all routes, one that says why there are none; the page's script asks for it."""
    reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    problem = Sentence("not_started", "Train LoRA could not start: {reason}", reason=reason)

    def answer() -> dict[str, Any]:
        return to_json(problem)

    app.add_api_route("/lora-trainer/v1/problem", answer, methods=["GET"])
