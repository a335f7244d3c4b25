"""docs/canaries.md, from top to bottom: its commands are run, and its requests are asked."""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from json import loads
from pathlib import Path
from time import monotonic, sleep

import pytest

from .terminal import DEPLOY, PATIENCE, free_port, must, running
from .walks import commands, must_print, typed

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "canaries.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(console|http)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SERVER = "http://localhost:8501"


@dataclass
class Example:
    """A request, and what of its answer the page shows."""

    method: str
    path: str
    sent: dict[str, str]
    body: str
    status: int
    headers: dict[str, str]
    document: object

    @classmethod
    def read(cls, block: str) -> "Example":
        request, body, answer = block.strip().split("\n\n")
        first, *sent = request.splitlines()
        status, *lines = answer.splitlines()
        documents = [loads(line) for line in lines if line.startswith("{")]
        method, path = first.split()
        return cls(
            method,
            path,
            _headers(sent),
            body,
            int(status),
            _headers([line for line in lines if not line.startswith("{")]),
            documents[0] if documents else None,
        )

    def asked(self, port: int) -> "Example":
        """What the server answers, as far as the page tells."""
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request(self.method, self.path, self.body, self.sent)
        answer = connection.getresponse()
        document = loads(answer.read())
        connection.close()
        return Example(
            self.method,
            self.path,
            self.sent,
            self.body,
            answer.status,
            {name: answer.headers.get(name, "") for name in self.headers},
            None if self.document is None else document,
        )


def _headers(lines: list[str]) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lines)


@pytest.fixture
def checkout(savedmodels: Path, tmp_path: Path) -> Path:
    """Where `sample` has three versions that answer alike, and `stable` is version 1."""
    shutil.copy(ROOT / "deploy.toml", tmp_path)
    for _ in range(3):
        must(tmp_path / "registry", "publish", savedmodels / "half_plus_two", "sample")
    must(tmp_path / "registry", "promote", "sample", 1)
    return tmp_path


@pytest.fixture
def port(checkout: Path) -> Iterator[int]:
    port = free_port()
    with running([DEPLOY, "serve", "--rest_api_port", str(port)], port, cwd=checkout):
        yield port


def test_the_walk_prints_and_answers_what_the_page_says(checkout: Path, port: int) -> None:
    for kind, block in BLOCKS:
        if kind == "http":
            _must_answer(Example.read(block), port)
            continue
        for line, expected in commands(block):
            words = shlex.split(line.replace(SERVER, f"http://127.0.0.1:{port}"))
            must_print(expected, line, typed(words, checkout))


def _must_answer(expected: Example, port: int) -> None:
    """At the latest once the server has followed the change before, and loaded what it needs."""
    deadline = monotonic() + PATIENCE
    while (answer := expected.asked(port)) != expected:
        assert monotonic() < deadline, f"{answer} is not what the page says: {expected}"
        sleep(0.1)


def test_every_command_and_header_that_the_page_names_is_in_the_walk() -> None:
    walked = "\n".join(block for _, block in BLOCKS)
    assert PAGE.count("```") == 2 * len(BLOCKS)
    ran = set(re.findall(r"^\$ deploy ([a-z]+)", walked, re.MULTILINE))
    assert set(re.findall(r"`deploy ([a-z]+)", PAGE)) - {"serve"} <= ran
    shown = set(re.findall(r"^(x-[a-z-]+): ", walked, re.MULTILINE))
    # It takes a version that cannot be loaded, which none that is published is here.
    assert set(re.findall(r"^\| `(x-[a-z]+-[a-z-]+)`", PAGE, re.MULTILINE)) - shown == {
        "x-model-stand-in-for"
    }
