"""
A version that appeared in the store, by whatever way: its model's policy acts on it.

Told by events, which come late, twice and in any order. An event speaks for its own
version alone, and gives way to whoever moved the default alias after that version
appeared: a rollback is never undone by one.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import zip_longest

from .aliases import changes
from .aliases.revision import Revision
from .aliases.rules import Rule
from .aliases.shares import Shares
from .aliases.state import Alias, State
from .errors import Conflict, Unavailable
from .names import ModelId
from .registry import EMPTY, Proposal, Registry, describe

POLICY = "policy"  # the action of every revision that a policy wrote, or that set one
_ATTEMPTS = 20
# No clock of an operator is further behind than this.
_SKEW = timedelta(days=1)


def apply_arrival(registry: Registry, id: ModelId, at: datetime) -> Revision | None:
    """
    Let the policy of `id`'s model act on `id`, which appeared `at` that time.

    Returns the revision that it wrote; None where it had nothing to do, as when
    `publish` has done it already. Calling it again changes nothing. Raises NotFound
    where `id` is not published (any more), Damaged where its manifest is not sound.
    """
    for _ in range(_ATTEMPTS):
        base = registry.aliases.newest(id.model)
        if base is None or base.state.policy is None or id.version in base.state.acted_on:
            return None
        registry.published(id, base.state)
        seen = base.state.acted_on | [id.version]
        after, why = changes.apply_policy(base.state, seen), f"{id} appeared"
        if since := moved_since(registry.aliases.log(id.model), id.version, at):
            after = replace(base.state, acted_on=seen)
            why = f"{id} appeared before {describe(since)}: the alias stays"
        try:
            return registry.commit(Proposal(id.model, POLICY, base, after), why)
        except Conflict:
            continue  # somebody was faster: look at what they left, and decide again
    raise Unavailable(f"the policy of {id.model} lost {_ATTEMPTS} races in a row")


def moved_since(log: Iterable[Revision], version: int, at: datetime) -> Revision | None:
    """
    The newest revision by which somebody, not the policy, changed what the model's default
    means after `version` appeared; None if there is none. `log` begins with the newest.

    After it appeared is what was written later than `at`, and, whatever the clock of who
    wrote it said, everything since the first revision that routes to it.
    """
    recent: list[Revision] = []
    since = 0  # so many of them are later
    for revision in log:
        recent.append(revision)
        if revision.change.at >= at or version in revision.state.versions():
            since = len(recent)
        elif revision.change.at < at - _SKEW:
            break
    for revision, before in zip_longest(recent[:since], recent[1 : since + 1]):
        if _moved(revision, before.state if before else EMPTY):
            return revision
    return None


def _moved(revision: Revision, before: State) -> bool:
    return revision.change.action != POLICY and _default(revision.state) != _default(before)


def _default(state: State) -> tuple[str, Shares, tuple[Rule, ...]]:
    """Where it leads. By what callers are known, and what they may ask for, moves nobody."""
    alias = state.aliases.get(state.default, Alias(()))
    return state.default, alias.routes, alias.rules
