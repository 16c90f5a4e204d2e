"""Puts the routes onto a server's application."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import UserError
from ..jobs.desk import Desk
from ..sentences import Sentence
from ..wire import PREFIX
from . import (
    advice,
    captioning,
    captions,
    datasets,
    described,
    health,
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
from .call import JSON_LIMIT, Call, Entry
from .errors import Refused, answer
from .gate import Guard, require_admin, require_same_site, visitor_of

log = logging.getLogger(__name__)

QUICK_THREADS, SLOW_THREADS = 4, 8
TABLES = (
    state.ROUTES,
    session.ROUTES,
    people.ROUTES,
    options.ROUTES,
    presets.ROUTES,
    advice.ROUTES,
    inquiries.ROUTES,
    datasets.ROUTES,
    uploads.ROUTES,
    health.ROUTES,
    captions.ROUTES,
    captioning.ROUTES,
    regularization.ROUTES,
    jobs.ROUTES,
    keeping.ROUTES,
    tryouts.ROUTES,
    notices.ROUTES,
    described.ROUTES,
)
SPOOL, PIECE = 8 * 2**20, 2**20


def add_routes(app: Any, desk: Desk, guard: Guard | None = None) -> None:
    """Put all routes before those of `app`, a FastAPI or Starlette application. `guard` is asked at every request."""
    quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="train-lora api")
    slow = ThreadPoolExecutor(SLOW_THREADS, thread_name_prefix="train-lora api, slow")
    app.router.routes[:0] = [
        Route(PREFIX + entry.path, _endpoint(entry, desk, guard, slow if entry.slow else quick), methods=[entry.method])
        for table in TABLES
        for entry in table
    ]


def _endpoint(
    entry: Entry, desk: Desk, guard: Guard | None, pool: ThreadPoolExecutor
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
                upload = await _body_as_file(request, pool, entry.limit)
            elif request.method != "GET":
                body = await _body(request)
            call = Call(desk.seen_by(visitor), request.path_params, request.query_params, body, upload, request.headers)
            if entry.before:
                await entry.before(call)
            return await loop.run_in_executor(pool, _respond, entry, call)
        except UserError as error:
            return answer(error)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:  # every error is an answer
            log.exception("A request to %s could not be answered.", request.url.path)
            return answer(error)
        finally:
            if upload is not None:
                upload.close()

    return endpoint


def _respond(entry: Entry, call: Call) -> Response:
    result = entry.handler(call)
    return result if isinstance(result, Response) else json_response(result)


def json_response(values: Any) -> Response:
    """Plain values as JSON; numbers that JSON does not know become null."""
    try:
        text = json.dumps(values, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(values), ensure_ascii=False, allow_nan=False)
    return Response(
        text.encode("utf-8", "replace"), media_type="application/json", headers={"cache-control": "no-store"}
    )


def _finite(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and values - values != 0 else values


async def _body(request: Request) -> bytes:
    """The body of a request that has no business to be large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > JSON_LIMIT:
            raise _too_large(JSON_LIMIT)
    return bytes(body)


async def _body_as_file(request: Request, pool: ThreadPoolExecutor, limit: int) -> BinaryIO:
    """The body in a file that vanishes when it is closed; small ones stay in memory."""
    loop = asyncio.get_running_loop()
    file: Any = tempfile.SpooledTemporaryFile(SPOOL)  # noqa: SIM115  closed by the caller
    try:
        pending, size = bytearray(), 0
        async for piece in request.stream():
            pending += piece
            size += len(piece)
            if size > limit:
                raise _too_large(limit)
            if len(pending) >= PIECE:
                await loop.run_in_executor(pool, file.write, bytes(pending))
                pending.clear()
        file.write(pending)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _too_large(limit: int) -> Refused:
    return Refused(Sentence("too_large", "The request holds more than {limit} MB.", limit=limit // 2**20), 413)
