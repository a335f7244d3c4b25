"""
One invocation of the predict function: from an event to an answer.
"""

import time
from contextlib import suppress
from typing import Any

from mangum.types import LambdaContext

from modelregistry.errors import InvalidInput, RegistryError

from .api import cors
from .api.app import endpoint
from .api.waiting import OneByOne
from .coldstart import ColdStart
from .gateway import Answer, Event, Gateway, failure, http_event
from .observer import Answered


class _Misconfigured(Exception):
    """No request can be answered before somebody changes a setting."""


class PredictFunction:
    """
    What Lambda calls. Every HTTP event gets an answer in JSON, with `x-cold-start`.

    A warm container does not look back: what was wrong at its start is tried again
    with each request.
    """

    def __init__(self, start: ColdStart) -> None:
        self._start = start
        self._telemetry = start.telemetry
        self._gateway: Gateway | None = None
        self._cold = not start.provisioned

    def prepare(self) -> None:
        """Do ahead of the first request what can be done; it will say what cannot."""
        with suppress(RegistryError, _Misconfigured):
            self._opened()

    def __call__(self, event: Any, context: LambdaContext) -> Answer:  # noqa: ANN401 - whatever was sent
        """Raises NoHttpEvent for what is no HTTP request."""
        event = http_event(event)
        cold, self._cold = self._cold, False
        with self._telemetry.invocation(
            request_id=context.aws_request_id,
            correlation_id=str(event["requestContext"].get("requestId", "")),
            cold=cold,
        ):
            answer = self._answer(event, context)
        # What fails before the application is reached has its headers, too.
        always = cors.HEADERS if self._start.cors else {}
        headers = {**always, "x-cold-start": str(cold).lower()}
        answer["headers"] = {**answer.get("headers", {}), **headers}
        return answer

    def _answer(self, event: Event, context: LambdaContext) -> Answer:
        started = time.monotonic()
        try:
            return self._opened()(event, context)
        except InvalidInput as error:
            answer = failure(500, f"the function is not configured: {error}")
        except RegistryError as error:
            answer = failure(503, f"the registry cannot be opened: {error}")
        except _Misconfigured as error:
            answer = failure(500, str(error))
        seconds = time.monotonic() - started
        path, method = str(event.get("rawPath", "")), _method(event)
        self._telemetry.answered(Answered(method, path, answer["statusCode"], seconds))
        return answer

    def _opened(self) -> Gateway:
        if self._start.problem:
            raise _Misconfigured(self._start.problem)
        if self._gateway is None:
            self._gateway = Gateway(endpoint(self._start.server(), waiting=OneByOne()))
        return self._gateway


def _method(event: Event) -> str:
    http = event["requestContext"].get("http")
    return str(http.get("method", "")) if isinstance(http, dict) else ""
