"""What each change makes of a state, without a table or a store."""

from collections.abc import Iterable
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases import changes
from modelregistry.aliases.numbers import Numbers
from modelregistry.aliases.revision import Change, Revision
from modelregistry.aliases.rules import parse_condition, rule
from modelregistry.aliases.shares import parse
from modelregistry.aliases.state import Alias, Canary, Policy, State, route
from modelregistry.errors import NotFound, Refused
from modelregistry.names import HIGHEST
from tests.fakes import EPOCH

SPLIT = route([(1, 90), (2, 10)])


def state(
    aliases: dict[str, int | Alias] | None = None, *, retired: Iterable[int] = (), **members: object
) -> State:
    """A state whose aliases are given as versions, or as they are."""
    found = {
        name: changes.whole(target) if isinstance(target, int) else target
        for name, target in (aliases or {}).items()
    }
    gone = Numbers.of(retired)
    return State(MappingProxyType(found), retired=gone, **members)  # type: ignore[arg-type] # passed on as they are


def log(*states: State) -> list[Revision]:
    """Their revisions, the oldest given first, the newest of the log first."""
    change = Change("1", "test", "ann", EPOCH)
    return [Revision("m", n, s, change) for n, s in enumerate(states, 1)][::-1]


def went(*versions: int | Alias, retired: tuple[int, ...] = ()) -> list[Revision]:
    """The log of an alias `stable` that pointed to these, one after another."""
    *former, newest = versions
    return log(
        *(state({"stable": version}) for version in former),
        state({"stable": newest}, retired=retired),
    )


def test_an_alias_is_set_and_nothing_else_changes() -> None:
    before = state({"stable": 1, "canary": 2}, default="canary", retired=(9,))
    after = changes.set_alias(before, "stable", SPLIT)
    assert after == state({"stable": SPLIT, "canary": 2}, default="canary", retired=(9,))
    assert before == state({"stable": 1, "canary": 2}, default="canary", retired=(9,))


def test_an_alias_cannot_point_to_a_deleted_version() -> None:
    with pytest.raises(Refused, match="version 2 was deleted and never comes back"):
        changes.set_alias(state(retired=(2,)), "stable", SPLIT)


def test_an_alias_is_unset() -> None:
    before = state({"stable": 1, "canary": 2})
    assert changes.unset_alias(before, "canary") == state({"stable": 1})


def test_an_alias_that_is_not_there_is_named_with_those_that_are() -> None:
    before = state({"stable": 1, "canary": 2})
    with pytest.raises(NotFound, match="no alias 'beta'") as caught:
        changes.unset_alias(before, "beta")
    assert caught.value.hint == "aliases of this model: canary, stable"
    with pytest.raises(NotFound, match="no alias 'beta'") as caught:
        changes.set_default(State(), "beta")
    assert caught.value.hint == "this model has no aliases yet"


@pytest.mark.parametrize("name", ["canary", HIGHEST])
def test_the_default_is_an_alias_or_the_highest_version(name: str) -> None:
    before = state({"stable": 1, "canary": 2})
    assert changes.set_default(before, name).default == name


@pytest.mark.parametrize(
    ("versions", "target"),
    [
        ([1, 2], 1),
        ([1, 2, 3], 2),
        ([1, 2, 2, 2], 1),
        ([1, 2, 1], 2),
        ([1, 2, 1, 2], 1),
        ([1, SPLIT], 1),
        ([SPLIT, 2], SPLIT),
        ([1, 2, SPLIT, route([(1, 80), (2, 20)])], SPLIT),
    ],
)
def test_a_rollback_goes_to_what_was_there_before(
    versions: list[int | Alias], target: int | Alias
) -> None:
    expected = changes.whole(target) if isinstance(target, int) else target
    assert changes.rollback_target(went(*versions), "stable") == (expected, ())


def test_rollbacks_go_there_and_back() -> None:
    visited: list[int | Alias] = [1, 2, 3]
    for _ in range(4):
        target, _skipped = changes.rollback_target(went(*visited), "stable")
        visited.append(target)
    assert [str(alias) for alias in visited[3:]] == ["2", "3", "2", "3"]


