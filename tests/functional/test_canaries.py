"""Canaries as they are run: `deploy` in one process, the server in another, callers in between."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from modelregistry.aliases import picking
from modelregistry.aliases.shares import parse

from .terminal import DEPLOY, PATIENCE, Answer, Client, deploy, free_port, must, running

PREDICT = "/v1/models/sample:predict"
BODY = {"instances": [[1.0], [5.0]]}
ANSWER = {"predictions": [[2.5], [4.5]]}


@pytest.fixture(scope="module")
def prepared(savedmodels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    registry = tmp_path_factory.mktemp("prepared") / "registry"
    for _ in range(3):
        must(registry, "publish", savedmodels / "half_plus_two", "sample")
    must(registry, "promote", "sample", 1)
    return registry


@pytest.fixture
def registry(prepared: Path, tmp_path: Path) -> Path:
    """`sample` with three versions that answer alike, version 1 `stable`."""
    return Path(shutil.copytree(prepared, tmp_path / "registry"))


@pytest.fixture
def port(registry: Path, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    command = [DEPLOY, "serve", "--rest_api_port", str(port), "--alias-ttl", "0.1"]
    with running(command, port, cwd=tmp_path, registry=registry):
        yield port


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    client = Client(port)
    yield client
    client.close()


def until(client: Client, key: str, header: str, value: str) -> Answer:
    """Ask as `key` until the answer has this `header`; nobody may fail meanwhile."""
    deadline = monotonic() + PATIENCE
    while True:
        answer = client.ask(PREDICT, BODY, {"x-routing-key": key})
        assert (200, ANSWER) == (answer.status, answer.document)
        if answer.headers.get(header) == value:
            return answer
        assert monotonic() < deadline, answer
        sleep(0.05)


def actual(registry: Path, port: int) -> Any:  # noqa: ANN401 - a document
    status = must(registry, "status", "sample", "--url", f"http://127.0.0.1:{port}", "--json")
    return json.loads(status)["actual"]


def key_of(version: int, shares: str) -> str:
    """Somebody who gets `version`."""
    there = parse(shares.split())
    return next(
        key
        for key in map(str, range(1000))
        if picking.pick(there, "sample", "stable", key) == version
    )


def test_each_caller_gets_what_the_alias_says_and_status_counts_them(
    registry: Path, port: int, client: Client
) -> None:
    split = "1@60 2@30 3@10"
    must(registry, "split", "sample", *split.split())
    for version in ("2", "3"):  # the split is followed, and everything is loaded
        until(client, key_of(int(version), split), "x-model-version", version)
    before = Counter(actual(registry, port)["aliases"]["stable"]["requests"])
    got = {
        key: client.ask(PREDICT, BODY, {"x-routing-key": key}).headers["x-model-version"]
        for key in map(str, range(300))
    }
    wanted = {key: str(picking.pick(parse(split.split()), "sample", "stable", key)) for key in got}
    assert wanted == got
    after = Counter(actual(registry, port)["aliases"]["stable"]["requests"])
    assert Counter(got.values()) == after - before


def test_a_canary_that_cannot_be_loaded_answers_nobody_and_status_says_so(
    registry: Path, port: int, client: Client
) -> None:
    damaged = registry / "models" / "sample" / "2" / "saved_model.pb"
    sound = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes(bytes(len(sound)))
    must(registry, "canary", "sample", 2, "--weight", 50)
    mine = key_of(2, "1@50 2@50")
    stood_in = until(client, mine, "x-model-stand-in-for", "2")
    assert ("1", "stable", "2") == tuple(
        stood_in.headers[name] for name in ("x-model-version", "x-model-alias", "x-alias-revision")
    )
    url = f"http://127.0.0.1:{port}"
    deadline = monotonic() + PATIENCE
    while "warning" not in (told := deploy(registry, "status", "sample", "--url", url)).stderr:
        assert monotonic() < deadline, told
    assert 0 == told.returncode
    assert told.stderr.startswith("warning: the server cannot load version 2: ")
    assert "2" in actual(registry, port)["refused"]
    # And once it can be, it takes its share by itself.
    damaged.write_bytes(sound)
    until(client, mine, "x-model-version", "2")
    assert {} == actual(registry, port)["refused"]


def test_a_server_without_metrics_or_without_the_model_is_told_of(
    registry: Path, port: int, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{port}"
    other = tmp_path / "other"
    must(other, "publish", registry / "models" / "sample" / "1", "unknown")
    absent = deploy(other, "status", "unknown", "--url", url)
    assert (5, "") == (absent.returncode, absent.stdout)
    assert "unknown" in absent.stderr
    nowhere = deploy(registry, "status", "sample", "--url", f"{url}/below")
    assert (5, "") == (nowhere.returncode, nowhere.stdout)
    assert "has no metrics at /monitoring/prometheus/metrics" in nowhere.stderr
