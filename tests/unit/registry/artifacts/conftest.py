"""A bucket for the tests of the S3 store, and what is seen of it from outside."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from modelregistry.artifacts.cache import ArtifactCache
from modelregistry.artifacts.s3 import S3Artifacts
from modelregistry.artifacts.s3_leftovers import ABANDONED
from modelregistry.artifacts.store import Stored
from modelregistry.aws.clients import Clients
from modelregistry.manifest import Manifest, hash_files
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED, Progress
from tests.aws import Aws, aws
from tests.fakes import plan

AT = "2026-11-22T09:30:00.000000Z"


@dataclass
class Cloud:
    """A bucket, one client of it, and the requests that this client made."""

    aws: Aws
    clients: Clients
    cache: Path
    calls: list[str] = field(default_factory=list)

    def store(self, *, abandoned: timedelta = ABANDONED, room: int = 200_000_000) -> S3Artifacts:
        cache = ArtifactCache(self.cache, room)
        return S3Artifacts(
            self.clients, self.aws.bucket, self.aws.prefix, cache, abandoned=abandoned
        )

    def put(
        self,
        source: Path,
        id: ModelId,
        *,
        progress: Progress = UNWATCHED,
        meanwhile: Callable[[], object] = list,
    ) -> Stored:
        """Publish `source`; `meanwhile` happens after it was hashed."""
        manifest = Manifest(id, hash_files(source), "ann", AT, "")
        meanwhile()
        return self.store().put(manifest, plan(), source, progress)

    def listing(self) -> list[str]:
        """What the bucket holds now, below the prefix."""
        found = self.aws.s3.list_objects_v2(Bucket=self.aws.bucket).get("Contents", [])
        return sorted(entry["Key"].removeprefix(f"{self.aws.prefix}/") for entry in found)

    def history(self) -> list[str]:
        """The keys of every object version and delete marker that there is."""
        found = self.aws.s3.list_object_versions(Bucket=self.aws.bucket)
        entries = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        return sorted(entry["Key"].removeprefix(f"{self.aws.prefix}/") for entry in entries)

    def read(self, key: str) -> bytes:
        return self.aws.s3.get_object(Bucket=self.aws.bucket, Key=self.whole(key))["Body"].read()

    def write(self, key: str, data: bytes) -> None:
        """Another object under `key`, as somebody with the AWS CLI puts it there."""
        self.aws.s3.put_object(Bucket=self.aws.bucket, Key=self.whole(key), Body=data)

    def delete(self, key: str) -> str:
        """As somebody does it in the console. Returns the delete marker's VersionId."""
        return self.aws.s3.delete_object(Bucket=self.aws.bucket, Key=self.whole(key))["VersionId"]

    def whole(self, key: str) -> str:
        return f"{self.aws.prefix}/{key}"

    def uploads(self) -> int:
        """How many multipart uploads are not complete."""
        found = self.aws.s3.list_multipart_uploads(Bucket=self.aws.bucket)
        return len(found.get("Uploads", []))


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with aws() as made:
        found = Cloud(made, Clients(), tmp_path / "cache")
        found.clients.s3.meta.events.register(
            "before-call.s3", lambda model, **_: found.calls.append(model.name)
        )
        yield found
