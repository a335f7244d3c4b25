"""Both files of a model, one request after the other."""

import json
from pathlib import Path

import pytest

from modelserver.errors import BadWarmup
from modelserver.warmup import files, records
from modelserver.warmup.requests import Request

from .logs import EXAMPLE, SIGNATURES, floats, over_examples, predict


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "assets.extra").mkdir()
    return tmp_path


def logged(model: Path, *serialized: bytes) -> None:
    (model / files.PREDICTION_LOGS).write_bytes(b"".join(map(records.framed, serialized)))


def lines(model: Path, *bodies: object) -> None:
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    (model / files.JSON_LINES).write_text("\n".join(texts))


def requests(model: Path) -> list[Request]:
    return list(files.requests(model, SIGNATURES, {}))


def refusal(model: Path) -> str:
    with pytest.raises(BadWarmup) as error:
        requests(model)
    return str(error.value)


def test_a_model_without_files_has_no_requests(tmp_path: Path) -> None:
    assert [] == requests(tmp_path)


def test_empty_files_are_fine(model: Path) -> None:
    logged(model)
    lines(model)
    assert [] == requests(model)


@pytest.mark.parametrize("name", [files.JSON_LINES, files.PREDICTION_LOGS])
def test_a_directory_of_such_a_name_is_no_file(model: Path, name: str) -> None:
    (model / name).mkdir(parents=True)
    assert f"{model / name} is a directory" in refusal(model)


def test_each_request_says_where_it_is_from(model: Path) -> None:
    logged(
        model,
        predict(x=floats(1)).SerializeToString(),
        b"",  # of no type
        over_examples("regress", "regress", EXAMPLE).SerializeToString(),
    )
    lines(model, {"instances": [1]}, "", {"inputs": [2]})
    assert [
        "assets.extra/tf_serving_warmup_requests, record 1",
        "assets.extra/tf_serving_warmup_requests, record 3",
        "assets.extra/warmup.jsonl, line 1",
        "assets.extra/warmup.jsonl, line 3",
    ] == [request.source for request in requests(model)]


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ({"instances": [1, 2.5]}, {"x": [1, 2.5]}),
        ({"inputs": [[1], [2]]}, {"x": [[1], [2]]}),
        ({"signature_name": "two", "inputs": {"a": 1, "b": "s"}}, {"a": 1, "b": b"s"}),
        ({"signature_name": "regress", "inputs": [{"b64": "CgA="}]}, {"inputs": [b"\n\0"]}),
    ],
)
def test_a_predict_body_is_read_as_a_server_reads_it(
    model: Path, body: object, inputs: object
) -> None:
    lines(model, body)
    (request,) = requests(model)
    assert "predict" == request.method
    assert inputs == {name: array.tolist() for name, array in request.inputs.items()}


@pytest.mark.parametrize(
    ("signature", "method"),
    [
        ("classify", "classify"),
        ("scores", "classify"),
        ("regress", "regress"),
        ("values", "regress"),
    ],
)
def test_a_body_with_examples_is_for_what_its_signature_is_for(
    model: Path, signature: str, method: str
) -> None:
    examples = [{"x": 1.0}, {}]
    lines(model, {"signature_name": signature, "context": {}, "examples": examples})
    (request,) = requests(model)
    assert (method, 2) == (request.method, request.examples)
    assert [EXAMPLE, b""] == request.inputs["inputs"].tolist()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "INVALID_ARGUMENT: JSON Parse error: Missing a name for object member. at offset: 1"),
        ("[1]", "INVALID_ARGUMENT: JSON Value: [1] Is not object"),
        ({}, "INVALID_ARGUMENT: Missing 'inputs' or 'instances' key"),
        ({"inputs": ["a"]}, 'INVALID_ARGUMENT: JSON Value: "a" Type: String is not of expected'),
        (
            {"signature_name": "nope", "inputs": 1},
            'INVALID_ARGUMENT: Serving signature name: "nope" not found in signature def',
        ),
        (
            {"signature_name": "nothing", "inputs": 1},
            "INVALID_ARGUMENT: Failed to get input map for signature: nothing",
        ),
        (
            {"signature_name": "nope", "examples": [{}]},
            "INVALID_ARGUMENT: No signature was found with the name: nope",
        ),
        (
            {"signature_name": "regress", "examples": 1},
            "INVALID_ARGUMENT: JSON Value: {",
        ),
        ({"examples": [{}]}, "INVALID_ARGUMENT: No classification inputs found"),
    ],
)
def test_a_line_that_no_server_would_accept_is_named(
    model: Path, body: object, reason: str
) -> None:
    lines(model, {"instances": [1]}, body)
    assert refusal(model).startswith(f"assets.extra/warmup.jsonl, line 2: {reason}")


def test_a_thousand_records_are_fine_and_one_more_is_not(model: Path) -> None:
    record = predict(x=floats(1)).SerializeToString()
    logged(model, *[record] * 1000)
    lines(model, *[{"instances": [1]}] * 1000)
    assert 2000 == len(requests(model))
    logged(model, *[record] * 1001)
    path = model / files.PREDICTION_LOGS
    assert (
        "assets.extra/tf_serving_warmup_requests, record 1001: INVALID_ARGUMENT: Number of warmup"
        f" records exceeds the maximum (1000) at {path}"
    ) == refusal(model)
    path.unlink()
    lines(model, *[{"instances": [1]}] * 1001)
    assert "warmup.jsonl, line 1001: INVALID_ARGUMENT: Number of warmup" in refusal(model)


def test_a_record_that_holds_nothing_counts_as_one(model: Path) -> None:
    logged(model, *[b""] * 1001)
    assert "exceeds the maximum" in refusal(model)


def test_what_comes_before_a_fault_is_there_first(model: Path) -> None:
    logged(model, predict(x=floats(1)).SerializeToString(), b"malformed")
    found = files.requests(model, SIGNATURES, {})
    assert "serving_default" == next(found).signature
    with pytest.raises(BadWarmup, match="record 2: INVALID_ARGUMENT: Failed to parse"):
        next(found)


def test_what_is_no_tfrecord_is_a_loss_of_data(model: Path) -> None:
    (model / files.PREDICTION_LOGS).write_bytes(predict(x=floats(1)).SerializeToString())
    assert "Please verify your warmup data is in TFRecord format." in refusal(model)
    assert ": DATA_LOSS: " in refusal(model)
