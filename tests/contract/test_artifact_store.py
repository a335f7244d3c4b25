"""What every artifact store promises: `modelregistry.artifacts.store.ArtifactStore`."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from modelregistry.artifacts.store import ArtifactStore
from modelregistry.errors import Damaged, NotFound, Refused, VersionExists
from modelregistry.manifest import MANIFEST, PART, Manifest, hash_files
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from tests.fakes import contents, fetched, plan, savedmodel

from .stores import STORES, Store

ID = ModelId("m", 1)
PLAN = "compiled/1/plan.json"
WEIGHTS = "variables/variables.data-00000-of-00001"


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with STORES[request.param](tmp_path / "store") as found:
        yield found


@pytest.fixture
def store(place: Store) -> ArtifactStore:
    return place.open()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "source", files={"assets/vocabulary äöü.txt": b"", "a b": b"c"})


def manifest(source: Path, id: ModelId = ID, by: str = "ann@laptop") -> Manifest:
    return Manifest(id, hash_files(source), by, "2026-11-22T09:30:00.000000Z", "the first")


def put(store: ArtifactStore, source: Path, id: ModelId = ID) -> Manifest:
    written = manifest(source, id)
    store.put(written, plan(), source, UNWATCHED)
    return written


def kinds(store: ArtifactStore, id: ModelId = ID) -> list[str]:
    return [finding.kind for finding in store.verify(id, UNWATCHED)]


def test_an_empty_store_has_nothing(store: ArtifactStore) -> None:
    assert store.models() == []
    assert store.versions("m") == []
    assert store.plan(ID) is None
    assert store.strays() == []
    store.sweep()


def test_a_version_that_is_not_there_is_not_found(store: ArtifactStore, source: Path) -> None:
    put(store, source, ModelId("m", 2))
    with pytest.raises(NotFound, match="m:1"):
        store.manifest(ID)
    with pytest.raises(NotFound, match="m:1"):
        fetched(store, ID)
    with pytest.raises(NotFound, match="m:1"):
        store.verify(ID, UNWATCHED)


def test_what_was_put_is_there_in_every_handle(place: Store, source: Path) -> None:
    written = put(place.open(), source)
    other = place.open()
    assert other.models() == ["m"]
    assert other.versions("m") == [1]
    assert other.manifest(ID) == written
    assert other.plan(ID) == plan()
    assert other.verify(ID, UNWATCHED) == []
    assert other.strays() == []


def test_fetch_gives_exactly_the_published_files(store: ArtifactStore, source: Path) -> None:
    put(store, source)
    with store.fetch(ID, UNWATCHED) as version:
        assert {file.path for file in hash_files(version.directory)} == contents(source).keys()
        assert hash_files(version.directory) == hash_files(source)
        assert version.manifest == store.manifest(ID)
        assert version.plan == plan()


def test_the_source_is_not_touched(store: ArtifactStore, source: Path) -> None:
    before = contents(source)
    put(store, source)
    store.remove(ID)
    assert contents(source) == before


def test_versions_are_ordered_as_numbers(store: ArtifactStore, source: Path) -> None:
    for number in (10, 9, 100, 1, 2**63 - 1):
        put(store, source, ModelId("m", number))
    assert store.versions("m") == [1, 9, 10, 100, 2**63 - 1]


def test_models_do_not_see_each_other(store: ArtifactStore, source: Path) -> None:
    for model in ("b", "a", "a.b", "B"):
        put(store, source, ModelId(model, 1))
    store.remove(ModelId("a", 1))
    assert store.models() == ["B", "a.b", "b"]
    assert store.versions("a") == []


def test_a_number_can_be_won_once(store: ArtifactStore, source: Path, tmp_path: Path) -> None:
    first = put(store, source)
    other = savedmodel(tmp_path / "other", "two")
    for again in (source, other):
        with pytest.raises(VersionExists, match="m:1"):
            put(store, again)
    assert store.manifest(ID) == first
    assert store.verify(ID, UNWATCHED) == []
    assert store.strays() == []


def test_racing_publishers_of_a_number_have_one_winner(place: Store, tmp_path: Path) -> None:
    start = Barrier(8)

    def publish(n: int) -> Manifest | None:
        source = savedmodel(tmp_path / f"source {n}", f"content {n}")
        written = manifest(source, by=f"publisher {n}")
        start.wait(60)
        try:
            place.open().put(written, plan(), source, UNWATCHED)
        except VersionExists:
            return None
        return written

    with ThreadPoolExecutor(8) as pool:
        winners = [won for won in pool.map(publish, range(8)) if won]
    store = place.open()
    assert winners == [store.manifest(ID)]
    with store.fetch(ID, UNWATCHED) as version:
        assert hash_files(version.directory) == winners[0].files
    assert store.strays() == []


@pytest.mark.parametrize("change", ["other bytes", "longer", "shorter", "gone"])
def test_a_file_that_is_not_what_the_manifest_says_is_refused_and_nothing_is_kept(
    place: Store, source: Path, change: str
) -> None:
    store, written = place.open(), manifest(source)
    file = source / WEIGHTS
    data = file.read_bytes()
    if change == "gone":
        file.unlink()
    else:
        file.write_bytes(
            {"other bytes": b"?" + data[1:], "longer": data + b"?", "shorter": data[:-1]}[change]
        )
    with pytest.raises(Refused, match=r"variables\.data"):
        store.put(written, plan(), source, UNWATCHED)
    assert store.models() == []
    assert store.versions("m") == []
    assert store.strays() == []
    file.write_bytes(data)
    put(store, source)


def test_a_file_that_the_manifest_does_not_list_is_not_stored(
    store: ArtifactStore, source: Path
) -> None:
    written = manifest(source)
    (source / "late").write_bytes(b"came after the hashing")
    store.put(written, plan(), source, UNWATCHED)
    assert "late" not in fetched(store, ID)


def test_a_file_of_several_parts_is_stored(store: ArtifactStore, tmp_path: Path) -> None:
    source = savedmodel(tmp_path / "source", files={"variables/large": bytes(PART + 1)})
    written = put(store, source)
    assert [len(file.parts) for file in written.files if file.path == "variables/large"] == [2]
    assert store.manifest(ID) == written
    assert store.verify(ID, UNWATCHED) == []


def test_a_removed_version_leaves_nothing(store: ArtifactStore, source: Path) -> None:
    put(store, source)
    put(store, source, ModelId("m", 2))
    store.remove(ID)
    store.remove(ID)
    assert store.versions("m") == [2]
    assert store.plan(ID) is None
    assert store.strays() == []
    store.remove(ModelId("m", 2))
    assert store.models() == []
    store.remove(ModelId("nobody", 1))


def test_a_model_whose_versions_are_all_gone_can_have_new_ones(
    store: ArtifactStore, source: Path
) -> None:
    put(store, source)
    store.remove(ID)
    put(store, source, ModelId("m", 2))
    assert store.versions("m") == [2]


def test_a_plan_can_be_made_again(place: Store, source: Path) -> None:
    store = place.open()
    written = put(store, source)
    place.bytes.lose(ID, PLAN)
    assert store.plan(ID) is None
    store.put_plan(ID, plan(memory_bytes=2000))
    store.put_plan(ID, plan(memory_bytes=3000))
    assert store.plan(ID) == plan(memory_bytes=3000)
    assert store.manifest(ID) == written
    assert store.verify(ID, UNWATCHED) == []


@pytest.mark.parametrize("name", ["saved_model.pb", WEIGHTS, "a b"])
def test_a_flipped_bit_in_a_file_is_seen(place: Store, source: Path, name: str) -> None:
    store = place.open()
    put(store, source)
    data = bytearray(place.bytes.read(ID, name))
    data[0] ^= 1
    place.bytes.write(ID, name, bytes(data))
    assert kinds(store) == ["damaged"]
    with pytest.raises(Damaged, match=name):
        fetched(store, ID)


@pytest.mark.parametrize("data", [b"", b"much longer than before" * 1000])
def test_a_file_of_another_length_is_seen(place: Store, source: Path, data: bytes) -> None:
    store = place.open()
    put(store, source)
    place.bytes.write(ID, "saved_model.pb", data)
    assert kinds(store) == ["damaged"]
    with pytest.raises(Damaged, match=r"saved_model\.pb"):
        fetched(store, ID)


def test_a_lost_file_is_seen(place: Store, source: Path) -> None:
    store = place.open()
    put(store, source)
    place.bytes.lose(ID, WEIGHTS)
    assert kinds(store) == ["missing"]
    with pytest.raises(Damaged, match=r"variables\.data"):
        fetched(store, ID)


def test_an_added_file_is_seen_and_does_no_harm(place: Store, source: Path) -> None:
    store = place.open()
    put(store, source)
    place.bytes.write(ID, "variables/notes.txt", b"put there by hand")
    assert kinds(store) == ["orphaned"]
    fetched(store, ID)


def test_several_findings_are_all_named(place: Store, source: Path) -> None:
    store = place.open()
    put(store, source)
    place.bytes.lose(ID, WEIGHTS)
    place.bytes.lose(ID, PLAN)
    place.bytes.write(ID, "a b", b"d")
    place.bytes.write(ID, "notes.txt", b"put there by hand")
    assert sorted(kinds(store)) == ["damaged", "missing", "missing", "orphaned"]


def test_a_damaged_manifest_is_seen(place: Store, source: Path) -> None:
    store = place.open()
    put(store, source)
    data = place.bytes.read(ID, MANIFEST)
    place.bytes.write(ID, MANIFEST, data.replace(b"the first", b"the worst"))
    assert kinds(store) == ["damaged"]
    assert store.versions("m") == [1]
    with pytest.raises(Damaged, match="m:1"):
        store.manifest(ID)
    with pytest.raises(Damaged, match="m:1"):
        fetched(store, ID)


@pytest.mark.parametrize("other", [ModelId("m", 2), ModelId("n", 1)])
def test_the_manifest_of_another_version_is_seen(
    place: Store, source: Path, other: ModelId
) -> None:
    store = place.open()
    put(store, source)
    put(store, source, other)
    place.bytes.write(ID, MANIFEST, place.bytes.read(other, MANIFEST))
    assert kinds(store) == ["damaged"]
    with pytest.raises(Damaged, match=str(other)):
        store.manifest(ID)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"schema": 1, "sha256": "0", "plan": {}}'])
def test_a_damaged_plan_is_seen_and_read_as_none(place: Store, source: Path, data: bytes) -> None:
    store = place.open()
    put(store, source)
    place.bytes.write(ID, PLAN, data)
    assert kinds(store) == ["damaged"]
    assert store.plan(ID) is None
    fetched(store, ID)


def test_a_version_without_its_manifest_is_no_version_but_leftovers(
    place: Store, source: Path
) -> None:
    store = place.open()
    put(store, source)
    place.bytes.lose(ID, MANIFEST)
    assert store.models() == []
    assert store.versions("m") == []
    with pytest.raises(NotFound):
        store.manifest(ID)
    assert {finding.kind for finding in store.strays()} == {"orphaned"}
    with pytest.raises(VersionExists):
        put(store, source)


def test_a_manifest_that_points_outside_is_damaged(place: Store, source: Path) -> None:
    store = place.open()
    written = put(store, source)
    away = replace(written.files[0], path="../../../etc/passwd")
    place.bytes.write(ID, MANIFEST, replace(written, files=(away,)).to_bytes())
    with pytest.raises(Damaged, match="etc/passwd"):
        fetched(store, ID)


def test_progress_counts_every_byte(store: ArtifactStore, source: Path) -> None:
    counted = Counted()
    written = manifest(source)
    store.put(written, plan(), source, counted)
    assert counted.bytes == written.size
    with store.fetch(ID, counted):
        pass
    assert counted.bytes == 2 * written.size


class Counted:
    bytes = 0

    def start(self, what: str, total: int) -> None:
        pass

    def advance(self, count: int) -> None:
        self.bytes += count
