"""Whole registries, each an artifact store and an alias table that belong together."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from modelregistry.opening import open_registry
from modelregistry.registry import Registry
from tests.fakes import FakeClock, memory_registry


@contextmanager
def local(directory: Path, now: FakeClock) -> Iterator[Registry]:
    registry = open_registry((directory / "registry").as_uri(), create=True)
    registry.now, registry.who = now, lambda: "ann@laptop"
    yield registry
    registry.aliases.close()


@contextmanager
def memory(directory: Path, now: FakeClock) -> Iterator[Registry]:
    yield memory_registry(directory / "cache", now=now)


REGISTRIES: dict[str, Callable[[Path, FakeClock], AbstractContextManager[Registry]]] = {
    "local": local,
    "memory": memory,
}
