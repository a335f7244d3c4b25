"""`deploy warmup record`: what it takes, says and leaves alone."""

import io
import json
import sys
from types import SimpleNamespace

import pytest

from modelserver.warmup import files
from tests.unit.cli.deploying import Deploy
from tests.unit.warmup.logs import SIGNATURES
from tests.unit.warmup.test_recorder import savedmodel


@pytest.fixture
def work(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """In a directory with the SavedModel `my_model/1` and bodies for it."""
    monkeypatch.chdir(deploy.work)
    savedmodel(deploy.work / "my_model" / "1", SIGNATURES)
    (deploy.work / "one.json").write_text('{\n  "instances": [1]\n}\n')
    (deploy.work / "two.jsonl").write_text('{"inputs": 2}\n\n{"inputs": [3]}\n')
    return deploy


def test_it_takes_bodies_lines_and_stdin(work: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = SimpleNamespace(buffer=io.BytesIO(b'{"instances": [4]}'))
    monkeypatch.setattr(sys, "stdin", stdin)
    result = work.ok("warmup", "record", "my_model/1", "-d", "one.json", "-d", "two.jsonl", "-d-")
    assert "my_model/1/assets.extra/warmup.jsonl: 4 requests added, 4 in all\n" == result.out
    assert "note: they are run by: deploy publish my_model/1 MODEL" in result.err
    written = (work.work / "my_model/1" / files.JSON_LINES).read_text().splitlines()
    assert [[1], 2, [3], [4]] == [next(iter(json.loads(line).values())) for line in written]


def test_it_adds_until_it_is_told_to_replace(work: Deploy) -> None:
    work.ok("warmup", "record", "my_model/1", "-d", "two.jsonl")
    assert (
        "1 request added, 3 in all"
        in work.ok("warmup", "record", "my_model/1", "-d", "one.json").out
    )
    assert (
        "1 request added, 1 in all"
        in work.ok("warmup", "record", "my_model/1", "-d", "one.json", "--replace").out
    )


def test_it_writes_tensorflow_servings_file_too(work: Deploy) -> None:
    result = work.ok("warmup", "record", "my_model/1", "-d", "one.json", "--format", "tfrecord")
    assert "assets.extra/tf_serving_warmup_requests: 1 request added" in result.out
    assert (work.work / "my_model/1" / files.PREDICTION_LOGS).exists()


def test_a_misfit_is_refused_with_its_line(work: Deploy) -> None:
    (work.work / "bad.jsonl").write_text('{"inputs": 2}\n{"inputs": "a"}\n')
    result = work("warmup", "record", "my_model/1", "-d", "one.json", "-d", "bad.jsonl")
    assert 4 == result.code
    assert 'error: bad.jsonl, line 2: INVALID_ARGUMENT: JSON Value: "a" Type: String' in result.err
    assert not (work.work / "my_model/1/assets.extra").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["my_model/1"], 2, "Missing option '-d' / '--data'"),
        (["my_model/1", "-d", "nowhere.json"], 1, "nowhere.json: No such file"),
        (["my_model", "-d", "one.json"], 4, "versions lie one level down, as in my_model/1"),
        (["my_model/1", "-d", "empty.jsonl"], 2, "no request is given"),
        (["my_model/1", "-d", "one.json", "--format", "csv"], 2, "'csv' is not one of"),
        (
            ["my_model/1", "-d", "one.json", "--saved_model_tags", "gpu"],
            4,
            "supplied tags: { gpu }",
        ),
    ],
)
def test_mistakes_are_told(work: Deploy, arguments: list[str], code: int, error: str) -> None:
    (work.work / "empty.jsonl").write_text("\n")
    result = work("warmup", "record", *arguments)
    assert code == result.code
    assert error in result.err


def test_a_version_in_a_registry_is_told_to_be_immutable(work: Deploy) -> None:
    work.published({"sample": 1})
    result = work("warmup", "record", "registry/models/sample/1", "-d", "one.json")
    assert 4 == result.code
    assert "is a published version, which never changes" in result.err
    assert "hint: record into the SavedModel that it was made from" in result.err


def test_without_tensorflow_it_says_what_to_install(
    work: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    result = work("warmup", "record", "my_model/1", "-d", "one.json")
    assert 1 == result.code
    assert "recording a warm-up needs tensorflow, which is not installed" in result.err
    assert "hint: pip install 'lambda-serving[serve]'" in result.err
