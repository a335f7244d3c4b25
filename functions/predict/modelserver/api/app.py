"""
The ASGI application: HTTP in, HTTP out, and nothing else.

URLs are matched by TensorFlow Serving's own patterns rather than by FastAPI's
routes: whatever does not match is its 400 "Malformed request", and raw
percent-encoding must survive until a name is taken out of the path.
"""

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import anyio
from anyio.to_thread import run_sync
from fastapi import FastAPI, Request, Response

from modelserver.errors import (
    BodyTooLarge,
    InvalidRequest,
    ModelNotFound,
    PredictionTimeout,
    ServingError,
)
from modelserver.routing import Routed
from modelserver.server import ModelServer

from .statuses import status_of
from .urls import Target, parse

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]


def create_app(server: ModelServer) -> FastAPI:
    """
    The application around `server`. Every error body is `{"error": "…"}`.

    The generated documentation is off: it would describe one catch-all route.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def endpoint(request: Request) -> Response:
        return await _answer(server, request)

    app.router.add_route("/{path:path}", endpoint, methods=_METHODS)
    app.add_exception_handler(Exception, _unexpected)
    return app


async def _answer(server: ModelServer, request: Request) -> Response:
    path = _raw_path(request)
    if not path.lower().startswith("/v1/"):
        return _error(404, f"Not found: {path}. The API is at /v1/models/MODEL")
    try:
        return await _dispatch(server, request, parse(request.method, path))
    except ServingError as error:
        return _error(status_of(error), str(error))


async def _dispatch(server: ModelServer, request: Request, target: Target) -> Response:
    if not target.model:
        raise InvalidRequest("Missing model name in request.")
    names = target.model, target.version, target.label
    if target.verb == "predict":
        body = await _read(request, server.settings.max_body_bytes)
        answer, routed = await _in_thread(server, partial(server.predict, *names, body))
        return Response(answer, media_type="application/json", headers=_headers(routed))
    if target.verb == "metadata":
        document, routed = await _in_thread(server, partial(server.metadata, *names))
        return _document(document, headers=_headers(routed))
    if target.verb:
        raise ModelNotFound(f"{target.verb} is not served by this version; predict is")
    return _document(await _in_thread(server, partial(server.status, *names)))


async def _in_thread(server: ModelServer, work: Callable[[], _T]) -> _T:
    """Run blocking `work` beside the event loop, for at most the server's time-out."""
    try:
        with anyio.fail_after(server.settings.timeout):
            return await run_sync(work, abandon_on_cancel=True)
    except TimeoutError:
        raise PredictionTimeout("Timed out waiting for notification") from None


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
    """The path as it was sent, still percent-encoded, without the query."""
    raw = request.scope.get("raw_path")
    if raw is None:  # an ASGI server may leave it out
        return quote(request.scope["path"], safe="/:@!$&'()*+,;=~")
    return str(raw.decode("latin-1")).partition("?")[0]


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
    body = json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "replace")
    return Response(body, status, media_type="application/json")


async def _unexpected(request: Request, error: Exception) -> Response:
    """A defect of ours: the stack belongs in the log, not in the answer."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _error(500, f"internal error: {type(error).__name__}")
