"""What may be deleted, what must not, and what becomes of a deletion that was cut short."""

from dataclasses import replace
from pathlib import Path

import pytest

from modelregistry.aliases import changes
from modelregistry.aliases.numbers import Numbers
from modelregistry.aliases.state import Policy
from modelregistry.deletion import (
    PROTECTED_REVISIONS,
    execute,
    propose_delete,
    propose_gc,
    reachable,
)
from modelregistry.errors import Conflict, InvalidInput, NotFound, Refused
from modelregistry.names import HIGHEST, ModelId
from modelregistry.progress import UNWATCHED
from modelregistry.registry import Proposal, Registry
from modelregistry.verification import verify_all
from tests.fakes import MemoryArtifacts, memory_registry, publish_all


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Model `m` with versions 1 to 5."""
    found = memory_registry(tmp_path / "cache")
    publish_all(found, tmp_path, {"m": 5})
    return found


def promote(registry: Registry, *versions: int, alias: str = "stable") -> None:
    for version in versions:
        registry.commit(registry.propose_promote(ModelId("m", version), alias))


def gc(registry: Registry, keep: int) -> list[int]:
    """Which versions `deploy gc` leaves."""
    for deletion in propose_gc(registry, keep, ["m"]):
        execute(registry, deletion)
    assert verify_all(registry, UNWATCHED) == []
    return registry.artifacts.versions("m")


def test_a_proposal_says_what_would_go_and_removes_nothing(registry: Registry) -> None:
    deletion = propose_delete(registry, "m", [4, 2, 4])
    manifests = [registry.artifacts.manifest(ModelId("m", version)) for version in (2, 4)]
    assert deletion.versions == (2, 4)
    assert deletion.size == sum(manifest.size for manifest in manifests)
    assert deletion.proposal.differences() == ["retired: 2, 4"]
    assert registry.versions("m") == [1, 2, 3, 4, 5]


def test_a_deleted_version_is_retired_and_its_bytes_are_gone(registry: Registry) -> None:
    execute(registry, propose_delete(registry, "m", [2, 4]), "too old")
    assert registry.artifacts.versions("m") == [1, 3, 5]
    newest = registry.newest("m")
    assert newest is not None
    assert newest.state.retired == Numbers.of([2, 4])
    assert (newest.change.action, newest.change.message) == ("delete", "too old")
    assert verify_all(registry, UNWATCHED) == []


def test_all_versions_can_be_deleted(registry: Registry) -> None:
    execute(registry, propose_delete(registry, "m"))
    assert registry.artifacts.versions("m") == []
    assert registry.models() == []
    with pytest.raises(NotFound, match="m has no versions to delete"):
        propose_delete(registry, "m")


def test_a_version_that_an_alias_uses_stays_even_by_force(registry: Registry) -> None:
    promote(registry, 2, alias="canary")
    for versions in ([2], [1, 2], None):
        with pytest.raises(Refused, match="version 2 is in use: alias 'canary'"):
            propose_delete(registry, "m", versions, force=True)


def test_a_version_that_could_be_rolled_back_to_goes_only_by_force(registry: Registry) -> None:
    promote(registry, 1, 2)
    with pytest.raises(Refused, match="m:1 could still be rolled back to: revision 1") as caught:
        propose_delete(registry, "m", [1])
    assert "--force" in caught.value.hint
    execute(registry, propose_delete(registry, "m", [1], force=True))
    assert registry.versions("m") == [2, 3, 4, 5]


def test_the_last_ten_revisions_are_protected_and_no_more(registry: Registry) -> None:
    promote(registry, 1, 2)
    for number in range(PROTECTED_REVISIONS - 2):
        promote(registry, 2, alias=f"a{number}")
    assert reachable(registry, "m") == {1: 1, 2: 10}
    with pytest.raises(Refused):
        propose_delete(registry, "m", [1])
    promote(registry, 3, alias="one-more")
    assert reachable(registry, "m") == {2: 11, 3: 11}
    execute(registry, propose_delete(registry, "m", [1]))
    assert registry.versions("m") == [2, 3, 4, 5]


def test_what_is_not_published_or_deleted_already_cannot_be_deleted(registry: Registry) -> None:
    execute(registry, propose_delete(registry, "m", [2]))
    with pytest.raises(NotFound, match="m:2 is deleted already"):
        propose_delete(registry, "m", [2])
    with pytest.raises(NotFound, match="m:9 is not published"):
        propose_delete(registry, "m", [1, 9])
    with pytest.raises(NotFound, match="n has no versions to delete"):
        propose_delete(registry, "n")
    with pytest.raises(InvalidInput):
        propose_delete(registry, "../m")


def test_a_deletion_that_lost_a_race_removes_nothing(registry: Registry) -> None:
    deletion = propose_delete(registry, "m", [2])
    promote(registry, 2)
    with pytest.raises(Conflict):
        execute(registry, deletion)
    assert registry.versions("m") == [1, 2, 3, 4, 5]
    with pytest.raises(Conflict):
        propose_delete(registry, "m", [3], expect=0)


def cut_short(registry: Registry, version: int) -> None:
    """A deletion that was killed between its revision and the bytes."""
    registry.commit(propose_delete(registry, "m", [version]).proposal)


def test_a_deletion_that_was_cut_short_is_named_and_finished_by_the_next(
    registry: Registry,
) -> None:
    cut_short(registry, 2)
    assert registry.versions("m") == [1, 3, 4, 5]
    assert [finding.where for finding in verify_all(registry, UNWATCHED)] == ["m:2"]
    again = propose_delete(registry, "m", [2])
    assert again.proposal.is_noop
    execute(registry, again)
    assert registry.artifacts.versions("m") == [1, 3, 4, 5]
    assert verify_all(registry, UNWATCHED) == []


def test_gc_finishes_a_deletion_that_was_cut_short(registry: Registry) -> None:
    cut_short(registry, 5)
    assert gc(registry, keep=10) == [1, 2, 3, 4]
    assert [r.number for r in registry.history("m")] == [1]


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (0, []),
        (1, [5]),
        (2, [4, 5]),
        (4, [2, 3, 4, 5]),
        (5, [1, 2, 3, 4, 5]),
        (6, [1, 2, 3, 4, 5]),
        (9, [1, 2, 3, 4, 5]),
        (100, [1, 2, 3, 4, 5]),
    ],
)
def test_gc_keeps_as_many_of_the_newest_as_it_was_told(
    registry: Registry, keep: int, left: list[int]
) -> None:
    assert gc(registry, keep) == left


def test_gc_keeps_what_is_used_and_what_could_be_rolled_back_to(registry: Registry) -> None:
    promote(registry, 1, alias="old")
    promote(registry, 2, 3)
    assert gc(registry, keep=1) == [1, 2, 3, 5]
    assert gc(registry, keep=0) == [1, 2, 3]


def test_gc_with_nothing_to_do_proposes_nothing(registry: Registry, tmp_path: Path) -> None:
    publish_all(registry, tmp_path, {"n": 1})
    assert propose_gc(registry, 5, registry.models()) == []
    assert [d.proposal.model for d in propose_gc(registry, 1, registry.models())] == ["m"]


def test_a_version_with_a_damaged_manifest_can_be_deleted(registry: Registry) -> None:
    assert isinstance(registry.artifacts, MemoryArtifacts)
    registry.artifacts.objects["m/2/manifest.json"] = b"?"
    deletion = propose_delete(registry, "m", [2])
    assert deletion.size == 0
    execute(registry, deletion)
    assert verify_all(registry, UNWATCHED) == []


def highest(registry: Registry, policy: Policy) -> None:
    """What `deploy apply` makes of a models.config without labels."""
    state = registry.state("m")
    after = changes.set_policy(replace(state, default=HIGHEST), policy, registry.versions("m"))
    registry.commit(Proposal("m", "apply", registry.newest("m"), after))


def test_what_answers_requests_without_a_version_is_in_use(registry: Registry) -> None:
    highest(registry, Policy("specific", versions=(1, 3)))
    with pytest.raises(Refused, match="version 3 is in use: requests that name no version"):
        propose_delete(registry, "m", [3, 2])
    assert (2, 3) == propose_delete(registry, "m", [3, 2], force=True).versions
    assert [3, 5] == gc(registry, keep=1)


def test_what_answered_them_lately_could_be_gone_back_to(registry: Registry) -> None:
    highest(registry, Policy("specific", versions=(1,)))
    highest(registry, Policy("latest"))
    with pytest.raises(Refused, match="m:1 could still be rolled back to: revision 1"):
        propose_delete(registry, "m", [1])
    assert (1,) == propose_delete(registry, "m", [1], force=True).versions
    assert [1, 5] == gc(registry, keep=1)


def test_all_of_a_model_goes_whatever_its_default(registry: Registry) -> None:
    highest(registry, Policy("latest"))
    execute(registry, propose_delete(registry, "m", force=True))
    assert [] == registry.artifacts.versions("m")
