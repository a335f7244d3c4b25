"""
The ASGI application: HTTP in, HTTP out, and nothing else.

URLs are matched by TensorFlow Serving's own patterns rather than by a framework's
routes: whatever does not match is its 400 "Malformed request", and raw
percent-encoding must survive until a name is taken out of the path.
"""

import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from modelserver.asked import Asked, Routed
from modelserver.errors import InvalidRequest, ServingError
from modelserver.observer import Answered
from modelserver.server import ModelServer

from . import cors
from .bodies import read_body
from .caller import RequestCaller
from .compression import SMALLEST, accepts_gzip, packed
from .statuses import name_of, status_of
from .urls import EVERYTHING, Target, parse
from .waiting import InThreads, Waiting

Page = Callable[[], tuple[bytes, str]]  # a body and its media type, at any moment
NO_PAGES: Mapping[str, Page] = MappingProxyType({})

_log = logging.getLogger(__name__)
_ORIGIN = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/?]*")
# What a client sent may be quoted in an error; all of it need not be.
_LONGEST_ERROR = 4096
# Packing a body from this size on is worth a thread: it would hold up other requests.
_LONG_WORK = 64 * 1024
_HEALTH = "/healthz"


def endpoint(
    server: ModelServer, pages: Mapping[str, Page] = NO_PAGES, waiting: Waiting | None = None
) -> ASGIApp:
    """
    What answers HTTP requests with `server`. Every error body is `{"error": "…"}`.

    Where the platform ends a request by itself, `scope["state"]["seconds"]` says when.
    `pages` are answered beside the API, each at its very path; nobody observes that.
    `waiting` is for a process that answers one request at a time, OneByOne.
    """
    blocking = waiting or InThreads()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            page = pages.get(scope["path"])
            if page:
                body, media_type = await blocking.to_the_end(page)
                response = Response(body, media_type=media_type)
                await _finish(server, Request(scope), response, blocking)
            else:
                response = await _observed(server, Request(scope, receive), blocking)
            await response(scope, receive, send)

    return answer


class _Exchange:
    """
    One request on its way: what it asks, and by when it must be answered.

    The time-out does not count how long the body takes to arrive; the platform's end does.
    """

    def __init__(self, request: Request, timeout: float) -> None:
        self.request = request
        self.path = _raw_path(request)
        self.started = monotonic()
        self._timeout = timeout
        seconds: float = request.scope.get("state", {}).get("seconds", math.inf)
        self._end = self.started + seconds
        self.asked: Asked | None = None
        self.verb = ""
        self.error: ServingError | None = None

    def deadline(self) -> float:
        """By when what begins now is to be answered."""
        return min(monotonic() + self._timeout, self._end)

    @property
    def routed(self) -> Routed | None:
        return self.asked.routed if self.asked else None


async def _observed(server: ModelServer, request: Request, waiting: Waiting) -> Response:
    exchange = _Exchange(request, server.settings.timeout)
    try:
        response = await _answer(server, exchange, waiting)
    except ServingError as error:
        exchange.error = error
        response = error_response(status_of(error), str(error), _headers(exchange.routed))
    except ClientDisconnect:
        response = Response(status_code=499)  # to nobody
    except Exception as error:  # noqa: BLE001 - the body must be JSON whatever it was
        # A defect of ours: the stack belongs in the log, not in the answer.
        _log.exception("%s %s failed", request.method, exchange.path)
        message = f"internal error: {type(error).__name__}"
        response = error_response(500, message, _headers(exchange.routed))
    await _finish(server, request, response, waiting)
    server.observer.answered(_told(server, exchange, response.status_code))
    return response


def _told(server: ModelServer, exchange: _Exchange, status: int) -> Answered:
    """What whoever watches is told of an exchange that is over."""
    asked = exchange.asked
    known = asked is not None and server.router.knows(asked.model)
    return Answered(
        exchange.request.method,
        exchange.path,
        status,
        monotonic() - exchange.started,
        exchange.routed,
        model=asked.model if asked and known else "",
        verb=exchange.verb,
        code=name_of(status, exchange.error),
        ran=asked.ran if asked else 0.0,
        examples=asked.examples if asked else 0,
    )


