"""
Powertools' home: an Observer whose logs, metrics and traces are CloudWatch's and X-Ray's.
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import IO, Any

import orjson
from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)
from aws_lambda_powertools.tracing import Tracer

from modelregistry.aliases.shares import heaviest
from modelregistry.aliases.state import Alias
from modelregistry.names import ModelId

from .asked import Routed
from .observer import Answered

_log = logging.getLogger(__name__)

# A dimension must have a value, and no model, version or alias can be called this.
NONE = "-"
# The packages whose own log records are worth as much as ours.
_OURS = "modelserver", "modelregistry"
_LONGEST_PATH = 300
# A container answers with a few versions; more are made anew each time.
_KEPT_TEMPLATES = 256
_DIMENSIONS = "model", "version", "alias"

Names = tuple[str, str, str]  # of a model, a version and an alias
_UNITS = {
    "Requests": MetricUnit.Count,
    "Errors": MetricUnit.Count,
    "Latency": MetricUnit.Milliseconds,
    "ColdStart": MetricUnit.Count,
    "LoadTime": MetricUnit.Milliseconds,
    "StandIn": MetricUnit.Count,
    "LoadFailed": MetricUnit.Count,
    "Swap": MetricUnit.Milliseconds,
    "AliasStaleness": MetricUnit.Seconds,
}


class Telemetry:
    """
    Writes JSON lines to `stream`: log records, and metrics in embedded metric format.

    Metrics have the dimensions model, version and alias. Only names that were resolved
    become dimensions, so that nobody can make metrics up. Each event is a line of its
    own, written at once: what a frozen container keeps for later may never be written.
    Thread-safe; `cold` is about the one request that Lambda sends at a time.

    What every request writes is laid out by Powertools once and filled in afterwards: to
    have it made each time takes longer than most predictions.
    """

    def __init__(
        self,
        *,
        service: str = "predict",
        namespace: str = "LambdaServing",
        level: str = "INFO",
        stream: IO[str] | None = None,
    ) -> None:
        self.cold = False
        self._tracer: Tracer | None = None
        self._traced = False
        self._service = service
        self._namespace = namespace
        self._stream = stream or sys.stdout
        self._writing = threading.Lock()
        self._level = level
        # In UTC whatever TZ says, as the lines of requests are.
        self._log = Logger(
            service=service, level=level, stream=self._stream, use_rfc3339=True, utc=True
        )
        self._access_log = logging.getLogger(service)
        self._ids: dict[str, str] = {}
        self._template = lru_cache(_KEPT_TEMPLATES)(self._laid_out)

    def take_over_logging(self) -> None:
        """Everything that is logged in this process becomes such a line, once."""
        # `Task-1` says nothing about a request. Before Python 3.12 nobody reads it.
        logging.logAsyncioTasks = False  # type: ignore[attr-defined]
        root = logging.getLogger()
        # Lambda's own handler would write the same records again, as text.
        root.handlers[:] = [self._log.registered_handler]
        root.setLevel(logging.WARNING)
        logging.getLogger(self._service).propagate = False
        for name in _OURS:
            logging.getLogger(name).setLevel(self._level)

    def start_tracing(self) -> None:
        """Costs 0.2 s of imports. Should they fail, there are no traces, and no other harm."""
        try:
            self._tracer = Tracer(service=self._service, auto_patch=False, disabled=False)
        except Exception:  # noqa: BLE001 - whatever it is, predictions matter more
            _log.exception("no traces are sent")

    @contextmanager
    def invocation(self, *, request_id: str, correlation_id: str, cold: bool) -> Iterator[None]:
        """What is logged inside the `with` names the request; what it takes is one subsegment."""
        self.cold = cold
        self._ids = {"function_request_id": request_id, "correlation_id": correlation_id}
        self._log.append_keys(**self._ids)
        # An invocation that is not traced has no such header, and a subsegment no parent.
        self._traced = self._tracer is not None and "_X_AMZN_TRACE_ID" in os.environ
        if self._tracer is None or not self._traced:
            yield
            return
        with self._tracer.provider.in_subsegment(name="## predict"):
            yield

    def answered(self, answer: Answered) -> None:
        names = _names(answer)
        measured = self._metrics(
            names,
            Requests=1.0,
            Errors=float(answer.status >= 500),
            Latency=answer.seconds * 1000,
            ColdStart=float(self.cold),
        )
        if self._access_log.isEnabledFor(logging.INFO):
            self._write(self._access(answer, names), measured)
        else:
            self._write(measured)
        if answer.routed and answer.routed.wanted:
            wanted = (names[0], str(answer.routed.wanted), names[2])
            self._write(self._metrics(wanted, StandIn=1.0))
        if self._tracer and self._traced:
            for name, value in zip(_DIMENSIONS, names, strict=True):
                self._tracer.put_annotation(name, value)
            self._tracer.put_annotation("cold_start", self.cold)

    def loaded(self, id: ModelId, seconds: float, size: int) -> None:  # noqa: ARG002 - no metric yet
        names = (id.model, str(id.version), NONE)
        self._write(self._metrics(names, LoadTime=seconds * 1000))

    def warmed_up(self, id: ModelId, seconds: float) -> None:
        """No metric of its own: it is a part of LoadTime."""

    def load_failed(self, id: ModelId, seconds: float, reason: str) -> None:  # noqa: ARG002 - both are in the log
        self._write(self._metrics((id.model, str(id.version), NONE), LoadFailed=1.0))

    def swapped(self, model: str, alias: str, before: Alias, after: Alias, seconds: float) -> None:  # noqa: ARG002 - the routes are in the log
        names = (model, _head(after), alias)
        self._write(self._metrics(names, Swap=seconds * 1000))

    def look_failed(
        self,
        model: str,
        aliases: Mapping[str, Alias],
        seconds: float,
        reason: str,  # noqa: ARG002 - is in the log
    ) -> None:
        for name, alias in aliases.items():
            names = (model, _head(alias), name)
            self._write(self._metrics(names, AliasStaleness=seconds))

    def _access(self, answer: Answered, names: Names) -> dict[str, object]:
        """The line of one request, with the fields that Powertools' Logger gives every line."""
        path = answer.path[:_LONGEST_PATH].encode("ascii", "backslashreplace").decode()
        trace = os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")[0].removeprefix("Root=")
        return {
            "level": "INFO",
            "location": "answered",
            "message": f"{answer.method} {path} {answer.status}",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "service": self._service,
            **self._ids,
            "model": names[0],
            "version": names[1],
            "alias": names[2],
            "revision": answer.routed.revision if answer.routed else 0,
            "status": answer.status,
            "ms": round(answer.seconds * 1000, 3),
            "cold_start": self.cold,
            **_deviation(answer.routed),
            **({"xray_trace_id": trace} if trace else {}),
        }

    def _metrics(self, names: Names, **values: float) -> dict[str, object]:
        """The line of a metric set: of each metric in `_UNITS` that is given, its one value."""
        # By their names alone: a unit is an Enum, whose hash is computed in Python.
        template = self._template(names, tuple(values))
        return {
            **template,
            "_aws": {**template["_aws"], "Timestamp": int(time.time() * 1000)},
            **{name: [value] for name, value in values.items()},
        }

    def _laid_out(self, names: Names, metrics: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
        """A metric set whose values and moment are still to come."""
        # No service: it would be one dimension more, and every dashboard would have to name it.
        emf = AmazonCloudWatchEMFProvider(namespace=self._namespace, service="")
        for name, value in zip(_DIMENSIONS, names, strict=True):
            emf.add_dimension(name, value)
        for name in metrics:
            emf.add_metric(name, _UNITS[name], 0.0)
        return emf.serialize_metric_set()

    def _write(self, *documents: Mapping[str, Any]) -> None:
        """Each as a line; all in one go, as each write is a call of the system."""
        lines = "".join(map(_line, documents))
        with self._writing:
            self._stream.write(lines)
            self._stream.flush()


def _line(document: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE).decode()
    except TypeError:  # text that is no Unicode, which only an event made by hand has
        return json.dumps(document) + "\n"


def _names(answer: Answered) -> tuple[str, str, str]:
    if answer.routed is None:
        return NONE, NONE, NONE
    id, alias, *_ = answer.routed
    return id.model, str(id.version), alias or NONE


def _deviation(routed: Routed | None) -> dict[str, object]:
    """Where something else answered than the weights and rules say."""
    if routed is None or not (routed.wanted or routed.override):
        return {}
    said = {"wanted": str(routed.wanted or ""), "override": routed.override}
    return {name: value for name, value in said.items() if value}


def _head(alias: Alias) -> str:
    """The version that answers most of an alias's requests."""
    return str(heaviest(alias.routes))
