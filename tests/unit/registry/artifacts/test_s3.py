"""What the S3 store promises beyond every other: layout, pins, copies, few requests."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from modelregistry.artifacts.store import Finding, Stored
from modelregistry.errors import NotFound, Refused, Unavailable, VersionExists
from modelregistry.manifest import MANIFEST, PART, Manifest
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from tests.contract.stores import InBucket
from tests.fakes import contents, fetched, plan, savedmodel

from .conftest import Cloud

ID, TWO = ModelId("m", 1), ModelId("m", 2)
WEIGHTS = "variables/variables.data-00000-of-00001"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "source", files={"assets/words.txt": b"a\n"})


def test_a_version_lies_as_tensorflow_serving_reads_it(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    files = [f"m/1/{name}" for name in contents(source)]
    assert cloud.listing() == sorted([*files, "m/1/compiled/1/plan.json", "m/1/manifest.json"])
    assert cloud.history() == cloud.listing()


def test_the_manifest_is_the_one_of_every_store_and_pins_its_objects_besides(
    cloud: Cloud, source: Path
) -> None:
    cloud.put(source, ID)
    data = cloud.read(f"m/1/{MANIFEST}")
    assert Manifest.from_bytes(data, "it") == cloud.store().manifest(ID)
    assert json.loads(data)["objects"].keys() == contents(source).keys() | {"compiled/1/plan.json"}


def test_reading_makes_nothing(cloud: Cloud) -> None:
    store = cloud.store()
    assert (store.models(), store.versions("m"), store.plan(ID)) == ([], [], None)
    assert not cloud.cache.exists()


@pytest.mark.parametrize("action", ["write", "delete"])
def test_what_others_do_to_a_key_is_not_read_but_reported(
    cloud: Cloud, source: Path, action: str
) -> None:
    cloud.put(source, ID)
    if action == "write":
        cloud.write(f"m/1/{WEIGHTS}", b"by hand")
    else:
        cloud.delete(f"m/1/{WEIGHTS}")
    assert fetched(cloud.store(), ID)[WEIGHTS] == contents(source)[WEIGHTS]
    (found,) = cloud.store().verify(ID, UNWATCHED)
    assert (found.kind, found.where) == ("orphaned", f"m:1 {WEIGHTS}")
    assert "the registry reads what was published" in found.what


def test_a_plan_that_a_loser_wrote_last_is_not_read(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    cloud.put(source, TWO)
    cloud.store().put_plan(TWO, plan(memory_bytes=5))
    cloud.write("m/1/compiled/1/plan.json", cloud.read("m/2/compiled/1/plan.json"))
    assert cloud.store().plan(TWO) == plan(memory_bytes=5)
    assert cloud.store().plan(ID) == plan()
    with cloud.store().fetch(ID, UNWATCHED) as version:
        assert version.plan == plan()


def test_versions_that_came_by_a_plain_copy_of_the_bucket_are_read(
    cloud: Cloud, source: Path
) -> None:
    # As `aws s3 sync` makes one: the keys and bytes are the same, the VersionIds are not.
    cloud.put(source, ID)
    copied = replace(cloud, aws=replace(cloud.aws, prefix="copy"))
    for key in cloud.listing():
        copied.write(key, cloud.read(key))
    assert contents(source) == fetched(copied.store(), ID)
    assert copied.store().plan(ID) == plan()
    assert copied.store().verify(ID, UNWATCHED) == []


def test_a_file_that_an_earlier_version_has_is_copied_not_uploaded(
    cloud: Cloud, source: Path
) -> None:
    size = sum(map(len, contents(source).values()))
    assert cloud.put(source, ID) == Stored(size, size)
    (source / "saved_model.pb").write_bytes(b"another graph")
    cloud.calls.clear()
    assert cloud.put(source, TWO).uploaded == len(b"another graph")
    assert cloud.calls.count("CopyObject") == 3
    assert contents(source) == fetched(cloud.store(), TWO)
    assert cloud.store().verify(TWO, UNWATCHED) == []
    # The copies are objects of their own.
    cloud.store().remove(ID)
    assert cloud.store().verify(TWO, UNWATCHED) == []


def test_a_large_file_is_copied_in_parts(cloud: Cloud, source: Path) -> None:
    large = bytes(PART) + b"rest"
    (source / "large").write_bytes(large)
    cloud.put(source, ID)
    cloud.calls.clear()
    stored = cloud.put(source, TWO)
    assert (stored.uploaded, stored.total) == (0, sum(map(len, contents(source).values())))
    assert cloud.calls.count("UploadPartCopy") == 2
    assert cloud.calls.count("UploadPart") == 0
    assert fetched(cloud.store(), TWO)["large"] == large


@pytest.mark.parametrize("harm", ["gone", "flipped"])
@pytest.mark.parametrize("name", [WEIGHTS, "large"])
def test_what_cannot_be_copied_soundly_is_uploaded(
    cloud: Cloud, source: Path, harm: str, name: str
) -> None:
    if name == "large":
        (source / name).write_bytes(bytes(PART + 1))
    cloud.put(source, ID)
    stored = InBucket(cloud.aws)
    data = stored.read(ID, name)
    if harm == "gone":
        stored.lose(ID, name)
    else:
        stored.write(ID, name, b"?" + data[1:])
    assert cloud.put(source, TWO).uploaded == len(data)
    assert cloud.store().verify(TWO, UNWATCHED) == []
    assert cloud.uploads() == 0
    assert [key for key in cloud.history() if key == f"m/2/{name}"] == [f"m/2/{name}"]


def test_only_the_newest_versions_are_searched_for_copies(cloud: Cloud, source: Path) -> None:
    size = sum(map(len, contents(source).values()))
    cloud.put(source, ID)
    other = savedmodel(source.parent / "other", "another")
    for number in range(2, 12):
        cloud.put(other, ModelId("m", number))
    assert cloud.put(source, ModelId("m", 12)) == Stored(size, size)


def test_a_bucket_without_versioning_is_refused_with_the_way_out(
    cloud: Cloud, source: Path
) -> None:
    cloud.aws.s3.create_bucket(
        Bucket=f"{cloud.aws.bucket}-plain",
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    plain = replace(cloud, aws=replace(cloud.aws, bucket=f"{cloud.aws.bucket}-plain"))
    with pytest.raises(Refused, match="does not keep object versions") as caught:
        plain.put(source, ID)
    assert caught.value.hint == (
        f"turn it on: aws s3api put-bucket-versioning --bucket {plain.aws.bucket}"
        " --versioning-configuration Status=Enabled"
    )
    assert plain.history() == []


def test_a_bucket_that_is_not_there_is_named(cloud: Cloud, source: Path) -> None:
    nowhere = replace(cloud, aws=replace(cloud.aws, bucket="no-such-bucket"))
    missing = pytest.raises(NotFound, match=r"s3://no-such-bucket.* is not there")
    with missing:
        nowhere.store().models()
    with missing:
        nowhere.store().versions("m")
    with missing:
        nowhere.store().manifest(ID)
    with missing:
        nowhere.put(source, ID)


def test_a_look_at_versions_that_are_known_is_one_request(cloud: Cloud, source: Path) -> None:
    for number in range(1, 4):
        cloud.put(source, ModelId("m", number))
    store = cloud.store()
    assert store.versions("m") == [1, 2, 3]
    cloud.calls.clear()
    assert store.versions("m") == [1, 2, 3]
    assert cloud.calls == ["ListObjectsV2"]
    cloud.put(source, ModelId("m", 4))
    cloud.store().remove(ModelId("m", 2))
    cloud.calls.clear()
    assert store.versions("m") == [1, 3, 4]
    assert cloud.calls == ["ListObjectsV2", "HeadObject"]


def test_a_fetch_makes_a_request_a_file_and_two_more(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    cloud.calls.clear()
    fetched(cloud.store(), ID)
    assert cloud.calls == ["GetObject"] * (len(contents(source)) + 2)
    cloud.calls.clear()
    fetched(cloud.store(), ID)
    assert cloud.calls == ["GetObject"] * 2


def test_a_number_whose_manifest_was_deleted_by_hand_can_be_brought_back(
    cloud: Cloud, source: Path
) -> None:
    cloud.put(source, ID)
    key = cloud.whole(f"m/1/{MANIFEST}")
    marker = cloud.delete(f"m/1/{MANIFEST}")
    with pytest.raises(VersionExists, match="deleted by hand") as caught:
        cloud.put(source, ID)
    command = f"delete-object --bucket {cloud.aws.bucket} --key {key} --version-id {marker}"
    assert command in caught.value.hint
    cloud.aws.s3.delete_object(Bucket=cloud.aws.bucket, Key=key, VersionId=marker)
    assert cloud.store().versions("m") == [1]


def test_a_manifest_that_was_overwritten_is_reported(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    cloud.write(f"m/1/{MANIFEST}", cloud.read(f"m/1/{MANIFEST}"))
    (found,) = cloud.store().verify(ID, UNWATCHED)
    assert (found.kind, found.where) == ("orphaned", f"m:1 {MANIFEST}")


def test_what_lies_around_is_a_stray_and_no_version(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    for key in ("notes.txt", "m/latest/saved_model.pb", "m/01/manifest.json", "m/7/graph"):
        cloud.write(key, b"by hand")
    assert cloud.store().versions("m") == [1]
    url = f"s3://{cloud.aws.bucket}/{cloud.aws.prefix}"
    found = cloud.store().strays()
    assert {f.where for f in found} == {
        f"{url}/{key}"
        for key in ("notes.txt", "m/latest/saved_model.pb", "m/01/manifest.json", "m/7/")
    }
    assert all(isinstance(f, Finding) and f.kind == "orphaned" for f in found)
    cloud.store().sweep()
    assert "notes.txt" in cloud.listing()


def test_removing_leaves_no_object_version_and_no_upload(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    key = f"m/1/{WEIGHTS}"
    cloud.write(key, b"again")
    cloud.delete(key)
    cloud.aws.s3.create_multipart_upload(Bucket=cloud.aws.bucket, Key=cloud.whole(key))
    cloud.store().remove(ID)
    assert cloud.history() == []
    assert cloud.uploads() == 0


def test_what_may_not_be_deleted_names_the_permission(cloud: Cloud, source: Path) -> None:
    """S3 answers 200 to the call as a whole, and refuses each object by itself."""
    cloud.put(source, ID)

    def refuse(parsed: dict[str, object], **_: object) -> None:
        key = cloud.whole("m/1/manifest.json")
        parsed["Errors"] = [{"Key": key, "Code": "AccessDenied", "Message": "Access Denied"}]

    cloud.clients.s3.meta.events.register("after-call.s3.DeleteObjects", refuse)
    with pytest.raises(Unavailable, match=r"no permission for s3:DeleteObjects on s3://") as caught:
        cloud.store().remove(ID)
    assert str(caught.value).endswith(
        f": s3:DeleteObjectVersion on arn:aws:s3:::{cloud.aws.bucket}/models/m/1/manifest.json"
        " is missing"
    )
