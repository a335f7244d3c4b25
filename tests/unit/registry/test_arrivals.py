"""
What an event about a new version may do to an alias, and what it may not.

Hypothesis plays publishers, plain copies, an operator and a mail of events that are late,
doubled and out of order.
"""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from modelregistry import clock
from modelregistry.aliases import changes
from modelregistry.aliases.caller import attribute
from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.aliases.revision import Revision
from modelregistry.aliases.state import Alias, Policy, parse_shares
from modelregistry.arrivals import apply_arrival
from modelregistry.errors import Conflict, Damaged, NotFound, Refused, Unavailable
from modelregistry.manifest import Manifest, hash_files
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from modelregistry.publishing import Publisher
from modelregistry.registry import Proposal, Registry
from modelregistry.segments import propose_key
from tests.fakes import EPOCH, FakeClock, FakeCompiler, memory_registry, plan, savedmodel

LATEST = Policy("latest")
MINUTE = timedelta(minutes=1)
M1, M2, M3 = (ModelId("m", version) for version in (1, 2, 3))


@pytest.fixture
def now() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(tmp_path: Path, now: FakeClock) -> Registry:
    """Model `m` with policy `latest`, which has acted on version 1."""
    registry = memory_registry(tmp_path / "cache", now=now)
    registry.commit(registry.propose_policy("m", LATEST))
    Publisher(registry, FakeCompiler()).publish(savedmodel(tmp_path / "one"), "m", 1)
    return registry


def copy_in(registry: Registry, source: Path, id: ModelId) -> datetime:
    """`id` appears as by a plain copy, which asks no policy. Returns when, as an event says it."""
    at = registry.now()
    manifest = Manifest(id, hash_files(source), by="ann@laptop", at=clock.stamp(at), message="")
    registry.artifacts.put(manifest, plan(), source, UNWATCHED)
    return at.replace(microsecond=0)


def stable(registry: Registry) -> Alias | None:
    return registry.state("m").aliases.get("stable")


def promote(registry: Registry, id: ModelId) -> None:
    assert registry.commit(registry.propose_promote(id, "stable"))


def test_a_copied_version_goes_live_by_its_model_s_policy(
    registry: Registry, tmp_path: Path
) -> None:
    at = copy_in(registry, tmp_path / "one", M2)
    revision = apply_arrival(registry, M2, at)
    assert revision is not None
    assert stable(registry) == changes.whole(2)
    assert ("policy", "m:2 appeared") == (revision.change.action, revision.change.message)


def test_an_event_again_writes_nothing(registry: Registry, tmp_path: Path) -> None:
    at = copy_in(registry, tmp_path / "one", M2)
    apply_arrival(registry, M2, at)
    assert apply_arrival(registry, M2, at) is None


def test_nothing_is_left_to_do_after_publish(registry: Registry, tmp_path: Path) -> None:
    Publisher(registry, FakeCompiler()).publish(tmp_path / "one", "m", 2)
    assert apply_arrival(registry, M2, registry.now()) is None


def test_a_rollback_since_stands_and_the_history_says_why(
    registry: Registry, tmp_path: Path, now: FakeClock
) -> None:
    Publisher(registry, FakeCompiler()).publish(savedmodel(tmp_path / "two", "two"), "m", 2)
    at = copy_in(registry, tmp_path / "one", M3)
    now.advance(5)
    registry.commit(registry.propose_rollback("m", "stable"), "sevens")

    revision = apply_arrival(registry, M3, at)
    assert stable(registry) == changes.whole(1)
    assert revision is not None
    assert "'rollback'" in revision.change.message
    assert "(sevens)" in revision.change.message
    assert apply_arrival(registry, M3, at) is None


@pytest.mark.parametrize("since", [0, 0.3])
def test_a_change_in_the_same_second_counts_as_later(
    registry: Registry, tmp_path: Path, now: FakeClock, since: float
) -> None:
    now.advance(60)
    at = copy_in(registry, tmp_path / "one", M2)
    now.advance(since)
    registry.commit(registry.propose_set("m", "stable", parse_shares(["1@90", "2@10"])))
    apply_arrival(registry, M2, at)
    assert str(stable(registry)) == "1@90 2@10"


def test_a_change_before_it_does_not_hold_a_version_back(
    registry: Registry, tmp_path: Path, now: FakeClock
) -> None:
    copy_in(registry, tmp_path / "one", M2)
    promote(registry, M2)
    now.advance(60)
    at = copy_in(registry, tmp_path / "one", M3)
    apply_arrival(registry, M3, at)
    assert stable(registry) == changes.whole(3)


def test_a_rollback_from_the_version_stands_whatever_the_operator_s_clock_said(
    registry: Registry, tmp_path: Path
) -> None:
    at = copy_in(registry, tmp_path / "one", M2) + 5 * MINUTE  # by S3's clock
    promote(registry, M2)
    registry.commit(registry.propose_rollback("m", "stable"))
    apply_arrival(registry, M2, at)
    assert stable(registry) == changes.whole(1)


def test_a_change_of_another_alias_does_not_hold_a_version_back(
    registry: Registry, tmp_path: Path, now: FakeClock
) -> None:
    at = copy_in(registry, tmp_path / "one", M2)
    now.advance(60)
    registry.commit(registry.propose_promote(M1, "canary"))
    apply_arrival(registry, M2, at)
    assert stable(registry) == changes.whole(2)


def test_what_callers_are_known_by_does_not_hold_a_version_back(
    registry: Registry, tmp_path: Path, now: FakeClock
) -> None:
    at = copy_in(registry, tmp_path / "one", M2)
    now.advance(5)
    registry.commit(propose_key(registry, "m", "stable", attribute("cookie:uid")))
    apply_arrival(registry, M2, at)
    assert "2" == str(stable(registry))


