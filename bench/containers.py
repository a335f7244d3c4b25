"""
Both handlers as they are deployed: images on Lambda's base, run by its runtime emulator.

The base may be the stand-in of infra/local. Raises `Refused` where there is no Docker engine.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.error import URLError
from urllib.request import Request, urlopen

from infra.local import base_image, stand_in
from infra.local.base_image import TAG
from infra.local.engine import CHECKOUT, check_engine, docker

from .cases import Case
from .processes import CORE

PEERS = Path(__file__).with_name("peers")
# What the plain image is made from, and its name in the build's context.
_PLAIN_FILES: Mapping[str, str] = MappingProxyType(
    {
        "plain.Dockerfile": "Dockerfile",
        "plain.py": "plain.py",
        "plain.txt": "requirements.txt",
    }
)
HERE, PLAIN = "lambda-serving-bench:here", "lambda-serving-bench:plain"
_MADE_FROM = "lambda-serving-bench.made-from"  # a label
_PORT = 8080  # the emulator's, inside
_PATIENCE = 120.0


@dataclass(frozen=True)
class Start:
    """A first request: `seconds` from event to answer, `read` bytes that came from the disk."""

    seconds: float
    read: int
    body: str


def build() -> None:
    """Both images. The engine keeps the layers: a second time takes seconds."""
    check_engine()
    base_image.ensure()
    dockerfile = CHECKOUT / "functions/predict/Dockerfile"
    docker("build", "--quiet", "--tag", HERE, "--file", str(dockerfile), str(CHECKOUT))
    label = f"{_MADE_FROM}={made_from(base=docker('image', 'inspect', '-f', '{{.Id}}', TAG))}"
    # Its context has half a gigabyte of wheels, which are fetched anew each time.
    if not docker("image", "ls", "--quiet", "--filter", f"label={label}", PLAIN):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
            _plain_context(Path(place))
            docker("build", "--quiet", "--tag", PLAIN, "--label", label, place)


def made_from(peers: Path = PEERS, *, base: str) -> str:
    """The digest of all that decides what is in the plain image."""
    digest = hashlib.sha256(base.encode())
    for name in _PLAIN_FILES:
        digest.update(hashlib.sha256((peers / name).read_bytes()).digest())
    return digest.hexdigest()


def _plain_context(place: Path) -> None:
    for name, copy in _PLAIN_FILES.items():
        shutil.copy(PEERS / name, place / copy)
    stand_in.download(place / "requirements.txt", place / "wheels")


def first_request(image: str, case: Case, event: Mapping[str, object], *, cold: bool) -> Start:
    """
    Start `image` on one core and ask it once: the emulator starts the runtime then.

    With `cold` nothing of it is in the page cache when it is asked. Needs root for that,
    and to see what was read.
    """
    with _container(image, case) as (name, port):
        if cold:
            drop_page_cache()
        before = _bytes_read(name)
        began = time.monotonic()
        answer = _invoke(port, event)
        seconds = time.monotonic() - began
        read = _bytes_read(name) - before
    if answer.get("statusCode") != 200:
        raise RuntimeError(f"{image} did not answer: {answer}")
    return Start(seconds, read, str(answer["body"]))


def drop_page_cache() -> None:
    """Raises PermissionError to who is not root."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3", "ascii")


@contextmanager
def _container(image: str, case: Case) -> Iterator[tuple[str, int]]:
    variables = {**case.here.environment, **case.plain.environment, "TMPDIR": ""}
    mounts = (case.registry, case.directory)
    name = docker(
        *("run", "--detach", "--rm", f"--cpuset-cpus={CORE}", "--memory=1769m"),
        *(f"--publish=127.0.0.1::{_PORT}", *(f"--volume={path}:{path}:ro" for path in mounts)),
        *(f"--env={variable}={value}" for variable, value in variables.items()),
        image,
    )
    try:
        port = int(docker("port", name, str(_PORT)).rpartition(":")[2])
        _until_it_listens(port)
        yield name, port
    finally:
        docker("kill", name)


def _until_it_listens(port: int) -> None:
    """Ask the emulator for a page that it has not: that starts no runtime."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
        except URLError as error:
            if getattr(error, "code", None):
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the runtime emulator does not listen")


def _invoke(port: int, event: Mapping[str, object]) -> dict[str, object]:
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    request = Request(url, data=json.dumps(event).encode(), method="POST")
    with urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - this machine's
        document: dict[str, object] = json.load(answer)
    return document


def _bytes_read(name: str) -> int:
    """What the processes of a container have had fetched from the disk until now."""
    pids = [line.split()[1] for line in docker("top", name).splitlines()[1:]]
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
        total += next(int(line.split()[1]) for line in fields if line.startswith("read_bytes"))
    return total
