"""`sam build` and `sam local start-api`, as `make sam-local` and the tests both run them."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Final

from .endpoints import REGION
from .engine import CHECKOUT, SAM_VENV, Refused, architecture

SAM: Final = SAM_VENV / "bin" / "sam"
STDERR: Final = 2  # its descriptor; nothing of SAM is data
GRACE: Final = 60  # seconds that SAM gets to remove its containers


def check_sam() -> None:
    """Raise `Refused` unless SAM is installed here."""
    stamp = SAM_VENV / ".set-up"
    if not SAM.exists() or not stamp.exists() or stamp.read_text().strip() != str(CHECKOUT):
        raise Refused("the SAM command line is missing; install it with: make sam")


def build(directory: Path) -> None:
    """Build every function and layer of template.yaml into `directory`."""
    arguments = ["build", "--no-cached", f"--build-dir={directory}", *_architecture()]
    done = subprocess.run(
        [SAM, *arguments], cwd=CHECKOUT, env=_environment({}), stdout=STDERR, check=False
    )
    if done.returncode:
        raise Refused("sam build failed; what it said is above")


@contextmanager
def start_api(
    built: Path,
    port: int,
    *,
    aws: Mapping[str, str],
    settings: Mapping[str, str],
) -> Iterator[subprocess.Popen[bytes]]:
    """
    `sam local start-api` on `port` of 127.0.0.1, from when it listens; Ctrl-C for it afterwards.

    `aws` is the environment with AWS's own variables, `settings` those of the functions
    that differ from the template. Its log goes to stderr.
    """
    variables = built / "env-vars.json"
    variables.write_text(json.dumps({"Parameters": dict(settings)}))
    command = [
        *(str(SAM), "local", "start-api", "--template", str(built / "template.yaml")),
        *("--port", str(port), "--region", REGION, "--env-vars", str(variables)),
        *("--warm-containers", "EAGER", "--skip-pull-image", "--no-watch", *_architecture()),
    ]
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=_environment(aws),
        stdin=subprocess.DEVNULL,
        stdout=STDERR,
        start_new_session=True,  # Ctrl-C reaches it once: from here
    ) as process:
        try:
            _await_port(process, port)
            yield process
        finally:
            _end(process)


def check_port(port: int) -> None:
    """Raise `Refused` if something listens on `port` of 127.0.0.1 already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            hint = f"stop what listens there or: make sam-local PORT={port + 1}"
            raise Refused(f"port {port} is taken ({error.strerror}); {hint}") from error


def _environment(aws: Mapping[str, str]) -> dict[str, str]:
    rest = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return rest | dict(aws) | {"SAM_CLI_TELEMETRY": "0"}


def _architecture() -> tuple[str, ...]:
    return ("--parameter-overrides", f"Architecture={architecture().sam}")


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.1)
    raise Refused("sam local start-api ended by itself; what it said is above")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise Refused("sam local start-api did not end; look at: docker ps") from None