def test_a_model_without_a_policy_is_left_alone(tmp_path: Path) -> None:
    registry = memory_registry(tmp_path / "cache")
    at = copy_in(registry, savedmodel(tmp_path / "one"), M1)
    assert apply_arrival(registry, M1, at) is None
    promote(registry, M1)
    at = copy_in(registry, tmp_path / "one", M2)
    assert apply_arrival(registry, M2, at) is None


def test_a_version_that_is_gone_again_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound):
        apply_arrival(registry, M2, EPOCH)


def test_a_damaged_version_never_goes_live(registry: Registry, tmp_path: Path) -> None:
    at = copy_in(registry, tmp_path / "one", M2)
    objects: dict[str, bytes] = registry.artifacts.objects  # type: ignore[attr-defined]
    objects["m/2/manifest.json"] = b"{}"
    with pytest.raises(Damaged):
        apply_arrival(registry, M2, at)
    assert stable(registry) == changes.whole(1)


class Contested(MemoryAliasTable):
    """Somebody else is always faster, `rivals` times."""

    rivals = 0

    def append(self, revision: Revision) -> None:
        if self.rivals:
            self.rivals -= 1
            raise Conflict("taken", winner=revision.number)
        super().append(revision)


def test_a_lost_race_is_run_again_and_not_for_ever(tmp_path: Path, now: FakeClock) -> None:
    table = Contested()
    registry = Registry(
        memory_registry(tmp_path / "cache").artifacts, table, url="memory:", now=now
    )
    registry.commit(registry.propose_policy("m", LATEST))
    at = copy_in(registry, savedmodel(tmp_path / "one"), M1)
    table.rivals = 1000
    with pytest.raises(Unavailable, match="races"):
        apply_arrival(registry, M1, at)
    table.rivals = 3
    assert apply_arrival(registry, M1, at)


@given(order=st.permutations(range(1, 6)), again=st.lists(st.integers(1, 5)))
@settings(max_examples=50)
def test_without_an_operator_the_highest_version_wins_in_any_order(
    order: list[int], again: list[int]
) -> None:
    with TemporaryDirectory() as directory:
        registry = memory_registry(Path(directory) / "cache")
        registry.commit(registry.propose_policy("m", LATEST))
        source = savedmodel(Path(directory) / "one")
        came = {version: copy_in(registry, source, ModelId("m", version)) for version in order}
        for version in [*order, *again]:
            apply_arrival(registry, ModelId("m", version), came[version])
        assert stable(registry) == changes.whole(5)


NUMBERS = range(1, 9)


class EventsAndOperators(RuleBasedStateMachine):
    """`moved` is when a person last changed what the default means."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.source = savedmodel(Path(self.directory.name) / "one")
        self.clock = FakeClock()
        self.registry = memory_registry(Path(self.directory.name) / "cache", now=self.clock)
        self.events: list[tuple[ModelId, datetime]] = []
        self.moved = EPOCH - MINUTE

    def teardown(self) -> None:
        self.directory.cleanup()

    @property
    def published(self) -> list[int]:
        return self.registry.versions("m")

    @initialize(policy=st.sampled_from([LATEST, Policy("specific", versions=(2, 4, 6))]))
    def decide_on_a_policy(self, policy: Policy) -> None:
        self.registry.commit(self.registry.propose_policy("m", policy))

    @rule(seconds=st.sampled_from([0.1, 0.4, 1, 60]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @property
    def free(self) -> list[int]:
        return sorted({*NUMBERS} - {*self.published, *self.registry.state("m").retired})

    @precondition(lambda self: self.free)
    @rule(data=st.data())
    def copy(self, data: st.DataObject) -> None:
        id = ModelId("m", data.draw(st.sampled_from(self.free)))
        self.events.append((id, copy_in(self.registry, self.source, id)))

    @precondition(lambda self: self.free)
    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(self.free))
        at = self.clock().replace(microsecond=0)
        Publisher(self.registry, FakeCompiler()).publish(self.source, "m", version)
        self.events.append((ModelId("m", version), at))

    @precondition(lambda self: self.published)
    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(self.published))
        self.commit(self.registry.propose_promote(ModelId("m", version), "stable"))

    @precondition(lambda self: self.registry.state("m").aliases)
    @rule()
    def roll_back(self) -> None:
        try:
            self.commit(self.registry.propose_rollback("m", "stable"))
        except NotFound:
            return

    @precondition(lambda self: self.published)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(self.published))
        base = self.registry.newest("m")
        assert base is not None
        try:
            after = changes.retire(base.state, [version])
        except Refused:
            return
        self.registry.commit(Proposal("m", "delete", base, after))
        self.registry.artifacts.remove(ModelId("m", version))

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def an_event_comes(self, data: st.DataObject) -> None:
        id, at = data.draw(st.sampled_from(self.events))
        before = self.registry.state("m")
        try:
            apply_arrival(self.registry, id, at)
        except NotFound:
            assert id.version not in self.published
            return
        after = self.registry.state("m")
        if self.moved >= at or id.version in before.acted_on:
            assert after.aliases == before.aliases
        if after.aliases != before.aliases:
            assert after.aliases["stable"] == changes.whole(id.version)
        assert apply_arrival(self.registry, id, at) is None

    def commit(self, proposal: Proposal) -> None:
        if self.registry.commit(proposal):
            self.moved = self.clock()


TestEventsAndOperators = EventsAndOperators.TestCase
TestEventsAndOperators.settings = settings(max_examples=60, stateful_step_count=25)
