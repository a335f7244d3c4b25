"""What Prometheus is told about a server that answers requests."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from modelregistry.aliases.rules import parse_condition
from modelregistry.aliases.shares import parse
from modelregistry.names import ModelId
from modelregistry.registry import Registry
from modelregistry.segments import propose_route
from modelserver.api.web import create_app
from modelserver.errors import PredictionFailed
from modelserver.exposition import CONTENT_TYPE
from modelserver.observer import Answered
from modelserver.prometheus import Prometheus
from modelserver.routing import Router
from modelserver.runtime.tensors import Array
from modelserver.servables import Servables
from modelserver.server import ModelServer
from modelserver.settings import METRICS_PATH, ServingSettings
from tests.fakes import memory_registry, publish_all

from .doubles import Doubler, Loads

ONE = '{"instances": [1.0]}'


class Watched:
    """A client of a server of `sample`, versions 1 to 3, whose `stable` is 1."""

    def __init__(self, registry: Registry, loads: Loads) -> None:
        self.registry = registry
        self.loads = loads
        self._prometheus = Prometheus(lambda id: f"/models/{id.model}/{id.version}")
        settings = ServingSettings(alias_ttl=0, memory_budget=10**9)
        servables = Servables(loads, budget=10**9, observer=self._prometheus)
        router = Router(registry, servables, ttl=0, swap_wait=5, observer=self._prometheus)
        server = ModelServer(registry, servables, router, settings, self._prometheus)
        pages = {METRICS_PATH: lambda: (self._prometheus.page(server), CONTENT_TYPE)}
        self.client = TestClient(create_app(server, pages), raise_server_exceptions=False)

    def predict(self, model: str = "sample", place: str = "", body: str = ONE) -> int:
        return self.client.post(f"/v1/models/{model}{place}:predict", content=body).status_code

    def promote(self, version: int, alias: str = "stable") -> None:
        self.registry.commit(self.registry.propose_promote(ModelId("sample", version), alias))

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """By the values of the labels; of a counter, the name is without `_total`."""
        document = self.client.get(METRICS_PATH)
        assert (200, CONTENT_TYPE) == (document.status_code, document.headers["content-type"])
        families = list(text_string_to_metric_families(document.text))
        assert len({family.name for family in families}) == len(families)
        return {
            tuple(sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
            if sample.name in (name, f"{name}_total" if family.type == "counter" else name)
        }


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    registry = memory_registry(tmp_path / "cache")
    publish_all(registry, tmp_path, {"sample": 3})
    registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
    watched = Watched(registry, Loads())
    with watched.client:
        yield watched


def test_requests_are_counted_by_model_and_by_tensorflows_name_of_the_status(
    watched: Watched,
) -> None:
    for _ in range(3):
        assert 200 == watched.predict()
    assert 400 == watched.predict(body="{")
    assert 404 == watched.predict(place="/versions/9")
    assert 200 == watched.client.get("/v1/models/sample").status_code
    expected = {("sample", "OK"): 4, ("sample", "INVALID_ARGUMENT"): 1, ("sample", "NOT_FOUND"): 1}
    found = watched.samples(":tensorflow:serving:request_count")
    assert expected == found


def test_a_graphs_failure_is_counted_under_its_own_code(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Doubler, signature_name: str, inputs: dict[str, Array]) -> dict[str, Array]:
        raise PredictionFailed(9, "no")

    monkeypatch.setattr(Doubler, "run", fail)
    assert 400 == watched.predict()
    found = watched.samples(":tensorflow:serving:request_count")
    assert {("sample", "FAILED_PRECONDITION"): 1} == found
    assert {} == watched.samples(":tensorflow:serving:runtime_latency_count")
    assert {(): 0} == watched.samples(":tensorflow:core:graph_runs")


def test_the_shares_of_an_alias_are_counted_since_the_revision_it_answers_by(
    watched: Watched,
) -> None:
    name = "lambda_serving_alias_requests_total"
    for _ in range(3):
        watched.predict()
    watched.predict(place="/labels/stable")
    watched.predict(place="/versions/2")  # by no alias
    watched.predict(body="{")  # nor, as it cannot be read
    assert {("sample", "stable", "1", "1"): 4} == watched.samples(name)
    for number in range(2, 40):
        watched.promote(2 + number % 2)
        watched.predict()
    assert {("sample", "stable", "39", "3"): 1} == watched.samples(name)
    watched.promote(1, "beta")
    watched.predict(place="/labels/beta")
    expected = {("sample", "beta", "40", "1"): 1, ("sample", "stable", "39", "3"): 1}
    assert expected == watched.samples(name)


def test_a_stand_in_is_counted_for_the_version_that_was_wanted(watched: Watched) -> None:
    watched.loads.broken = {2}
    watched.promote(3)
    when = [parse_condition("x-tier=gold")]
    watched.registry.commit(propose_route(watched.registry, "sample", "stable", when, parse(["2"])))
    assert 200 == watched.predict()
    answer = watched.client.post(
        "/v1/models/sample:predict", content=ONE, headers={"x-tier": "gold"}
    )
    assert ("3", "2") == tuple(
        answer.headers[name] for name in ("x-model-version", "x-model-stand-in-for")
    )
    found = watched.samples("lambda_serving_stand_ins_total")
    assert {("sample", "2", "stable"): 1} == found
    loaded = watched.samples("lambda_serving_loaded")
    assert 0 == loaded["sample", "2"]


def test_only_answers_have_a_latency_and_only_graphs_a_run_time(watched: Watched) -> None:
    assert 200 == watched.predict()
    assert 400 == watched.predict(body="{")
    assert 200 == watched.client.get("/v1/models/sample/metadata").status_code
    expected = {("sample", "predict", "REST"): 1, ("sample", "metadata", "REST"): 1}
    assert expected == watched.samples(":tensorflow:serving:request_latency_count")
    runtime = watched.samples(":tensorflow:serving:runtime_latency_count")
    assert {("sample", "Predict", "TF1"): 1} == runtime
    assert {(): 1} == watched.samples(":tensorflow:core:graph_runs")
    assert {(): 1} == watched.samples(":tensorflow:core:graph_run_time_usecs_histogram_count")


def test_examples_are_counted_where_classify_and_regress_ran() -> None:
    prometheus = Prometheus()
    for examples in (1, 3, 0):
        answer = Answered("POST", "/v1/models/m:classify", 200, 0.1, model="m", examples=examples)
        prometheus.answered(answer)
    server = ModelServer(
        registry := memory_registry(Path("nowhere")),
        servables := Servables(Loads(), budget=1),
        Router(registry, servables, ttl=0),
        ServingSettings(memory_budget=1),
    )
    lines = prometheus.page(server).decode().splitlines()
    assert ':tensorflow:serving:request_example_count_total{model="m"} 4' in lines
    assert ':tensorflow:serving:request_example_counts_bucket{model="m",le="2"} 1' in lines
    assert ':tensorflow:serving:request_example_counts_count{model="m"} 2' in lines


def test_invented_names_make_no_series(watched: Watched) -> None:
    for name in ("nobody", "nothing%22%7D", "nowhere"):
        assert 404 == watched.predict(name)
    assert 400 == watched.predict(place="/labels/invented")
    assert 400 == watched.client.delete("/v1/models/invented").status_code
    assert 404 == watched.client.get("/elsewhere").status_code
    expected = {
        ("", "NOT_FOUND"): 3,
        ("", "INVALID_ARGUMENT"): 1,
        ("sample", "INVALID_ARGUMENT"): 1,
    }
    assert expected == watched.samples(":tensorflow:serving:request_count")
    document = watched.client.get(METRICS_PATH).text
    assert "invented" not in document
    assert "no" not in {v for s in watched.samples("lambda_serving_requests") for v in s}


def test_versions_and_aliases_are_told_apart(watched: Watched) -> None:
    watched.predict()
    watched.predict(place="/labels/stable")
    watched.predict(place="/versions/2")
    expected = {("sample", "1", "stable", "200"): 2, ("sample", "2", "", "200"): 1}
    assert expected == watched.samples("lambda_serving_requests")
    seconds = watched.samples("lambda_serving_request_seconds_count")
    assert {("sample", "1", "stable"): 2, ("sample", "2", ""): 1} == seconds


def test_loads_are_counted_by_how_they_end(watched: Watched) -> None:
    watched.loads.broken = {3}
    watched.predict()
    assert 503 == watched.predict(place="/versions/3")
    attempts = watched.samples(":tensorflow:cc:saved_model:load_attempt_count")
    expected = {("/models/sample/1", "success"): 1, ("/models/sample/3", "fail"): 1}
    assert expected == attempts
    latency = watched.samples(":tensorflow:cc:saved_model:load_latency")
    assert {("/models/sample/1",), ("/models/sample/3",)} == latency.keys()
    loads = watched.samples("lambda_serving_loads")
    assert {("sample", "1", "success"): 1, ("sample", "3", "fail"): 1} == loads
    assert {("sample", "1"): 1} == watched.samples("lambda_serving_loaded")
    assert {("sample", "1"): 10} == watched.samples("lambda_serving_resident_bytes")


def test_a_canary_shows_its_weight_its_revision_and_that_it_is_loaded(watched: Watched) -> None:
    watched.predict()
    registry = watched.registry
    registry.commit(registry.propose_promote(ModelId("sample", 2), "canary"))
    watched.predict(place="/labels/canary")
    registry.commit(registry.propose_promote(ModelId("sample", 3), "canary"))
    watched.predict(place="/labels/canary")
    weights = watched.samples("lambda_serving_route_weight")
    assert {("sample", "stable", "1"): 100, ("sample", "canary", "3"): 100} == weights
    revisions = watched.samples("lambda_serving_alias_revision")
    assert 3 == revisions["sample", "canary"]
    loaded = watched.samples("lambda_serving_loaded")
    assert {("sample", "1"): 1, ("sample", "2"): 1, ("sample", "3"): 1} == loaded
    assert {("sample", "canary"): 1} == watched.samples("lambda_serving_swaps")


def test_an_alias_to_what_cannot_be_loaded_is_seen(watched: Watched) -> None:
    watched.loads.broken = {2}
    registry = watched.registry
    registry.commit(registry.propose_promote(ModelId("sample", 2), "canary"))
    assert 503 == watched.predict(place="/labels/canary")
    assert 0 == watched.samples("lambda_serving_loaded")["sample", "2"]


def test_the_metrics_are_at_their_path_alone_and_count_nothing(watched: Watched) -> None:
    for path in (f"{METRICS_PATH}/", METRICS_PATH.upper(), "/metrics"):
        assert 404 == watched.client.get(path).status_code
    assert {} == watched.samples(":tensorflow:serving:request_count")
    assert 200 == watched.client.get(f"{METRICS_PATH}?x=1").status_code


def test_a_server_without_metrics_has_no_such_page(watched: Watched) -> None:
    server = ModelServer(
        watched.registry,
        servables := Servables(watched.loads, budget=1),
        Router(watched.registry, servables, ttl=0),
        ServingSettings(memory_budget=1),
    )
    with TestClient(create_app(server)) as client:
        answer = client.get(METRICS_PATH)
    assert 404 == answer.status_code
    assert ["error"] == list(json.loads(answer.content))
