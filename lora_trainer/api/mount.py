"""Puts the routes onto a server's application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from ..errors import UserError
from ..jobs.desk import Desk
from ..wire import PREFIX
from . import (
    advice,
    captioning,
    captions,
    datasets,
    described,
    health,
    history,
    inquiries,
    jobs,
    keeping,
    notices,
    options,
    people,
    presets,
    regularization,
    session,
    state,
    tryouts,
    uploads,
)
from .answers import json_response
from .bodies import Bodies
from .call import Call, Entry
from .errors import answer
from .gate import Guard, require_admin, require_same_site, visitor_of
from .glances import Glances
from .live import Live

log = logging.getLogger(__name__)

QUICK_THREADS, SLOW_THREADS = 4, 8
TABLES = (  # what is asked most often comes first: every request is held against one route after another
    state.ROUTES,
    jobs.ROUTES,
    uploads.ROUTES,
    session.ROUTES,
    people.ROUTES,
    options.ROUTES,
    presets.ROUTES,
    advice.ROUTES,
    inquiries.ROUTES,
    datasets.ROUTES,
    health.ROUTES,
    captions.ROUTES,
    captioning.ROUTES,
    regularization.ROUTES,
    keeping.ROUTES,
    tryouts.ROUTES,
    history.ROUTES,
    notices.ROUTES,
    described.ROUTES,
)


def add_routes(app: Any, desk: Desk, guard: Guard | None = None) -> None:
    """Put all routes before those of `app`, a FastAPI or Starlette application. `guard` is asked at every request."""
    quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="train-lora api")
    slow = ThreadPoolExecutor(SLOW_THREADS, thread_name_prefix="train-lora api, slow")
    bodies, glances = Bodies(slow), Glances()

    def endpoint(entry: Entry) -> Callable[[Request], Awaitable[Response]]:
        return _endpoint(entry, desk, guard, slow if entry.slow else quick, bodies, glances)

    app.router.routes[:0] = [
        Route(PREFIX + entry.path, endpoint(entry), methods=[entry.method]) for table in TABLES for entry in table
    ]
    app.router.routes.insert(0, WebSocketRoute(PREFIX + "/live", Live(desk, guard, glances).endpoint))


def _endpoint(
    entry: Entry, desk: Desk, guard: Guard | None, pool: ThreadPoolExecutor, bodies: Bodies, glances: Glances
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        loop = asyncio.get_running_loop()
        upload: BinaryIO | None = None
        try:
            require_same_site(request)
            visitor = await visitor_of(request, guard)
            if entry.admin:
                require_admin(visitor)
            body = b""
            if entry.upload:
                upload = await bodies.as_file(request, visitor, entry.limit)
            elif request.method != "GET":
                body = await bodies.small(request)
            seen, query = desk.seen_by(visitor), request.query_params
            call = Call(seen, request.path_params, query, body, upload, request.headers, glances)
            if entry.at_once and (response := entry.at_once(call)) is not None:
                return response
            if entry.before:
                await entry.before(call)
            return await loop.run_in_executor(pool, _respond, entry, call)
        except UserError as error:
            return answer(error)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:  # every error is an answer
            log.exception("A request to %r could not be answered.", request.url.path)
            return answer(error)
        finally:
            if request.method != "GET":
                glances.stir()
            if upload is not None:
                upload.close()

    return endpoint


def _respond(entry: Entry, call: Call) -> Response:
    result = entry.handler(call)
    return result if isinstance(result, Response) else json_response(result)
