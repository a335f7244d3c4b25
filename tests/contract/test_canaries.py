"""Canaries, splits and segments: each one revision, and exactly undone, over every registry."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from modelregistry import segments, splitting
from modelregistry.aliases import changes
from modelregistry.aliases.caller import attribute
from modelregistry.aliases.rules import parse_condition
from modelregistry.aliases.shares import parse
from modelregistry.aliases.state import Alias, Policy, parse_shares
from modelregistry.deletion import execute, propose_delete, propose_gc
from modelregistry.errors import Conflict, InvalidInput, NotFound, Refused
from modelregistry.names import ModelId
from modelregistry.publishing import Publisher
from modelregistry.registry import Proposal, Registry
from tests.fakes import FakeClock, FakeCompiler, publish_all, savedmodel

from .registries import REGISTRIES

GOLD = [parse_condition("x-tier=gold")]
PAYING = [parse_condition("x-tier in gold,silver")]


class Model:
    """`m` with versions 1 to 4, stable 1."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    @property
    def stable(self) -> Alias:
        return self.registry.state("m").aliases["stable"]

    @property
    def revision(self) -> int:
        newest = self.registry.aliases.newest("m")
        return newest.number if newest else 0

    def commit(self, proposal: Proposal) -> list[str]:
        """What it changed, in one revision."""
        before = self.revision
        self.registry.commit(proposal, message="why not")
        assert self.revision == before + 1
        return proposal.differences()

    def promote(self, version: int, alias: str = "stable") -> list[str]:
        return self.commit(self.registry.propose_promote(ModelId("m", version), alias))

    def canary(self, version: int, weight: Decimal | float) -> list[str]:
        given = Decimal(str(weight))
        id = ModelId("m", version)
        return self.commit(splitting.propose_canary(self.registry, id, given, "stable"))

    def split(self, *words: str) -> list[str]:
        return self.commit(splitting.propose_split(self.registry, "m", parse(words), "stable"))

    def finish(self) -> list[str]:
        return self.commit(splitting.propose_finish(self.registry, "m", "stable"))

    def abort(self) -> list[str]:
        return self.commit(splitting.propose_abort(self.registry, "m", "stable"))

    def rollback(self) -> list[str]:
        return self.commit(self.registry.propose_rollback("m", "stable"))

    def route(self, when: str, *to: str, at: int | None = None) -> list[str]:
        condition = [parse_condition(when)]
        proposal = segments.propose_route(self.registry, "m", "stable", condition, parse(to), at=at)
        return self.commit(proposal)

    def refuses(
        self,
        error: type[Exception],
        match: str,
        change: Callable[[], object],
    ) -> None:
        before = self.revision
        with pytest.raises(error, match=match):
            change()
        assert self.revision == before


@pytest.fixture(params=REGISTRIES)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Model]:
    with REGISTRIES[request.param](tmp_path, FakeClock()) as registry:
        publish_all(registry, tmp_path, {"m": 4})
        found = Model(registry)
        found.promote(1)
        yield found


def test_a_canary_grows_and_is_finished(model: Model) -> None:
    assert ["stable: 1 → 1@90 2@10"] == model.canary(2, 10)
    assert ["stable: 1@90 2@10 → 1@49.5 2@50.5"] == model.canary(2, 50.5)
    assert ["stable: 1@49.5 2@50.5 → 2"] == model.finish()
    assert model.stable == changes.whole(2)
    actions = [revision.change.action for revision in model.registry.history("m")]
    assert ["promote", "canary", "canary", "promote"] == actions


def test_a_canary_that_is_ended_leaves_exactly_what_was_there(model: Model) -> None:
    model.split("1@33.33", "2@33.33", "3@33.34")
    before = model.stable
    for weight in (1, 33, 99.5, 0.01):
        model.canary(4, weight)
    model.abort()
    assert model.stable == before


def test_a_split_that_adds_a_version_has_a_canary(model: Model) -> None:
    model.split("1@90", "2@10")
    model.split("1@60", "2@40")
    assert ["stable: 1@60 2@40 → 2"] == model.finish()
    model.split("2@50", "3@25", "4@25")
    model.refuses(NotFound, "has no canary: it points to 2@50 3@25 4@25", model.finish)
    model.refuses(NotFound, "has no canary", model.abort)


def test_a_canary_beside_a_split_is_ended_by_another_split(model: Model) -> None:
    model.split("1@40", "2@30", "4@30")
    model.canary(3, 10)
    model.split("1@90", "3@10")
    model.refuses(NotFound, "has no canary", model.abort)


def test_a_canary_may_begin_with_nobody(model: Model) -> None:
    model.canary(2, 0)
    assert "1@100 2@0" == str(model.stable)
    model.canary(2, 0.01)
    assert "1@99.99 2@0.01" == str(model.stable)


