"""
What `make run` does once everything is installed: train, publish and serve the sample.

    python examples/digits/demo.py [--port 9000]

Each step is done once. Promoting version 1 comes last, so a `stable` that is set means
that all of them are done: later runs go straight to the server, and leave `stable`
where its owner has moved it since.
"""

import argparse
import errno
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
DEPLOY = Path(sys.executable).with_name("deploy")

MODEL = "sample"
NOT_FOUND = 5  # what `deploy` exits with when there is no such model
INTERRUPTED = 130
TIDY_UP = 5  # seconds that an interrupted command gets to end by itself
AFRESH = "to start afresh: rm -rf my_model registry && make run"


class Refused(Exception):
    """Nothing has been started or changed; the message says what to do."""


class StepFailed(Exception):
    """A step did not succeed; what it printed has already said why."""


def check_port(port: int) -> None:
    with socket.socket() as probe:
        # As the server will: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Refused(f"port {port} cannot be used: {error.strerror}") from error
            other = port + 1 if port < 65535 else 9000
            raise Refused(
                f"port {port} is taken; stop what listens there or: make run PORT={other}"
            ) from error


def check_installed() -> None:
    if not DEPLOY.exists():
        raise Refused(f"{DEPLOY} is missing; install the project with: make setup")


def prepare() -> str:
    """
    Bring the sample to where it can be served, from wherever an earlier run left it.

    Returns the URL of its registry.
    """
    status = _status()
    if "stable" not in status["aliases"]:
        _make(status)
        status = _status()
    routed = {route["version"] for route in status["aliases"]["stable"]["routes"]}
    if lost := routed - set(status["versions"]):
        print(f"run: {MODEL}:{min(lost)} is stable, but is not there any more", file=sys.stderr)
        raise StepFailed
    return str(status["registry"]["url"])


def _make(status: dict[str, Any]) -> None:
    if not {1, 2} <= set(status["versions"]):
        if not all((CHECKOUT / "my_model" / version).exists() for version in ("1", "2")):
            print("training the sample (once, about 20 seconds)", flush=True)
            _step(sys.executable, HERE / "train.py")
        _step(DEPLOY, "publish", "my_model", MODEL)
    _step(DEPLOY, "promote", MODEL, "1")


def _status() -> dict[str, Any]:
    """`{"versions": [1, 2], "aliases": {"stable": …}}`, both empty before the first publish."""
    asked = subprocess.run(
        [DEPLOY, "status", MODEL, "--json"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == NOT_FOUND:
        return {"versions": [], "aliases": {}}
    if asked.returncode:
        print(asked.stderr.partition("\n")[0] or "deploy status failed", file=sys.stderr)
        raise StepFailed
    document: dict[str, Any] = json.loads(asked.stdout)
    return document


def _step(*command: str | Path) -> None:
    with subprocess.Popen(command, cwd=CHECKOUT) as child:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            _end(child)
            raise
    if code in {INTERRUPTED, -signal.SIGINT}:
        raise KeyboardInterrupt
    if code:
        raise StepFailed


def _end(child: subprocess.Popen[bytes]) -> None:
    # The terminal sends Ctrl-C to both of us; a signal to this process alone does not.
    try:
        child.wait(timeout=TIDY_UP)
    except subprocess.TimeoutExpired:
        child.terminate()


def introduce(port: int, registry: str) -> None:
    body = shlex.quote(f"@{HERE / 'three.json'}")
    url = f"http://localhost:{port}/v1/models/{MODEL}:predict"
    print(
        f"registry       {registry}\n"
        "In another terminal, once it serves:\n"
        f"  predict      curl -d {body} {url}\n"
        f"  version 2    .venv/bin/deploy promote {MODEL} 2\n"
        f"  and back     .venv/bin/deploy rollback {MODEL}\n"
        "Ctrl-C ends it.",
        flush=True,
    )


def serve(port: int) -> None:
    """Become the server, so that signals go straight to it."""
    os.chdir(CHECKOUT)
    os.execv(DEPLOY, [str(DEPLOY), "serve", "--rest_api_port", str(port)])  # noqa: S606 - no shell is meant


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 1 to 65535")
    return int(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Train, publish and serve the sample.")
    parser.add_argument("--port", type=_port, default=9000)
    port: int = parser.parse_args().port
    # The registry of this checkout, which `deploy` finds from another terminal, too.
    os.environ.pop("DEPLOY_REGISTRY", None)
    try:
        check_port(port)
        check_installed()
        introduce(port, prepare())
        serve(port)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Refused, OSError) as error:
        print(f"run: {error}", file=sys.stderr)
    except StepFailed:
        print(AFRESH, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
