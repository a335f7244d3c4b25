"""
Processes that are measured: pinned to one core, in turn, each started anew.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

CORE = (os.cpu_count() or 1) - 1
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Run:
    """
    One process. `start` is the seconds from its start to its first answer, `warm` those of
    each request after it; `resident` and `peak` are bytes.
    """

    start: float
    answer: str
    warm: tuple[float, ...]
    resident: int
    peak: int


@dataclass(frozen=True)
class Way:
    """How a request is answered: a name, and the environment that its process gets."""

    name: str
    environment: Mapping[str, str]


def run(way: Way, body: Path, requests: int = 0) -> Run:
    """Raises RuntimeError, with what the process said, if it does not answer."""
    began = time.monotonic()
    found = said("bench.child", way.name, body, str(requests), environment=way.environment)
    return Run(
        start=found["answered"] - began,
        answer=found["answer"],
        warm=tuple(found["seconds"]),
        resident=found["VmRSS"],
        peak=found["VmHWM"],
    )


def said(
    module: str,
    *arguments: str | Path,
    environment: Mapping[str, str] = _NOTHING,
    pinned: bool = True,
) -> Any:  # noqa: ANN401 - JSON
    """
    What the process `python -m MODULE ARGUMENTS` printed, as JSON.

    Raises RuntimeError, with what it said instead.
    """
    with confined({CORE} if pinned else os.sched_getaffinity(0)):
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            env={**_environment(), **environment},
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode or not done.stdout:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


@contextmanager
def confined(cores: AbstractSet[int]) -> Iterator[None]:
    """This process, and those that it starts, run on `cores` alone inside the `with`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