def test_a_rollback_passes_over_deleted_versions_and_says_so() -> None:
    found = went(1, 2, 3, SPLIT, 4, retired=(2, 3))
    assert changes.rollback_target(found, "stable") == (changes.whole(1), (2, 3))


def test_a_rollback_with_nothing_to_go_back_to_says_why() -> None:
    with pytest.raises(NotFound, match=r"never pointed to anything else$"):
        changes.rollback_target(went(1, 1), "stable")
    with pytest.raises(NotFound, match=r"that still exists \(deleted: 1, 2\)"):
        changes.rollback_target(went(1, 2, 3, retired=(1, 2)), "stable")
    with pytest.raises(NotFound, match="no aliases yet"):
        changes.rollback_target([], "stable")


def test_a_rollback_to_a_version_finds_the_last_time_it_was_there() -> None:
    assert changes.rollback_target(went(1, 2, 3), "stable", to=1) == (changes.whole(1), ())
    with pytest.raises(NotFound, match="never pointed to version 4") as caught:
        changes.rollback_target(went(1, 2, 3), "stable", to=4)
    assert "deploy promote MODEL 4 --alias stable" in caught.value.hint
    with pytest.raises(NotFound, match="never pointed to version 2"):
        changes.rollback_target(went(SPLIT, 3), "stable", to=2)
    with pytest.raises(Refused, match="version 1 was deleted"):
        changes.rollback_target(went(1, 2, retired=(1,)), "stable", to=1)


def test_a_rollback_to_where_the_alias_points_already_changes_nothing() -> None:
    assert changes.rollback_target(went(1, 2), "stable", to=2) == (changes.whole(2), ())
    assert changes.rollback_target(went(2), "stable", to=2) == (changes.whole(2), ())


def test_a_rollback_looks_at_its_own_alias_alone() -> None:
    found = log(
        state({"stable": 1, "canary": 7}),
        state({"stable": 2, "canary": 7}),
        state({"stable": 2, "canary": 8}),
        state({"stable": 2, "canary": 9}),
    )
    assert changes.rollback_target(found, "stable") == (changes.whole(1), ())


def test_a_rollback_brings_an_alias_back_that_was_unset() -> None:
    found = log(state({"canary": 1}), state({"canary": 2}), state())
    assert changes.rollback_target(found, "canary") == (changes.whole(2), ())


@pytest.mark.parametrize(
    ("policy", "published", "target"),
    [
        (Policy("latest"), [1, 2, 3], 3),
        (Policy("latest"), [1, 2, 10], 10),
        (Policy("all"), [1, 2, 3], 1),
        (Policy("specific", versions=(2, 3)), [1, 2, 3], 3),
        (Policy("specific", versions=(2, 9)), [1, 2, 3], 1),
        (Policy("specific", versions=(7,)), [1, 2, 3], 1),
    ],
)
def test_a_policy_chooses_when_a_version_is_published(
    policy: Policy, published: list[int], target: int
) -> None:
    before = changes.set_policy(state({"stable": 1}), policy, [1, 2])
    after = changes.apply_policy(before, published)
    assert str(after.aliases["stable"]) == str(target)
    assert after.acted_on == Numbers.of(published)


def test_a_policy_moves_the_default_alias() -> None:
    before = changes.set_policy(
        state({"stable": 1, "live": 1}, default="live"), Policy("latest"), [1]
    )
    after = changes.apply_policy(before, [1, 2])
    assert {name: str(alias) for name, alias in after.aliases.items()} == {
        "stable": "1",
        "live": "2",
    }


def test_a_policy_sets_an_alias_that_is_not_there_yet() -> None:
    before = changes.set_policy(State(), Policy("latest"), [])
    assert str(changes.apply_policy(before, [5]).aliases["stable"]) == "5"


def test_where_the_default_is_the_highest_version_a_policy_moves_no_alias() -> None:
    before = changes.set_policy(state({"stable": 1}, default=HIGHEST), Policy("latest"), [1])
    assert changes.apply_policy(before, [1, 2]).aliases == before.aliases


def test_without_a_policy_nothing_happens() -> None:
    before = state({"stable": 1})
    assert changes.apply_policy(before, [1, 2]) is before