async def _finish(
    server: ModelServer, request: Request, response: Response, waiting: Waiting
) -> None:
    """What every answer gets: the headers for browsers, and gzip where it is wanted and helps."""
    if server.settings.cors:
        response.headers.update(cors.HEADERS)
    body = bytes(response.body)
    if len(body) < SMALLEST:
        return
    response.headers.add_vary_header("Accept-Encoding")
    if accepts_gzip(",".join(request.headers.getlist("accept-encoding"))):
        long = len(body) >= _LONG_WORK
        smaller = await waiting.to_the_end(lambda: packed(body)) if long else packed(body)
        if len(smaller) < len(body):
            response.body = smaller
            response.headers["content-encoding"] = "gzip"
            response.headers["content-length"] = str(len(smaller))


async def _answer(server: ModelServer, exchange: _Exchange, waiting: Waiting) -> Response:
    request, path = exchange.request, exchange.path
    if path == _HEALTH and request.method in ("GET", "HEAD"):
        return await _health(server, exchange, waiting)
    if not path.lower().startswith("/v1/"):
        return error_response(404, f"Not found: {path}. The API is at /v1/models/MODEL")
    if request.method == "OPTIONS":
        return Response(status_code=cors.preflight(request.headers.get("origin", "")))
    target = parse(request.method, path)
    if target == EVERYTHING:
        everything = Asked("", deadline=exchange.deadline())
        return _document(await waiting.for_answer(everything, server.models))
    return await _about_model(server, exchange, target, waiting)


async def _about_model(
    server: ModelServer, exchange: _Exchange, target: Target, waiting: Waiting
) -> Response:
    if not target.model:
        raise InvalidRequest("Missing model name in request.")
    caller = RequestCaller(exchange.request.scope)
    asked = Asked(target.model, target.version, target.label, exchange.deadline(), caller)
    exchange.asked, exchange.verb = asked, target.verb
    methods = {"predict": server.predict, "classify": server.classify, "regress": server.regress}
    if method := methods.get(target.verb):
        limits = server.settings.max_body_bytes, server.settings.max_inflated_bytes
        body = await read_body(exchange.request, *limits)
        asked.deadline = exchange.deadline()
        answer = await waiting.for_answer(asked, lambda: method(asked, body.content(), wait=0))
        return Response(answer, media_type="application/json", headers=_headers(asked.routed))
    if target.verb == "metadata":
        document = await waiting.for_answer(asked, partial(server.metadata, asked, wait=0))
        return _document(document, headers=_headers(asked.routed))
    return _document(await waiting.for_answer(asked, partial(server.status, asked)))


async def _health(server: ModelServer, exchange: _Exchange, waiting: Waiting) -> Response:
    asked = Asked("", deadline=exchange.deadline())
    found = await waiting.for_answer(asked, server.health, aside=True)
    if not found.ready:
        return error_response(503, "; ".join(found.problems))
    problems = {"problems": found.problems} if found.problems else {}
    return _document({"status": "ready", **problems})


def _raw_path(request: Request) -> str:
    """The path as it was sent, still percent-encoded, without scheme, host and query."""
    raw = request.scope.get("raw_path")
    if raw is None:  # an ASGI server may leave it out
        return quote(request.scope["path"], safe="/:@!$&'()*+,;=~")
    path = str(raw.decode("latin-1")).partition("?")[0]
    origin = _ORIGIN.match(path)
    return path[origin.end() :] if origin else path


def _headers(routed: Routed | None) -> dict[str, str]:
    """What answered, or failed to; the body stays TensorFlow Serving's."""
    if routed is None:
        return {}
    headers = {"x-model-version": str(routed.id.version)}
    if routed.alias:
        headers["x-model-alias"] = routed.alias
    if routed.revision:
        headers["x-alias-revision"] = str(routed.revision)
    if routed.wanted:
        headers["x-model-stand-in-for"] = str(routed.wanted)
    if routed.override:
        headers["x-model-override"] = routed.override
    return headers


def _document(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    # protobuf's own indentation, trailing newline included
    body = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return Response(body.encode(), media_type="application/json", headers=headers)


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(error_body(message), status, headers=headers, media_type="application/json")


def error_body(message: str) -> bytes:
    """`{"error": …}`, of a length that no client's mistake can make absurd."""
    if len(message) > _LONGEST_ERROR:
        message = f"{message[:_LONGEST_ERROR]}…"
    return json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "replace")
