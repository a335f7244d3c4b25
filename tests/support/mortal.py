"""
Processes that kill themselves at a given instant of an operation on a registry.

`python -m tests.support.mortal` reads requests from stdin, a JSON line each, and
answers each with a line. It has a single thread and opens no registry itself, so
that forking it, once per request, is safe on every Python.

An instant is a line of `modelregistry` about to run, or something that Python is
about to change on the disk (an audit event: open to write, rename, remove, …).
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import modelregistry
from modelregistry import clock
from modelregistry.copying import Copier
from modelregistry.deletion import execute, propose_delete, propose_gc
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from tests.fakes import FakeCompiler

NEVER = 0
REVISION = 3  # the newest of the registry that every operation begins with
_HERE = str(Path(modelregistry.__file__).parent)
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "fcntl.flock", "sqlite3.connect"}
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def publish(registry: Registry, source: Path) -> None:
    Publisher(registry, FakeCompiler()).publish(source, "m", 4)


def promote(registry: Registry, _: Path) -> None:
    registry.commit(registry.propose_promote(ModelId("m", 3), "stable", expect=REVISION))


def rollback(registry: Registry, _: Path) -> None:
    registry.commit(registry.propose_rollback("m", "stable", expect=REVISION))


def delete(registry: Registry, _: Path) -> None:
    execute(registry, propose_delete(registry, "m", [1], force=True))


def gc(registry: Registry, _: Path) -> None:
    for deletion in propose_gc(registry, keep=0, models=registry.models()):
        execute(registry, deletion)
    registry.artifacts.sweep()


def copy(registry: Registry, source: Path) -> None:
    laptop = open_registry(str(source.with_name("laptop")))
    Copier(laptop, registry, FakeCompiler).copy(ModelId("m", 4))
    laptop.aliases.close()


OPERATIONS: dict[str, Callable[[Registry, Path], None]] = {
    "publish": publish,
    "promote": promote,
    "rollback": rollback,
    "delete": delete,
    "gc": gc,
    "copy": copy,
}


class Request(NamedTuple):
    """Run `operation`, and die at instant number `point`, or `NEVER`."""

    operation: str
    point: int
    registry: str
    source: str


class Answer(NamedTuple):
    """
    What became of the child: it `exit`ed with a code, or with minus a signal.

    Of one that lived to the end, the `kinds` of its instants in their order: `w` where
    it was about to write something, `l` at a line.
    """

    exit: int
    kinds: str


class Instants:
    """Notes them from `watch` on, and kills this very process at number `point`."""

    def __init__(self, point: int) -> None:
        self.kinds: list[str] = []
        self._point = point

    def watch(self) -> None:
        sys.addaudithook(self._on_event)
        sys.settrace(self._on_call)

    def stop(self) -> None:
        sys.settrace(None)

    def _on_event(self, event: str, values: tuple[Any, ...]) -> None:
        if event in _CHANGES or (event == "open" and values[2] & _TO_WRITE):
            self._note("w")

    def _on_call(self, frame: FrameType, _: str, __: object) -> Any:  # noqa: ANN401 - see typeshed
        return self._on_line if frame.f_code.co_filename.startswith(_HERE) else None

    def _on_line(self, _: FrameType, event: str, __: object) -> Any:  # noqa: ANN401 - see typeshed
        if event == "line":
            self._note("l")
        return self._on_line

    def _note(self, kind: str) -> None:
        self.kinds.append(kind)
        if len(self.kinds) == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


def run(request: Request) -> str:
    """The whole life of a child. Returns the kinds of its instants."""
    instants = Instants(request.point)
    instants.watch()
    registry = open_registry(request.registry, create=True)
    OPERATIONS[request.operation](registry, Path(request.source))
    registry.aliases.close()
    instants.stop()
    return "".join(instants.kinds)


def answer(request: Request) -> Answer:
    """Fork a child for `request`, and wait for its end."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, run(request).encode())
        os._exit(0)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with open(reader) as told:  # noqa: PTH123 - a descriptor has no path
        return Answer(os.waitstatus_to_exitcode(status), told.read())


def main() -> None:
    clock.read_stamp(clock.stamp(clock.utc_now()))  # loads what each child would load again
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(Request(*json.loads(line)))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
