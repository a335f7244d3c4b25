"""
The changes of a model's state, as pure functions: state in, next state out.

None of them reads a table or a store. Who calls them has checked that the
versions exist; that they still do when the revision is written is the log's
compare-and-set.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from ..errors import NotFound, Refused
from ..names import HIGHEST
from . import shares
from .numbers import Numbers
from .revision import Revision
from .state import Alias, Canary, Pinned, Policy, State, route


def whole(version: int) -> Alias:
    """The route that sends everything to `version`."""
    return route([(version, 100)])


def set_alias(state: State, name: str, alias: Alias) -> State:
    """The state in which `name` points to `alias`. Raises Refused for a retired version."""
    gone = sorted(version for version in alias.versions() if version in state.retired)
    if gone:
        raise Refused(f"version {gone[0]} was deleted and never comes back")
    return _with(state, {**state.aliases, name: alias})


def repoint(state: State, name: str, routes: shares.Shares, canary: Canary | None = None) -> State:
    """
    The state in which alias `name` has these weights; its rules, and how it knows callers,
    stay. Raises Refused for a retired version.
    """
    present = state.aliases.get(name)
    after = (
        replace(present, routes=routes, canary=canary) if present else Alias(routes, canary=canary)
    )
    return set_alias(state, name, after)


def split(state: State, name: str, routes: shares.Shares) -> State:
    """
    `repoint`, where a version that comes beside those in place is their canary, and a canary
    that gets another weight beside the same others remains one. What is at 0 % is not tried.
    """
    present = state.aliases.get(name)
    canary = None
    if present:
        before = present.canary or Canary(0, present.routes)
        tried = shares.answering(routes) | ({before.version} & {s.version for s in routes})
        new = tried - {s.version for s in before.over}
        gone = shares.answering(before.over) - {s.version for s in routes}
        if len(new) == 1 and not gone and (new == {before.version} or not present.canary):
            canary = Canary(max(new), before.over)
    return repoint(state, name, routes, canary)


def unset_alias(state: State, name: str) -> State:
    """The state without alias `name`. Raises NotFound if there is none."""
    if name not in state.aliases:
        raise NotFound(f"no alias {name!r}", hint=_known(state))
    return _with(state, {k: v for k, v in state.aliases.items() if k != name})


def set_default(state: State, name: str) -> State:
    """The state in which a bare `/v1/models/M` means `name`, an alias or `highest`."""
    if name != HIGHEST and name not in state.aliases:
        raise NotFound(f"no alias {name!r}", hint=_known(state))
    return replace(state, default=name)


def set_policy(state: State, policy: Policy | None, published: Iterable[int]) -> State:
    """The state with `policy`, which acts from the next change of `published` on."""
    acted_on = Numbers.of(published) if policy else Numbers()
    return replace(state, policy=policy, acted_on=acted_on)


def apply_policy(state: State, published: Iterable[int]) -> State:
    """
    What the policy makes of the set of published versions; `state` itself if nothing.

    It acts only when the set differs from the one it last acted on, and then only
    where its choice differs: an operator's rollback is never undone by a repeat.
    """
    if state.policy is None or (now := Numbers.of(published)) == state.acted_on:
        return state
    seen = replace(state, acted_on=now)
    before, after = _choice(state.policy, state.acted_on), _choice(state.policy, now)
    if after is None or after == before or state.default == HIGHEST:
        return seen
    return repoint(seen, state.default, whole(after).routes)


def set_pinned(state: State, pinned: Pinned) -> State:
    """The state in which requests can name any published version, or only routed ones."""
    return replace(state, pinned=pinned)


def kept(policy: Policy | None, published: Iterable[int]) -> list[int]:
    """
    The versions, ascending, that TensorFlow Serving would load under `policy`: those that
    the default `highest` chooses from.
    """
    there = sorted(published)
    if policy is None or policy.kind == "all":
        return there
    if policy.kind == "specific":
        return [version for version in there if version in policy.versions]
    return there[-max(policy.num_versions, 1) :]


def retire(state: State, versions: Iterable[int]) -> State:
    """The state in which `versions` are gone for good. Raises Refused if an alias uses one."""
    gone = set(versions)
    for name, alias in sorted(state.aliases.items()):
        used = sorted(alias.versions() & gone)
        if used:
            raise Refused(
                f"version {used[0]} is in use: alias {name!r} points to it",
                hint=_way_out(alias, used[0]),
            )
    return replace(
        state,
        retired=state.retired | gone,
        acted_on=state.acted_on - gone,
    )


def rollback_target(
    log: Iterable[Revision], name: str, to: int | None = None
) -> tuple[Alias, tuple[int, ...]]:
    """
    What alias `name` pointed to before: the newest distinct routes in `log`.

    `log` begins with the newest revision. Routes are weights and rules; by what callers
    are known, and whether they may ask for a version, is as it is now. Routes over a
    version that was deleted since are passed over; those versions are returned beside
    the target. `to` asks for the last time when the alias had all of its weight on that
    version; where it does so now, the answer is what it points to.
    """
    revisions = iter(log)
    newest = next(revisions, None)
    if newest is None:
        raise NotFound("the model has no aliases yet", hint="set one: deploy promote")
    retired = newest.state.retired
    if to is not None and to in retired:
        raise Refused(f"version {to} was deleted and never comes back")
    current = newest.state.aliases.get(name)
    if current and _is_all_of(current, to):
        return current, ()
    skipped: set[int] = set()
    for alias in _former(revisions, name):
        if current and alias.goes_where(current):
            continue
        if to is not None and not _is_all_of(alias, to):
            continue
        if gone := {version for version in alias.versions() if version in retired}:
            skipped |= gone
            continue
        target = replace(alias, key=current.key, override=current.override) if current else alias
        return target, tuple(sorted(skipped))
    if to is not None:
        raise NotFound(
            f"alias {name!r} never pointed to version {to}",
            hint=f"to go there for the first time: deploy promote MODEL {to} --alias {name}",
        )
    raise NotFound(
        f"alias {name!r} has nothing to go back to: it never pointed to anything else"
        + (f" that still exists (deleted: {_list(skipped)})" if skipped else "")
    )


def differences(before: State, after: State) -> list[str]:
    """What changed, a phrase each: `stable: 1 → 2`, `retired: 3`."""
    lines = [
        line
        for name in sorted({*before.aliases, *after.aliases})
        for line in alias_differences(name, before.aliases.get(name), after.aliases.get(name))
    ]
    if before.default != after.default:
        lines.append(f"default: {before.default} → {after.default}")
    if before.policy != after.policy:
        lines.append(f"policy: {before.policy or 'none'} → {after.policy or 'none'}")
    if before.pinned != after.pinned:
        lines.append(f"pinned: {before.pinned} → {after.pinned}")
    if after.retired != before.retired and (gone := after.retired - before.retired):
        lines.append(f"retired: {_list(gone)}")
    return lines


def alias_differences(name: str, before: Alias | None, after: Alias | None) -> Iterator[str]:
    """What changed of one alias, a phrase each."""
    # An alias that appears or goes takes its rules with it.
    was, will = before or Alias(()), after or Alias(())
    if was.routes != will.routes:
        yield f"{name}: {before or 'unset'} → {after or 'unset'}"
    for rule in was.rules:
        if rule not in will.rules:
            yield f"{name} without: {rule}"
    for rule in will.rules:
        if rule not in was.rules:
            yield f"{name} with: {rule}"
    kept = [rule for rule in was.rules if rule in will.rules]
    if kept != [rule for rule in will.rules if rule in was.rules]:
        yield f"{name} rules in another order"
    if was.key != will.key:
        yield f"{name} knows callers by: {was.key} → {will.key}"
    if was.override != will.override:
        yield f"{name} override: {_allowed(was)} → {_allowed(will)}"
    if was.canary != will.canary and was.routes == will.routes:
        yield f"{name} canary: {_canary(was)} → {_canary(will)}"


def _allowed(alias: Alias) -> str:
    return "allowed" if alias.override else "ignored"


def _canary(alias: Alias) -> str:
    return str(alias.canary.version) if alias.canary else "none"


def moved(before: State, after: State, published: Iterable[int]) -> list[str]:
    """A phrase that says so if requests that name no version are answered by something else."""
    there = list(published)
    was, will = _unnamed(before, there), _unnamed(after, there)
    return [] if was == will else [f"requests that name no version: {was} → {will}"]


def _unnamed(state: State, published: Iterable[int]) -> str:
    """What answers a request with neither version nor label."""
    if state.default == HIGHEST:
        return str(max(kept(state.policy, published), default="nothing"))
    return str(state.aliases.get(state.default, "nothing"))


def _choice(policy: Policy, published: Iterable[int]) -> int | None:
    return None if policy.kind == "all" else max(kept(policy, published), default=None)


def _is_all_of(alias: Alias, version: int | None) -> bool:
    """Whether all of its weight is on `version`."""
    return shares.answering(alias.routes) == {version}


def _former(revisions: Iterator[Revision], name: str) -> Iterator[Alias]:
    for revision in revisions:
        if alias := revision.state.aliases.get(name):
            yield alias


def _with(state: State, aliases: Mapping[str, Alias]) -> State:
    return replace(state, aliases=MappingProxyType(dict(aliases)))


def _way_out(alias: Alias, version: int) -> str:
    """How `alias` lets go of `version`."""
    if version in {share.version for share in alias.routes}:
        return "point the alias elsewhere first: deploy promote, or deploy alias unset"
    if version in alias.named():
        return "a rule leads there: lead it elsewhere with deploy route, or deploy unroute"
    return "ending its canary would lead back there; finish it first: deploy promote MODEL"


def _known(state: State) -> str:
    names = ", ".join(sorted(state.aliases))
    return f"aliases of this model: {names}" if names else "this model has no aliases yet"


def _list(versions: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(versions)))
