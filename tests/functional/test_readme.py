"""The README's commands are run as printed, in order, and print what it says."""

import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep

import pytest

from .terminal import DEPLOY, PATIENCE, Client, free_port, running
from .walks import commands, must_print, typed

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# The one command that does not end; the examples after it talk to it.
SERVE = "deploy serve --rest_api_port 9000"


def examples() -> Iterator[tuple[str, str]]:
    """Each `$ command` of the README's console blocks, and the lines below it."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        yield from commands(block)


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
        for line, expected in examples():
            words = shlex.split(line)
            if "predict.py" in line:
                words += ["--url", f"http://127.0.0.1:{port}"]
                if not serving:
                    stack.enter_context(running(command, port, cwd=checkout))
                    serving = True
                if "--alias" in words:
                    _await_version(port, "2")
            must_print(expected, line, typed(words, checkout))


def _await_version(port: int, version: str) -> None:
    client = Client(port)
    deadline = monotonic() + PATIENCE
    while client.ask("/v1/models/sample/metadata").headers["x-model-version"] != version:
        assert monotonic() < deadline
        sleep(0.05)
    client.close()


def test_the_serve_command_is_in_the_readme() -> None:
    assert f"```sh\n{SERVE}\n```" in README
