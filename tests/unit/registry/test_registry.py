"""The rules between a store and a table, over a registry in memory."""

from datetime import timedelta
from pathlib import Path

import pytest

from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.aliases.numbers import Numbers
from modelregistry.aliases.state import Policy, State, parse_shares
from modelregistry.deletion import execute, propose_delete
from modelregistry.errors import Conflict, Damaged, InvalidInput, NotFound, Refused
from modelregistry.names import HIGHEST, ModelId
from modelregistry.registry import Registry, describe, user_at_host
from tests.fakes import (
    EPOCH,
    FakeClock,
    LossyAliasTable,
    MemoryArtifacts,
    memory_registry,
    publish_all,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registry(tmp_path: Path, clock: FakeClock) -> Registry:
    """Model `m` with versions 1 to 3, and no alias."""
    found = memory_registry(tmp_path / "cache", now=clock)
    publish_all(found, tmp_path, {"m": 3})
    return found


def promote(registry: Registry, version: int, alias: str = "stable") -> None:
    registry.commit(registry.propose_promote(ModelId("m", version), alias))


def shown(state: State) -> dict[str, str]:
    return {name: str(alias) for name, alias in state.aliases.items()}


def test_models_are_those_with_a_version_or_an_alias(registry: Registry, tmp_path: Path) -> None:
    publish_all(registry, tmp_path, {"a": 1})
    assert registry.models() == ["a", "m"]
    execute(registry, propose_delete(registry, "a"))
    assert registry.models() == ["m"]


def test_publishing_alone_writes_no_revision(registry: Registry) -> None:
    assert registry.state("m") == State()
    assert registry.newest("m") is None


def test_a_proposal_changes_nothing(registry: Registry) -> None:
    proposal = registry.propose_promote(ModelId("m", 1), "stable")
    assert (proposal.revision, proposal.is_noop) == (1, False)
    assert proposal.differences() == ["stable: unset → 1"]
    assert registry.newest("m") is None


def test_a_commit_writes_who_did_what_when_and_why(registry: Registry) -> None:
    revision = registry.commit(registry.propose_promote(ModelId("m", 1), "stable"), "first one")
    assert revision is not None
    assert revision == registry.newest("m")
    assert describe(revision) == (
        "ann@laptop did 'promote' at 2026-11-22T09:30:00.000000Z (first one)"
    )


def test_what_changes_nothing_writes_nothing(registry: Registry) -> None:
    promote(registry, 1)
    again = registry.propose_promote(ModelId("m", 1), "stable")
    assert again.is_noop
    assert registry.commit(again) is None
    assert [r.number for r in registry.history("m")] == [1]


def test_each_change_has_an_id_of_its_own(registry: Registry) -> None:
    for version in (1, 2, 1):
        promote(registry, version)
    assert len({r.change.id for r in registry.history("m")}) == 3


def test_a_lost_reply_to_ones_own_change_is_success(tmp_path: Path) -> None:
    registry = Registry(
        MemoryArtifacts(tmp_path / "cache"), LossyAliasTable(), url="memory:", now=FakeClock()
    )
    publish_all(registry, tmp_path, {"m": 2})
    for number, version in enumerate((1, 2), 1):
        revision = registry.commit(registry.propose_promote(ModelId("m", version), "stable"))
        assert revision is not None
        assert revision.number == number
        assert revision == registry.newest("m")
    assert registry.resolve("m") == ModelId("m", 2)


def test_a_lost_race_is_no_success_even_where_the_rival_wanted_the_same(
    registry: Registry,
) -> None:
    mine = registry.propose_promote(ModelId("m", 1), "stable")
    promote(registry, 1)
    with pytest.raises(Conflict) as caught:
        registry.commit(mine)
    assert caught.value.winner == 1


def test_a_conflict_names_the_newest_change_and_how_many_came_before_it(registry: Registry) -> None:
    promote(registry, 1)
    mine = registry.propose_promote(ModelId("m", 2), "stable")
    promote(registry, 3, "canary")
    promote(registry, 3)
    with pytest.raises(
        Conflict, match=r"changing stable: 1 → 3; 1 more since revision 1$"
    ) as caught:
        registry.commit(mine)
    assert caught.value.winner == 3


@pytest.mark.parametrize("expect", [0, 1])
def test_who_expects_an_older_revision_is_told_what_changed(
    registry: Registry, expect: int
) -> None:
    promote(registry, 1)
    promote(registry, 2)
    with pytest.raises(Conflict, match=f"m is at revision 2, not {expect}: ann") as caught:
        registry.propose_promote(ModelId("m", 3), "stable", expect=expect)
    assert caught.value.winner == 2


@pytest.mark.parametrize("expect", [3, 99])
def test_who_expects_a_revision_that_is_not_written_yet_is_told_so(
    registry: Registry, expect: int
) -> None:
    promote(registry, 1)
    with pytest.raises(Conflict, match=f"m is at revision 1, not {expect}$"):
        registry.propose_rollback("m", "stable", expect=expect)


def test_who_expects_what_is_there_may_go_on(registry: Registry) -> None:
    assert registry.newest("m", expect=0) is None
    registry.commit(registry.propose_promote(ModelId("m", 1), "stable", expect=0))
    registry.commit(registry.propose_promote(ModelId("m", 2), "stable", expect=1))
    registry.commit(registry.propose_rollback("m", "stable", expect=2))
    assert registry.resolve("m") == ModelId("m", 1)


def test_an_alias_resolves_to_its_largest_share_and_the_newer_of_equals(
    registry: Registry,
) -> None:
    for words, version in [("1@90 2@10", 1), ("1@10 3@90", 3), ("1@50 2@50", 2)]:
        registry.commit(registry.propose_set("m", "stable", parse_shares(words.split())))
        assert registry.resolve("m") == ModelId("m", version)


def test_a_bare_model_means_its_default(registry: Registry) -> None:
    promote(registry, 1)
    promote(registry, 2, "live")
    registry.commit(registry.propose_default("m", "live"))
    assert registry.resolve("m") == ModelId("m", 2)
    assert registry.resolve("m", "stable") == ModelId("m", 1)


def test_highest_means_the_highest_version_that_is_not_deleted(registry: Registry) -> None:
    registry.commit(registry.propose_default("m", HIGHEST))
    assert registry.resolve("m") == ModelId("m", 3)
    execute(registry, propose_delete(registry, "m", [3], force=True))
    assert registry.resolve("m") == ModelId("m", 2)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy("all"), 3),
        (Policy("latest", num_versions=2), 3),
        (Policy("specific", versions=(1, 2, 9)), 2),
    ],
)
def test_highest_is_chosen_from_what_the_policy_keeps(
    registry: Registry, policy: Policy, expected: int
) -> None:
    registry.commit(registry.propose_default("m", HIGHEST))
    registry.commit(registry.propose_policy("m", policy))
    assert registry.resolve("m") == ModelId("m", expected)


