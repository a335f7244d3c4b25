"""Real graphs, really published, through the real application."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.progress import UNWATCHED
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from modelserver.api.web import create_app
from modelserver.compiler import SubprocessCompiler
from modelserver.runtime import Threads
from modelserver.server import ModelServer
from modelserver.settings import ServingSettings
from tests.oracle.cases import TYPES

GRAPHS = ("half_plus_two", "two_inputs", "types", "strings", "lookup_table", "signatures")


@pytest.fixture(scope="module")
def registry(savedmodels: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Each graph as version 1 of a model of its name, `stable`."""
    registry = open_registry(str(tmp_path_factory.mktemp("registry")), create=True)
    for name in GRAPHS:
        publish(registry, savedmodels / name, name)
        promote(registry, name, 1)
    return registry


@pytest.fixture(scope="module")
def client(registry: Registry) -> Iterator[TestClient]:
    with TestClient(create_app(serve(registry))) as client:
        yield client


def serve(registry: Registry) -> ModelServer:
    settings = ServingSettings(alias_ttl=0, swap_wait=30, threads=Threads(1, 1))
    return ModelServer.over(registry, settings, SubprocessCompiler())


def publish(registry: Registry, source: Path, model: str) -> ModelId:
    return Publisher(registry, SubprocessCompiler()).publish(source, model).manifest.id


def promote(registry: Registry, model: str, version: int) -> None:
    registry.commit(registry.propose_promote(ModelId(model, version), "stable"))


def predict(client: TestClient, model: str, **body: Any) -> Any:  # noqa: ANN401 - JSON is
    return client.post(f"/v1/models/{model}:predict", content=json.dumps(body)).json()


def test_the_row_format_answers_row_by_row(client: TestClient) -> None:
    answer = predict(client, "half_plus_two", instances=[[1.0], [2.0], [5.0]])
    assert {"predictions": [[2.5], [3.0], [4.5]]} == answer


def test_the_columnar_format_takes_and_gives_names(client: TestClient) -> None:
    answer = predict(client, "two_inputs", inputs={"a": [[1, 2, 3]], "b": [0.5, 1.5, 2.5]})
    expected = {"sum": [[1.5, 3.5, 5.5]], "squares": [[1, 4, 9]], "largest": 2.5}
    assert {"outputs": expected} == answer


def test_strings_and_b64_go_in_and_out(client: TestClient) -> None:
    answer = predict(client, "strings", inputs=["naïve", {"b64": "/wA="}])
    assert ["naïve", {"b64": "/wA="}] == answer["outputs"]["same"]
    assert [6, 2] == answer["outputs"]["length"]


def test_a_lookup_table_finds_its_asset(client: TestClient) -> None:
    answer = predict(client, "lookup_table", instances=["bird", "cat", "cow"])
    assert {"predictions": [2, 0, -1]} == answer


def test_another_signature_is_asked_for_by_name(client: TestClient) -> None:
    answer = predict(client, "signatures", signature_name="doubled", instances=[2**40, -1])
    assert {"predictions": [2**41, -2]} == answer


def test_every_numeric_type_that_json_has_a_form_for_goes_in_and_out(client: TestClient) -> None:
    numbers = [
        *("float16", "bfloat16", "float32", "float64"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    ]
    inputs = {"bool": [True], **{name: [3] for name in numbers}}
    answer = predict(client, "types", signature_name="without_complex", inputs=inputs)["outputs"]
    assert {name: [3, 3] for name in numbers} == {name: answer[f"{name}_twice"] for name in numbers}
    assert {name: [6] for name in numbers} == {name: answer[f"{name}_sum"] for name in numbers}
    assert [True, True] == answer["bool_twice"]


def test_a_type_without_a_form_in_json_is_not_implemented(client: TestClient) -> None:
    inputs = {name: [True] if name == "bool" else [1] for name in TYPES}
    answer = client.post("/v1/models/types:predict", content=json.dumps({"inputs": inputs}))
    assert 501 == answer.status_code
    assert answer.json()["error"].startswith("Conversion of JSON Value: 1 to type: complex")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ("{", 400, "JSON Parse error: Missing a name for object member. at offset: 1"),
        ("[1]", 400, "JSON Value: [1] Is not object"),
        ('{"instances": [["a"]]}', 400, "Failed to process element: 0 of 'instances' list."),
        ('{"instances": [[1.0], [2.0, 3.0]]}', 400, "Failed to process element: 1"),
        ('{"inputs": {"a": [[1, 2]], "b": [1, 2, 3]}}', 400, "Incompatible shapes: [1,2] vs. [3]"),
        ('{"inputs": {"a": [[1, 2, 3]]}}', 400, "Missing named input: b in 'inputs' object."),
        ('{"instances": [{"a": [1.5, 2, 3], "b": [1, 2, 3]}]}', 400, "Failed to process element"),
        ('{"signature_name": "no", "instances": [1]}', 400, 'Serving signature name: "no"'),
    ],
)
def test_bad_input_is_a_400_with_the_reason(
    client: TestClient, body: str, status: int, error: str
) -> None:
    model = "half_plus_two" if "instances" in body and '"a":' not in body else "two_inputs"
    answer = client.post(f"/v1/models/{model}:predict", content=body)
    assert status == answer.status_code
    assert error in answer.json()["error"]
    assert "predictions" in predict(client, "half_plus_two", instances=[[1.0]])


