"""Adding requests to a model's files: all of them, or none."""

import importlib
import json
import os
from io import BytesIO
from pathlib import Path

import pytest

from modelregistry.errors import InvalidInput, ModelRefused, Refused
from modelregistry.manifest import MANIFEST
from modelregistry.plan import Signature
from modelserver.compiler import protos as tensorflow
from modelserver.errors import BadWarmup
from modelserver.warmup import files, protos, recorder, records
from modelserver.warmup.recorder import Body, Recording, record
from modelserver.warmup.requests import Request

from .logs import EXAMPLE, SIGNATURES

_NUMBERS = {"DT_FLOAT": 1, "DT_INT32": 3, "DT_STRING": 7}


def savedmodel(directory: Path, signatures: dict[str, Signature], *tags: str) -> Path:
    """A saved_model.pb of one graph that has nothing but signatures."""
    message = tensorflow.saved_model(b"", text=False)
    graph = message.meta_graphs.add()
    graph.meta_info_def.tags.extend(tags or ("serve",))
    for name, signature in signatures.items():
        definition = graph.signature_def[name]
        definition.method_name = signature.method_name
        for specs, infos in (
            (signature.inputs, definition.inputs),
            (signature.outputs, definition.outputs),
        ):
            for key, spec in specs.items():
                infos[key].name = spec.tensor
                infos[key].dtype = _NUMBERS[spec.dtype]
    directory.mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(message.SerializeToString())
    return directory


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "1", SIGNATURES)


def body(document: object, where: str = "here") -> Body:
    return Body(where, json.dumps(document).encode())


ONE, TWO = body({"instances": [1]}), body({"inputs": [2.5]})
CLASSIFY = body({"signature_name": "classify", "examples": [{"x": 1.0}]})


def requests(model: Path) -> list[Request]:
    return list(files.requests(model, SIGNATURES, {}))


def test_bodies_are_added_to_what_is_there(model: Path) -> None:
    assert Recording(files.JSON_LINES, 1, 1) == record(model, [ONE])
    assert Recording(files.JSON_LINES, 2, 3) == record(model, [TWO, CLASSIFY])
    assert ["serving_default", "serving_default", "classify"] == [
        request.signature for request in requests(model)
    ]


def test_replacing_starts_over(model: Path) -> None:
    record(model, [ONE, ONE])
    assert Recording(files.JSON_LINES, 1, 1) == record(model, [TWO], replace=True)
    assert [[2.5]] == [request.inputs["x"].tolist() for request in requests(model)]


def test_a_body_keeps_its_numbers_and_loses_its_line_breaks(model: Path) -> None:
    written = b'{"signature_name":\r\n "two",\n"inputs": {"a": [1, -0], "b": "\\n"}}\n'
    record(model, [Body("here", written)])
    expected = b'{"signature_name":   "two", "inputs": {"a": [1, -0], "b": "\\n"}}\n'
    assert expected == (model / files.JSON_LINES).read_bytes()
    (request,) = requests(model)
    assert b"\n" == request.inputs["b"].item()


def test_lines_without_a_break_at_the_end_are_added_to(model: Path) -> None:
    (model / "assets.extra").mkdir()
    (model / files.JSON_LINES).write_bytes(b'\n{"instances": [7]}')
    assert 2 == record(model, [ONE]).total
    assert [[7], [1]] == [request.inputs["x"].tolist() for request in requests(model)]


def test_a_tfrecord_holds_the_same_requests(model: Path) -> None:
    regress = body({"signature_name": "regress", "examples": [{"x": 1.0}, {}]})
    two = body({"signature_name": "two", "instances": [{"a": 1, "b": {"b64": "/w=="}}]})
    first = record(model, [ONE, two], form="tfrecord")
    assert Recording(files.PREDICTION_LOGS, 2, 2) == first
    assert 4 == record(model, [CLASSIFY, regress], form="tfrecord").total
    assert [
        ("serving_default", "predict", {"x": [1]}),
        ("two", "predict", {"a": [1], "b": [b"\xff"]}),
        ("classify", "classify", {"inputs": [EXAMPLE]}),
        ("regress", "regress", {"inputs": [EXAMPLE, b""]}),
    ] == [
        (
            request.signature,
            request.method,
            {name: array.tolist() for name, array in sorted(request.inputs.items())},
        )
        for request in requests(model)
    ]


def test_what_a_tfrecord_held_stays_as_it_is(model: Path) -> None:
    (model / "assets.extra").mkdir()
    path = model / files.PREDICTION_LOGS
    held = records.framed(b"") + records.framed(b"whatever it is")
    path.write_bytes(held + b"a tail")  # which nobody reads
    record(model, [ONE], form="tfrecord")
    assert path.read_bytes().startswith(held)
    assert [b"", b"whatever it is"] == list(records.read(BytesIO(path.read_bytes()), ""))[:2]


