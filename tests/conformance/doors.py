"""
The ways in: the application as `deploy serve` runs it, and the Lambda handler, behind a
Function URL and behind an HTTP API.

All answer from the same loaded models; a case's settings have a server of their own each.
"""

import base64
import gzip
import io
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.testclient import TestClient

from modelregistry.names import ModelId
from modelregistry.registry import Registry
from modelserver.api.web import create_app
from modelserver.coldstart import ColdStart
from modelserver.compiler import SubprocessCompiler
from modelserver.exposition import CONTENT_TYPE
from modelserver.function import PredictFunction
from modelserver.loading import loader
from modelserver.observer import Observer
from modelserver.prometheus import Prometheus
from modelserver.routing import Router
from modelserver.runtime import Threads
from modelserver.servables import Servables
from modelserver.server import ModelServer
from modelserver.settings import METRICS_PATH, LambdaSettings, ServingSettings
from tests.events import context, function_url, http_api
from tests.unit.server.lambdas import ENVIRONMENT, forget_logger

from .rule import Ask, Case

SERVE, URL, API = "deploy serve", "function url", "http api"
DOORS = SERVE, URL, API


@dataclass(frozen=True)
class Reply:
    """What came back; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Door = Callable[[Ask], Reply]
Event = Callable[..., dict[str, Any]]
EVENTS: Mapping[str, Event] = {URL: function_url, API: http_api}


class Doors:
    """Opened as cases need them; `close` shuts them all."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        threads, compiler = Threads(1, 1), SubprocessCompiler()
        self._servables = Servables(loader(registry, threads, compiler), budget=10**10)
        self._open: dict[tuple[object, ...], Door] = {}
        self._closing = ExitStack()

    def load(self) -> None:
        """Load every version now: no case is to be answered with how slow that was."""
        for model in self._registry.known_models():
            for version in self._registry.versions(model):
                self._servables.get(ModelId(model, version))

    def door(self, name: str, case: Case) -> Door:
        key = name, case.strict, case.cors, case.check_method_names, case.timeout
        if key not in self._open:
            make = self._serve if name == SERVE else partial(self._lambda, EVENTS[name])
            settings = ServingSettings(
                alias_ttl=0,
                swap_wait=30,
                timeout=case.timeout,
                memory_budget=10**10,
                strict=case.strict,
                cors=case.cors,
                check_method_names=case.check_method_names,
            )
            self._open[key] = make(settings)
        return self._open[key]

    def close(self) -> None:
        self._closing.close()

    def _server(self, settings: ServingSettings, observer: Observer) -> ModelServer:
        router = Router(self._registry, self._servables, ttl=0, swap_wait=30, observer=observer)
        return ModelServer(self._registry, self._servables, router, settings, observer)

    def _serve(self, settings: ServingSettings) -> Door:
        watching = Prometheus()
        server = self._server(settings, watching)
        pages = {METRICS_PATH: lambda: (watching.page(server), CONTENT_TYPE)}
        client = self._closing.enter_context(TestClient(create_app(server, pages)))
        # What the client adds on its own account is no part of the case.
        client.headers.clear()
        return partial(_through_http, client)

    def _lambda(self, event: Event, settings: ServingSettings) -> Door:
        def open_server(_: LambdaSettings, observer: Observer) -> ModelServer:
            return self._server(settings, observer)

        forget_logger()
        start = ColdStart(ENVIRONMENT, open_server=open_server, stream=io.StringIO())
        function = PredictFunction(start)
        return partial(_through_events, function, event)


def _through_http(client: TestClient, ask: Ask) -> Reply:
    answer = client.request(
        ask.method,
        ask.path,
        content=_content(ask),
        headers=dict(ask.headers),
        follow_redirects=False,
    )
    return Reply(answer.status_code, answer.headers, answer.content)


def _through_events(function: PredictFunction, make: Event, ask: Ask) -> Reply:
    """With the body in base64, as both senders do with what they do not know to be text."""
    place = urlsplit(ask.path)
    content = _content(ask)
    event = make(ask.method, place.path, base64.b64encode(content).decode(), base64=True)
    if not content:
        del event["body"]
        event["isBase64Encoded"] = False
    event["rawQueryString"] = place.query
    event["headers"] |= {name.lower(): value for name, value in ask.headers.items()}
    answer = function(event, context())
    body = answer.get("body", "")
    raw = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    headers = answer.get("headers", {})
    # As the client at the other end of the API does, and the one of `deploy serve` did.
    raw = gzip.decompress(raw) if headers.get("content-encoding") == "gzip" else raw
    return Reply(answer["statusCode"], headers, raw)


def _content(ask: Ask) -> bytes:
    if ask.body is None:
        return b""
    if isinstance(ask.body, bytes):
        return ask.body
    if isinstance(ask.body, str):
        return ask.body.encode()
    return json.dumps(ask.body).encode()