def test_a_policy_acts_once_for_each_set_of_versions() -> None:
    before = changes.set_policy(state({"stable": 1}), Policy("latest"), [1])
    once = changes.apply_policy(before, [1, 2])
    rolled_back = changes.set_alias(once, "stable", changes.whole(1))
    assert changes.apply_policy(rolled_back, [2, 1]) is rolled_back


def test_a_lower_version_published_late_moves_nothing() -> None:
    before = changes.set_policy(state({"stable": 1}), Policy("latest"), [1, 5])
    assert changes.apply_policy(before, [1, 3, 5]).aliases == before.aliases


def test_setting_a_policy_moves_nothing_by_itself() -> None:
    before = state({"stable": 1})
    after = changes.set_policy(before, Policy("latest"), [1, 2])
    assert after.aliases == before.aliases
    assert changes.apply_policy(after, [1, 2]) is after
    assert changes.set_policy(after, None, [1, 2]) == before


def test_a_version_in_use_cannot_be_retired() -> None:
    with pytest.raises(Refused, match="version 2 is in use: alias 'stable'"):
        changes.retire(state({"stable": SPLIT}), [3, 2])


@pytest.mark.parametrize(
    ("alias", "way_out"),
    [
        (Alias(SPLIT.routes), "deploy alias unset"),
        (
            Alias(parse(["1"]), (rule([parse_condition("x-tier=gold")], parse(["2"])),)),
            "deploy unroute",
        ),
        (Alias(parse(["1@90", "3@10"]), canary=Canary(3, SPLIT.routes)), "finish it first"),
    ],
    ids=["routes", "a rule", "before a canary"],
)
def test_whoever_cannot_retire_a_version_is_told_how_to_let_go_of_it(
    alias: Alias, way_out: str
) -> None:
    with pytest.raises(Refused, match="version 2 is in use: alias 'stable'") as caught:
        changes.retire(state({"stable": alias}), [2])
    assert way_out in (caught.value.hint or "")


def test_a_share_of_nothing_is_in_use_too() -> None:
    with pytest.raises(Refused, match="version 2 is in use"):
        changes.retire(state({"stable": route([(1, 100), (2, Decimal(0))])}), [2])


def test_retired_versions_stay_retired_and_do_not_wake_the_policy() -> None:
    before = changes.set_policy(state({"stable": 2}, retired=(1,)), Policy("latest"), [2, 3, 4])
    after = changes.retire(before, [4])
    assert after.retired == Numbers.of([1, 4])
    assert changes.apply_policy(after, [2, 3]) is after


def test_differences_are_named_in_a_phrase_each() -> None:
    before = state({"stable": 1, "old": 1})
    after = state(
        {"stable": 2, "canary": SPLIT}, default="canary", policy=Policy("all"), retired=(3, 4)
    )
    assert changes.differences(before, after) == [
        "canary: unset → 1@90 2@10",
        "old: 1 → unset",
        "stable: 1 → 2",
        "default: stable → canary",
        "policy: none → all",
        "retired: 3, 4",
    ]
    assert changes.differences(after, after) == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, [17, 30, 42]),
        (Policy("all"), [17, 30, 42]),
        (Policy("latest"), [42]),
        (Policy("latest", num_versions=2), [30, 42]),
        (Policy("latest", num_versions=9), [17, 30, 42]),
        (Policy("specific", versions=(30, 17, 99)), [17, 30]),
        (Policy("specific"), []),
    ],
)
def test_a_policy_keeps_what_tensorflow_serving_would_load(
    policy: Policy | None, expected: list[int]
) -> None:
    assert expected == changes.kept(policy, [42, 17, 30])


versions = st.sets(st.integers(0, 2**63 - 1), max_size=6)
policies = st.one_of(
    st.none(),
    st.just(Policy("all")),
    st.builds(Policy, st.just("latest"), st.integers(1, 8)),
    st.builds(Policy, st.just("specific"), st.just(1), versions.map(tuple)),
)


@given(policies, versions)
def test_a_policy_keeps_nothing_that_is_not_there_and_the_highest_before_the_lower(
    policy: Policy | None, there: set[int]
) -> None:
    found = changes.kept(policy, there)
    assert sorted(set(found) & there) == found
    if policy is None or policy.kind != "specific":
        assert sorted(there)[len(there) - len(found) :] == found
        assert not there or found
