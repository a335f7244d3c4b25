"""
Mangum's home: events of API Gateway and Function URLs to the ASGI application, and back.
"""

import json
import logging
import re
from collections import deque
from collections.abc import Mapping
from functools import cached_property
from io import BytesIO
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote

from mangum import Mangum
from mangum.handlers.api_gateway import HTTPGateway
from mangum.protocols.http import HTTPCycle, HTTPCycleState
from mangum.types import ASGI, LambdaContext, Message, Response, Scope
from starlette.types import ASGIApp

from .api.app import error_body
from .errors import NoHttpEvent

_log = logging.getLogger(__name__)
_mangums_log = logging.getLogger("mangum.http")

Event = dict[str, Any]
Answer = dict[str, Any]

# Lambda's limit for what it carries in either direction is 6 MB, counted as JSON.
LARGEST_ANSWER = 6_000_000
# What an answer takes on its way back, once the platform's clock has nearly run out.
_MARGIN_SECONDS = 0.5
_NOTHING: Mapping[str, str] = MappingProxyType({})
_LITERAL = "%/:@!$&'()*+,;=-._~"
_PLAIN = re.compile(r"[A-Za-z0-9/:._-]*")


class Gateway:
    """
    Answers HTTP events with `app`. One at a time, as Lambda sends them; the application
    must not wait for an event loop, but stand still (`OneByOne`).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._adapter = _Adapter(
            app,  # type: ignore[arg-type] # its type wants the names of the parameters, too
            lifespan="off",
            custom_handlers=[_Request],
        )

    def __call__(self, event: Event, context: LambdaContext) -> Answer:
        """The answer in the form that the event's sender expects; errors are JSON, always."""
        try:
            answer = self._adapter(event, context)
        except Exception as error:  # noqa: BLE001 - the body must be JSON whatever it was
            # The application answers its own errors; what arrives here is the event's fault.
            _log.exception("the event cannot be understood")
            return failure(400, f"the event cannot be understood: {type(error).__name__}: {error}")
        return _of_bearable_size(answer)


def http_event(event: object) -> Event:
    """
    `event` if it is an HTTP request.

    Raises NoHttpEvent, whose text a direct invocation sees as its `errorMessage`.
    """
    if isinstance(event, dict) and isinstance(event.get("requestContext"), dict):
        return event
    keys = f"keys {', '.join(map(repr, event))[:200]}" if isinstance(event, dict) else repr(event)
    raise NoHttpEvent(
        "this function answers HTTP requests: the events of an API Gateway or a Function URL"
        f" (payload format 2.0), not {keys[:250]}"
    )


def failure(status: int, message: str) -> Answer:
    """An error that did not get as far as the application, in payload format 2.0."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": error_body(message).decode(),
        "isBase64Encoded": False,
    }


class _Adapter(Mangum):
    """Mangum, around an application that waits for no event loop: there is none."""

    def _setup_event_loop(self) -> None:
        pass

    def __call__(self, event: Event, context: LambdaContext) -> Answer:
        request = self.infer(event, context)
        answer: Answer = request(_Cycle(request.scope, request.body)(self.app))
        return answer


class _Cycle(HTTPCycle):
    """
    Mangum's exchange of messages with the application, run straight on. asyncio's queue
    and the way to its loop take 10 µs more.
    """

    def __init__(self, scope: Scope, body: bytes) -> None:
        self.scope = scope
        self.buffer = BytesIO()
        self.state = HTTPCycleState.REQUEST
        self.logger = _mangums_log
        message = {"type": "http.request", "body": body, "more_body": False}
        self.app_queue = _Messages([message])  # type: ignore[assignment] # of what is used of it

    def __call__(self, app: ASGI) -> Response:
        running = self.run(app)
        try:
            running.send(None)
        except StopIteration:
            return {"status": self.status, "headers": self.headers, "body": self.body}
        running.close()
        raise RuntimeError("something waits for an event loop, and there is none")


class _Messages(deque[Message]):
    """Of asyncio's queue as much as a cycle needs that is never early."""

    async def get(self) -> Message:
        return self.popleft()

    async def put(self, message: Message) -> None:
        self.append(message)


class _Request(HTTPGateway):
    """Payload format 2.0, with the path as raw as it is to be had."""

    @classmethod
    def infer(cls, event: Event, context: LambdaContext, config: Any) -> bool:  # noqa: ANN401, ARG003 - Mangum's
        return event.get("version") == "2.0"

    @cached_property
    def scope(self) -> Scope:  # Mangum would make it anew for the answer
        path = _raw_path(self.event)
        seconds = self.context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS
        return {
            **super().scope,
            "path": unquote(path) if "%" in path else path,
            "raw_path": path.encode("ascii"),
            "state": {"seconds": max(0.0, seconds), "claims": _claims(self.event)},
        }

    def __call__(self, response: Response) -> Answer:
        answer: Answer = super().__call__(response)
        return answer


def _raw_path(event: Event) -> str:
    """
    The percent-encoded path. A Function URL delivers it so; an HTTP API has undone
    the encoding, so that `%2F` in a name cannot be told from a slash any more.

    A named stage is a prefix of the path, `$default` is not.
    """
    path = str(event.get("rawPath") or "/")
    stage = event["requestContext"].get("stage", "$default")
    if path.startswith(f"/{stage}/"):
        path = path.removeprefix(f"/{stage}")
    return path if _PLAIN.fullmatch(path) else quote(path, safe=_LITERAL)


def _claims(event: Event) -> Mapping[str, str]:
    """
    What API Gateway's authorizer has verified about the caller: the claims of a JWT, the
    context that a Lambda authorizer returned, or the IAM identity. Lists are as API Gateway
    writes them, `[a b]`.
    """
    authorizer = event["requestContext"].get("authorizer")
    if not isinstance(authorizer, dict):
        return _NOTHING
    found: dict[str, str] = {}
    for said in (authorizer.get("iam"), authorizer.get("lambda"), _jwt(authorizer)):
        if isinstance(said, dict):
            found |= {str(k): _as_text(v) for k, v in said.items() if v is not None}
    return found


def _jwt(authorizer: Event) -> object:
    jwt = authorizer.get("jwt")
    return jwt.get("claims") if isinstance(jwt, dict) else None


def _as_text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # JSON can say halves of a character, which are no text that could be hashed.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _of_bearable_size(answer: Answer) -> Answer:
    body = answer.get("body", "")
    # No character takes more than six as JSON; most bodies need no second look.
    if len(body) * 6 <= LARGEST_ANSWER:
        return answer
    size = len(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
    if size <= LARGEST_ANSWER:
        return answer
    problem = (
        f"the answer takes {size:,} bytes, Lambda carries {LARGEST_ANSWER:,}:"
        " ask for fewer instances at once, or accept gzip"
    )
    _log.error(problem)
    return failure(500, problem)
