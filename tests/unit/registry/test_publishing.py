"""Publishing: all of it or nothing, once, and never over something else."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from modelregistry.aliases.numbers import Numbers
from modelregistry.aliases.state import Policy
from modelregistry.deletion import execute, propose_delete
from modelregistry.errors import InvalidInput, ModelRefused, NotFound, Refused, VersionExists
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from modelregistry.publishing import (
    Publication,
    Publisher,
    Source,
    apply_policy,
    next_version,
    sources,
)
from modelregistry.registry import Registry
from modelregistry.verification import verify_all
from tests.fakes import FakeCompiler, MemoryArtifacts, memory_registry, plan, savedmodel

PLAN = "m/1/compiled/1/plan.json"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return memory_registry(tmp_path / "cache")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "source")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "other", "two")


def objects(registry: Registry) -> dict[str, bytes]:
    assert isinstance(registry.artifacts, MemoryArtifacts)
    return registry.artifacts.objects


def publish(
    registry: Registry, source: Path, version: int | None = None, *, dry_run: bool = False
) -> Publication:
    return Publisher(registry, FakeCompiler()).publish(source, "m", version, dry_run=dry_run)


def test_a_version_says_who_published_it_when_and_why(registry: Registry, source: Path) -> None:
    publication = Publisher(registry, FakeCompiler()).publish(source, "m", 7, message="first")
    manifest = registry.artifacts.manifest(ModelId("m", 7))
    assert publication == Publication("published", manifest, plan(), uploaded=manifest.size)
    assert (manifest.by, manifest.at, manifest.message) == (
        "ann@laptop",
        "2026-11-22T09:30:00.000000Z",
        "first",
    )


def test_the_compiler_sees_the_source(registry: Registry, source: Path) -> None:
    compiler = FakeCompiler()
    Publisher(registry, compiler).publish(source, "m")
    assert compiler.compiled == [source]
    assert registry.artifacts.plan(ModelId("m", 1)) == plan()


def test_without_a_number_it_is_the_next(registry: Registry, tmp_path: Path) -> None:
    numbers = [
        publish(registry, savedmodel(tmp_path / str(n), str(n)), version).manifest.id.version
        for n, version in enumerate([None, None, 10, None, 5, None])
    ]
    assert numbers == [1, 2, 10, 11, 5, 12]


def test_the_next_number_is_after_deleted_ones_too(registry: Registry, source: Path) -> None:
    publish(registry, source, 9)
    execute(registry, propose_delete(registry, "m", [9]))
    assert next_version(registry, "m") == 10
    assert next_version(registry, "n") == 1


def test_the_same_bytes_again_are_nothing_to_do(registry: Registry, source: Path) -> None:
    first = publish(registry, source, 1)
    before = dict(objects(registry))
    compiler = FakeCompiler(refusal="never asked")
    again = Publisher(registry, compiler).publish(source, "m", 1, message="again")
    assert again == Publication("identical", first.manifest, plan())
    assert objects(registry) == before
    assert compiler.compiled == []


def test_a_copy_of_what_was_published_is_the_same_bytes(registry: Registry, source: Path) -> None:
    publish(registry, source, 1)
    with registry.artifacts.fetch(ModelId("m", 1), UNWATCHED) as version:
        assert publish(registry, version.directory, 1).outcome == "identical"


def test_other_bytes_under_a_taken_number_are_refused(
    registry: Registry, source: Path, other: Path
) -> None:
    publish(registry, source, 1)
    before = dict(objects(registry))
    with pytest.raises(VersionExists, match=r"m:1 exists with other bytes \(published 2026"):
        publish(registry, other, 1)
    assert objects(registry) == before


def test_a_refused_number_names_the_next_free_one(
    registry: Registry, source: Path, other: Path
) -> None:
    publish(registry, source, 1)
    publish(registry, source, 4)
    with pytest.raises(VersionExists) as caught:
        publish(registry, other, 1)
    assert caught.value.hint.endswith("the next free number is 5")


def test_who_publishes_the_same_bytes_under_another_number_is_told(
    registry: Registry, source: Path, other: Path
) -> None:
    publish(registry, source)
    publish(registry, other)
    assert publish(registry, source).notes == ("m:1 holds the very same files",)
    assert publish(registry, other, dry_run=True).notes == ("m:2 holds the very same files",)


def test_a_damaged_neighbour_does_not_stop_a_publication(
    registry: Registry, source: Path, other: Path
) -> None:
    publish(registry, source)
    objects(registry)["m/1/manifest.json"] = b"{}"
    assert publish(registry, other).manifest.id == ModelId("m", 2)


def test_a_refused_model_leaves_nothing(registry: Registry, source: Path) -> None:
    publisher = Publisher(registry, FakeCompiler(refusal="variable 'w' is not initialised"))
    with pytest.raises(ModelRefused, match="variable 'w'"):
        publisher.publish(source, "m")
    assert objects(registry) == {}


@pytest.mark.parametrize("name", ["../m", "", "a/b", ".m"])
def test_a_name_that_cannot_be_one_is_refused_before_anything_is_read(
    registry: Registry, tmp_path: Path, name: str
) -> None:
    with pytest.raises(InvalidInput):
        Publisher(registry, FakeCompiler()).publish(tmp_path / "not even there", name)


def test_a_dry_run_does_everything_but_store(registry: Registry, source: Path, other: Path) -> None:
    checked = publish(registry, source, dry_run=True)
    assert (checked.outcome, checked.manifest.id) == ("checked", ModelId("m", 1))
    assert objects(registry) == {}
    publish(registry, source, 1)
    assert publish(registry, source, 1, dry_run=True).outcome == "identical"
    with pytest.raises(VersionExists):
        publish(registry, other, 1, dry_run=True)
    with pytest.raises(ModelRefused):
        Publisher(registry, FakeCompiler(refusal="no")).publish(other, "m", dry_run=True)


def remove(path: Path) -> None:
    (path / "saved_model.pb").unlink()


def rewrite(path: Path) -> None:
    (path / "saved_model.pb").write_bytes(b"GRAPH of one")


def grow(path: Path) -> None:
    with (path / "saved_model.pb").open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize("change", [remove, rewrite, grow])
def test_a_source_that_changes_while_it_is_published_is_refused(
    registry: Registry, source: Path, change: Callable[[Path], None]
) -> None:
    publisher = Publisher(registry, FakeCompiler(meanwhile=change))
    with pytest.raises(Refused, match=r"saved_model\.pb changed while it was being published"):
        publisher.publish(source, "m")
    assert objects(registry) == {}


def test_who_loses_a_number_takes_the_next(registry: Registry, source: Path, other: Path) -> None:
    rival = FakeCompiler(meanwhile=lambda _: publish(registry, other, 1))
    publication = Publisher(registry, rival).publish(source, "m")
    assert publication.manifest.id == ModelId("m", 2)
    assert registry.artifacts.manifest(ModelId("m", 2)) == publication.manifest
    assert verify_all(registry, UNWATCHED) == []


def test_who_asked_for_the_number_and_loses_it_is_refused(
    registry: Registry, source: Path, other: Path
) -> None:
    rival = FakeCompiler(meanwhile=lambda _: publish(registry, other, 1))
    with pytest.raises(VersionExists, match="m:1 exists with other bytes"):
        Publisher(registry, rival).publish(source, "m", 1)
    assert registry.versions("m") == [1]


def test_who_loses_the_number_to_the_same_bytes_has_published(
    registry: Registry, source: Path
) -> None:
    rival = FakeCompiler(meanwhile=lambda _: publish(registry, source, 1))
    publication = Publisher(registry, rival).publish(source, "m", 1)
    assert publication.manifest == registry.artifacts.manifest(ModelId("m", 1))


def test_a_number_that_is_deleted_meanwhile_is_not_published(
    registry: Registry, source: Path
) -> None:
    def publish_and_delete(_: Path) -> None:
        publish(registry, source, 1)
        execute(registry, propose_delete(registry, "m", [1]))

    publisher = Publisher(registry, FakeCompiler(meanwhile=publish_and_delete))
    with pytest.raises(VersionExists, match="m:1 was deleted while it was being published"):
        publisher.publish(source, "m", 1)
    assert objects(registry) == {}


@pytest.mark.parametrize("data", [None, b"", b"{}"])
def test_a_plan_that_is_missing_or_damaged_is_made_again(
    registry: Registry, source: Path, data: bytes | None
) -> None:
    publish(registry, source, 1)
    objects(registry).pop(PLAN)
    if data is not None:
        objects(registry)[PLAN] = data
    assert publish(registry, source, 1, dry_run=True).notes == ("made its plan again",)
    assert objects(registry).get(PLAN) == data
    again = publish(registry, source, 1)
    assert (again.outcome, again.notes) == ("identical", ("made its plan again",))
    assert registry.artifacts.plan(ModelId("m", 1)) == plan()
    assert verify_all(registry, UNWATCHED) == []


def test_the_policy_acts_on_what_is_published(
    registry: Registry, source: Path, other: Path
) -> None:
    registry.commit(registry.propose_policy("m", Policy("latest")))
    publication = publish(registry, source)
    assert publication.revision == registry.newest("m")
    assert registry.resolve("m") == ModelId("m", 1)
    publish(registry, other)
    assert registry.resolve("m") == ModelId("m", 2)
    assert apply_policy(registry, "m") is None


def test_publishing_again_never_undoes_a_rollback(
    registry: Registry, source: Path, other: Path
) -> None:
    registry.commit(registry.propose_policy("m", Policy("latest")))
    publish(registry, source)
    publish(registry, other)
    registry.commit(registry.propose_rollback("m", "stable"))
    assert publish(registry, other, 2).revision is None
    assert apply_policy(registry, "m") is None
    assert registry.resolve("m") == ModelId("m", 1)


def test_a_policy_that_a_killed_publish_did_not_reach_acts_when_it_is_done_again(
    registry: Registry, source: Path
) -> None:
    registry.commit(registry.propose_policy("m", Policy("latest")))
    publication = publish(registry, source, dry_run=True)
    registry.artifacts.put(publication.manifest, plan(), source, UNWATCHED)
    assert publish(registry, source, 1, dry_run=True).revision is None
    assert publish(registry, source, 1).revision == registry.newest("m")
    assert registry.resolve("m") == ModelId("m", 1)


def test_racing_policies_agree_on_the_highest_version(registry: Registry, tmp_path: Path) -> None:
    registry.commit(registry.propose_policy("m", Policy("latest")))
    threads = [
        threading.Thread(
            target=publish, args=(registry, savedmodel(tmp_path / str(n), str(n)), None)
        )
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.resolve("m") == ModelId("m", 6)
    assert registry.state("m").acted_on == Numbers.of(range(1, 7))


def test_a_savedmodel_is_itself_the_only_source(source: Path) -> None:
    savedmodel(source / "1")
    assert sources(source) == [Source(source, None)]
    assert sources(source, 5) == [Source(source, None)]


def test_a_directory_of_versions_offers_each_by_number(tmp_path: Path) -> None:
    for name in ("10", "9", "0008", "latest", "tmp-11"):
        savedmodel(tmp_path / name)
    (tmp_path / "7").write_bytes(b"a file is no version")
    assert sources(tmp_path) == [
        Source(tmp_path / "0008", 8),
        Source(tmp_path / "9", 9),
        Source(tmp_path / "10", 10),
    ]
    assert sources(tmp_path, 8) == [Source(tmp_path / "0008", 8)]


def test_a_version_that_a_directory_does_not_have_is_named_with_those_it_has(
    tmp_path: Path,
) -> None:
    savedmodel(tmp_path / "1")
    savedmodel(tmp_path / "2")
    with pytest.raises(InvalidInput, match="has no version 3") as caught:
        sources(tmp_path, 3)
    assert caught.value.hint == "it has 1, 2"


def test_a_directory_of_neither_is_left_to_the_compiler(tmp_path: Path) -> None:
    assert sources(tmp_path) == [Source(tmp_path, None)]


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_what_is_no_directory_is_not_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotFound, match=f"{name} is not a directory"):
        sources(tmp_path / name)


def test_a_source_that_cannot_be_read_is_refused(registry: Registry, source: Path) -> None:
    with pytest.raises(Refused, match="nowhere"):
        publish(registry, source / "nowhere")
    assert objects(registry) == {}
