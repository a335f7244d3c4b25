import math
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest

from modelregistry.aliases import changes
from modelregistry.aliases.caller import NOBODY, Caller
from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.aliases.revision import Revision
from modelregistry.aliases.state import Policy, State, parse_shares
from modelregistry.deletion import execute, propose_delete
from modelregistry.errors import Unavailable
from modelregistry.manifest import Manifest
from modelregistry.names import ModelId
from modelregistry.registry import Proposal, Registry
from modelserver.asked import Asked, Routed
from modelserver.errors import ModelNotFound, ModelUnavailable, UnknownLabel
from modelserver.retries import Retries
from modelserver.routing import Router
from modelserver.servables import Servables
from tests.fakes import MemoryArtifacts, publish_all

from .doubles import Loads, Time

TTL = 1.0


class WatchedTable(MemoryAliasTable):
    """Counts the looks, and can be taken down."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.down = False

    def newest(self, model: str) -> Revision | None:
        self.looks += 1
        if self.down:
            raise Unavailable("the table does not answer")
        return super().newest(model)


@dataclass
class World:
    """A registry with sample:1 to 3, and a process that serves it."""

    registry: Registry
    table: WatchedTable
    loads: Loads
    servables: Servables
    monotonic: Time
    wall: Time

    def router(self, *, swap_wait: float = 0.0) -> Router:
        return Router(
            self.registry,
            self.servables,
            ttl=TTL,
            swap_wait=swap_wait,
            monotonic=self.monotonic,
            wall=self.wall,
        )

    def promote(self, version: int, alias: str = "stable") -> None:
        self.registry.commit(self.registry.propose_promote(ModelId("sample", version), alias))

    def set(self, alias: str, *shares: str) -> None:
        self.registry.commit(self.registry.propose_set("sample", alias, parse_shares(shares)))

    def pass_ttl(self) -> None:
        for clock in (self.monotonic, self.wall):
            clock.seconds += TTL

    def warm(self, *versions: int) -> None:
        for version in versions:
            self.servables.get(ModelId("sample", version))


@pytest.fixture
def world(tmp_path: Path) -> World:
    table, loads, ticking = WatchedTable(), Loads(), Time()
    registry = Registry(MemoryArtifacts(tmp_path / "cache"), table, url="memory:")
    publish_all(registry, tmp_path, {"sample": 3})
    servables = Servables(loads, budget=1000, clock=ticking)
    return World(registry, table, loads, servables, ticking, Time())


def resolve(
    router: Router,
    model: str,
    version: int | None = None,
    label: str | None = None,
    *,
    caller: Caller = NOBODY,
    at: float = 0.5,
    patience: float = math.inf,
) -> Routed:
    deadline = monotonic() + 2 * patience  # of which half may be spent on waiting
    return router.resolve(Asked(model, version, label, deadline, caller, at))


def version(router: Router, label: str | None = None, *, at: float = 0.5) -> int:
    return resolve(router, "sample", label=label, at=at).id.version


def eventually(expected: int, ask: Callable[[], int]) -> None:
    """Loads finish in threads of their own; nothing here waits for a clock of the product."""
    deadline = monotonic() + 10
    while ask() != expected:
        assert monotonic() < deadline, f"still {ask()}, not {expected}"
        sleep(0.001)


def test_no_version_and_no_label_means_the_default_alias(world: World) -> None:
    world.promote(1)
    assert Routed(ModelId("sample", 1), "stable", 1) == resolve(world.router(), "sample")


def test_a_label_is_an_alias(world: World) -> None:
    world.promote(1)
    world.promote(3, "canary")
    expected = Routed(ModelId("sample", 3), "canary", 2)
    assert expected == resolve(world.router(), "sample", label="canary")


def test_a_number_is_any_published_version(world: World) -> None:
    assert Routed(ModelId("sample", 2)) == resolve(world.router(), "sample", version=2)


def test_an_unset_default_says_how_to_set_it(world: World) -> None:
    message = (
        "Servable not found for request: Latest(sample). Its default alias 'stable' is not set;"
        " set it with: deploy promote sample VERSION"
    )
    with pytest.raises(ModelNotFound, match=rf"^{message.replace('(', '[(]').replace(')', '[)]')}"):
        resolve(world.router(), "sample")


def test_the_default_can_be_another_alias(world: World) -> None:
    world.promote(3, "live")
    world.registry.commit(world.registry.propose_default("sample", "live"))
    assert "live" == resolve(world.router(), "sample").alias


def test_the_default_can_be_the_highest_version(world: World) -> None:
    world.promote(1)
    world.registry.commit(world.registry.propose_default("sample", "highest"))
    assert ModelId("sample", 3) == resolve(world.router(), "sample").id
    with pytest.raises(UnknownLabel):
        resolve(world.router(), "sample", label="highest")


def test_the_highest_version_is_one_that_the_policy_keeps(world: World) -> None:
    world.registry.commit(world.registry.propose_default("sample", "highest"))
    world.registry.commit(
        world.registry.propose_policy("sample", Policy("specific", versions=(1, 2)))
    )
    world.warm(1, 2)
    router = world.router()
    assert 2 == version(router)
    assert 3 == resolve(router, "sample", version=3).id.version  # any version, by its number
    world.registry.commit(
        world.registry.propose_policy("sample", Policy("specific", versions=(1,)))
    )
    world.pass_ttl()
    assert 1 == version(router)
    world.registry.commit(
        world.registry.propose_policy("sample", Policy("specific", versions=(9,)))
    )
    world.pass_ttl()
    with pytest.raises(ModelNotFound, match=r"^Servable not found for request: Latest\(sample"):
        version(router)


def coming(world: World, **labels: int) -> None:
    """Labels that are set whether or not their versions are there, as models.config has them."""
    base = world.registry.aliases.newest("sample")
    aliases = {name: changes.whole(version) for name, version in labels.items()}
    state = State(aliases=aliases, default="highest")
    world.registry.commit(Proposal("sample", "set", base, state))


def test_a_label_may_be_ahead_of_its_version(world: World, tmp_path: Path) -> None:
    coming(world, canary=4)
    router = world.router()
    assert 3 == version(router)
    with pytest.raises(
        ModelNotFound, match=r"^Servable not found for request: Specific\(sample, 4"
    ):
        version(router, "canary")
    router.preload_all()
    assert 0 == world.loads.count[ModelId("sample", 4)]
    assert [ModelId("sample", 3)] == router.wanted("sample")
    publish_all(world.registry, tmp_path / "more", {"sample": 4})
    world.pass_ttl()
    assert 4 == version(router, "canary")


def test_a_label_stays_where_it_is_until_its_next_version_is_there(
    world: World, tmp_path: Path
) -> None:
    coming(world, canary=1)
    router = world.router()
    assert 1 == version(router, "canary")  # is not even loaded yet
    coming(world, canary=4)
    for _ in range(3):
        world.pass_ttl()
        assert 1 == version(router, "canary")
    publish_all(world.registry, tmp_path / "more", {"sample": 4})
    world.warm(1, 4)
    world.pass_ttl()
    assert 4 == version(router, "canary")


def test_a_version_that_is_gone_answers_from_memory_until_the_next_one_is_loaded(
    world: World,
) -> None:
    world.registry.commit(world.registry.propose_default("sample", "highest"))
    router = world.router()
    world.warm(3)
    assert 3 == version(router)
    world.registry.artifacts.remove(ModelId("sample", 3))
    with world.loads.held():
        router.refresh("sample")
        world.servables.forget(ModelId("sample", 3))
        assert 3 == world.servables.get(resolve(router, "sample").id).id.version
    eventually(2, lambda: version(router))
    assert [ModelId("sample", 2)] == world.servables.loaded()
    with pytest.raises(
        ModelNotFound, match=r"^Servable not found for request: Specific\(sample, 3"
    ):
        resolve(router, "sample", version=3)


def test_a_label_of_a_version_that_is_gone_leads_nowhere(world: World) -> None:
    coming(world, canary=2)
    router = world.router()
    world.warm(2, 3)
    assert 2 == version(router, "canary")
    world.registry.artifacts.remove(ModelId("sample", 2))
    router.refresh("sample")
    world.servables.forget(ModelId("sample", 2))
    with pytest.raises(
        ModelNotFound, match=r"^Servable not found for request: Specific\(sample, 2"
    ):
        version(router, "canary")
    assert [ModelId("sample", 3)] == world.servables.loaded()


def test_a_refreshed_model_is_looked_at_whatever_the_age_of_the_last_look(world: World) -> None:
    world.promote(1)
    world.warm(1, 2)
    router = world.router()
    assert 1 == version(router)
    world.promote(2)
    router.refresh("sample")
    assert 2 == version(router)


@pytest.mark.parametrize("name", ["other", "..", "../sample", "a/b", ".hidden", "", "x" * 200])
def test_a_model_that_is_not_there_is_not_found_and_not_remembered(world: World, name: str) -> None:
    router = world.router()
    for number in (None, 1):
        with pytest.raises(ModelNotFound):
            resolve(router, name, version=number)
    assert {} == router._models


def test_an_unknown_label_is_refused_with_upstreams_words(world: World) -> None:
    world.promote(1)
    for model in ("sample", "other"):
        with pytest.raises(UnknownLabel, match=r"^Unrecognized servable version label: beta$"):
            resolve(world.router(), model, label="beta")


def test_a_version_that_is_not_published_is_not_found(world: World) -> None:
    with pytest.raises(
        ModelNotFound, match=r"^Servable not found for request: Specific\(sample, 9"
    ):
        resolve(world.router(), "sample", version=9)


def test_a_version_published_a_moment_ago_is_found(world: World, tmp_path: Path) -> None:
    router = world.router()
    resolve(router, "sample", version=1)
    publish_all(world.registry, tmp_path / "more", {"sample": 4})
    assert 4 == resolve(router, "sample", version=4).id.version


def test_a_deleted_version_is_gone_after_the_next_look(world: World) -> None:
    world.promote(1)
    router = world.router()
    assert 3 == resolve(router, "sample", version=3).id.version
    execute(world.registry, propose_delete(world.registry, "sample", [3]))
    world.pass_ttl()
    with pytest.raises(ModelNotFound):
        resolve(router, "sample", version=3)


def test_the_table_is_looked_at_once_in_a_ttl(world: World) -> None:
    world.promote(1)
    router = world.router()
    resolve(router, "sample")
    before = world.table.looks
    for _ in range(10):
        resolve(router, "sample")
    assert before == world.table.looks
    world.pass_ttl()
    for _ in range(10):
        resolve(router, "sample")
    assert before + 1 == world.table.looks


@pytest.mark.parametrize("clock", ["monotonic", "wall"])
def test_either_clock_makes_a_look_old(world: World, clock: str) -> None:
    # A frozen container's monotonic clock stands still; a wall clock may be set back.
    world.promote(1)
    world.warm(1, 2)
    router = world.router()
    assert 1 == version(router)
    world.promote(2)
    getattr(world, clock).seconds += TTL
    assert 2 == version(router)


def test_a_flip_to_a_loaded_version_is_seen_by_the_next_look(world: World) -> None:
    world.promote(1)
    world.warm(1, 2)
    router = world.router()
    assert 1 == version(router)
    world.promote(2)
    assert 1 == version(router)
    world.pass_ttl()
    assert Routed(ModelId("sample", 2), "stable", 2) == resolve(router, "sample")


def test_the_version_in_place_answers_while_the_new_one_loads(world: World) -> None:
    world.promote(1)
    world.warm(1)
    router = world.router()
    version(router)
    world.promote(2)
    with world.loads.held():
        world.pass_ttl()
        assert [1] * 5 == [version(router) for _ in range(5)]
        assert 1 == resolve(router, "sample").revision
    eventually(2, lambda: version(router))
    assert 1 == world.loads.count[ModelId("sample", 2)]


def test_with_swap_wait_the_request_that_sees_the_flip_is_answered_by_it(world: World) -> None:
    world.promote(1)
    world.warm(1)
    router = world.router(swap_wait=10)
    version(router)
    world.promote(2)
    world.pass_ttl()
    assert 2 == version(router)


def test_swap_wait_ends_and_the_old_version_answers(world: World) -> None:
    world.promote(1)
    world.warm(1)
    router = world.router(swap_wait=0.01)
    version(router)
    world.promote(2)
    world.pass_ttl()
    with world.loads.held():
        assert 1 == version(router)
    eventually(2, lambda: version(router))


def test_swap_wait_is_no_longer_than_the_request_has_time(world: World) -> None:
    world.promote(1)
    world.warm(1)
    router = world.router(swap_wait=60)
    version(router)
    world.promote(2)
    world.pass_ttl()
    with world.loads.held():
        assert 1 == resolve(router, "sample", patience=0.01).id.version


def test_nobody_waits_for_the_swap_of_an_alias_that_they_did_not_ask_for(world: World) -> None:
    world.promote(1)
    world.promote(1, "canary")
    world.warm(1)
    router = world.router(swap_wait=60)
    version(router)
    world.promote(3, "canary")
    world.pass_ttl()
    with world.loads.held():
        assert 1 == version(router)
        world.pass_ttl()
        assert 2 == resolve(router, "sample", version=2).id.version
    eventually(3, lambda: version(router, "canary"))


def test_a_version_that_cannot_be_loaded_leaves_the_old_route_in_force(world: World) -> None:
    world.promote(1)
    world.warm(1)
    world.loads.broken = {2}
    router = world.router(swap_wait=10)
    version(router)
    world.promote(2)
    for _ in range(3):
        world.pass_ttl()
        assert 1 == version(router)
    assert "sample:2 is broken" == str(world.servables.failure(ModelId("sample", 2)))

    world.loads.broken.clear()
    world.monotonic.seconds += 10 * Retries().first
    assert 2 == version(router)


def test_a_version_that_was_given_up_is_tried_again_when_the_model_changes(world: World) -> None:
    world.servables = Servables(world.loads, budget=100, retries=Retries(0, 0, at_most=0))
    world.promote(1)
    world.warm(1)
    world.loads.broken = {2}
    router = world.router(swap_wait=10)
    version(router)
    world.promote(2)
    for _ in range(3):
        world.pass_ttl()
        assert 1 == version(router)
    assert 1 == world.loads.count[ModelId("sample", 2)]

    world.loads.broken.clear()
    world.promote(3, "canary")
    world.pass_ttl()
    assert 2 == version(router)


def test_a_broken_version_under_one_alias_does_not_hold_up_another(world: World) -> None:
    world.promote(1)
    world.promote(1, "canary")
    world.warm(1)
    world.loads.broken = {3}
    router = world.router(swap_wait=10)
    version(router)
    world.promote(3, "canary")
    world.promote(2)
    world.pass_ttl()
    assert (2, 1) == (version(router), version(router, "canary"))


def test_a_rollback_to_a_resident_version_needs_no_load(world: World) -> None:
    world.promote(1)
    world.promote(2)
    world.warm(1, 2)
    router = world.router()
    version(router)
    world.registry.commit(world.registry.propose_rollback("sample", "stable"))
    world.pass_ttl()
    with world.loads.held():
        assert 1 == version(router)
    assert {1} == set(world.loads.count.values())


def test_a_promotion_away_from_a_version_that_never_loaded_is_taken_at_once(world: World) -> None:
    world.promote(1)
    world.loads.broken = {1}
    router = world.router()
    version(router)
    world.promote(2)
    world.pass_ttl()
    assert 2 == version(router)


def test_a_table_that_is_down_leaves_the_last_known_routes(world: World) -> None:
    world.promote(1)
    world.warm(1, 2)
    router = world.router()
    version(router)
    world.promote(2)
    world.table.down = True
    world.pass_ttl()
    assert 1 == version(router)
    world.table.down = False
    assert 1 == version(router)  # not asked again before another TTL has passed
    world.pass_ttl()
    assert 2 == version(router)


class CountedArtifacts(MemoryArtifacts):
    """Counts what is asked of it, and can be taken down."""

    def __init__(self, cache: Path) -> None:
        super().__init__(cache)
        self.asked: Counter[str] = Counter()
        self.down = False

    def versions(self, model: str) -> list[int]:
        self._ask("versions")
        return super().versions(model)

    def manifest(self, id: ModelId) -> Manifest:
        self._ask("manifest")
        return super().manifest(id)

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        if self.down:
            raise Unavailable("the store does not answer")


@pytest.fixture
def store(world: World, tmp_path: Path) -> CountedArtifacts:
    """The store of `world`, watched."""
    store = CountedArtifacts(tmp_path / "cache")
    world.registry.artifacts = store
    publish_all(world.registry, tmp_path / "again", {"sample": 3})
    return store


def test_a_look_asks_the_table_and_not_the_store(world: World, store: CountedArtifacts) -> None:
    world.promote(1)
    world.warm(1, 2)
    router = world.router()
    version(router)
    world.promote(2)
    store.asked.clear()
    for _ in range(3):
        world.pass_ttl()
        assert 2 == version(router)
    assert {} == store.asked


def test_a_version_by_number_is_looked_up_once(world: World, store: CountedArtifacts) -> None:
    world.promote(1)
    router = world.router()
    store.asked.clear()
    for _ in range(3):
        resolve(router, "sample", version=2)
    assert {"manifest": 1} == store.asked
    store.down = True
    assert 2 == resolve(router, "sample", version=2).id.version
    with pytest.raises(ModelUnavailable, match=r"^sample:3 cannot be looked up: the store"):
        resolve(router, "sample", version=3)
    world.warm(3)
    assert 3 == resolve(router, "sample", version=3).id.version


def test_a_store_that_is_down_leaves_the_last_known_versions(
    world: World, store: CountedArtifacts
) -> None:
    world.promote(1)
    router = world.router()
    version(router)
    store.down = True
    with pytest.raises(ModelUnavailable, match=r"^the versions of sample cannot be listed: the"):
        router.published("sample")
    store.down = False
    assert [1, 2, 3] == router.published("sample")
    store.down = True
    world.pass_ttl()
    assert [1, 2, 3] == router.published("sample")


def test_the_highest_version_stays_what_it_was_while_the_store_is_down(
    world: World, store: CountedArtifacts
) -> None:
    world.registry.commit(world.registry.propose_default("sample", "highest"))
    router = world.router()
    assert 3 == version(router)
    store.down = True
    world.pass_ttl()
    assert 3 == version(router)


def test_a_table_that_was_never_reached_makes_the_model_unavailable(world: World) -> None:
    world.promote(1)
    world.table.down = True
    router = world.router()
    with pytest.raises(ModelUnavailable, match="the alias table cannot be read"):
        resolve(router, "sample")
    world.table.down = False
    assert 1 == version(router)


def test_a_log_that_was_put_back_is_followed_loudly(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.promote(1)
    world.promote(2)
    world.warm(1, 2)
    router = world.router()
    assert 2 == version(router)
    world.table._logs["sample"].pop()  # a backup in its place
    world.pass_ttl()
    assert 1 == version(router)
    expected = "sample: the alias table went back from revision 2 to 1; following it"
    assert [expected] == [record.message for record in caplog.records]


def test_a_log_that_is_gone_leaves_the_last_known_routes_and_is_told_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.promote(1)
    world.warm(1)
    router = world.router()
    version(router)
    world.table._logs.clear()
    for _ in range(3):
        world.pass_ttl()
        assert 1 == version(router)
    expected = "sample: its log is gone: keeping the last known aliases"
    assert [expected] == [record.message for record in caplog.records]


def test_a_flip_to_two_versions_happens_however_small_the_budget(world: World) -> None:
    world.servables = Servables(world.loads, budget=25, clock=world.monotonic)
    world.promote(1)
    world.warm(1)
    router = world.router(swap_wait=10)
    version(router)
    world.set("stable", "2@50", "3@50")
    world.pass_ttl()
    assert [2, 3, 2, 3] == [version(router, at=at) for at in (0.25, 0.75, 0.25, 0.75)]
    assert {1} == set(world.loads.count.values())


def test_a_damaged_model_keeps_no_other_from_being_preloaded(world: World) -> None:
    world.promote(2)
    world.table._logs["broken"].append("no revision")
    (problem,) = world.router().preload_all()
    assert problem.startswith("broken: the alias table cannot be read: revision 1 of broken")
    eventually(1, lambda: len(world.servables.loaded()))


def test_the_first_requests_of_a_model_all_see_its_routes(world: World) -> None:
    world.promote(1)
    for _ in range(50):
        router = world.router()
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(version, [router] * 8))
        assert [1] * 8 == found


def test_an_alias_that_was_unset_is_gone_after_the_next_look(world: World) -> None:
    world.promote(1)
    world.promote(2, "canary")
    router = world.router()
    assert 2 == version(router, "canary")
    world.registry.commit(world.registry.propose_unset("sample", "canary"))
    world.pass_ttl()
    with pytest.raises(UnknownLabel):
        resolve(router, "sample", label="canary")


def test_weights_share_the_picks(world: World) -> None:
    world.set("stable", "1@70", "2@29.5", "3@0.5")
    world.warm(1, 2, 3)
    router = world.router()
    expected = {1: 700, 2: 295, 3: 5}
    assert expected == Counter(version(router, at=n / 1000) for n in range(1000))


def test_a_version_at_zero_percent_answers_nobody_and_is_not_loaded(world: World) -> None:
    world.set("stable", "1@100", "3@0")
    router = world.router()
    router.preload("sample")
    assert [1, 1, 1] == [version(router, at=at) for at in (0.0, 0.999999, 0.5)]
    assert 0 == world.loads.count[ModelId("sample", 3)]


def test_preloading_loads_what_the_aliases_point_to(world: World) -> None:
    world.promote(1)
    world.promote(3, "canary")
    router = world.router()
    router.preload_all()
    eventually(2, lambda: len(world.servables.loaded()))
    assert {1, 3} == {id.version for id in world.servables.loaded()}


def test_versions_that_answer_are_pinned_against_the_budget(world: World) -> None:
    servables = Servables(world.loads, budget=10)
    world.servables = servables
    world.promote(1)
    world.promote(2, "canary")
    router = world.router()
    resolve(router, "sample")
    for number in (1, 2, 3):
        servables.get(ModelId("sample", number))
    assert {1, 2} <= {id.version for id in servables.loaded()}