def test_a_version_at_zero_percent_is_not_tried(model: Model) -> None:
    model.split("1@100", "3@0")
    model.refuses(NotFound, "has no canary", model.finish)
    model.canary(2, 10)
    model.split("1@80", "2@20", "4@0")
    assert ["stable: 1@80 2@20 4@0 → 1@100 3@0"] == model.abort()


def test_there_is_one_canary_at_a_time(model: Model) -> None:
    model.canary(2, 10)
    model.refuses(Refused, "version 2 is the canary of 'stable'", lambda: model.canary(3, 10))


def test_what_is_in_place_is_no_canary(model: Model) -> None:
    model.refuses(InvalidInput, "version 1 is in place", lambda: model.canary(1, 10))


@pytest.mark.parametrize("weight", [-1, 100, 101, 0.001])
def test_a_weight_that_a_canary_cannot_have_is_refused(model: Model, weight: float) -> None:
    model.refuses(InvalidInput, "weight|100 % is none", lambda: model.canary(2, weight))


@pytest.mark.parametrize("change", ["canary", "split", "route"])
@pytest.mark.parametrize("version", [9, 4])
def test_a_version_that_is_not_there_gets_nobody(model: Model, change: str, version: int) -> None:
    execute(model.registry, propose_delete(model.registry, "m", [4]))
    attempt: dict[str, Callable[[], object]] = {
        "canary": lambda: model.canary(version, 10),
        "split": lambda: model.split("1@90", f"{version}@10"),
        "route": lambda: model.route("x-tier=gold", str(version)),
    }
    model.refuses(NotFound, f"m:{version} ", attempt[change])


def test_an_alias_that_is_not_set_has_nothing_to_try_beside(model: Model) -> None:
    registry, id = model.registry, ModelId("m", 2)
    for change in (
        lambda: splitting.propose_canary(registry, id, 10, "beta"),
        lambda: splitting.propose_abort(registry, "m", "beta"),
        lambda: segments.propose_route(registry, "m", "beta", GOLD, parse(["2"])),
        lambda: segments.propose_override(registry, "m", "beta", allowed=True),
    ):
        model.refuses(NotFound, "m has no alias 'beta'", change)


def test_an_expectation_that_is_wrong_is_a_conflict(model: Model) -> None:
    registry, id = model.registry, ModelId("m", 2)
    for change in (
        lambda: splitting.propose_canary(registry, id, 10, "stable", expect=7),
        lambda: splitting.propose_split(registry, "m", parse(["2"]), "stable", expect=7),
        lambda: splitting.propose_finish(registry, "m", "stable", expect=7),
        lambda: splitting.propose_abort(registry, "m", "stable", expect=7),
        lambda: segments.propose_route(registry, "m", "stable", GOLD, parse(["2"]), expect=7),
        lambda: segments.propose_unroute(registry, "m", "stable", expect=7),
        lambda: segments.propose_key(registry, "m", "stable", attribute("x-a"), expect=7),
        lambda: segments.propose_override(registry, "m", "stable", allowed=True, expect=7),
        lambda: segments.propose_pinned(registry, "m", "routed", expect=7),
    ):
        model.refuses(Conflict, "m is at revision 1, not 7", change)


def test_two_who_begin_a_canary_at_once_have_one_winner(model: Model) -> None:
    one = splitting.propose_canary(model.registry, ModelId("m", 2), 10, "stable")
    other = splitting.propose_canary(model.registry, ModelId("m", 3), 10, "stable")
    model.commit(one)
    with pytest.raises(Conflict, match="changing stable: 1 → 1@90 2@10"):
        model.registry.commit(other)


def test_rules_stay_whatever_happens_to_the_weights(model: Model) -> None:
    assert ["stable with: x-tier=gold → 3"] == model.route("x-tier=gold", "3")
    rules = model.stable.rules
    model.canary(2, 10)
    model.canary(2, 20)
    model.abort()
    model.split("1@50", "2@50")
    model.finish()
    model.promote(4)
    model.commit(model.registry.propose_set("m", "stable", parse_shares(["1@50", "4@50"])))
    assert rules == model.stable.rules
    proposal = model.registry.propose_promote(ModelId("m", 2), "stable")
    assert ("its rules come first: x-tier=gold → 3",) == proposal.notes


def test_a_rule_is_changed_in_its_place_and_moved_by_saying_where(model: Model) -> None:
    model.route("x-a=1", "2")
    model.route("x-b=1", "3")
    changed = model.route("x-a=1", "4@50", "2@50")
    assert ["stable without: x-a=1 → 2", "stable with: x-a=1 → 2@50 4@50"] == changed
    assert ["stable rules in another order"] == model.route("x-b=1", "3", at=1)
    assert ["x-b=1 → 3", "x-a=1 → 2@50 4@50"] == list(map(str, model.stable.rules))
    for place in (0, 4, -1):
        attempt = partial(model.route, "x-c=1", "2", at=place)
        model.refuses(InvalidInput, f"cannot have place {place}", attempt)


