"""
Every artifact store there is, by name. Whoever writes another adds a line here, and
the whole suite of `test_artifact_store` runs over it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelregistry.artifacts.directory import DirectoryArtifacts
from modelregistry.artifacts.store import ArtifactStore
from modelregistry.names import ModelId
from tests.fakes import MemoryArtifacts


class Bytes(Protocol):
    """What lies in a store, as whoever has access to the disk or the bucket sees it."""

    def read(self, id: ModelId, name: str) -> bytes: ...

    def write(self, id: ModelId, name: str, data: bytes) -> None: ...

    def lose(self, id: ModelId, name: str) -> None: ...


@dataclass(frozen=True)
class Store:
    """One store, empty at first, and the bytes behind it. `open` gives another handle."""

    open: Callable[[], ArtifactStore]
    bytes: Bytes


@dataclass(frozen=True)
class OnDisk:
    root: Path

    def read(self, id: ModelId, name: str) -> bytes:
        return self._path(id, name).read_bytes()

    def write(self, id: ModelId, name: str, data: bytes) -> None:
        self._path(id, name).parent.mkdir(parents=True, exist_ok=True)
        self._path(id, name).write_bytes(data)

    def lose(self, id: ModelId, name: str) -> None:
        self._path(id, name).unlink()

    def _path(self, id: ModelId, name: str) -> Path:
        return self.root / "models" / id.model / str(id.version) / name


@dataclass(frozen=True)
class InMemory:
    objects: dict[str, bytes]

    def read(self, id: ModelId, name: str) -> bytes:
        return self.objects[f"{id.model}/{id.version}/{name}"]

    def write(self, id: ModelId, name: str, data: bytes) -> None:
        self.objects[f"{id.model}/{id.version}/{name}"] = data

    def lose(self, id: ModelId, name: str) -> None:
        del self.objects[f"{id.model}/{id.version}/{name}"]


def directory(root: Path) -> Store:
    return Store(lambda: DirectoryArtifacts(root), OnDisk(root))


def memory(root: Path) -> Store:
    store = MemoryArtifacts(root)
    return Store(lambda: store, InMemory(store.objects))


STORES: dict[str, Callable[[Path], Store]] = {"directory": directory, "memory": memory}