def test_metadata_are_tensorflow_servings_document(client: TestClient) -> None:
    document = client.get("/v1/models/half_plus_two/versions/1/metadata").json()
    signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
    expected = {
        "dtype": "DT_FLOAT",
        "tensor_shape": {
            "dim": [{"size": "-1", "name": ""}, {"size": "1", "name": ""}],
            "unknown_rank": False,
        },
        "name": "serving_default_x:0",
    }
    assert expected == signature["inputs"]["x"]
    assert "tensorflow/serving/predict" == signature["method_name"]


def test_a_flip_and_a_rollback_are_followed(
    client: TestClient, registry: Registry, savedmodels: Path
) -> None:
    other = publish(registry, savedmodels / "half_plus_two", "flip")
    better = publish(registry, savedmodels / "signatures", "flip")
    promote(registry, "flip", other.version)
    assert {"predictions": [[2.5]]} == predict(client, "flip", instances=[[1.0]])
    promote(registry, "flip", better.version)
    assert {"outputs": 1.0} == predict(client, "flip", inputs=9.0)
    registry.commit(registry.propose_rollback("flip", "stable"))
    assert {"predictions": [[2.5]]} == predict(client, "flip", instances=[[1.0]])


@pytest.fixture
def damaged(registry: Registry, savedmodels: Path) -> ModelId:
    """A second version of `half_plus_two`, one bit of whose variables has flipped since."""
    id = publish(registry, savedmodels / "half_plus_two", "half_plus_two")
    with registry.artifacts.fetch(id, UNWATCHED) as version:
        place = version.directory
    file = place / "variables/variables.data-00000-of-00001"
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)
    return id


def test_bytes_that_do_not_match_the_manifest_are_refused_and_the_old_version_answers(
    client: TestClient, registry: Registry, damaged: ModelId
) -> None:
    assert {"predictions": [[2.5]]} == predict(client, "half_plus_two", instances=[[1.0]])
    promote(registry, "half_plus_two", damaged.version)
    answer = client.post("/v1/models/half_plus_two:predict", content='{"instances": [[1.0]]}')
    assert ({"predictions": [[2.5]]}, "1") == (answer.json(), answer.headers["x-model-version"])

    path = f"/v1/models/half_plus_two/versions/{damaged.version}"
    answer = client.post(f"{path}:predict", content='{"instances": [[1.0]]}')
    assert 503 == answer.status_code
    assert "variables.data-00000-of-00001 is damaged: SHA-256 is" in answer.json()["error"]
    (status,) = client.get(path).json()["model_version_status"]
    assert "END" == status["state"]
    assert "damaged" in status["status"]["error_message"]


def test_a_plan_that_is_gone_is_made_again_without_being_stored(
    registry: Registry, savedmodels: Path
) -> None:
    id = publish(registry, savedmodels / "half_plus_two", "planless")
    promote(registry, "planless", 1)
    with registry.artifacts.fetch(id, UNWATCHED) as version:
        place = version.directory
    (place / "compiled/1/plan.json").unlink()
    with TestClient(create_app(serve(registry))) as client:
        assert {"predictions": [[2.5]]} == predict(client, "planless", instances=[[1.0]])
    assert registry.artifacts.plan(id) is None
