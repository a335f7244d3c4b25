"""Classify and regress: JSON examples through a real ParseExample."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelserver.api.web import create_app
from modelserver.compiler import SubprocessCompiler
from modelserver.runtime import Threads
from modelserver.server import ModelServer
from modelserver.settings import ServingSettings


@pytest.fixture(scope="module")
def server(savedmodels: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelServer:
    registry = open_registry(str(tmp_path_factory.mktemp("registry")), create=True)
    Publisher(registry, SubprocessCompiler()).publish(savedmodels / "examples", "examples")
    registry.commit(registry.propose_promote(ModelId("examples", 1), "stable"))
    settings = ServingSettings(alias_ttl=0, swap_wait=30, threads=Threads(1, 1))
    return ModelServer.over(registry, settings, SubprocessCompiler())


@pytest.fixture(scope="module")
def client(server: ModelServer) -> Iterator[TestClient]:
    with TestClient(create_app(server)) as client:
        yield client


@pytest.fixture(scope="module")
def checking(server: ModelServer) -> Iterator[TestClient]:
    """The same models in a server that looks at method names."""
    settings = ServingSettings(check_method_names=True)
    other = ModelServer(server.registry, server.servables, server.router, settings)
    with TestClient(create_app(other)) as client:
        yield client


def ask(client: TestClient, verb: str, **body: Any) -> tuple[int, Any]:  # noqa: ANN401 - JSON is
    answer = client.post(f"/v1/models/examples:{verb}", content=json.dumps(body))
    return answer.status_code, answer.json().get("results", answer.json().get("error"))


def test_classify_pairs_labels_and_scores(client: TestClient) -> None:
    expected = [
        [["up", 1.5], ["down", -1.5]],
        [["up", 3.0], ["down", -3.0]],
    ]
    answer = ask(client, "classify", examples=[{"x": 1.5}, {"x": [2.0], "bonus": 1}])
    assert (200, expected) == answer


def test_classify_without_scores_or_without_classes_fills_in_the_rest(client: TestClient) -> None:
    examples = [{"x": 1.0}]
    expected = [[["up", 0.0], ["down", 0.0]]]
    assert (200, expected) == ask(client, "classify", signature_name="classes", examples=examples)
    expected = [[["", 1.0], ["", -1.0]]]
    assert (200, expected) == ask(client, "classify", signature_name="scores", examples=examples)


@pytest.mark.parametrize("signature", ["vector", "column"])
def test_regress_answers_with_a_number_for_each_example(client: TestClient, signature: str) -> None:
    body = {"signature_name": signature, "examples": [{"x": 1.0}, {"x": -0.1, "bonus": True}]}
    assert (200, [1.0, 0.9]) == ask(client, "regress", **body)


def test_what_answered_is_in_the_headers(client: TestClient) -> None:
    body = '{"signature_name": "vector", "examples": [{"x": 1.0}]}'
    answer = client.post("/v1/models/examples/labels/stable:regress", content=body)
    assert ("1", "stable") == (answer.headers["x-model-version"], answer.headers["x-model-alias"])
    assert "application/json" == answer.headers["content-type"]


def test_the_context_counts_for_every_example_that_does_not_say_otherwise(
    client: TestClient,
) -> None:
    body = {"context": {"bonus": 10, "x": 1.0}, "examples": [{}, {"x": 2.0}, {"bonus": 0}]}
    assert (200, [11.0, 12.0, 1.0]) == ask(client, "regress", signature_name="vector", **body)


def test_strings_of_every_kind_reach_the_graph(client: TestClient) -> None:
    tags = ["a", "größe", {"b64": "/wA="}, "x" * 1000]
    answer = ask(
        client, "classify", signature_name="tags", examples=[{"x": 1.0, "tags": tags}, {"x": 1.0}]
    )
    assert (200, [[[tag, 0.0] for tag in tags], [["", 0.0]] * 4]) == answer


@pytest.mark.parametrize(
    ("example", "error"),
    [
        ({"x": 80}, "Data types don't match. Data type: int64 but expected type: float"),
        ({}, "Feature: x (data type: float) is required but could not be found."),
        ({"x": []}, "Feature: x (data type: float) is required but could not be found."),
        ({"x": [1.0, 2.0]}, "Number of float values != expected.  Values size: 2"),
    ],
)
def test_a_feature_that_does_not_fit_is_refused_by_the_graph(
    client: TestClient, example: dict[str, Any], error: str
) -> None:
    status, message = ask(client, "regress", signature_name="vector", examples=[example])
    assert (400, True) == (status, error in message), message


@pytest.mark.parametrize(
    ("verb", "signature", "error"),
    [
        ("classify", "nope", "No signature was found with the name: nope"),
        ("regress", "nope", "No signature was found with the name: nope"),
        ("classify", "three", "Expected one or two output Tensors, found 3"),
        ("classify", "vector", "Expected classification signature outputs to contain at least"),
        ("classify", "misnamed", "No classification inputs found in SignatureDef: "),
        ("regress", "misnamed", "No regression inputs found in SignatureDef: "),
        ("regress", "serving_default", "Expected one output Tensor."),
        ("regress", "other", "No regression outputs found in SignatureDef: "),
        ("classify", "flat", "Expected Tensor shape: [batch_size num_classes] but got [2]"),
        (
            "regress",
            "matrix",
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [",
        ),
        ("regress", "first", "Input batch size did not match output batch size: 2 vs. 1"),
        ("regress", "whole", "Expected output Tensor of DT_FLOAT.  Got: DT_INT32"),
    ],
)
def test_a_signature_that_is_none_of_the_method_is_a_400_as_upstream_words_it(
    client: TestClient, verb: str, signature: str, error: str
) -> None:
    examples = [{"x": 1.0}, {"x": 2.0}]
    status, message = ask(client, verb, signature_name=signature, examples=examples)
    assert (400, error) == (status, message[: len(error)])


def test_predict_takes_the_serialized_examples_of_such_a_signature(client: TestClient) -> None:
    body = '{"signature_name": "vector", "instances": [{"b64": "Cg8KDQoBeBIIEgYKBAAAgD8="}]}'
    answer = client.post("/v1/models/examples:predict", content=body)
    assert {"predictions": [1.0]} == answer.json()


PREDICT, CLASSIFY, REGRESS = (f"tensorflow/serving/{m}" for m in ("predict", "classify", "regress"))


@pytest.mark.parametrize(
    ("verb", "signature", "status", "expected"),
    [
        ("regress", "vector", 200, [1.0]),
        ("classify", "vector", 400, f"classification signature method_name to be {CLASSIFY}"),
        ("regress", "other", 400, f"regression signature method_name to be {REGRESS}"),
        (
            "predict",
            "misnamed",
            500,
            f"prediction signature method_name to be one of {{{PREDICT}, {CLASSIFY}, {REGRESS}}}",
        ),
    ],
)
def test_method_names_are_checked_on_request(
    checking: TestClient, verb: str, signature: str, status: int, expected: str | list[float]
) -> None:
    was = {"vector": REGRESS, "other": CLASSIFY, "misnamed": "tensorflow/serving/other"}[signature]
    if isinstance(expected, str):
        expected = f"Expected {expected}. Was: {was}"
    body = {"signature_name": signature, "examples": [{"x": 1.0}], "instances": [""]}
    assert (status, expected) == ask(checking, verb, **body)
