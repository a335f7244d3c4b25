"""
Every artifact store there is, by name. Whoever writes another adds a line here, and
the whole suite of `test_artifact_store` runs over it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from modelregistry.artifacts.cache import ArtifactCache
from modelregistry.artifacts.directory import DirectoryArtifacts
from modelregistry.artifacts.s3 import S3Artifacts
from modelregistry.artifacts.s3_leftovers import ABANDONED
from modelregistry.artifacts.store import ArtifactStore
from modelregistry.aws.clients import Clients
from modelregistry.manifest import MANIFEST
from modelregistry.names import ModelId
from tests.aws import Aws, aws
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


@dataclass(frozen=True)
class InBucket:
    """
    What is written changes the stored bytes themselves, under the VersionId they have, as a
    failing disk would: an object that somebody puts in its place is another matter.
    """

    cloud: Aws

    def read(self, id: ModelId, name: str) -> bytes:
        found: bytes = self._versions(id, name)[-1].value
        return found

    def write(self, id: ModelId, name: str, data: bytes) -> None:
        versions = self._versions(id, name)
        if not versions:
            self.cloud.s3.put_object(Bucket=self.cloud.bucket, Key=self._key(id, name), Body=data)
        for version in versions:
            version.value = data

    def lose(self, id: ModelId, name: str) -> None:
        key = self._key(id, name)
        if name == MANIFEST:  # with a marker, as it goes in a console
            self.cloud.s3.delete_object(Bucket=self.cloud.bucket, Key=key)
            return
        for version in self._versions(id, name):
            self.cloud.s3.delete_object(
                Bucket=self.cloud.bucket, Key=key, VersionId=version.version_id
            )

    def _key(self, id: ModelId, name: str) -> str:
        return f"{self.cloud.prefix}/{id.model}/{id.version}/{name}"

    def _versions(self, id: ModelId, name: str) -> list[Any]:
        from moto.s3.models import s3_backends

        buckets = s3_backends["123456789012"]["aws"].buckets
        return list(buckets[self.cloud.bucket].keys.getlist(self._key(id, name), []))


@contextmanager
def directory(root: Path) -> Iterator[Store]:
    yield Store(lambda: DirectoryArtifacts(root), OnDisk(root))


@contextmanager
def memory(root: Path) -> Iterator[Store]:
    store = MemoryArtifacts(root)
    yield Store(lambda: store, InMemory(store.objects))


@contextmanager
def s3(root: Path) -> Iterator[Store]:
    with aws() as cloud:
        clients = Clients()  # a tenth of a second each: shared
        yield Store(lambda: s3_store(cloud, root / "cache", clients), InBucket(cloud))


def s3_store(
    cloud: Aws, cache: Path, clients: Clients | None = None, *, abandoned: timedelta = ABANDONED
) -> S3Artifacts:
    return S3Artifacts(
        clients or Clients(),
        cloud.bucket,
        cloud.prefix,
        ArtifactCache(cache, 100_000_000),
        abandoned=abandoned,
    )


STORES: dict[str, Callable[[Path], AbstractContextManager[Store]]] = {
    "directory": directory,
    "memory": memory,
    "s3": s3,
}
