"""A canary answers its share once it can; until then, or if it cannot, what is in place does."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelregistry import segments, splitting
from modelregistry.aliases.caller import Said, attribute
from modelregistry.aliases.decision import decide
from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.aliases.rules import parse_condition
from modelregistry.aliases.shares import parse
from modelregistry.names import HIGHEST, ModelId
from modelregistry.registry import Proposal, Registry
from modelserver.asked import Asked, Routed
from modelserver.errors import InvalidRequest, ModelNotFound, ModelUnavailable
from modelserver.health import health
from modelserver.retries import Retries
from modelserver.routing import Router
from modelserver.servables import Servables
from tests.fakes import MemoryArtifacts, publish_all

from .doubles import Loads, Time
from .test_routing import eventually

MODEL = "sample"
TTL = 1.0
# Random picks that, of 1 at 90 % and 2 at 10 %, get the one and the other.
STABLE, CANARY = 0.5, 0.95


@dataclass
class World:
    """A registry with sample:1 to 3, stable 1, loaded, and a process that serves it."""

    registry: Registry
    loads: Loads
    servables: Servables
    time: Time

    def router(self, *, swap_wait: float = 0.0) -> Router:
        return Router(
            self.registry,
            self.servables,
            ttl=TTL,
            swap_wait=swap_wait,
            monotonic=self.time,
            wall=self.time,
        )

    def commit(self, proposal: Proposal) -> None:
        self.registry.commit(proposal)

    def canary(self, version: int = 2, weight: int = 10) -> None:
        id = ModelId(MODEL, version)
        self.commit(splitting.propose_canary(self.registry, id, weight, "stable"))

    def route(self, when: str, *to: str) -> None:
        rule = [parse_condition(when)], parse(to)
        self.commit(segments.propose_route(self.registry, MODEL, "stable", *rule))

    def vanish(self, version: int) -> None:
        """Its bytes go, by somebody who does not ask whether it is in use, as `deploy` does."""
        store = self.registry.artifacts
        assert isinstance(store, MemoryArtifacts)
        for key in [key for key in store.objects if key.startswith(f"{MODEL}/{version}/")]:
            del store.objects[key]

    def pass_ttl(self) -> None:
        self.time.seconds += TTL


@pytest.fixture
def world(tmp_path: Path) -> World:
    loads, time = Loads(), Time()
    registry = Registry(MemoryArtifacts(tmp_path / "cache"), MemoryAliasTable(), url="memory:")
    publish_all(registry, tmp_path, {MODEL: 3})
    servables = Servables(loads, budget=1000, clock=time)
    registry.commit(registry.propose_promote(ModelId(MODEL, 1), "stable"))
    servables.get(ModelId(MODEL, 1))
    return World(registry, loads, servables, time)


def ask(router: Router, at: float = STABLE, **said: str) -> Routed:
    headers = {name.replace("_", "-"): value for name, value in said.items()}
    return router.resolve(Asked(MODEL, at=at, caller=Said(headers)))


def version(router: Router, at: float = STABLE, **said: str) -> int:
    return ask(router, at, **said).id.version


def answered(router: Router, at: float, **said: str) -> tuple[int, int]:
    """Which version answers, and the one that it stands in for."""
    routed = ask(router, at, **said)
    return routed.id.version, routed.wanted


def test_beside_a_server_that_loads_in_the_background_a_canary_begins_when_it_is_loaded(
    world: World,
) -> None:
    router = world.router()
    version(router)
    world.canary()
    with world.loads.held():
        world.pass_ttl()
        assert (1, 0) == answered(router, CANARY)  # what is wanted is still the former revision
        assert 1 == ask(router, CANARY).revision
    eventually(2, lambda: version(router, CANARY))
    assert (1, 0) == answered(router, STABLE)


def test_on_lambda_those_who_get_the_canary_wait_for_it_and_nobody_else(world: World) -> None:
    router = world.router(swap_wait=30)
    version(router)
    world.canary()
    world.pass_ttl()
    with world.loads.held():
        assert (1, 0) == answered(router, STABLE)  # would hang
        assert 2 == ask(router, STABLE).revision
    assert (2, 0) == answered(router, CANARY)


def test_who_has_waited_long_enough_gets_the_version_in_place(world: World) -> None:
    router = world.router(swap_wait=0.01)
    version(router)
    world.canary()
    world.pass_ttl()
    with world.loads.held():
        assert (1, 2) == answered(router, CANARY)
        assert 1 == world.loads.count[ModelId(MODEL, 2)]
    eventually(2, lambda: version(router, CANARY))


def test_at_a_cold_start_the_version_in_place_answers_for_a_canary_that_still_loads(
    world: World,
) -> None:
    world.canary()
    router = world.router()
    with world.loads.held():
        assert (1, 2) == answered(router, CANARY)
        assert (1, 0) == answered(router, STABLE)
    eventually(2, lambda: version(router, CANARY))


def test_where_nothing_is_loaded_yet_each_waits_for_its_own(world: World) -> None:
    world.servables = Servables(world.loads, budget=1000, clock=world.time)
    world.canary()
    with world.loads.held():
        assert (2, 0) == answered(world.router(), CANARY)


@pytest.mark.parametrize("swap_wait", [0.0, 30.0], ids=["in the background", "on lambda"])
def test_a_canary_that_cannot_be_loaded_answers_nobody(world: World, swap_wait: float) -> None:
    world.loads.broken = {2}
    router = world.router(swap_wait=swap_wait)
    version(router)
    world.canary()
    world.pass_ttl()
    eventually(2, lambda: ask(router, CANARY).wanted)
    assert (1, 2) == answered(router, CANARY)
    assert (1, 0) == answered(router, STABLE)
    assert 2 == ask(router, CANARY).revision


def test_it_is_tried_again_with_back_off_and_answers_once_it_can(world: World) -> None:
    world.loads.broken = {2}
    router = world.router()
    version(router)
    world.canary()
    world.pass_ttl()
    eventually(2, lambda: ask(router, CANARY).wanted)
    tries = world.loads.count[ModelId(MODEL, 2)]
    for _ in range(20):
        assert (1, 2) == answered(router, CANARY)
    assert tries == world.loads.count[ModelId(MODEL, 2)]
    world.loads.broken.clear()
    world.time.seconds += 10 * Retries().first
    eventually(2, lambda: version(router, CANARY))


def test_a_look_alone_tries_it_again_however_few_ask_for_it(world: World) -> None:
    world.loads.broken = {2}
    router = world.router()
    version(router)
    world.canary()
    world.pass_ttl()
    eventually(2, lambda: ask(router, CANARY).wanted)
    world.loads.broken.clear()
    world.time.seconds += 10 * Retries().first
    version(router, STABLE)
    eventually(True, lambda: world.servables.is_loaded(ModelId(MODEL, 2)))


def test_on_lambda_nobody_waits_for_another_try_of_a_canary_that_failed(world: World) -> None:
    world.loads.broken = {2}
    router = world.router(swap_wait=30)
    version(router)
    world.canary()
    world.pass_ttl()
    assert (1, 2) == answered(router, CANARY)
    world.time.seconds += 10 * Retries().first
    with world.loads.held():
        assert (1, 2) == answered(router, CANARY)  # would hang
        assert (1, 0) == answered(router, STABLE)


def test_nobody_stands_in_for_the_version_in_place(world: World) -> None:
    world.servables = Servables(world.loads, budget=1000, clock=world.time)
    world.loads.broken = {1}
    world.canary()
    world.servables.get(ModelId(MODEL, 2))
    router = world.router()
    for _ in range(3):
        assert (1, 0) == answered(router, STABLE)
    # However much it has grown: a canary must not get everybody because another broke.
    world.canary(2, 90)
    world.pass_ttl()
    assert (1, 0) == answered(router, 0.05)


def test_a_promotion_to_a_version_that_cannot_be_loaded_leaves_all_as_it_was(world: World) -> None:
    world.loads.broken = {2}
    router = world.router(swap_wait=10)
    version(router)
    world.commit(world.registry.propose_promote(ModelId(MODEL, 2), "stable"))
    world.pass_ttl()
    assert (1, 0) == answered(router, STABLE)
    assert 1 == ask(router).revision


def test_what_a_rule_leads_to_is_stood_in_for_by_what_is_in_place(world: World) -> None:
    world.loads.broken = {2}
    world.route("x-tier=gold", "2")
    router = world.router()
    eventually(2, lambda: ask(router, x_tier="gold").wanted)
    assert Routed(ModelId(MODEL, 1), "stable", 2, 2) == ask(router, x_tier="gold")
    assert Routed(ModelId(MODEL, 1), "stable", 2) == ask(router, x_tier="silver")


def test_a_rule_s_own_version_in_place_stands_in_first(world: World) -> None:
    world.loads.broken = {2}
    world.servables.get(ModelId(MODEL, 3))
    world.route("x-tier=gold", "3@90", "2@10")
    router = world.router()
    eventually(2, lambda: ask(router, 0.05, x_tier="gold").wanted)
    assert 3 == version(router, 0.05, x_tier="gold")


def test_what_cannot_be_loaded_itself_stands_in_for_nobody(world: World) -> None:
    """At a cold start nobody else may ask for the version in place."""
    world.servables = Servables(world.loads, budget=1000, clock=world.time)
    world.loads.broken = {2, 3}
    world.route("x-tier=gold", "3@90", "2@10")
    router = world.router()
    for number in (2, 3):
        with pytest.raises(ModelUnavailable):
            world.servables.get(ModelId(MODEL, number))
    assert (1, 2) == answered(router, 0.05, x_tier="gold")


def test_a_canary_that_is_gone_from_the_store_answers_nobody(world: World) -> None:
    world.canary()
    world.commit(world.registry.propose_default(MODEL, HIGHEST))
    world.vanish(2)
    world.loads.broken = {2}
    router = world.router()
    for at, expected in ((CANARY, (1, 2)), (STABLE, (1, 0))):
        routed = router.resolve(Asked(MODEL, label="stable", at=at))
        assert expected == (routed.id.version, routed.wanted)


def test_a_version_that_was_left_with_nothing_is_not_in_place(world: World) -> None:
    world.canary()
    world.commit(splitting.propose_split(world.registry, MODEL, parse(["1@0", "2@100"]), "stable"))
    assert [2] == [id.version for id in world.router().wanted(MODEL)]


def test_preloading_begins_a_canary_once_the_version_in_place_is_loaded(world: World) -> None:
    world.servables = Servables(world.loads, budget=1000, clock=world.time)
    world.canary()
    router = world.router()
    one, two = ModelId(MODEL, 1), ModelId(MODEL, 2)
    with world.loads.held():
        for _ in range(2):
            router.preload_all()
        assert world.servables.is_loading(one)
        assert not world.servables.is_loading(two)
        world.loads.open()
        world.servables.get(one)
        router.preload_all()
        assert 2 == world.servables.get(two).id.version


def test_health_does_not_wait_for_a_canary(world: World) -> None:
    world.canary()
    router = world.router()
    with world.loads.held():
        version(router, CANARY)
        assert world.servables.is_loading(ModelId(MODEL, 2))
        assert health(world.registry, router, world.servables).ready


def test_health_tells_of_a_canary_that_cannot_be_loaded(world: World) -> None:
    world.loads.broken = {2}
    world.canary()
    router = world.router()
    eventually(2, lambda: ask(router, CANARY).wanted)
    eventually(True, lambda: not world.servables.is_loading(ModelId(MODEL, 2)))
    found = health(world.registry, router, world.servables)
    assert found.ready
    assert ("sample:2 is broken",) == found.problems


def test_versions_in_place_are_loaded_before_those_that_are_tried(world: World) -> None:
    world.canary(3, 60)
    world.commit(world.registry.propose_promote(ModelId(MODEL, 2), "beta"))
    assert [1, 2, 3] == [id.version for id in world.router().wanted(MODEL)]


def test_a_key_gets_what_the_revision_says_in_every_process(world: World) -> None:
    world.commit(
        splitting.propose_split(world.registry, MODEL, parse(["1@60", "2@30", "3@10"]), "stable")
    )
    for number in (2, 3):
        world.servables.get(ModelId(MODEL, number))
    routers = world.router(), world.router(swap_wait=1)
    alias = world.registry.state(MODEL).aliases["stable"]
    found = Counter[int]()
    for key in map(str, range(1000)):
        expected = decide(MODEL, "stable", alias, Said({"x-routing-key": key}), lambda: 0.0)
        got = [version(router, at, x_routing_key=key) for router in routers for at in (0.0, 0.99)]
        assert [expected.version] * 4 == got
        found[expected.version] += 1
    assert {1, 2, 3} == set(found)


def test_the_key_may_be_another_thing_than_the_usual_header(world: World) -> None:
    world.canary(2, 50)
    world.servables.get(ModelId(MODEL, 2))
    key = attribute("cookie:uid")
    world.commit(segments.propose_key(world.registry, MODEL, "stable", key))
    router = world.router()
    by_cookie = [
        router.resolve(Asked(MODEL, caller=Said(cookies={"uid": str(n)}))).id.version
        for n in range(50)
    ]
    again = [
        router.resolve(Asked(MODEL, caller=Said(cookies={"uid": str(n)}))).id.version
        for n in range(50)
    ]
    assert by_cookie == again
    assert {1, 2} == set(by_cookie)
    # The usual header means nothing any more.
    assert (1, 2) == tuple(version(router, at, x_routing_key="7") for at in (0.1, 0.9))


def test_a_version_at_zero_percent_is_reached_by_asking_where_the_alias_allows_it(
    world: World,
) -> None:
    world.commit(splitting.propose_split(world.registry, MODEL, parse(["1@100", "3@0"]), "stable"))
    router = world.router()
    assert Routed(ModelId(MODEL, 1), "stable", 2, 0, "ignored") == ask(router, x_model_version="3")
    world.commit(segments.propose_override(world.registry, MODEL, "stable", allowed=True))
    world.pass_ttl()
    assert Routed(ModelId(MODEL, 3), "stable", 3, 0, "taken") == ask(router, x_model_version="3")
    assert Routed(ModelId(MODEL, 1), "stable", 3) == ask(router)
    with pytest.raises(ModelNotFound, match="version 2, which alias 'stable' does not name; it"):
        ask(router, x_model_version="2")
    with pytest.raises(InvalidRequest, match="'new' is not a version number; a version is a"):
        ask(router, x_model_version="new")


def test_nobody_stands_in_for_a_version_that_was_asked_for(world: World) -> None:
    world.loads.broken = {2}
    world.canary()
    world.commit(segments.propose_override(world.registry, MODEL, "stable", allowed=True))
    router = world.router()
    for _ in range(2):
        assert 2 == version(router, x_model_version="2")


def test_a_number_reaches_only_what_is_routed_where_the_model_says_so(world: World) -> None:
    world.route("x-tier=gold", "2")
    world.commit(segments.propose_pinned(world.registry, MODEL, "routed"))
    router = world.router()
    for routed in (1, 2):
        assert ModelId(MODEL, routed) == router.resolve(Asked(MODEL, routed)).id
    with pytest.raises(ModelNotFound, match=r"Specific\(sample, 3\). No alias of sample routes"):
        router.resolve(Asked(MODEL, 3))
    world.commit(splitting.propose_split(world.registry, MODEL, parse(["1@100", "3@0"]), "stable"))
    world.pass_ttl()
    with pytest.raises(ModelNotFound):  # at 0 % nobody is routed to it
        router.resolve(Asked(MODEL, 3))
    world.commit(segments.propose_pinned(world.registry, MODEL, "any"))
    world.pass_ttl()
    assert ModelId(MODEL, 3) == router.resolve(Asked(MODEL, 3)).id
