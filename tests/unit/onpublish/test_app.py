"""The function that events from the bucket invoke, over a bucket and a table that answer."""

import ast
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.onpublish import app
from modelregistry import clock
from modelregistry.aliases import changes
from modelregistry.aliases.state import Policy
from modelregistry.aws.address import Address
from modelregistry.errors import Damaged, InvalidInput, NoRegistry, Unavailable
from modelregistry.manifest import Manifest, hash_files
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.progress import UNWATCHED
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from tests.aws import Aws, aws
from tests.fakes import FakeCompiler, plan, savedmodel

ADDRESS = Address("bucket", "models", "aliases")


def event(
    key: object, bucket: str = "bucket", time: str = "2026-11-22T09:30:00Z"
) -> dict[str, Any]:
    """As EventBridge sends it."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": time,
        "region": "eu-central-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {"key": key, "size": 512, "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"},
            "reason": "PutObject",
        },
    }


def test_it_imports_the_layer_and_the_standard_library_alone() -> None:
    tree = ast.walk(ast.parse(Path(app.__file__).read_text()))
    names = [node.module or "" for node in tree if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"modelregistry"}


def test_a_manifest_s_key_is_a_version() -> None:
    read = app.read(event("models/sample/2/manifest.json"), ADDRESS)
    assert ModelId("sample", 2) == read.id
    assert "2026-11-22T09:30:00+00:00" == read.at.isoformat()


def test_a_registry_may_be_the_whole_bucket() -> None:
    whole = Address("bucket", "", "aliases")
    assert ModelId("sample", 2) == app.read(event("sample/2/manifest.json"), whole).id


FOREIGN = {
    "another bucket": event("models/sample/2/manifest.json", bucket="other"),
    "another prefix": event("data/sample/2/manifest.json"),
    "no prefix": event("sample/2/manifest.json"),
    "another file": event("models/sample/2/saved_model.pb"),
    "a file of the model": event("models/sample/2/assets.extra/manifest.json"),
    "no version": event("models/sample/manifest.json"),
    "a date for a version": event("models/sample/2026-11-22/manifest.json"),
    "a trainer's version": event("models/sample/007/manifest.json"),
    "version 0": event("models/sample/0/manifest.json"),
    "a version that is too large": event("models/sample/9223372036854775808/manifest.json"),
    "a model that cannot be": event("models/.hidden/2/manifest.json"),
    "a model that climbs": event("models/../2/manifest.json"),
    "a key that is no text": event(None),
    "a time that is none": event("models/sample/2/manifest.json", time="yesterday"),
    "a time without a zone": event("models/sample/2/manifest.json", time="2026-11-22T09:30:00"),
    "no detail": {"source": "aws.s3"},
    "a detail that is none": {"detail": "Object Created", "time": "2026-11-22T09:30:00Z"},
    "nothing": {},
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
def test_an_event_about_something_else_is_dropped_and_logged(
    foreign: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REGISTRY_URL", ADDRESS.url)
    assert app.handler(foreign, None) is None
    assert [logging.WARNING] == [record.levelno for record in caplog.records]


def test_a_wrong_setting_is_no_wrong_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_URL", "s3://bucket/models")
    with pytest.raises(InvalidInput, match="table"):
        app.handler(event("models/sample/2/manifest.json"), None)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with aws() as account:
        monkeypatch.setenv("REGISTRY_URL", account.url)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "serving-OnPublishFunction-X")
        app.registry.cache_clear()
        yield account
        app.registry().aliases.close()
        app.registry.cache_clear()


@pytest.fixture
def registry(account: Aws, tmp_path: Path) -> Registry:
    """Model `sample` with version 1 and policy `latest`, as an operator's laptop sees it."""
    registry = open_registry(account.url)
    registry.who = lambda: "ann@laptop"
    publish(registry, tmp_path, 1)
    registry.commit(registry.propose_policy("sample", Policy("latest")))
    registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
    return registry


def publish(registry: Registry, directory: Path, version: int) -> None:
    source = savedmodel(directory / str(version), str(version))
    Publisher(registry, FakeCompiler()).publish(source, "sample", version)


