"""
The README's commands are run as printed, in order, and print what it says.

`...` stands for anything. Where and when it ran and by whom is taken out of both.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path
from time import monotonic, sleep

import pytest

from .terminal import DEPLOY, PATIENCE, Client, environment, free_port, running

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# The one command that does not end; the examples after it talk to it.
SERVE = "deploy serve --rest_api_port 9000"

_VARYING = (
    (re.compile(r"file:///\S+/registry"), "URL"),
    (re.compile(r"chosen by \S+deploy.toml"), "chosen by FILE"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?"), "TIME"),
    (re.compile(r"\d+s ago"), "AGO"),
    (re.compile(r"[\w.-]+@[\w.-]+"), "USER"),
    (re.compile(r"at \.\.\. \("), "at TIME ("),
)


def examples() -> Iterator[tuple[str, str]]:
    """Each `$ command` of the README's console blocks, and the lines below it."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield command, printed


def plain(text: str) -> str:
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the walk needs of a checkout."""
    shutil.copy(ROOT / "deploy.toml", tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def test_the_walk_prints_what_the_readme_says(checkout: Path) -> None:
    port = free_port()
    command = [DEPLOY, *shlex.split(SERVE)[1:-1], str(port)]
    with ExitStack() as stack:
        serving = False
        for typed, expected in examples():
            words = shlex.split(typed)
            if "predict.py" in typed:
                words += ["--url", f"http://127.0.0.1:{port}"]
                if not serving:
                    stack.enter_context(running(command, port, cwd=checkout))
                    serving = True
                if "--alias" in words:
                    _await_version(port, "2")
            _compare(typed, plain(expected), plain(_typed(words, checkout)))


def _typed(words: list[str], checkout: Path) -> str:
    """What a terminal of 120 columns shows of `words`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words,
        cwd=checkout,
        env=environment() | {"PATH": path, "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout


def _compare(command: str, expected: str, printed: str) -> None:
    fits = OutputChecker().check_output(expected, printed, ELLIPSIS | NORMALIZE_WHITESPACE)
    assert fits, f"$ {command}\n{printed}\nis not what the README says:\n{expected}"


def _await_version(port: int, version: str) -> None:
    client = Client(port)
    deadline = monotonic() + PATIENCE
    while client.ask("/v1/models/sample/metadata").headers["x-model-version"] != version:
        assert monotonic() < deadline
        sleep(0.05)
    client.close()


def test_the_serve_command_is_in_the_readme() -> None:
    assert f"```sh\n{SERVE}\n```" in README
