"""What a person does on a terminal: run `deploy`, start a server, press Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from types import MappingProxyType
from typing import Any

DEPLOY = str(Path(sys.executable).with_name("deploy"))
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
PATIENCE = 60.0  # seconds: a busy machine is slow, a broken server is slower


def environment(registry: Path | None = None) -> dict[str, str]:
    """This process's environment, with `registry` chosen, or none."""
    rest = {name: value for name, value in os.environ.items() if name != "DEPLOY_REGISTRY"}
    return rest | ({"DEPLOY_REGISTRY": str(registry)} if registry else {})


def deploy(registry: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run `deploy WORDS…` on `registry`."""
    return subprocess.run(
        [DEPLOY, *map(str, words)],
        env=environment(registry),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def must(registry: Path, *words: object) -> str:
    """What `deploy WORDS…` prints; its complaints if it fails."""
    done = deploy(registry, *words)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    document: Any


class Client:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def ask(
        self, path: str, body: object = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> Answer:
        """GET, or POST with a JSON `body`."""
        method = "GET" if body is None else "POST"
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, dict(headers))
        response = self._connection.getresponse()
        answered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, answered, json.loads(response.read()))

    def close(self) -> None:
        self._connection.close()


def until(true: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE
    while not true():
        assert monotonic() < deadline, f"not within {PATIENCE} s"
        sleep(0.05)


@contextmanager
def running(
    command: Sequence[str], port: int, *, cwd: Path, registry: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """The server that `command` starts, from when it listens; Ctrl-C ends it."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(registry),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            _await_port(server, port)
            yield server
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()
                raise


def _await_port(server: subprocess.Popen[str], port: int) -> None:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        if server.poll() is not None:
            raise AssertionError(f"it ended: {server.communicate()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.05)
    raise AssertionError(f"nothing listens on {port} after {PATIENCE} s")
