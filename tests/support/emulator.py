"""
The Lambda runtime emulator without Docker: the predict function in a process of its own.

The emulator's binary comes with aws-sam-cli, which has an environment of its own.
"""

import importlib.util
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parents[2]
_MACHINE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")


@dataclass(frozen=True)
class Emulator:
    """`invoke` is what Lambda does with an event; `log` is what the function has written."""

    port: int
    log: Path

    def invoke(self, event: object, *, timeout: float = 60) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations"
        request = Request(url, data=json.dumps(event).encode(), method="POST")
        with urlopen(request, timeout=timeout) as answer:  # noqa: S310
            document: dict[str, Any] = json.load(answer)
        return document

    def lines(self) -> list[dict[str, Any]]:
        """The JSON among the lines of the log."""
        found = []
        for line in self.log.read_text("utf-8", "replace").splitlines():
            with suppress(ValueError):
                document = json.loads(line)
                if isinstance(document, dict):
                    found.append(document)
        return found


@contextmanager
def emulator(home: Path, variables: Mapping[str, str], *, seconds: int = 30) -> Iterator[Emulator]:
    """The handler behind the emulator; an invocation may take `seconds`."""
    binary = _binary()
    home.mkdir(parents=True, exist_ok=True)
    port, api = _free_port(), _free_port()
    log = home / "log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "TMPDIR": str(home),
        "AWS_LAMBDA_FUNCTION_NAME": "predict",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(seconds),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        **variables,
    }
    command = [
        str(binary),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{api}"),
        *(sys.executable, "-m", "awslambdaric", "modelserver.handler.handler"),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _until_it_listens(port, process)
        yield Emulator(port, log)
    finally:
        # The emulator is the leader of its group, and does not always take the runtime along.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _binary() -> Path:
    found = sorted(
        ROOT.glob(f".venv-sam/lib/python*/site-packages/samcli/local/rapid/*rie-{_MACHINE}")
    )
    if not found:
        _missing("the Lambda runtime emulator comes with aws-sam-cli: make sam")
    if importlib.util.find_spec("awslambdaric") is None:
        _missing("awslambdaric is not installed: pip install -c constraints.txt awslambdaric")
    return found[-1]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _missing(how_to_get_it: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(how_to_get_it)
    pytest.skip(how_to_get_it)


def _until_it_listens(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
        except URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                return  # it answers, if only that there is no such page
            assert process.poll() is None
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the emulator does not listen")
