"""The HTTP surface over a fake model: status codes, headers, limits."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from starlette.testclient import TestClient

from modelregistry.names import ModelId
from modelregistry.registry import Registry
from modelserver.api.statuses import status_of
from modelserver.api.web import create_app
from modelserver.errors import PredictionFailed, ServingError, StillLoading
from modelserver.routing import Router
from modelserver.runtime.tensors import Array
from modelserver.servables import Servables
from modelserver.server import ModelServer
from modelserver.settings import ServingSettings
from tests.fakes import memory_registry, publish_all

from .doubles import Doubler, Loads

PREDICT = "/v1/models/sample:predict"
JSON = "application/json"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = memory_registry(tmp_path / "cache")
    publish_all(registry, tmp_path, {"sample": 3})
    registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
    return registry


@pytest.fixture
def loads() -> Loads:
    return Loads()


@pytest.fixture
def client(registry: Registry, loads: Loads) -> Iterator[TestClient]:
    settings = ServingSettings(alias_ttl=0, timeout=5, max_body_bytes=1000, memory_budget=10**9)
    servables = Servables(loads, budget=10**9)
    router = Router(registry, servables, ttl=0, swap_wait=5)
    server = ModelServer(registry, servables, router, settings)
    with TestClient(create_app(server), raise_server_exceptions=False) as client:
        yield client


def test_a_prediction_comes_with_what_answered_in_the_headers(client: TestClient) -> None:
    answer = client.post(PREDICT, content='{"instances": [1.0, 2.5]}')
    assert (200, {"predictions": [3.0, 6.0]}) == (answer.status_code, answer.json())
    expected = {
        "content-type": JSON,
        "x-model-version": "1",
        "x-model-alias": "stable",
        "x-alias-revision": "1",
    }
    assert expected == {name: answer.headers[name] for name in expected}


def test_the_columnar_format_is_answered_in_kind(client: TestClient) -> None:
    answer = client.post(PREDICT, content='{"inputs": {"x": [1.0]}}')
    assert {"outputs": [3.0]} == answer.json()


def test_a_version_by_number_names_no_alias(client: TestClient) -> None:
    answer = client.post("/v1/models/sample/versions/3:predict", content='{"instances": [1.0]}')
    assert {"predictions": [5.0]} == answer.json()
    assert ("3", None) == (answer.headers["x-model-version"], answer.headers.get("x-model-alias"))


def test_a_query_string_is_no_part_of_the_path(client: TestClient) -> None:
    assert 200 == client.post(f"{PREDICT}?x=1", content='{"instances": [1.0]}').status_code


def test_percent_encoding_is_undone_after_the_url_is_matched(client: TestClient) -> None:
    assert 200 == client.get("/v1/models/s%61mple").status_code
    answer = client.get("/v1/models/sample%2Fversions%2F1")
    assert {"error": "Could not find any versions of model sample/versions/1"} == answer.json()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", PREDICT, "", 400, "JSON Parse error: The document is empty"),
        ("POST", PREDICT, "{", 400, "JSON Parse error: "),
        ("POST", PREDICT, '{"instances": ["a"]}', 400, "Failed to process element: 0"),
        ("POST", PREDICT, '{"signature_name": "x"}', 400, 'Serving signature name: "x" not found'),
        ("POST", PREDICT, '{"signature_name": 1}', 400, "JSON Value: "),
        ("POST", "/v1/models/no:predict", "{}", 404, "Servable not found for request: Latest(no)"),
        ("POST", "/v1/models/..%2Fsample:predict", "{}", 404, "Servable not found for request: "),
        (
            "POST",
            "/v1/models/sample/versions/9:predict",
            "{}",
            404,
            "Servable not found for request: Specific(sample, 9)",
        ),
        (
            "POST",
            "/v1/models/sample/labels/x:predict",
            "{}",
            400,
            "Unrecognized servable version label: x",
        ),
        ("GET", "/v1/models/no", "", 404, "Could not find any versions of model no"),
        (
            "GET",
            "/v1/models/sample/versions/9",
            "",
            404,
            "Could not find version 9 of model sample",
        ),
        ("GET", "/v1/models/sample/labels/x", "", 400, "Unrecognized servable version label: x"),
        ("GET", "/v1/models/versions/1", "", 400, "Missing model name in request."),
        ("GET", "/v1/models/labels/a/metadata", "", 400, "Missing model name in request."),
        ("POST", "/v1/models", "", 400, "Malformed request: POST /v1/models"),
        ("GET", "/v1/models/", "", 400, "Malformed request: GET /v1/models/"),
        ("POST", "/v1/models/sample:PREDICT", "", 400, "Malformed request: POST /v1/models/sam"),
        ("POST", "/v1/models/sample:classify", "{", 400, "JSON Parse error: "),
        ("POST", "/v1/models/no:classify", "{}", 400, "JSON Value: {} When method is classify"),
        (
            "POST",
            "/v1/models/no:regress",
            '{"examples": [{}]}',
            404,
            "Servable not found for request: Latest(no)",
        ),
        (
            "POST",
            "/v1/models/sample:regress",
            '{"signature_name": "x", "examples": [{}]}',
            400,
            "No signature was found with the name: x",
        ),
        ("GET", "/V1/MODELS/sample/METADATA/", "", 400, "Malformed request: GET /V1/MODELS/samp"),
        ("PATCH", "/v1/models/sample", "", 400, "Malformed request: PATCH /v1/models/sample"),
        (
            "GET",
            "/v1/models/m/versions/99999999999999999999",
            "",
            400,
            "Failed to convert version: 9999",
        ),
        ("PUT", PREDICT, "", 400, f"Malformed request: PUT {PREDICT}"),
        ("DELETE", "/v1/models/sample", "", 400, "Malformed request: DELETE /v1/models/sample"),
        ("TRACE", "/v1/models/sample", "", 400, "Malformed request: TRACE /v1/models/sample"),
        ("BREW", "/v1/models/sample", "", 400, "Malformed request: BREW /v1/models/sample"),
        ("GET", "/", "", 404, "Not found: /"),
        ("POST", "/favicon.ico", "", 404, "Not found: /favicon.ico"),
    ],
)
def test_every_error_is_json_with_a_sentence(
    client: TestClient, method: str, path: str, body: str, status: int, error: str
) -> None:
    answer = client.request(method, path, content=body)
    assert (status, JSON) == (answer.status_code, answer.headers["content-type"])
    assert ["error"] == list(answer.json())
    assert answer.json()["error"].startswith(error)


def test_the_json_is_checked_before_the_model_is_looked_up(client: TestClient) -> None:
    answer = client.post("/v1/models/no:predict", content="{")
    assert answer.json()["error"].startswith("JSON Parse error: ")


def test_what_a_client_sent_is_not_echoed_without_end(client: TestClient) -> None:
    error = client.get(f"/v1/models/{'x' * 6000}").json()["error"]
    assert (4097, "…") == (len(error), error[-1])


def test_a_body_over_the_limit_is_refused_unread(client: TestClient) -> None:
    answer = client.post(PREDICT, content=b"[" * 1001)
    assert 413 == answer.status_code
    assert {"error": "The request body is larger than 1000 bytes"} == answer.json()


def test_a_body_without_a_length_is_refused_when_it_grows_too_large(client: TestClient) -> None:
    answer = client.post(PREDICT, content=iter([b" " * 600] * 2))
    assert 413 == answer.status_code


def test_the_status_lists_the_versions_newest_first(client: TestClient) -> None:
    document = client.get("/v1/models/sample").json()
    listed = [(v["version"], v["state"]) for v in document["model_version_status"]]
    assert [("3", "AVAILABLE"), ("2", "AVAILABLE"), ("1", "AVAILABLE")] == listed
    ok = {"error_code": "OK", "error_message": ""}
    assert ok == document["model_version_status"][0]["status"]


@pytest.mark.parametrize("path", ["versions/1", "labels/stable"])
def test_the_status_of_one_version_is_that_version_alone(client: TestClient, path: str) -> None:
    document = client.get(f"/v1/models/sample/{path}").json()
    assert ["1"] == [v["version"] for v in document["model_version_status"]]


def test_a_version_that_failed_to_load_is_at_its_end_with_the_reason(
    client: TestClient, loads: Loads
) -> None:
    loads.broken = {2}
    answer = client.post("/v1/models/sample/versions/2:predict", content='{"instances": [1.0]}')
    assert (503, {"error": "sample:2 is broken"}) == (answer.status_code, answer.json())
    document = client.get("/v1/models/sample/versions/2").json()
    (version,) = document["model_version_status"]
    expected = {"error_code": "UNAVAILABLE", "error_message": "sample:2 is broken"}
    assert ("END", expected) == (version["state"], version["status"])


def test_the_metadata_are_the_plans_signatures(client: TestClient) -> None:
    answer = client.get("/v1/models/sample/labels/stable/metadata")
    assert "1" == answer.headers["x-model-version"]
    spec = {"name": "sample", "signature_name": "", "version": "1"}
    assert spec == answer.json()["model_spec"]
    signatures = answer.json()["metadata"]["signature_def"]["signature_def"]
    assert ["serving_default"] == list(signatures)


def test_a_defect_answers_500_without_its_inside(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(_: Doubler, signature_name: str, inputs: dict[str, Array]) -> dict[str, Array]:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Doubler, "run", explode)
    answer = client.post(PREDICT, content='{"instances": [1.0]}')
    expected = (500, {"error": "internal error: ZeroDivisionError"})
    assert expected == (answer.status_code, answer.json())


def test_a_prediction_that_takes_too_long_answers_504(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Event()

    def wait(_: Doubler, signature_name: str, inputs: dict[str, Array]) -> dict[str, Array]:
        finish.wait(10)
        return {"y": inputs["x"]}

    monkeypatch.setattr(Doubler, "run", wait)
    servables = Servables(Loads(), budget=1000)
    servables.get(ModelId("sample", 1))
    settings = ServingSettings(timeout=0.05, memory_budget=1000)
    server = ModelServer(registry, servables, Router(registry, servables, ttl=1), settings)
    with TestClient(create_app(server)) as client:
        answer = client.post(PREDICT, content='{"instances": [1.0]}')
        finish.set()
    assert 504 == answer.status_code
    assert {"error": "Timed out waiting for notification"} == json.loads(answer.content)


@pytest.fixture
def patient(registry: Registry, loads: Loads) -> Iterator[TestClient]:
    """A client of a server that waits a second for a load, version 1 loaded."""
    servables = Servables(loads, budget=1000)
    servables.get(ModelId("sample", 1))
    settings = ServingSettings(timeout=1, memory_budget=1000)
    server = ModelServer(registry, servables, Router(registry, servables, ttl=1), settings)
    with TestClient(create_app(server)) as client:
        yield client


def test_a_version_that_is_still_loading_answers_503_and_then_for_itself(
    patient: TestClient, loads: Loads
) -> None:
    path = "/v1/models/sample/versions/2:predict"
    with loads.held():
        answer = patient.post(path, content='{"instances": [1.0]}')
    error = {"error": "sample:2 is still loading; try again"}
    assert (503, error) == (answer.status_code, answer.json())
    while (answer := patient.post(path, content='{"instances": [1.0]}')).status_code == 503:
        pass
    assert {"predictions": [4.0]} == answer.json()
    assert 1 == loads.count[ModelId("sample", 2)]


def test_those_who_wait_for_a_load_hold_up_nobody_else(patient: TestClient, loads: Loads) -> None:
    path = "/v1/models/sample/versions/2:predict"
    with ThreadPoolExecutor(50) as pool, loads.held():
        # More than there are threads to run predictions in.
        waiting = [
            pool.submit(patient.post, path, content='{"instances": [1.0]}') for _ in range(50)
        ]
        answer = patient.post(PREDICT, content='{"instances": [1.0]}')
        assert (200, "1") == (answer.status_code, answer.headers["x-model-version"])
        assert {503} == {future.result().status_code for future in waiting}


def leaves(kind: type[ServingError]) -> Iterator[type[ServingError]]:
    for child in kind.__subclasses__():
        yield child
        yield from leaves(child)


def test_every_error_has_a_status() -> None:
    special = {
        PredictionFailed: PredictionFailed(3, "x"),
        StillLoading: StillLoading("x", Future()),
    }
    made = [special.get(kind) or kind("x") for kind in leaves(ServingError)]
    assert all(400 <= status_of(error) < 600 for error in made)
