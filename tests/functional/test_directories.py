"""Version directories and a models.config, served by a process of its own while they change."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from .steady import ANSWER, BODY, changes, steady, until_all_answer
from .terminal import DEPLOY, PATIENCE, Client, environment, free_port, running

POLL = 1.0  # seconds, upstream's default
DENSE = {"instances": [[0.0] * 784]}


@contextmanager
def serving(cwd: Path, *words: str) -> Iterator[tuple[int, Callable[[], str]]]:
    """`deploy serve WORDS…`: its port, and a function that ends it and returns its log."""
    port = free_port()
    command = [DEPLOY, "serve", f"--rest_api_port={port}", *words]
    with running(command, port, cwd=cwd) as server:

        def ended() -> str:
            server.terminate()
            return server.communicate(timeout=PATIENCE)[1]

        yield port, ended


def asked(port: int, path: str, body: object = None) -> tuple[int, object]:
    client = Client(port)
    try:
        answer = client.ask(path, body)
        return answer.status, answer.document
    finally:
        client.close()


def eventually(true: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE
    while not true():
        assert monotonic() < deadline
        sleep(0.05)


def states(port: int, model: str = "sample") -> dict[str, tuple[str, str]]:
    """Of each version in the status its state and, if there is one, the trouble with it."""
    client = Client(port)
    document = client.ask(f"/v1/models/{model}").document
    client.close()
    return {
        v["version"]: (v["state"], v["status"]["error_message"])
        for v in document.get("model_version_status", [])
    }


@pytest.fixture
def base(savedmodels: Path, tmp_path: Path) -> Path:
    """`half_plus_two` as version 1 of a base path."""
    shutil.copytree(savedmodels / "half_plus_two", tmp_path / "my_model" / "1")
    return tmp_path / "my_model"


def config(path: Path, **models: tuple[Path, int]) -> None:
    """Write a models.config in which each model has a base path and one specific version."""
    text = "".join(
        f"""
  config {{
    name: "{name}"
    base_path: "{base}"
    model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: {version} }} }}
  }}"""
        for name, (base, version) in models.items()
    )
    beside = path.with_suffix(".new")
    beside.write_text(f"model_config_list {{{text}\n}}\n")
    beside.replace(path)


def test_a_version_that_appears_takes_over_and_one_that_goes_gives_back_without_a_gap(
    base: Path, tmp_path: Path
) -> None:
    words = (f"--model_base_path={base}", "--model_name=sample")
    gone = 404, {"error": "Servable not found for request: Specific(sample, 2)"}
    with serving(tmp_path, *words) as (port, _), steady(port) as loads:
        until_all_answer(loads, "1")
        for _ in range(2):
            shutil.copytree(base / "1", base / "2")
            until_all_answer(loads, "2")
            shutil.rmtree(base / "2")
            until_all_answer(loads, "1")
            eventually(lambda: gone == asked(port, "/v1/models/sample/versions/2:predict", BODY))
            assert {"1": ("AVAILABLE", "")} == states(port)
        (base / "1").rename(base / "00003")
        until_all_answer(loads, "3")
    assert [["1", "2", "1", "2", "1", "3"]] * 3 == [changes(load.versions) for load in loads]


def test_a_half_copied_version_never_answers(base: Path, savedmodels: Path, tmp_path: Path) -> None:
    whole, target = savedmodels / "dense", base / "2"
    shard = "variables/variables.data-00000-of-00001"
    data = (whole / shard).read_bytes()
    graph = (whole / "saved_model.pb").read_bytes()
    (target / "variables").mkdir(parents=True)
    stages: list[Callable[[], object]] = [
        lambda: (target / "saved_model.pb").write_bytes(graph[: len(graph) // 2]),
        lambda: (target / "saved_model.pb").write_bytes(graph),
        lambda: (target / shard).write_bytes(data[: len(data) // 2]),
        lambda: shutil.copy(whole / "variables" / "variables.index", target / "variables"),
        lambda: (target / shard).write_bytes(data[:-1]),
    ]
    words = (f"--model_base_path={base}", "--model_name=sample")
    number = "/v1/models/sample/versions/2:predict"
    with serving(tmp_path, *words) as (port, _):
        with steady(port) as loads:
            until_all_answer(loads, "1")
            for stage in stages:
                stage()
                for _ in range(30):  # three polls: it settles as it is
                    assert asked(port, number, DENSE)[0] in {404, 503}
                    sleep(POLL / 10)
            assert {"1"} == {version for load in loads for version in load.versions}
        state, trouble = states(port)["2"]
        assert "END" == state
        assert f"{shard} has {len(data) - 1:,} of {len(data):,} bytes" == trouble
        (target / shard).write_bytes(data)
        eventually(lambda: 200 == asked(port, number, DENSE)[0])
        assert {"1": ("AVAILABLE", ""), "2": ("AVAILABLE", "")} == states(port)


def test_live_edits_of_the_file_move_the_version_and_back(base: Path, tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    shutil.copytree(base / "1", base / "2")
    config(file, sample=(base, 1))
    words = (f"--model_config_file={file}", "--model_config_file_poll_wait_seconds=1")
    with serving(tmp_path, *words) as (port, ended):
        with steady(port) as loads:
            until_all_answer(loads, "1")
            config(file, sample=(base, 2))
            until_all_answer(loads, "2")
            file.write_text("model_config_list {\n  config { nme: 'sample' }\n}")
            sleep(3 * POLL)
            config(file, sample=(base, 1), other=(base, 2))
            until_all_answer(loads, "1")
            eventually(lambda: (200, ANSWER) == asked(port, "/v1/models/other:predict", BODY))
        assert [["1", "2", "1"]] * 3 == [changes(load.versions) for load in loads]
        config(file, other=(base, 2))
        gone = 404, {"error": "Servable not found for request: Latest(sample)"}
        eventually(lambda: gone == asked(port, "/v1/models/sample:predict", BODY))
        assert (200, ANSWER) == asked(port, "/v1/models/other:predict", BODY)
        log = ended()
    (kept,) = [line for line in log.splitlines() if line.startswith("keeping")]
    assert kept.startswith(f"keeping the last configuration: {file}:2:12: ")
    assert "nme" in kept


def test_a_version_of_links_is_served_as_tensorflow_serving_serves_it(
    base: Path, tmp_path: Path
) -> None:
    """As mounted volumes and caches of models lay them out."""
    elsewhere = (base / "1").rename(tmp_path / "elsewhere")
    linked = base / "2"
    linked.mkdir()
    (linked / "variables").symlink_to(elsewhere / "variables")
    (linked / "saved_model.pb").symlink_to(elsewhere / "saved_model.pb")
    (base / "1").symlink_to(elsewhere)
    with serving(tmp_path, f"--model_base_path={base}") as (port, _):
        for version in (1, 2):
            path = f"/v1/models/default/versions/{version}:predict"
            assert (200, ANSWER) == asked(port, path, BODY)
    refused = subprocess.run(
        [DEPLOY, "publish", linked, "sample"],
        env=environment(tmp_path / "registry"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert 4 == refused.returncode
    assert "is a link to" in refused.stderr


def test_one_broken_and_one_missing_model_stop_no_other(
    base: Path, broken: Path, tmp_path: Path
) -> None:
    refused = tmp_path / "refused"
    shutil.copytree(broken / "no_variables", refused / "1")
    file = tmp_path / "models.config"
    config(file, refused=(refused, 1), sample=(base, 1), missing=(tmp_path / "missing", 1))
    with serving(tmp_path, f"--model_config_file={file}") as (port, _):
        assert (200, ANSWER) == asked(port, "/v1/models/sample:predict", BODY)
        assert 404 == asked(port, "/v1/models/refused:predict", BODY)[0]
        assert 404 == asked(port, "/v1/models/missing:predict", BODY)[0]
        state, trouble = states(port, "refused")["1"]
        assert "END" == state
        assert "variables" in trouble
        shutil.copytree(base / "1", tmp_path / "missing" / "1")
        eventually(lambda: (200, ANSWER) == asked(port, "/v1/models/missing:predict", BODY))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model_config_list {\n  config { nme: 'm' }\n}", ":2:12: Message type"),
        (
            "model_config_list {\n  config { name: 'm' base_path: './m' }\n}",
            ":2:22: the base_path of 'm' must be an absolute path or a URI, not './m'",
        ),
    ],
)
def test_a_bad_file_at_the_start_is_an_error_with_line_and_column(
    tmp_path: Path, text: str, expected: str
) -> None:
    file = tmp_path / "models.config"
    file.write_text(text)
    done = subprocess.run(
        [DEPLOY, "serve", "--rest_api_port=0", f"--model_config_file={file}"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert 2 == done.returncode
    assert f"error: {file}{expected}" in done.stderr


def test_a_base_path_in_s3_says_what_to_do_instead(tmp_path: Path) -> None:
    done = subprocess.run(
        [DEPLOY, "serve", "--rest_api_port=0", "--model_base_path=s3://bucket/my_model"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert 2 == done.returncode
    assert "s3://bucket/my_model, and only directories are served in place" in done.stderr
    assert "deploy serve --registry URL" in done.stderr
