"""What a failed load means to a client: a version that is not there, or one out of reach."""

from pathlib import Path

import pytest

from modelregistry.artifacts.cache import ArtifactCache
from modelregistry.aws.address import Address
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.registry import Registry
from modelserver.asked import Asked
from modelserver.errors import ModelNotFound, ModelUnavailable
from modelserver.loading import loader
from modelserver.routing import Router
from modelserver.runtime import Threads
from modelserver.servables import Servables
from tests.aws import Aws, aws
from tests.fakes import FakeCompiler, publish_all

ID = ModelId("sample", 1)


def registry_at(address: Address, tmp_path: Path) -> Registry:
    return open_registry(address.url, cache=ArtifactCache(tmp_path / "cache", 1_000_000))


def elsewhere(made: Aws, *, bucket: str = "", table: str = "") -> Address:
    return Address(bucket or made.bucket, made.prefix, table or made.table)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"bucket": "no-such-bucket"}, "s3://no-such-bucket is not there"),
        ({"table": "no-such-table"}, "table no-such-table is not there"),
    ],
    ids=["bucket", "table"],
)
def test_a_registry_that_is_not_there_is_unavailable_and_says_why(
    missing: dict[str, str], reason: str, tmp_path: Path
) -> None:
    with aws() as made:
        registry = registry_at(elsewhere(made, **missing), tmp_path)
        with pytest.raises(ModelUnavailable, match=f"sample:1 cannot be loaded: .*{reason}"):
            loader(registry, Threads(), FakeCompiler())(ID)
        registry.aliases.close()


def test_a_bucket_that_is_not_there_hides_no_version(tmp_path: Path) -> None:
    with aws() as made:
        whole = registry_at(elsewhere(made), tmp_path)
        publish_all(whole, tmp_path, {"sample": 1})
        whole.commit(whole.propose_promote(ID, "stable"))
        registry = registry_at(elsewhere(made, bucket="no-such-bucket"), tmp_path)
        load = loader(registry, Threads(), FakeCompiler())
        router = Router(registry, Servables(load, budget=1), ttl=1)
        with pytest.raises(ModelUnavailable, match="no-such-bucket"):
            router.resolve(Asked("sample", version=1))
        for opened in (whole, registry):
            opened.aliases.close()


def test_a_version_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with aws() as made:
        registry = registry_at(elsewhere(made), tmp_path)
        with pytest.raises(ModelNotFound, match=r"Specific\(sample, 1\)"):
            loader(registry, Threads(), FakeCompiler())(ID)
        registry.aliases.close()
