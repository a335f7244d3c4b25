"""Releases as they are made: `deploy` in one process, the server in another, clients in between."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from urllib.request import urlopen

import pytest

from .steady import ANSWER, BODY, changes, steady, until_all_answer
from .terminal import DEPLOY, PATIENCE, Client, deploy, environment, free_port, must, running

ALIAS_TTL = 1.0


@pytest.fixture(scope="module")
def prepared(savedmodels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    registry = tmp_path_factory.mktemp("prepared") / "registry"
    for _ in range(2):
        must(registry, "publish", savedmodels / "half_plus_two", "sample")
    must(registry, "promote", "sample", 1)
    return registry


@pytest.fixture
def registry(prepared: Path, tmp_path: Path) -> Path:
    """`sample` with two versions that answer alike, version 1 `stable`."""
    return Path(shutil.copytree(prepared, tmp_path / "registry"))


@pytest.fixture
def port(registry: Path, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    command = [DEPLOY, "serve", "--rest_api_port", str(port), "--alias-ttl", str(ALIAS_TTL)]
    with running(command, port, cwd=tmp_path, registry=registry):
        yield port


def test_flips_and_rollbacks_under_load_drop_no_request(registry: Path, port: int) -> None:
    with steady(port) as loads:
        until_all_answer(loads, "1")
        for _ in range(2):
            must(registry, "promote", "sample", 2)
            until_all_answer(loads, "2")
            must(registry, "rollback", "sample")
            until_all_answer(loads, "1")
    # And nobody was sent back and forth: one change for each flip.
    assert [["1", "2", "1", "2", "1"]] * 3 == [changes(load.versions) for load in loads]


def test_a_flip_is_followed_without_any_request(registry: Path, port: int) -> None:
    client = Client(port)
    must(registry, "promote", "sample", 2)
    deadline = monotonic() + PATIENCE
    while client.ask("/v1/models/sample:predict", BODY).headers["x-model-version"] != "2":
        assert monotonic() < deadline
        sleep(ALIAS_TTL / 2)
    client.close()


def test_the_alias_table_gone_the_last_known_version_answers(registry: Path, port: int) -> None:
    client = Client(port)
    assert ANSWER == client.ask("/v1/models/sample:predict", BODY).document
    table = registry / "aliases.sqlite3"
    away = table.rename(registry / "away")
    for _ in range(3):
        answer = client.ask("/v1/models/sample:predict", BODY)
        assert (200, ANSWER) == (answer.status, answer.document)
        sleep(ALIAS_TTL / 2)
    assert not table.exists()  # nobody made an empty one in its place
    away.rename(table)
    must(registry, "promote", "sample", 2)
    deadline = monotonic() + PATIENCE
    while client.ask("/v1/models/sample:predict", BODY).headers["x-model-version"] != "2":
        assert monotonic() < deadline
        sleep(0.1)
    client.close()


def test_prometheus_finds_the_metrics_where_tensorflow_serving_has_them(port: int) -> None:
    client = Client(port)
    assert ANSWER == client.ask("/v1/models/sample:predict", BODY).document
    client.close()
    with urlopen(f"http://127.0.0.1:{port}/monitoring/prometheus/metrics") as page:
        assert "text/plain; version=0.0.4; charset=utf-8" == page.headers["content-type"]
        lines = page.read().decode().splitlines()
    assert ':tensorflow:serving:request_count{model_name="sample",status="OK"} 1' in lines
    assert 'lambda_serving_loaded{model="sample",version="1"} 1' in lines


def test_ctrl_c_ends_the_server_cleanly(registry: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [DEPLOY, "serve", "--rest-api-port", str(port)]
    with running(command, port, cwd=tmp_path, registry=registry) as server:
        server.send_signal(signal.SIGINT)
        out, log = server.communicate(timeout=PATIENCE)
    assert (0, "") == (server.returncode, out)
    assert "stopped" == log.splitlines()[-1]
    assert "Traceback" not in log


def test_a_port_that_is_taken_is_one_clear_line(registry: Path, port: int) -> None:
    refused = deploy(registry, "serve", "--rest_api_port", port)
    assert 1 == refused.returncode
    expected = f"error: cannot listen on 127.0.0.1:{port}: Address already in use"
    assert [f"{expected}; choose another with --rest_api_port"] == refused.stderr.splitlines()


def test_predict_asks_a_server_or_answers_by_itself(
    registry: Path, port: int, tmp_path: Path
) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"instances": [[1.0], [5.0]]}')
    for where in ("sample", "sample:2", "sample@stable"):
        alone = must(registry, "predict", where, "-d", body)
        asked = must(registry, "predict", where, "-d", body, "--url", f"http://127.0.0.1:{port}")
        assert '{"predictions":[[2.5],[4.5]]}' == alone.strip() == asked.strip()


@pytest.mark.parametrize("eighth", range(8))
def test_publish_killed_with_its_compiler_leaves_a_registry_that_goes_on(
    registry: Path, savedmodels: Path, eighth: int
) -> None:
    source = savedmodels / "lookup_table"
    command = [DEPLOY, "publish", str(source), "sample"]
    with subprocess.Popen(
        command, env=environment(registry), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as publishing:
        sleep(0.05 + 0.3 * eighth)
        publishing.kill()
    must(registry, "promote", "sample", 2)
    must(registry, "publish", source, "sample", 9)
    must(registry, "gc", "--keep", 9)
    assert "all sound" in must(registry, "verify")
    assert [] == list((registry / "staging").iterdir())