def test_highest_means_nothing_where_the_policy_keeps_nothing(registry: Registry) -> None:
    registry.commit(registry.propose_default("m", HIGHEST))
    registry.commit(registry.propose_policy("m", Policy("specific", versions=(9,))))
    with pytest.raises(NotFound):
        registry.resolve("m")


@pytest.mark.parametrize("version", [0, 4])
def test_an_alias_cannot_be_pointed_to_what_is_not_published(
    registry: Registry, version: int
) -> None:
    with pytest.raises(NotFound, match=f"m:{version} is not published") as caught:
        registry.propose_promote(ModelId("m", version), "stable")
    assert caught.value.hint == "published: 1, 2, 3"


def test_each_version_of_a_split_must_be_published(registry: Registry) -> None:
    with pytest.raises(NotFound, match="m:9 is not published"):
        registry.propose_set("m", "stable", parse_shares(["1@90", "9@10"]))


def test_an_alias_cannot_be_pointed_to_a_damaged_manifest(registry: Registry) -> None:
    assert isinstance(registry.artifacts, MemoryArtifacts)
    registry.artifacts.objects["m/2/manifest.json"] = b"{}"
    with pytest.raises(Damaged):
        registry.propose_promote(ModelId("m", 2), "stable")


def test_a_deleted_version_cannot_be_pointed_to_even_while_its_bytes_remain(
    registry: Registry,
) -> None:
    registry.commit(propose_delete(registry, "m", [3]).proposal)
    assert registry.artifacts.versions("m") == [1, 2, 3]
    assert registry.versions("m") == [1, 2]
    with pytest.raises(NotFound, match="m:3 was deleted and never comes back"):
        registry.propose_promote(ModelId("m", 3), "stable")


@pytest.mark.parametrize("name", ["../m", "", "m/1", ".m"])
def test_no_name_gets_past_the_registry_unchecked(registry: Registry, name: str) -> None:
    target = parse_shares(["1"])
    for attempt in (
        lambda: registry.resolve(name),
        lambda: registry.history(name),
        lambda: registry.propose_set(name, "stable", target),
        lambda: registry.propose_set("m", name, target),
        lambda: registry.propose_rollback(name, "stable"),
        lambda: registry.propose_rollback("m", name),
        lambda: registry.propose_unset(name, "stable"),
        lambda: registry.propose_default("m", name),
        lambda: registry.propose_policy(name, None),
    ):
        with pytest.raises((InvalidInput, NotFound)):
            attempt()
    assert registry.aliases.models() == []


