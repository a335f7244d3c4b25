"""
An Observer whose metrics Prometheus reads: TensorFlow Serving's, and beside them our own.

The former have upstream's names, labels, units (microseconds) and buckets, so that
its dashboards work; the latter tell versions and aliases apart, which upstream's cannot.
"""

import threading
from collections.abc import Callable, Mapping

from modelregistry.aliases.state import Alias
from modelregistry.names import ModelId

from .asked import Routed
from .exposition import Counter, Gauge, Histogram, exponential, page
from .observer import Answered
from .server import ModelServer

# Up to 20 minutes, in microseconds: those of all latencies of upstream's.
_LATENCIES = exponential(10, 1.8, 33)
_RUN_TIMES = exponential(1000, 2, 20)
_EXAMPLES = exponential(1, 2, 15)
# In seconds.
_ANSWERS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LOADS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_OK = "OK"


class Prometheus:
    """
    Counts what it is told, and writes it out with what is the case at that moment.

    Only names that are known to exist become labels: whoever invents models, versions or
    labels in URLs makes no series. Thread-safe. A request costs a few microseconds.

    `path_of` says where a version is loaded from, upstream's `model_path`.
    """

    def __init__(self, path_of: Callable[[ModelId], str] = str) -> None:
        self._path_of = path_of
        self._counting = threading.Lock()
        self._load_attempts = Counter(
            ":tensorflow:cc:saved_model:load_attempt_count",
            "The number of times a SavedModel was requested to be loaded.",
            *("model_path", "status"),
        )
        self._load_latency = Counter(
            ":tensorflow:cc:saved_model:load_latency",
            "Latency in microseconds for SavedModels that were successfully loaded.",
            "model_path",
        )
        self._graph_run_time = Counter(
            ":tensorflow:core:graph_run_time_usecs",
            "The total time spent on executing graphs in microseconds.",
        )
        self._graph_run_times = Histogram(
            ":tensorflow:core:graph_run_time_usecs_histogram",
            "The wall-clock time spent on executing graphs in microseconds.",
            bounds=_RUN_TIMES,
        )
        self._graph_runs = Counter(
            ":tensorflow:core:graph_runs",
            "The number of graph executions behind graph_run_time_usecs.",
        )
        self._warm_up_latency = Histogram(
            ":tensorflow:serving:model_warmup_latency",
            "Distribution of wall time (in microseconds) for warming up the model.",
            *("model_path", "status"),
            bounds=_LATENCIES,
        )
        self._request_count = Counter(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            *("model_name", "status"),
        )
        self._example_count = Counter(
            ":tensorflow:serving:request_example_count_total",
            "The total number of tensorflow.Examples.",
            "model",
        )
        self._example_counts = Histogram(
            ":tensorflow:serving:request_example_counts",
            "The number of tensorflow.Examples per request.",
            "model",
            bounds=_EXAMPLES,
        )
        self._request_latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) for requests that were answered.",
            *("model_name", "API", "entrypoint"),
            bounds=_LATENCIES,
        )
        self._runtime_latency = Histogram(
            ":tensorflow:serving:runtime_latency",
            "Distribution of wall time (in microseconds) for TensorFlow's runtime.",
            *("model_name", "API", "runtime"),
            bounds=_LATENCIES,
        )
        self._load_seconds = Histogram(
            "lambda_serving_load_seconds",
            "How long loading and warming a version took.",
            *("model", "version"),
            bounds=_LOADS,
        )
        self._loads = Counter(
            "lambda_serving_loads_total",
            "Loads of a version, by how they ended: success or fail.",
            *("model", "version", "status"),
        )
        self._look_failures = Counter(
            "lambda_serving_look_failures_total",
            "Looks at the alias table that told nothing new; the last known aliases stayed.",
            "model",
        )
        self._request_seconds = Histogram(
            "lambda_serving_request_seconds",
            "How long requests took, by the version that answered and the alias that led to it.",
            *("model", "version", "alias"),
            bounds=_ANSWERS,
        )
        self._requests = Counter(
            "lambda_serving_requests_total",
            "Requests by the version that answered, the alias that led to it, and HTTP status.",
            *("model", "version", "alias", "status"),
        )
        self._alias_requests = Counter(
            "lambda_serving_alias_requests_total",
            "Requests by an alias since the revision that it answers by.",
            *("model", "alias", "revision", "version"),
        )
        self._by_revision: dict[tuple[str, str], int] = {}
        self._stand_ins = Counter(
            "lambda_serving_stand_ins_total",
            "Requests that another version answered, as this one could not.",
            *("model", "version", "alias"),
        )
        self._swaps = Counter(
            "lambda_serving_swaps_total",
            "How often an alias began to answer with another version.",
            *("model", "alias"),
        )
        # In the order in which they are written.
        self._families = (
            *(self._load_attempts, self._load_latency, self._graph_run_time),
            *(self._graph_run_times, self._graph_runs),
            *(self._warm_up_latency, self._request_count),
            *(self._example_count, self._example_counts),
            *(self._request_latency, self._runtime_latency, self._load_seconds, self._loads),
            *(self._look_failures, self._request_seconds, self._requests, self._swaps),
            *(self._alias_requests, self._stand_ins),
        )
        self._graph_runs.add((), 0)
        self._graph_run_time.add((), 0)

    def answered(self, answer: Answered) -> None:
        if answer.path[:4].lower() != "/v1/":
            return  # upstream counts the requests of its API
        model, routed = answer.model, answer.routed
        version = str(routed.id.version) if routed else ""
        names = model, version, routed.alias if routed else ""
        with self._counting:
            self._request_count.add((model, answer.code))
            if answer.code == _OK:
                latency = answer.seconds * 1e6
                self._request_latency.observe((model, answer.verb, "REST"), latency)
            if answer.ran:
                self._ran(model, answer.verb, answer.ran * 1e6)
            if answer.examples:
                self._example_count.add((model,), answer.examples)
                self._example_counts.observe((model,), answer.examples)
            if routed and routed.alias:
                self._by_alias(routed)
            self._requests.add((*names, str(answer.status)))
            self._request_seconds.observe(names, answer.seconds)

    def loaded(self, id: ModelId, seconds: float, size: int) -> None:  # noqa: ARG002 - the size is known while it is loaded
        self._load_ended(id, seconds, "success")

    def warmed_up(self, id: ModelId, seconds: float) -> None:
        path = self._path_of(id)
        with self._counting:
            self._warm_up_latency.observe((path, _OK), int(seconds * 1e6))

    def load_failed(self, id: ModelId, seconds: float, reason: str) -> None:  # noqa: ARG002 - is in the log
        self._load_ended(id, seconds, "fail")

    def swapped(self, model: str, alias: str, before: Alias, after: Alias, seconds: float) -> None:  # noqa: ARG002 - the routes are gauges
        with self._counting:
            self._swaps.add((model, alias))

    def look_failed(
        self,
        model: str,
        aliases: Mapping[str, Alias],  # noqa: ARG002 - are gauges
        seconds: float,  # noqa: ARG002 - the same
        reason: str,  # noqa: ARG002 - is in the log
    ) -> None:
        with self._counting:
            self._look_failures.add((model,))

    def page(self, server: ModelServer) -> bytes:
        """Everything, in Prometheus' text format; looks at nothing beyond this process."""
        with self._counting:
            families = [family.copy() for family in self._families]
        return page([*families, *_present(server)])

    def _by_alias(self, routed: Routed) -> None:
        """Of an alias's revisions the newest alone is counted: they go on for ever."""
        id, alias, revision = routed.id, routed.alias, routed.revision
        known = self._by_revision.get((id.model, alias), 0)
        if revision > known:
            self._by_revision[id.model, alias] = revision
            self._alias_requests.forget((id.model, alias))
        if revision >= known:
            self._alias_requests.add((id.model, alias, str(revision), str(id.version)))
        if routed.wanted:
            self._stand_ins.add((id.model, str(routed.wanted), alias))

    def _ran(self, model: str, verb: str, micros: float) -> None:
        whole = int(micros)
        self._graph_runs.add(())
        self._graph_run_time.add((), whole)
        self._graph_run_times.observe((), whole)
        self._runtime_latency.observe((model, verb.capitalize(), "TF1"), whole)

    def _load_ended(self, id: ModelId, seconds: float, status: str) -> None:
        path, names = self._path_of(id), (id.model, str(id.version))
        with self._counting:
            self._load_attempts.add((path, status))
            self._load_latency.add((path,), int(seconds * 1e6))
            self._loads.add((*names, status))
            self._load_seconds.observe(names, seconds)