@pytest.mark.parametrize("form", ["jsonl", "tfrecord"])
def test_one_body_that_does_not_fit_and_nothing_is_written(
    model: Path, form: recorder.Format
) -> None:
    wrong = body({"inputs": ["a"]}, "bodies.jsonl, line 4")
    with pytest.raises(
        BadWarmup, match=r'bodies\.jsonl, line 4: INVALID_ARGUMENT: JSON Value: "a"'
    ):
        record(model, [ONE, wrong], form=form)
    assert not (model / "assets.extra").exists()


def test_a_damaged_tfrecord_is_not_added_to(model: Path) -> None:
    (model / "assets.extra").mkdir()
    path = model / files.PREDICTION_LOGS
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(BadWarmup, match="DATA_LOSS"):
        record(model, [ONE], form="tfrecord")
    assert b"nothing of the kind" == path.read_bytes()
    assert 1 == record(model, [ONE], form="tfrecord", replace=True).total


def test_no_more_is_written_than_is_read(model: Path) -> None:
    record(model, [ONE] * 1000)
    before = (model / files.JSON_LINES).read_bytes()
    with pytest.raises(Refused, match="would hold 1001 requests, TensorFlow Serving takes 1000"):
        record(model, [ONE])
    assert before == (model / files.JSON_LINES).read_bytes()
    assert 1000 == len(requests(model))


def test_a_published_version_is_left_alone(model: Path) -> None:
    (model / MANIFEST).write_text("{}")
    with pytest.raises(Refused, match="is a published version, which never changes"):
        record(model, [ONE])
    assert [MANIFEST, "saved_model.pb"] == sorted(path.name for path in model.iterdir())


def test_no_body_is_a_mistake(model: Path) -> None:
    with pytest.raises(InvalidInput, match="no request is given"):
        record(model, [])


def test_what_is_no_savedmodel_is_said_to_be_none(tmp_path: Path) -> None:
    savedmodel(tmp_path / "my_model" / "1", SIGNATURES)
    with pytest.raises(ModelRefused, match=r"versions lie one level down, as in .*my_model/1"):
        record(tmp_path / "my_model", [ONE])


def test_tags_choose_the_signatures(tmp_path: Path) -> None:
    model = savedmodel(tmp_path / "1", SIGNATURES, "train")
    with pytest.raises(ModelRefused, match=r"matching supplied tags: \{ serve \}"):
        record(model, [ONE])
    assert 1 == record(model, [ONE], tags=("train",)).added


def test_a_write_that_fails_leaves_what_was_there(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(model, [ONE])
    before = (model / files.JSON_LINES).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        record(model, [TWO])
    left = [path.name for path in (model / "assets.extra").iterdir()]
    assert [["warmup.jsonl"], [model]] == [left, list(model.parent.iterdir())]
    assert before == (model / files.JSON_LINES).read_bytes()


def test_who_is_killed_while_writing_leaves_nothing_in_the_savedmodel(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[list[str]] = []

    def look(descriptor: int) -> None:
        found.append([path.name for path in (model / "assets.extra").iterdir()])

    monkeypatch.setattr(os, "fsync", look)
    monkeypatch.chdir(model)
    for directory in (model, Path()):
        record(directory, [ONE])
    assert [[], ["warmup.jsonl"]] == found
    assert [model] == list(model.parent.iterdir())


def test_a_file_of_bodies_is_numbered_by_its_lines() -> None:
    found = recorder.bodies_in(b'{"a": 1}\r\n\n  \n{"b": 2}', "some.jsonl")
    assert [("some.jsonl, line 1", b'{"a": 1}\r'), ("some.jsonl, line 4", b'{"b": 2}')] == [
        (each.where, each.data) for each in found
    ]


@pytest.mark.parametrize(
    ("data", "name", "count"),
    [
        (b'{"a": 1}', "stdin", 1),
        (b'{"a": 1}\n', "stdin", 1),
        (b'{\n  "a": [{}\n]\n}\n', "stdin", 1),
        (b'{"a": [{"b": {}},\n {"b": {}}]}', "stdin", 1),
        (b'{"a": 1}\n{"b": {}}\n', "stdin", 2),
        (b'{"a": 1}\n{"b": \n', "stdin", 1),  # one that no server would take
        (b'{"a": 1}\n{"b": \n', "some.jsonl", 2),
        (b"", "stdin", 1),
    ],
)
def test_several_objects_are_several_bodies(data: bytes, name: str, count: int) -> None:
    assert count == len(recorder.bodies_in(data, name))


def test_a_serialized_log_is_protobufs(model: Path) -> None:
    """Not only our own reader's: the text form names every field."""
    record(model, [CLASSIFY], form="tfrecord")
    (data,) = records.read(BytesIO((model / files.PREDICTION_LOGS).read_bytes()), "")
    text_format = importlib.import_module("google.protobuf.text_format")
    shown = text_format.MessageToString(protos.prediction_log(data), as_one_line=True)
    assert shown.startswith('classify_log { request { model_spec { signature_name: "classify" }')