def test_a_rollback_reads_nothing_but_the_table(registry: Registry, clock: FakeClock) -> None:
    promote(registry, 1)
    promote(registry, 2)
    unplugged = Registry(Unplugged(), registry.aliases, url="memory:", now=clock)
    unplugged.commit(unplugged.propose_rollback("m", "stable"))
    assert registry.resolve("m") == ModelId("m", 1)


class Unplugged(MemoryArtifacts):
    """A store that nobody may touch."""

    def __init__(self) -> None:
        pass


def test_a_rollback_says_which_versions_it_passed_over(registry: Registry) -> None:
    for version in (1, 2, 3):
        promote(registry, version)
    execute(registry, propose_delete(registry, "m", [2], force=True))
    proposal = registry.propose_rollback("m", "stable")
    assert proposal.notes == ("passed over version 2, which was deleted",)
    assert proposal.differences() == ["stable: 3 → 1"]


def test_a_rollback_to_a_version_goes_there(registry: Registry) -> None:
    for version in (1, 2, 3):
        promote(registry, version)
    registry.commit(registry.propose_rollback("m", "stable", to=1))
    assert registry.resolve("m") == ModelId("m", 1)


def test_a_rollback_leaves_other_aliases_alone(registry: Registry) -> None:
    promote(registry, 1)
    promote(registry, 2)
    promote(registry, 3, "canary")
    registry.commit(registry.propose_rollback("m", "stable"))
    assert shown(registry.state("m")) == {"stable": "1", "canary": "3"}


def test_a_model_without_revisions_has_nothing_to_roll_back(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no aliases yet"):
        registry.propose_rollback("m", "stable")
    with pytest.raises(NotFound, match="no model 'n'"):
        registry.propose_rollback("n", "stable")


def test_unsetting_the_default_alias_warns(registry: Registry) -> None:
    promote(registry, 1)
    promote(registry, 1, "canary")
    assert registry.propose_unset("m", "canary").notes == ()
    assert registry.propose_unset("m", "stable").notes == (
        "requests that name no version use 'stable': they will fail",
    )
    registry.commit(registry.propose_unset("m", "stable"))
    assert shown(registry.state("m")) == {"canary": "1"}


def test_a_policy_is_set_and_taken_away(registry: Registry) -> None:
    registry.commit(registry.propose_policy("m", Policy("latest")))
    assert registry.state("m").policy == Policy("latest")
    assert registry.state("m").acted_on == Numbers.of([1, 2, 3])
    registry.commit(registry.propose_policy("m", None))
    assert registry.state("m") == State()


def test_history_of_a_model_that_is_not_there_is_not_found(registry: Registry) -> None:
    assert list(registry.history("m")) == []
    with pytest.raises(NotFound, match="no model 'n'"):
        registry.history("n")


def test_history_at_a_time_is_to_the_microsecond(registry: Registry, clock: FakeClock) -> None:
    promote(registry, 1)
    clock.advance(1)
    promote(registry, 2)
    moment, instant = EPOCH + timedelta(seconds=1), timedelta(microseconds=1)
    assert [r.number for r in registry.history("m", moment)] == [2, 1]
    assert [r.number for r in registry.history("m", moment - instant)] == [1]


def test_a_state_that_would_not_fit_is_refused_and_changes_nothing(registry: Registry) -> None:
    promote(registry, 1)
    with pytest.raises(Refused, match="more than the"):
        registry.commit(registry.propose_promote(ModelId("m", 2), "stable"), "x" * 410_000)
    assert registry.resolve("m") == ModelId("m", 1)


def test_a_proposal_for_a_table_that_lost_its_log_is_a_conflict(registry: Registry) -> None:
    promote(registry, 1)
    proposal = registry.propose_promote(ModelId("m", 2), "stable")
    emptied = Registry(registry.artifacts, MemoryAliasTable(), url="memory:")
    with pytest.raises(Conflict):
        emptied.commit(proposal)


def test_the_author_is_user_at_host() -> None:
    user, at, host = user_at_host().partition("@")
    assert user
    assert at
    assert host


def test_a_message_that_utf8_cannot_say_is_refused_before_anything_is_written(
    registry: Registry,
) -> None:
    promote(registry, 1)
    proposal = registry.propose_promote(ModelId("m", 2), "stable")
    with pytest.raises(InvalidInput, match="the message is not valid UTF-8"):
        registry.commit(proposal, message="na\udcefve")
    assert registry.state("m") == proposal.before


def test_a_message_cannot_pass_for_a_line_of_ours(registry: Registry) -> None:
    promote(registry, 1)
    mine = registry.propose_promote(ModelId("m", 2), "stable")
    registry.commit(
        registry.propose_promote(ModelId("m", 3), "stable"), message="fine\nhint: do harm"
    )
    with pytest.raises(Conflict) as caught:
        registry.commit(mine)
    assert "(fine hint: do harm)" in str(caught.value)
    assert "\n" not in str(caught.value)