def _present(server: ModelServer) -> list[Gauge]:
    """What is loaded, and what each alias answers with."""
    resident = server.servables.resident()
    loaded: dict[tuple[str, ...], float] = {_names(id): 1 for id in resident}
    revisions: dict[tuple[str, ...], float] = {}
    staleness: dict[tuple[str, ...], float] = {}
    weights: dict[tuple[str, ...], float] = {}
    for standing in server.router.standings():
        staleness[standing.model,] = standing.age
        for alias, (routes, revision) in standing.answering.items():
            revisions[standing.model, alias] = revision
            for share in routes.routes:
                version = str(share.version)
                weights[standing.model, alias, version] = float(share.weight)
            for number in routes.named():
                loaded.setdefault((standing.model, str(number)), 0)
    return [
        Gauge(
            "lambda_serving_alias_revision",
            "The revision that said what an alias answers with.",
            ("model", "alias"),
            revisions,
        ),
        Gauge(
            "lambda_serving_alias_staleness_seconds",
            "How long ago the alias table was last read.",
            ("model",),
            staleness,
        ),
        Gauge(
            "lambda_serving_loaded",
            "1 while a version is loaded, 0 where an alias leads to one that is not.",
            ("model", "version"),
            loaded,
        ),
        Gauge(
            "lambda_serving_memory_budget_bytes",
            "What may stay loaded beside the versions that aliases lead to.",
            (),
            {(): server.settings.memory_budget},
        ),
        Gauge(
            "lambda_serving_resident_bytes",
            "What a loaded version takes.",
            ("model", "version"),
            {_names(id): size for id, size in resident.items()},
        ),
        Gauge(
            "lambda_serving_route_weight",
            "Of 100 requests to an alias, how many a version answers.",
            ("model", "alias", "version"),
            weights,
        ),
    ]


def _names(id: ModelId) -> tuple[str, str]:
    return id.model, str(id.version)
