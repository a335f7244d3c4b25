"""What the local commands need of the machine: a Docker engine, and words for the terminal."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
SAM_VENV = CHECKOUT / ".venv-sam"

GET_DOCKER = (
    "on Debian and Ubuntu: apt-get install docker.io, then start dockerd, as root"
    " or as a member of the group docker"
)


class Refused(Exception):
    """The machine lacks something; the message says what, and how to get it."""


class Architecture(NamedTuple):
    sam: str
    docker: str


ARCHITECTURES = {
    "x86_64": Architecture(sam="x86_64", docker="amd64"),
    "aarch64": Architecture(sam="arm64", docker="arm64"),
    "arm64": Architecture(sam="arm64", docker="arm64"),
}


def architecture() -> Architecture:
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise Refused(f"no Lambda function runs on {machine}; it takes x86_64 or arm64")
    return ARCHITECTURES[machine]


def check_engine() -> None:
    """Raise `Refused` unless `docker` reaches an engine."""
    if not shutil.which("docker"):
        raise Refused(f"needs Docker, and there is no docker command; {GET_DOCKER}")
    asked = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    if asked.returncode:
        reason = (asked.stderr.strip() or "docker version failed").splitlines()[-1]
        raise Refused(f"needs a Docker engine: {reason}; {GET_DOCKER}")


def emulator() -> Path:
    """The Lambda runtime emulator for this machine, from SAM's package."""
    name = f"aws-lambda-rie-{architecture().sam}"
    found = sorted(SAM_VENV.glob(f"lib/python*/site-packages/samcli/local/rapid/{name}"))
    if not found:
        raise Refused(f"{SAM_VENV.name} has no {name}; make it with: make sam")
    return found[0]


def docker(*arguments: str) -> str:
    """What `docker arguments…` prints; `Refused` with its complaint if it fails."""
    return run("docker", *arguments).strip()


def run(*command: str | Path, stdin: IO[bytes] | None = None) -> str:
    """What `command` prints; `Refused` with the end of what it said if it fails."""
    done = subprocess.run(command, stdin=stdin, capture_output=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise Refused(f"{Path(command[0]).name} failed:\n{said[-2000:]}")
    return done.stdout.decode(errors="replace")


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
