"""
Kill -9 at any instant of a change leaves a registry that opens, resolves and goes on.

Real processes are killed at real instants: `tests.support.mortal` says which there are.
With `KILL_EVERYWHERE=1` at each of them (some minutes); without it at each that is
about to write, and at lines in between, at least a hundred a journey.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from modelregistry.aliases.state import Policy
from modelregistry.deletion import execute, propose_gc
from modelregistry.errors import Conflict, NotFound
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.progress import UNWATCHED
from modelregistry.publishing import Publisher
from modelregistry.verification import verify_all
from tests.fakes import FakeCompiler, contents, fetched, publish_all, savedmodel
from tests.support.mortal import NEVER, OPERATIONS, REVISION, Answer, Request

KILL_EVERYWHERE = os.environ.get("KILL_EVERYWHERE") == "1"
KILLS = 100  # at least, for each journey


class Seen(NamedTuple):
    """What a user of the registry sees: the versions, and the one that `stable` means."""

    versions: list[int]
    stable: int


BEFORE = Seen([1, 2, 3], 2)
# Operation, version policy, and what may be seen on the way; the last is the goal.
JOURNEYS = {
    "publish": ("publish", "all", [BEFORE, Seen([1, 2, 3, 4], 2)]),
    "publish with policy": (
        "publish",
        "latest",
        [BEFORE, Seen([1, 2, 3, 4], 2), Seen([1, 2, 3, 4], 4)],
    ),
    "copy": ("copy", "all", [BEFORE, Seen([1, 2, 3, 4], 2)]),
    "copy with policy": (
        "copy",
        "latest",
        [BEFORE, Seen([1, 2, 3, 4], 2), Seen([1, 2, 3, 4], 4)],
    ),
    "promote": ("promote", "all", [BEFORE, Seen([1, 2, 3], 3)]),
    "rollback": ("rollback", "all", [BEFORE, Seen([1, 2, 3], 1)]),
    "delete": ("delete", "all", [BEFORE, Seen([2, 3], 2)]),
    "gc": ("gc", "all", [BEFORE, Seen([1, 2], 2)]),
}


@pytest.fixture
def directory() -> Iterator[Path]:
    """In memory where there is such a place: kill -9 needs no disk, and fsync is slow on one."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh directory below it
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as found:
        yield Path(found)


@pytest.fixture(scope="module")
def mortal() -> Iterator["Mortal"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.mortal"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    with process:
        yield Mortal(process)


class Mortal:
    """Asks `tests.support.mortal` for one child after another."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, request: Request) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Answer(*json.loads(self._process.stdout.readline()))


@pytest.mark.parametrize("journey", JOURNEYS)
def test_killed_anywhere_it_leaves_a_registry_that_goes_on(
    journey: str, mortal: Mortal, directory: Path
) -> None:
    operation, policy, path = JOURNEYS[journey]
    template, place = directory / "template", directory / "registry"
    source = savedmodel(directory / "four", "four")
    make_registry(template, directory, Policy("latest" if policy == "latest" else "all"))
    make_laptop(directory / "laptop", source)

    def fresh_run(point: int) -> Answer:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(template, place)
        return mortal.run(Request(operation, point, str(place), str(source)))

    alive = fresh_run(NEVER)
    assert alive.exit == 0
    assert look(place) == path[-1]
    points = chosen(alive.kinds)
    assert len(points) >= KILLS
    on_the_way = []
    for point in points:
        assert fresh_run(point).exit == -SIGKILL
        seen = look(place, leftovers={"orphaned"})
        do_again(place, operation, source, done=seen == path[-1])
        clean_up(place)
        assert look(place) == path[-1]
        on_the_way.append(seen)
    # Never a step back, nothing that was not expected, and every step was met.
    assert on_the_way == sorted(on_the_way, key=path.index)
    assert {path.index(seen) for seen in on_the_way} == set(range(len(path)))


def test_killed_from_outside_at_any_time_it_leaves_a_registry_that_goes_on(directory: Path) -> None:
    place, source = directory / "registry", savedmodel(directory / "four", "four")
    make_registry(place, directory, Policy("all"))
    chance = random.Random(1)  # noqa: S311 - a seed, so that a failure can be repeated
    for _ in range(8):
        command = [sys.executable, "-m", "tests.support.busy", str(place), str(source)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
        ) as busy:
            assert busy.stdout is not None
            assert busy.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0, 0.2))
            busy.kill()
        assert busy.returncode == -SIGKILL
        assert look(place, leftovers={"orphaned"}).versions[:3] == [1, 2, 3]
        clean_up(place)
        assert look(place).versions[:3] == [1, 2, 3]


def make_registry(place: Path, sources: Path, policy: Policy) -> None:
    """Versions 1 to 3 and `REVISION` revisions: the policy, then `stable` to 1, then to 2."""
    registry = open_registry(str(place), create=True)
    publish_all(registry, sources, {"m": 3})
    registry.commit(registry.propose_policy("m", policy))
    for version in (1, 2):
        registry.commit(registry.propose_promote(ModelId("m", version), "stable"))
    assert next(registry.history("m")).number == REVISION
    registry.aliases.close()


def make_laptop(place: Path, source: Path) -> None:
    """Where version 4 is copied from."""
    registry = open_registry(str(place), create=True)
    Publisher(registry, FakeCompiler()).publish(source, "m", 4)
    registry.aliases.close()


def chosen(kinds: str) -> list[int]:
    """The instants to be killed at; their numbers begin with 1."""
    writes = [n for n, kind in enumerate(kinds, 1) if kind == "w"]
    lines = [n for n, kind in enumerate(kinds, 1) if kind == "l"]
    step = 1 if KILL_EVERYWHERE else max(1, len(lines) // max(40, KILLS - len(writes)))
    # The last lines too: what is done is only seen by who is killed after it.
    return sorted({*writes, *lines[::step], *lines[-3:]})


def look(place: Path, leftovers: Collection[str] = ()) -> Seen:
    """
    Open the registry as a fresh process would, hold it to its promises, say what it is.

    `leftovers` are the kinds of findings that an interrupted command may leave.
    """
    registry = open_registry(str(place))
    log = [r.number for r in registry.history("m")]
    assert log == list(range(len(log), 0, -1))
    state, versions = registry.state("m"), registry.versions("m")
    assert state.versions() <= set(versions)
    # A number that was published is here, or known to be gone: never forgotten.
    assert {1, 2, 3} <= {*versions, *state.retired}
    assert {finding.kind for finding in verify_all(registry, UNWATCHED)} <= set(leftovers)
    fetched(registry.artifacts, registry.resolve("m"))
    seen = Seen(versions, registry.resolve("m").version)
    registry.aliases.close()
    return seen


def do_again(place: Path, operation: str, source: Path, *, done: bool) -> None:
    """It succeeds, or says that it is `done` already."""
    registry = open_registry(str(place))
    try:
        OPERATIONS[operation](registry, source)
    except (Conflict, NotFound):
        assert done
    registry.aliases.close()


def clean_up(place: Path) -> None:
    """What `deploy gc` does."""
    registry = open_registry(str(place))
    for deletion in propose_gc(registry, keep=10, models=["m"]):
        execute(registry, deletion)
    registry.artifacts.sweep()
    registry.aliases.close()
    assert contents(place / "staging") == {}
