"""The digits example, each script in a process of its own, as a person runs it."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
DIGITS = CHECKOUT / "examples" / "digits"
ACCURACY = re.compile(r"(\d)  accuracy (\d\.\d+) on 297 held-out digits")


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, DIGITS / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where one run of train.py left its versions, and what it printed."""
    output = tmp_path_factory.mktemp("digits") / "my_model"
    finished = run("train.py", "--output", output)
    assert (finished.returncode, finished.stderr) == (0, "")
    return output, finished.stdout


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_training_leaves_two_whole_versions_and_nothing_else(trained: tuple[Path, str]) -> None:
    output, _ = trained
    assert sorted(entry.name for entry in output.iterdir()) == ["1", "2"]
    for version in output.iterdir():
        assert (version / "saved_model.pb").is_file()
        assert (version / "variables" / "variables.index").is_file()


def test_the_second_version_is_visibly_better(trained: tuple[Path, str]) -> None:
    _, printed = trained
    accuracy = {version: float(value) for version, value in ACCURACY.findall(printed)}
    assert list(accuracy) == ["1", "2"]
    assert accuracy["2"] > 0.95
    assert accuracy["2"] - accuracy["1"] >= 0.05


def test_training_again_keeps_the_versions_that_are_there(trained: tuple[Path, str]) -> None:
    output, _ = trained
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*")}
    again = run("train.py", "--output", output)
    assert again.returncode == 0
    assert again.stdout == "".join(
        f"{output / version}  is already there; remove it to train it again\n" for version in "12"
    )
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*")} == before


def test_predicting_without_a_server_is_one_line_that_names_the_way_out() -> None:
    # Port 1 is never listened on, and asking it needs no permission.
    refused = run("predict.py", "--url", "http://127.0.0.1:1")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "predict: no server at http://127.0.0.1:1/v1/models/sample/versions/1:predict;"
        " start it with: make run\n"
    )


def test_a_taken_port_is_one_line_before_anything_is_trained(taken: int) -> None:
    refused = run("demo.py", "--port", str(taken))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"run: port {taken} is taken; stop what listens there or: ")
    assert refused.stderr.count("\n") == 1


def test_the_request_for_curl_holds_the_first_three_held_out_digits() -> None:
    request = json.loads((DIGITS / "three.json").read_text(encoding="utf-8"))
    program = "import digits, json;print(json.dumps(digits.load().held_out.images[:3].tolist()))"
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=DIGITS, capture_output=True, text=True, check=True
    ).stdout
    assert request["signature_name"] == "serving_default"
    for sent, held_out in zip(request["instances"], json.loads(printed), strict=True):
        assert sent == pytest.approx(held_out, abs=0.0006)
