"""The predict function around Doublers, without TensorFlow and without the init phase's threads."""

import io
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from modelregistry.registry import Registry
from modelserver.coldstart import ColdStart
from modelserver.function import PredictFunction
from modelserver.observer import Observer
from modelserver.routing import Router
from modelserver.servables import Servables
from modelserver.server import ModelServer
from modelserver.settings import LambdaSettings

from .doubles import Loads

ENVIRONMENT = {"REGISTRY_URL": "memory:", "ALIAS_TTL": "0"}


class Opener:
    """Opens the server of `registry` over `loads`; raises `refusal` while it is set."""

    def __init__(self, registry: Registry, loads: Loads) -> None:
        self._registry = registry
        self._loads = loads
        self.refusal: Exception | None = None
        self.opened = 0

    def __call__(self, settings: LambdaSettings, observer: Observer) -> ModelServer:
        if self.refusal:
            raise self.refusal
        self.opened += 1
        serving = settings.serving()
        servables = Servables(self._loads, budget=serving.memory_budget, observer=observer)
        router = Router(
            self._registry,
            servables,
            ttl=serving.alias_ttl,
            swap_wait=serving.swap_wait,
            observer=observer,
        )
        return ModelServer(self._registry, servables, router, serving, observer)


@contextmanager
def started(
    opener: Opener, environment: Mapping[str, str] = ENVIRONMENT
) -> Iterator[tuple[PredictFunction, ColdStart, io.StringIO]]:
    """The function, its cold start that has begun nothing, and what it writes."""
    forget_logger()
    output = io.StringIO()
    start = ColdStart(environment, open_server=opener, stream=output)
    yield PredictFunction(start), start, output


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    """What was written: each line is a JSON object."""
    return [json.loads(line) for line in output.getvalue().splitlines()]


def forget_logger(name: str = "predict") -> None:
    """Powertools sets a logger up once in a process; the next test has a stream of its own."""
    logging.root.manager.loggerDict.pop(name, None)


@contextmanager
def own_logging() -> Iterator[None]:
    """Puts back what `take_over_logging` changes for the whole process."""
    forget_logger()
    loggers = [logging.getLogger(name) for name in ("", "modelserver", "modelregistry")]
    before = [(list(log.handlers), log.level) for log in loggers]
    tasks = getattr(logging, "logAsyncioTasks", True)
    try:
        yield
    finally:
        logging.logAsyncioTasks = tasks  # type: ignore[attr-defined] # Python 3.12's
        for log, (handlers, level) in zip(loggers, before, strict=True):
            log.handlers[:] = handlers
            log.setLevel(level)
