"""
The ASGI application: HTTP in, HTTP out, and nothing else.

URLs are matched by TensorFlow Serving's own patterns rather than by FastAPI's
routes: whatever does not match is its 400 "Malformed request", and raw
percent-encoding must survive until a name is taken out of the path.
"""

import asyncio
import json
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import anyio
from anyio.to_thread import run_sync
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from modelserver.errors import (
    BodyTooLarge,
    InvalidRequest,
    ModelNotFound,
    PredictionTimeout,
    ServingError,
    StillLoading,
)
from modelserver.routing import Routed
from modelserver.server import ModelServer

from .statuses import status_of
from .urls import Target, parse

if TYPE_CHECKING:
    from concurrent.futures import Future

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_ORIGIN = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/?]*")
# What a client sent may be quoted in an error; all of it need not be.
_LONGEST_ERROR = 4096


def create_app(server: ModelServer) -> FastAPI:
    """
    The application around `server`. Every error body is `{"error": "…"}`.

    It has no routes, so that every request there can be comes to `_answer`, and no
    generated documentation, which would be empty.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            response = await _answer(server, Request(scope, receive))
            await response(scope, receive, send)

    app.router.default = endpoint
    return app


async def _answer(server: ModelServer, request: Request) -> Response:
    path = _raw_path(request)
    if not path.lower().startswith("/v1/"):
        return _error(404, f"Not found: {path}. The API is at /v1/models/MODEL")
    if request.method == "OPTIONS" and "://" in request.headers.get("origin", ""):
        return Response()  # a browser's question before the real request
    try:
        return await _dispatch(server, request, parse(request.method, path))
    except ServingError as error:
        return _error(status_of(error), str(error))
    except ClientDisconnect:
        return Response()  # to nobody
    except Exception as error:  # noqa: BLE001 - the body must be JSON whatever it was
        # A defect of ours: the stack belongs in the log, not in the answer.
        _log.exception("%s %s failed", request.method, path)
        return _error(500, f"internal error: {type(error).__name__}")


async def _dispatch(server: ModelServer, request: Request, target: Target) -> Response:
    if not target.model:
        raise InvalidRequest("Missing model name in request.")
    names = target.model, target.version, target.label
    if target.verb == "predict":
        body = await _read(request, server.settings.max_body_bytes)
        work = partial(server.predict, *names, body, wait=0)
        answer, routed = await _in_thread(server, work)
        return Response(answer, media_type="application/json", headers=_headers(routed))
    if target.verb == "metadata":
        document, routed = await _in_thread(server, partial(server.metadata, *names, wait=0))
        return _document(document, headers=_headers(routed))
    if target.verb:
        raise ModelNotFound(f"{target.verb} is not served by this version; predict is")
    return _document(await _in_thread(server, partial(server.status, *names)))


async def _in_thread(server: ModelServer, work: Callable[[], _T]) -> _T:
    """
    Run blocking `work` beside the event loop, for at most the server's time-out.

    A load is waited for here and not in the thread: threads are few, and one slow
    version must not take them all. Then `work` is done again from its start.
    """
    loading: StillLoading | None = None
    with anyio.move_on_after(server.settings.timeout):
        while True:
            try:
                return await run_sync(work, abandon_on_cancel=True)
            except StillLoading as error:
                loading = error
            await _done(loading.load)
            loading = None
    raise loading or PredictionTimeout("Timed out waiting for notification")


async def _done(load: "Future[Any]") -> None:
    """Wait until `load` is done, well or badly. Who gives up waiting does not cancel it."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: "Future[Any]") -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done.set)

    load.add_done_callback(wake)
    await done.wait()


async def _read(request: Request, limit: int) -> bytes:
    """The body, refused as soon as it is known to be larger than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    chunks, size = [], int(declared) if declared.isdecimal() and len(declared) < 20 else 0
    if size <= limit:
        size = 0
        async for chunk in request.stream():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                break
    if size > limit:
        raise BodyTooLarge(f"The request body is larger than {limit} bytes")
    return b"".join(chunks)


def _raw_path(request: Request) -> str:
    """The path as it was sent, still percent-encoded, without scheme, host and query."""
    raw = request.scope.get("raw_path")
    if raw is None:  # an ASGI server may leave it out
        return quote(request.scope["path"], safe="/:@!$&'()*+,;=~")
    path = str(raw.decode("latin-1")).partition("?")[0]
    origin = _ORIGIN.match(path)
    return path[origin.end() :] if origin else path


def _headers(routed: Routed) -> dict[str, str]:
    """What answered; the body stays TensorFlow Serving's."""
    headers = {"x-model-version": str(routed.id.version)}
    if routed.alias:
        headers["x-model-alias"] = routed.alias
    if routed.revision:
        headers["x-alias-revision"] = str(routed.revision)
    return headers


def _document(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    # protobuf's own indentation, trailing newline included
    body = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return Response(body.encode(), media_type="application/json", headers=headers)


def _error(status: int, message: str) -> Response:
    if len(message) > _LONGEST_ERROR:
        message = f"{message[:_LONGEST_ERROR]}…"
    body = json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "replace")
    return Response(body, status, media_type="application/json")
