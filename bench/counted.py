"""A registry on AWS that counts what it asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelregistry.aliases.dynamodb import DynamoAliasTable
from modelregistry.aliases.revision import Revision, encode
from modelregistry.artifacts.cache import ArtifactCache
from modelregistry.artifacts.pins import Pinned
from modelregistry.artifacts.s3 import S3Artifacts
from modelregistry.aws.address import Address
from modelregistry.aws.clients import Clients
from modelregistry.aws.items import Items
from modelregistry.manifest import MANIFEST
from modelregistry.names import ModelId
from modelregistry.registry import Registry

from .endpoints import Aws
from .grown import MODEL, Grown, manifest


@dataclass(frozen=True)
class Counted:
    """Requests, and the bytes that came back as the bodies of DynamoDB's answers."""

    requests: int
    bytes: int


class Counting:
    """Sees every request of some clients."""

    def __init__(self, clients: Clients) -> None:
        self._requests = self._bytes = 0
        clients.dynamodb.meta.events.register("after-call.dynamodb", self._dynamodb)
        for client in {id(c): c for c in (clients.s3, clients.s3_looking)}.values():
            client.meta.events.register("after-call.s3", self._s3)

    def by(self, act: Callable[[], object]) -> Counted:
        """What `act` asks for."""
        self._requests = self._bytes = 0
        act()
        return Counted(self._requests, self._bytes)

    def _dynamodb(self, http_response: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        self._requests += 1
        self._bytes += len(http_response.content)

    def _s3(self, **_: object) -> None:
        self._requests += 1


def in_aws(
    made: Aws, name: str, grown: Grown, *, stored: bool = False
) -> tuple[Registry, Counting]:
    """
    The registry `name` with what `grown` says: all items, and with `stored` all manifests,
    or else the two of the pair.
    """
    address = Address.parse(made.registry(name))
    models = dict.fromkeys(revision.model for revision in grown.revisions())
    made.fill(name, ({"pk": "models", "sk": model} for model in models))
    made.fill(name, map(_item, grown.revisions()))
    clients = Clients()
    ids = grown.versions() if stored else (ModelId(MODEL, version) for version in grown.pair)
    for id in ids:
        key = f"{address.prefix}/{id.model}/{id.version}/{MANIFEST}"
        body = Pinned(manifest(id), {}).to_bytes()
        clients.s3.put_object(Bucket=address.bucket, Key=key, Body=body)
    store = S3Artifacts(clients, address.bucket, address.prefix, ArtifactCache(Path("unused"), 0))
    table = DynamoAliasTable(Items(address.table, clients))
    return Registry(store, table, url=address.url), Counting(clients)


def _item(revision: Revision) -> dict[str, str]:
    return {
        "pk": f"model#{revision.model}",
        "sk": f"rev#{revision.number:012d}",
        "body": encode(revision),
    }