def test_a_rule_that_can_never_match_is_refused(model: Model) -> None:
    model.route("x-tier in gold,silver", "2")
    model.refuses(
        InvalidInput,
        "rule 2, 'x-tier=gold', can never match: rule 1, 'x-tier in gold,silver', comes first",
        lambda: model.route("x-tier=gold", "3"),
    )
    model.route("x-tier=gold", "3", at=1)
    model.refuses(
        InvalidInput,
        "rule 2, 'x-tier=gold', can never match: rule 1, 'x-tier.=g', comes first",
        lambda: model.route("x-tier^=g", "3", at=1),
    )


def test_rules_are_taken_away_by_condition_by_place_or_all(model: Model) -> None:
    for name in "abcd":
        model.route(f"x-{name}=1", "2")
    registry = model.registry

    def unroute(**which: object) -> list[str]:
        return model.commit(segments.propose_unroute(registry, "m", "stable", **which))  # type: ignore[arg-type] # passed on

    assert ["stable without: x-b=1 → 2"] == unroute(when=[parse_condition("X-B=1")])
    assert ["stable without: x-c=1 → 2"] == unroute(at=2)
    for at in (0, 3, -1):
        model.refuses(NotFound, f"has no rule {at}", partial(unroute, at=at))
    model.refuses(NotFound, "no rule for 'x-b=1'", lambda: unroute(when=[parse_condition("x-b=1")]))
    assert 2 == len(unroute())
    model.refuses(NotFound, "has no rule at all", unroute)


def test_a_rollback_takes_back_weights_and_rules_but_not_how_callers_are_known(
    model: Model,
) -> None:
    model.route("x-tier=gold", "2")
    key = attribute("cookie:uid")
    model.commit(segments.propose_key(model.registry, "m", "stable", key))
    model.commit(segments.propose_override(model.registry, "m", "stable", allowed=True))
    model.rollback()
    assert replace(changes.whole(1), key=key, override=True) == model.stable
    model.rollback()
    assert ["x-tier=gold → 2"] == list(map(str, model.stable.rules))
    assert (key, True) == (model.stable.key, model.stable.override)


def test_a_rollback_of_a_finished_canary_has_the_canary_again(model: Model) -> None:
    model.canary(2, 10)
    model.finish()
    model.rollback()
    assert "1@90 2@10" == str(model.stable)
    model.abort()
    assert model.stable == changes.whole(1)


def test_what_a_rule_or_the_end_of_a_canary_needs_is_not_deleted(model: Model) -> None:
    model.route("x-tier=gold", "3@100", "4@0")
    for version in (3, 4):
        with pytest.raises(Refused, match=f"version {version} is in use: alias 'stable'"):
            propose_delete(model.registry, "m", [version], force=True)
    assert [(2,)] == [found.versions for found in propose_gc(model.registry, 0, ["m"])]


def test_a_policy_ends_a_canary_and_leaves_the_rules(model: Model, tmp_path: Path) -> None:
    model.route("x-tier=gold", "3")
    model.commit(model.registry.propose_policy("m", Policy("latest")))
    model.canary(2, 10)
    source = savedmodel(tmp_path / "five")
    Publisher(model.registry, FakeCompiler()).publish(source, "m")
    assert "5" == str(model.stable)
    assert (None, ["x-tier=gold → 3"]) == (model.stable.canary, list(map(str, model.stable.rules)))


def test_who_may_name_a_version_is_one_revision_of_the_model(model: Model) -> None:
    pinned = segments.propose_pinned(model.registry, "m", "routed")
    assert ["pinned: any → routed"] == model.commit(pinned)
    assert segments.propose_pinned(model.registry, "m", "routed").is_noop
    with pytest.raises(NotFound, match="no model 'other'"):
        segments.propose_pinned(model.registry, "other", "routed")


def test_what_callers_are_known_by_is_told(model: Model) -> None:
    registry = model.registry
    key = segments.propose_key(registry, "m", "stable", attribute("claim:sub"))
    assert ["stable knows callers by: x-routing-key → claim:sub"] == model.commit(key)
    override = segments.propose_override(registry, "m", "stable", allowed=True)
    assert ["stable override: ignored → allowed"] == model.commit(override)
    assert segments.propose_override(registry, "m", "stable", allowed=True).is_noop


def test_every_state_on_the_way_is_read_back_equal(model: Model) -> None:
    model.route("x-tier in gold,silver", "3@50", "2@50")
    model.canary(2, 0.5)
    model.commit(segments.propose_key(model.registry, "m", "stable", attribute("query:user")))
    proposal = segments.propose_pinned(model.registry, "m", "routed")
    model.commit(proposal)
    assert proposal.after == model.registry.state("m")
