"""What a registry promises, whatever its store and its table are."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier

import pytest

from modelregistry.aliases.state import Policy, parse_shares
from modelregistry.deletion import execute, propose_delete, propose_gc
from modelregistry.errors import Conflict, NotFound, Refused, VersionExists
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from modelregistry.verification import verify_all
from tests.fakes import FakeClock, FakeCompiler, contents, fetched, publish_all, savedmodel

from .registries import REGISTRIES


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=REGISTRIES)
def registry(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> Iterator[Registry]:
    with REGISTRIES[request.param](tmp_path, clock) as found:
        yield found


def promote(registry: Registry, version: int, alias: str = "stable") -> None:
    registry.commit(registry.propose_promote(ModelId("m", version), alias))


def rollback(registry: Registry) -> None:
    registry.commit(registry.propose_rollback("m", "stable"))


def test_publish_promote_roll_back_and_delete(registry: Registry, tmp_path: Path) -> None:
    publish_all(registry, tmp_path, {"m": 3})
    for version in (1, 2, 3):
        promote(registry, version)
    assert registry.resolve("m") == ModelId("m", 3)
    rollback(registry)
    assert registry.resolve("m") == ModelId("m", 2)
    rollback(registry)
    assert registry.resolve("m") == ModelId("m", 3)
    execute(registry, propose_delete(registry, "m", [2], force=True))
    assert registry.versions("m") == [1, 3]
    rollback(registry)
    assert registry.resolve("m") == ModelId("m", 1)
    assert verify_all(registry, UNWATCHED) == []
    actions = [r.change.action for r in registry.history("m")]
    assert actions == ["rollback", "delete", "rollback", "rollback", *["promote"] * 3]


def test_what_is_served_is_what_was_published(registry: Registry, tmp_path: Path) -> None:
    source = savedmodel(tmp_path / "source")
    Publisher(registry, FakeCompiler()).publish(source, "m")
    promote(registry, 1)
    served = fetched(registry.artifacts, registry.resolve("m"))
    assert {name: served[name] for name in contents(source)} == contents(source)


def test_a_deleted_number_never_comes_back(registry: Registry, tmp_path: Path) -> None:
    publish_all(registry, tmp_path, {"m": 2})
    execute(registry, propose_delete(registry, "m", [2]))
    publisher = Publisher(registry, FakeCompiler())
    with pytest.raises(VersionExists, match="m:2 was deleted"):
        publisher.publish(tmp_path / "m-2", "m", 2)
    assert publisher.publish(tmp_path / "m-2", "m").manifest.id == ModelId("m", 3)


def test_two_operators_who_decide_on_the_same_revision_have_one_winner(
    registry: Registry, tmp_path: Path
) -> None:
    publish_all(registry, tmp_path, {"m": 2})
    promote(registry, 1)
    ann = registry.propose_promote(ModelId("m", 2), "stable")
    bob = registry.propose_promote(ModelId("m", 2), "canary")
    registry.commit(ann, message="looks good")
    with pytest.raises(Conflict) as caught:
        registry.commit(bob)
    assert str(caught.value) == (
        "m is at revision 2, not 1: ann@laptop did 'promote' at 2026-11-22T09:30:00.000000Z"
        " (looks good), changing stable: 1 → 2"
    )
    assert caught.value.winner == 2
    assert "deploy history m" in caught.value.hint


def test_who_deletes_and_who_promotes_the_same_version_have_one_winner(
    registry: Registry, tmp_path: Path
) -> None:
    publish_all(registry, tmp_path, {"m": 3})
    deletion = propose_delete(registry, "m", [2])
    promotion = registry.propose_promote(ModelId("m", 2), "stable")
    registry.commit(promotion)
    with pytest.raises(Conflict):
        execute(registry, deletion)
    assert registry.artifacts.versions("m") == [1, 2, 3]
    deletion = propose_delete(registry, "m", [3])
    promotion = registry.propose_promote(ModelId("m", 3), "stable")
    execute(registry, deletion)
    with pytest.raises(Conflict):
        registry.commit(promotion)
    assert registry.resolve("m") == ModelId("m", 2)


def test_racing_operators_lose_no_change(registry: Registry, tmp_path: Path) -> None:
    publish_all(registry, tmp_path, {"m": 1})
    start = Barrier(6)

    def insist(alias: str) -> None:
        while True:
            with suppress(Conflict):
                registry.commit(registry.propose_promote(ModelId("m", 1), alias))
                return

    def operator(n: int) -> None:
        start.wait(60)
        for change in range(5):
            insist(f"alias-{n}-{change}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(operator, range(6)))
    assert [r.number for r in registry.history("m")] == list(range(30, 0, -1))
    assert len(registry.state("m").aliases) == 30


def test_racing_publishers_each_get_a_number_of_their_own(
    registry: Registry, tmp_path: Path
) -> None:
    start = Barrier(6)

    def publish(n: int) -> ModelId:
        source = savedmodel(tmp_path / f"source-{n}", f"content {n}")
        publisher = Publisher(registry, FakeCompiler(meanwhile=lambda _: start.wait(60)))
        return publisher.publish(source, "m").manifest.id

    with ThreadPoolExecutor(6) as pool:
        ids = list(pool.map(publish, range(6)))
    assert sorted(ids) == [ModelId("m", version) for version in range(1, 7)]
    assert verify_all(registry, UNWATCHED) == []


def test_racing_publishers_of_the_same_bytes_are_both_told_it_is_published(
    registry: Registry, tmp_path: Path
) -> None:
    start = Barrier(2)
    source = savedmodel(tmp_path / "source")

    def publish(_: int) -> ModelId:
        publisher = Publisher(registry, FakeCompiler(meanwhile=lambda _: start.wait(60)))
        return publisher.publish(source, "m", 7).manifest.id

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(publish, range(2))) == [ModelId("m", 7)] * 2
    assert registry.versions("m") == [7]


def test_a_published_version_moves_the_default_alias_where_the_policy_says_latest(
    registry: Registry, tmp_path: Path
) -> None:
    publish_all(registry, tmp_path, {"m": 1})
    promote(registry, 1)
    registry.commit(registry.propose_policy("m", Policy("latest")))
    publication = Publisher(registry, FakeCompiler()).publish(savedmodel(tmp_path / "two"), "m")
    assert publication.revision == registry.aliases.newest("m")
    assert registry.resolve("m") == ModelId("m", 2)
    rollback(registry)
    Publisher(registry, FakeCompiler()).publish(tmp_path / "two", "m", 2)
    assert registry.resolve("m") == ModelId("m", 1)


def test_time_in_the_log_never_goes_backwards(
    registry: Registry, tmp_path: Path, clock: FakeClock
) -> None:
    publish_all(registry, tmp_path, {"m": 2})
    for seconds, version in [(0, 1), (60, 2), (-3600, 1), (30, 2), (7200, 1)]:
        clock.advance(seconds)
        promote(registry, version)
    times = [r.change.at for r in registry.history("m")]
    assert times == sorted(times, reverse=True)
    assert times[0] == clock.moment
    assert times[1] == times[2] == times[3]


def test_history_at_a_time_begins_with_what_was_in_force_then(
    registry: Registry, tmp_path: Path, clock: FakeClock
) -> None:
    publish_all(registry, tmp_path, {"m": 3})
    before, times = clock.moment, []
    for version in (1, 2, 3):
        clock.advance(60)
        times.append(clock.moment)
        promote(registry, version)
    assert list(registry.history("m", before)) == []
    assert [r.number for r in registry.history("m", times[1])] == [2, 1]
    clock.advance(3600)
    assert [r.number for r in registry.history("m", clock.moment)] == [3, 2, 1]


def test_gc_keeps_what_is_used_what_could_be_rolled_back_to_and_the_newest(
    registry: Registry, tmp_path: Path
) -> None:
    publish_all(registry, tmp_path, {"m": 8})
    promote(registry, 1, "old")
    promote(registry, 2)
    promote(registry, 3)
    for deletion in propose_gc(registry, keep=2, models=["m"]):
        execute(registry, deletion)
    assert registry.versions("m") == [1, 2, 3, 7, 8]
    assert propose_gc(registry, keep=2, models=["m"]) == []
    assert verify_all(registry, UNWATCHED) == []


def test_a_split_route_is_kept_exactly(registry: Registry, tmp_path: Path) -> None:
    publish_all(registry, tmp_path, {"m": 3})
    target = parse_shares(["1@33.33", "2@33.33", "3@33.34"])
    registry.commit(registry.propose_set("m", "stable", target))
    assert registry.state("m").aliases["stable"] == target
    assert registry.resolve("m") == ModelId("m", 3)
    with pytest.raises(Refused, match="in use"):
        propose_delete(registry, "m", [2], force=True)


def test_what_is_not_there_is_named_together_with_what_is(
    registry: Registry, tmp_path: Path
) -> None:
    publish_all(registry, tmp_path, {"m": 2})
    with pytest.raises(NotFound) as caught:
        registry.propose_promote(ModelId("m", 3), "stable")
    assert (str(caught.value), caught.value.hint) == ("m:3 is not published", "published: 1, 2")
    with pytest.raises(NotFound) as caught:
        registry.resolve("m")
    assert str(caught.value) == "m has no alias 'stable'"
    assert "deploy promote m VERSION" in caught.value.hint
    with pytest.raises(NotFound) as caught:
        registry.resolve("n")
    assert (str(caught.value), caught.value.hint) == (
        f"no model 'n' in {registry.url}",
        "models here: m",
    )
