"""Downloading from S3: in pieces, every byte checked while it arrives, broken off or not."""

import os
import time
from pathlib import Path

import pytest

from modelregistry.errors import Damaged, Unavailable
from modelregistry.manifest import PART
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from tests.contract.stores import InBucket
from tests.fakes import contents, fetched, savedmodel

from .conftest import Cloud

ID = ModelId("m", 1)
MB = 1024 * 1024
LARGE = "variables/large"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "source", files={LARGE: os.urandom(17 * MB)})


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "huge", files={LARGE: os.urandom(40 * MB)})


class Once:
    """Does something when the first bytes have come, and counts all."""

    def __init__(self, *actions: object) -> None:
        self._actions = list(actions)
        self.bytes = 0

    def start(self, what: str, total: int) -> None:
        pass

    def advance(self, count: int) -> None:
        self.bytes += count
        while self._actions:
            action = self._actions.pop(0)
            assert callable(action)
            action()


def kept(cloud: Cloud) -> set[int]:
    """The sizes of the files in the cache."""
    return {path.stat().st_size for path in (cloud.cache / "blobs").iterdir()}


def test_a_large_file_comes_in_parts_each_by_a_request_of_its_own(cloud: Cloud, huge: Path) -> None:
    cloud.put(huge, ID)
    cloud.calls.clear()
    counted = Once()
    with cloud.store().fetch(ID, counted) as version:
        assert contents(version.directory) == contents(huge)
    assert cloud.calls == ["GetObject"] * (2 + 3 + 3)
    assert counted.bytes == sum(map(len, contents(huge).values()))


@pytest.mark.parametrize("part", [1, 2])
def test_a_flipped_bit_names_the_object_and_the_bytes_it_is_in(
    cloud: Cloud, source: Path, part: int
) -> None:
    cloud.put(source, ID)
    stored = InBucket(cloud.aws)
    data = bytearray(stored.read(ID, LARGE))
    data[(part - 1) * PART + 5] ^= 1
    stored.write(ID, LARGE, bytes(data))
    where = rf"m:1 {LARGE} is damaged: SHA-256 of bytes {(part - 1) * PART:,} to "
    with pytest.raises(Damaged, match=where) as caught:
        fetched(cloud.store(), ID)
    assert caught.value.hint == "see all of it: deploy verify m:1"
    assert 17 * MB not in kept(cloud)
    (finding,) = cloud.store().verify(ID, UNWATCHED)
    assert (finding.kind, finding.where) == ("damaged", f"m:1 {LARGE}")


@pytest.mark.parametrize("size", [0, 16 * MB, 18 * MB])
def test_an_object_of_another_length_is_damaged(cloud: Cloud, source: Path, size: int) -> None:
    cloud.put(source, ID)
    InBucket(cloud.aws).write(ID, LARGE, bytes(size))
    with pytest.raises(Damaged, match=f"{size:,} bytes, published with {17 * MB:,}"):
        fetched(cloud.store(), ID)
    (finding,) = cloud.store().verify(ID, UNWATCHED)
    assert (finding.kind, finding.where) == ("damaged", f"m:1 {LARGE}")


def test_a_deleted_object_is_named(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    InBucket(cloud.aws).lose(ID, LARGE)
    url = f"s3://{cloud.aws.bucket}/{cloud.aws.prefix}/m/1/{LARGE} is not there"
    with pytest.raises(Damaged, match=url):
        fetched(cloud.store(), ID)


def test_a_download_whose_connections_break_goes_on_where_it_was(cloud: Cloud, huge: Path) -> None:
    cloud.put(huge, ID)
    counted = Once(cloud.aws.stop, cloud.aws.start)
    with cloud.store().fetch(ID, counted) as version:
        assert contents(version.directory) == contents(huge)
    # Nothing that had come came again.
    assert counted.bytes == sum(map(len, contents(huge).values()))


def test_a_download_whose_endpoint_is_gone_fails_soon_and_leaves_nothing_half(
    cloud: Cloud, source: Path
) -> None:
    cloud.put(source, ID)
    began = time.monotonic()
    with (
        pytest.raises(Unavailable, match="s3:GetObject"),
        cloud.store().fetch(ID, Once(cloud.aws.stop)),
    ):
        pass
    assert time.monotonic() - began < 15
    assert contents(cloud.cache / "leases") == {}
    assert 17 * MB not in kept(cloud)
    cloud.aws.start()
    assert contents(source) == fetched(cloud.store(), ID)


def test_a_version_larger_than_the_cache_asks_for_no_byte_of_it(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    cloud.calls.clear()
    with (
        pytest.raises(Unavailable, match=r"m:1 has 17\.8 MB, .* may hold 10\.0 MB"),
        cloud.store(room=10_000_000).fetch(ID, UNWATCHED),
    ):
        pass
    assert len(cloud.calls) <= 2


def test_versions_share_what_is_the_same_in_the_cache(cloud: Cloud, source: Path) -> None:
    cloud.put(source, ID)
    (source / "saved_model.pb").write_bytes(b"another graph")
    cloud.put(source, ModelId("m", 2))
    fetched(cloud.store(), ID)
    counted = Once()
    cloud.calls.clear()
    assert contents(source) == fetched(cloud.store(), ModelId("m", 2))
    assert cloud.calls == ["GetObject"] * 3
    with cloud.store().fetch(ModelId("m", 2), counted):
        assert counted.bytes == sum(map(len, contents(source).values()))