def copy_in(registry: Registry, directory: Path, version: int) -> None:
    """A version arrives, and who brought it asked no policy."""
    source = savedmodel(directory / str(version), str(version))
    id = ModelId("sample", version)
    manifest = Manifest(id, hash_files(source), "ann@laptop", clock.stamp(clock.utc_now()), "")
    registry.artifacts.put(manifest, plan(), source, UNWATCHED)


def told(account: Aws, version: int, time: str = "") -> dict[str, Any]:
    """The event of a version of `sample` that came just now."""
    key = f"{account.prefix}/sample/{version}/manifest.json"
    return event(key, account.bucket, time or clock.utc_now().strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_a_version_that_was_copied_goes_live_and_the_function_signs_for_it(
    account: Aws, registry: Registry, tmp_path: Path
) -> None:
    copy_in(registry, tmp_path, 2)
    later = "2126-11-22T09:30:00Z"  # than the operator's promotion, which was a moment ago
    assert {"model": "sample", "version": 2, "revision": 3} == app.handler(
        told(account, 2, later), None
    )
    newest = registry.newest("sample")
    assert newest is not None
    assert changes.whole(2) == newest.state.aliases["stable"]
    assert "onpublish@serving-OnPublishFunction-X" == newest.change.by


def test_the_event_again_and_that_of_a_publish_change_nothing(
    account: Aws, registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path, 2)
    for _ in range(2):
        answer = app.handler(told(account, 2, "2126-11-22T09:30:00Z"), None)
        assert {"model": "sample", "version": 2, "revision": None} == answer


def test_an_operator_s_rollback_outlives_a_late_event(
    account: Aws, registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path, 2)
    copy_in(registry, tmp_path, 3)
    late = told(account, 3)
    registry.commit(registry.propose_rollback("sample", "stable"))
    app.handler(late, None)
    assert changes.whole(1) == registry.state("sample").aliases["stable"]


def test_a_bucket_that_was_synced_from_another_is_served(
    account: Aws, registry: Registry, tmp_path: Path
) -> None:
    """Object by object, as `aws s3 sync` does it: no VersionId survives that."""
    with aws() as staging:
        source = open_registry(staging.url)
        publish(source, tmp_path, 2)
        source.aliases.close()
        for entry in staging.s3.list_objects_v2(Bucket=staging.bucket)["Contents"]:
            body = staging.s3.get_object(Bucket=staging.bucket, Key=entry["Key"])["Body"].read()
            account.s3.put_object(Bucket=account.bucket, Key=entry["Key"], Body=body)
    app.handler(told(account, 2, "2126-11-22T09:30:00Z"), None)
    assert changes.whole(2) == registry.state("sample").aliases["stable"]
    found = registry.artifacts.verify(ModelId("sample", 2), UNWATCHED)
    assert [finding for finding in found if finding.kind != "orphaned"] == []


def test_a_version_that_is_gone_again_is_dropped(
    account: Aws, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    assert app.handler(told(account, 2), None) is None
    assert "sample:2" in caplog.text


def test_a_damaged_manifest_is_for_a_person_to_look_at(account: Aws, registry: Registry) -> None:
    key = f"{account.prefix}/sample/2/manifest.json"
    account.s3.put_object(Bucket=account.bucket, Key=key, Body=b"{}")
    with pytest.raises(Damaged):
        app.handler(told(account, 2), None)


def test_what_cannot_be_reached_raises_so_that_lambda_tries_again(
    account: Aws, registry: Registry, tmp_path: Path
) -> None:
    copy_in(registry, tmp_path, 2)
    account.stop()
    with pytest.raises(Unavailable):
        app.handler(told(account, 2), None)
    account.start()
    assert app.handler(told(account, 2, "2126-11-22T09:30:00Z"), None)
    assert changes.whole(2) == registry.state("sample").aliases["stable"]


def test_a_bucket_that_is_gone_is_no_version_that_is_gone(
    account: Aws, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is kept for the queue that an alarm watches."""
    gone = Address("gone-bucket", account.prefix, account.table)
    monkeypatch.setenv("REGISTRY_URL", gone.url)
    with pytest.raises(NoRegistry, match="gone-bucket"):
        app.handler(event(f"{account.prefix}/sample/2/manifest.json", gone.bucket), None)
