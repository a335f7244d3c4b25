"""
Deleting versions: what may go, and in which order.

First a revision retires the number, which every promote's compare-and-set then
sees; the bytes go after. Killed in between, the number is retired and its bytes
are leftovers, which the next delete or `gc` removes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from .aliases import changes
from .aliases.state import State
from .errors import Damaged, NotFound, Refused
from .names import HIGHEST, ModelId, model_name
from .registry import EMPTY, Proposal, Registry

# How far back a rollback is promised to find what it needs.
PROTECTED_REVISIONS = 10


@dataclass(frozen=True)
class Deletion:
    """
    Versions to remove, `size` bytes together, and the revision that retires them.

    Its proposal changes nothing where all of them are retired already.
    """

    proposal: Proposal
    versions: tuple[int, ...]
    size: int


def propose_delete(
    registry: Registry,
    model: str,
    versions: Iterable[int] | None = None,
    *,
    force: bool = False,
    expect: int | None = None,
) -> Deletion:
    """
    Delete `versions` of `model`, or all there are.

    Raises Refused for a version that an alias uses, and, without `force`, for one that
    the default `highest` means or that the last ten revisions could roll back to.
    """
    base = registry.newest(model_name(model), expect=expect)
    state = base.state if base else EMPTY
    stored = registry.artifacts.versions(model)
    wanted = tuple(stored) if versions is None else tuple(sorted(set(versions)))
    if not wanted:
        raise NotFound(f"{model} has no versions to delete")
    for version in wanted:
        if version not in stored:
            gone = "is deleted already" if version in state.retired else "is not published"
            raise NotFound(f"{model}:{version} {gone}")
    after = changes.retire(state, wanted)
    if not force:
        _refuse_default(registry, model, state, wanted)
        _refuse_reachable(registry, model, wanted)
    return Deletion(Proposal(model, "delete", base, after), wanted, _size(registry, model, wanted))


def propose_gc(registry: Registry, keep: int, models: Iterable[str]) -> list[Deletion]:
    """
    Per model, delete all but the `keep` newest versions, those that an alias uses or
    the default `highest` means, and those that the last ten revisions could roll back
    to; and the bytes of deletions that were interrupted.
    """
    return [deletion for model in models if (deletion := _gc_model(registry, keep, model))]


def execute(registry: Registry, deletion: Deletion, message: str = "") -> None:
    """Retire the versions, then remove their bytes. Raises Conflict and removes nothing."""
    registry.commit(deletion.proposal, message)
    for version in deletion.versions:
        registry.artifacts.remove(ModelId(deletion.proposal.model, version))


def reachable(registry: Registry, model: str) -> dict[int, int]:
    """The versions that the last ten revisions route to, each with the newest that does."""
    found: dict[int, int] = {}
    published = registry.versions(model)
    for revision in islice(registry.aliases.log(model), PROTECTED_REVISIONS):
        for version in _answering(registry, model, revision.state, published):
            found.setdefault(version, revision.number)
    return found


def _gc_model(registry: Registry, keep: int, model: str) -> Deletion | None:
    base = registry.newest(model)
    state = base.state if base else EMPTY
    stored = registry.artifacts.versions(model)
    published = [v for v in stored if v not in state.retired]
    kept = {*published[-keep:]} if keep else set()
    kept |= _answering(registry, model, state, published) | reachable(registry, model).keys()
    wanted = tuple(v for v in stored if v not in kept or v in state.retired)
    if not wanted:
        return None
    after = changes.retire(state, wanted)
    return Deletion(Proposal(model, "gc", base, after), wanted, _size(registry, model, wanted))


def _answering(
    registry: Registry, model: str, state: State, published: Iterable[int]
) -> frozenset[int]:
    """The versions that aliases use, and the one that the default means."""
    return state.versions() | _highest(registry, model, state, published)


def _highest(
    registry: Registry, model: str, state: State, published: Iterable[int]
) -> frozenset[int]:
    """The version that the default `highest` means, if that is the default and there is one."""
    found = registry.highest(model, state, published) if state.default == HIGHEST else None
    return frozenset(() if found is None else (found,))


def _refuse_default(
    registry: Registry, model: str, state: State, versions: tuple[int, ...]
) -> None:
    for version in _highest(registry, model, state, registry.versions(model, state)):
        if version in versions:
            raise Refused(
                f"version {version} is in use: requests that name no version go to it",
                hint="--force deletes it all the same, and they go to the next that the policy"
                " keeps, if any",
            )


def _refuse_reachable(registry: Registry, model: str, versions: tuple[int, ...]) -> None:
    found = reachable(registry, model)
    for version in versions:
        if version in found:
            raise Refused(
                f"{model}:{version} could still be rolled back to:"
                f" revision {found[version]} routes to it",
                hint="--force deletes it all the same",
            )


def _size(registry: Registry, model: str, versions: tuple[int, ...]) -> int:
    total = 0
    for version in versions:
        try:
            total += registry.artifacts.manifest(ModelId(model, version)).size
        except Damaged:
            continue  # what it held can't be told; it goes all the same
    return total
