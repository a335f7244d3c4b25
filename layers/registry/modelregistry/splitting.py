"""
Canaries and splits: a few callers for a new version, then all of them, or none.

A canary takes its share from the versions in place, which keep their proportions among
themselves; what they were before is kept in the alias, so that ending it restores them
exactly, however often the canary grew.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from .aliases import changes, shares
from .aliases.shares import Shares
from .aliases.state import Alias, Canary, State
from .errors import InvalidInput, NotFound, Refused
from .names import ModelId
from .registry import Proposal, Registry, alias_flag


def propose_canary(
    registry: Registry, id: ModelId, weight: Decimal | int, alias: str, *, expect: int | None = None
) -> Proposal:
    """
    `weight` percent of `alias` go to `id`, of whom those in place have the rest.

    Called again, it gives the canary another weight. Raises Refused while there is another
    canary, and InvalidInput for a version in place.
    """
    given = shares.weight_of(weight)
    if given == shares.WHOLE:
        raise InvalidInput(
            "a canary with 100 % is none", hint=f"deploy promote {id.model} {id.version}"
        )

    def split(state: State, present: Alias) -> State:
        if present.canary and present.canary.version != id.version:
            raise Refused(
                f"version {present.canary.version} is the canary of {alias!r}: {present}",
                hint=f"finish it or end it first: {_either(id.model, alias)}",
            )
        over = present.canary.over if present.canary else present.routes
        if id.version in shares.answering(over):
            raise InvalidInput(
                f"version {id.version} is in place in {alias!r} already: {shares.text(over)}",
                hint=f"to change weights: deploy split {id.model} VERSION@WEIGHT ..."
                + alias_flag(alias),
            )
        registry.must_be_published(id.model, [id.version], state)
        routes = shares.beside(over, id.version, given)
        return changes.repoint(state, alias, routes, Canary(id.version, over))

    return _change(registry, (id.model, alias), "canary", split, expect)


def propose_split(
    registry: Registry, model: str, routes: Shares, alias: str, *, expect: int | None = None
) -> Proposal:
    """`alias` is split into `routes`, whose versions must be published."""
    return registry.propose_set(model, alias, Alias(routes), expect=expect, action="split")


def propose_finish(
    registry: Registry, model: str, alias: str, *, expect: int | None = None
) -> Proposal:
    """All of `alias` goes to its canary. Raises NotFound if it has none."""

    def finish(state: State, present: Alias) -> State:
        canary = _canary(model, alias, present, f"name the version: deploy promote {model} VERSION")
        return changes.repoint(state, alias, changes.whole(canary.version).routes)

    return _change(registry, (model, alias), "promote", finish, expect)


def propose_abort(
    registry: Registry, model: str, alias: str, *, expect: int | None = None
) -> Proposal:
    """`alias` is as it was before its canary. Raises NotFound if it has none."""

    def abort(state: State, present: Alias) -> State:
        back = f"to what it was before: deploy rollback {model}"
        return changes.repoint(state, alias, _canary(model, alias, present, back).over)

    return _change(registry, (model, alias), "abort", abort, expect)


def _change(
    registry: Registry,
    where: tuple[str, str],
    action: str,
    change: Callable[[State, Alias], State],
    expect: int | None,
) -> Proposal:
    model, alias = where
    proposal = registry.propose_change(model, alias, action, change, expect=expect)
    return replace(proposal, notes=registry.notes(model, alias, proposal.after))


def _canary(model: str, alias: str, present: Alias, hint: str) -> Canary:
    if present.canary is None:
        raise NotFound(
            f"alias {alias!r} of {model} has no canary: it points to {present}",
            hint=hint + alias_flag(alias),
        )
    return present.canary


def _either(model: str, alias: str) -> str:
    flag = alias_flag(alias)
    return f"deploy promote {model}{flag}, or deploy abort {model}{flag}"
