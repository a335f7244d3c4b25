"""
Who gets what: rules for some callers, what callers are known by, and what they may ask for.
"""

from collections.abc import Sequence
from dataclasses import replace

from .aliases import changes, rules
from .aliases.caller import Attribute
from .aliases.rules import Condition, Rule
from .aliases.shares import Shares
from .aliases.state import Alias, Pinned, State
from .errors import InvalidInput, NotFound
from .names import model_name
from .registry import EMPTY, Proposal, Registry


def propose_route(
    registry: Registry,
    model: str,
    alias: str,
    when: Sequence[Condition],
    routes: Shares,
    *,
    at: int | None = None,
    expect: int | None = None,
) -> Proposal:
    """
    Whoever meets all of `when` is answered by `routes`, whose versions must be published.

    A rule with the same conditions gets these routes, and keeps its place; another comes
    last, or at the place `at`, from 1. Raises InvalidInput for a rule that can never match
    or would keep another from ever matching.
    """
    new = rules.rule(when, routes)

    def with_it(state: State, present: Alias) -> State:
        registry.must_be_published(model, {share.version for share in routes}, state)
        found = _placed(list(present.rules), new, at)
        rules.must_each_match(found)
        return changes.set_alias(state, alias, replace(present, rules=tuple(found)))

    return registry.propose_change(model, alias, "route", with_it, expect=expect)


def propose_unroute(
    registry: Registry,
    model: str,
    alias: str,
    *,
    when: Sequence[Condition] = (),
    at: int | None = None,
    expect: int | None = None,
) -> Proposal:
    """
    Without the rule that has the conditions `when`, or the place `at`; without any rule
    where neither is given. Raises NotFound, naming those that there are.
    """

    def without(state: State, present: Alias) -> State:
        if when:
            gone = [rule for rule in present.rules if set(rule.when) == set(when)]
            what = f"for {rules.conditions_text(when)!r}"
        elif at is not None:
            gone = list(present.rules[at - 1 : at]) if at > 0 else []
            what = f"{at}"
        else:
            gone, what = list(present.rules), "at all"
        if not gone:
            raise NotFound(f"alias {alias!r} of {model} has no rule {what}", hint=_known(present))
        kept = tuple(rule for rule in present.rules if rule not in gone)
        return changes.set_alias(state, alias, replace(present, rules=kept))

    return registry.propose_change(model, alias, "unroute", without, expect=expect)


def propose_key(
    registry: Registry, model: str, alias: str, key: Attribute, *, expect: int | None = None
) -> Proposal:
    """What `key` is in a request decides which of several versions a caller gets."""

    def known_by(state: State, present: Alias) -> State:
        return changes.set_alias(state, alias, replace(present, key=key))

    return registry.propose_change(model, alias, "key", known_by, expect=expect)


def propose_override(
    registry: Registry, model: str, alias: str, *, allowed: bool, expect: int | None = None
) -> Proposal:
    """Callers may ask for any version that the alias names, or may not."""

    def allowing(state: State, present: Alias) -> State:
        return changes.set_alias(state, alias, replace(present, override=allowed))

    return registry.propose_change(model, alias, "override", allowing, expect=expect)


def propose_pinned(
    registry: Registry, model: str, pinned: Pinned, *, expect: int | None = None
) -> Proposal:
    """`/versions/N` reaches any published version of `model`, or only routed ones."""
    registry.must_exist(model_name(model))
    base = registry.newest(model, expect=expect)
    after = changes.set_pinned(base.state if base else EMPTY, pinned)
    return Proposal(model, "pinned", base, after)


def _placed(there: list[Rule], new: Rule, at: int | None) -> list[Rule]:
    place = next((i for i, rule in enumerate(there) if rule.when == new.when), len(there))
    rest = [rule for rule in there if rule.when != new.when]
    if at is not None:
        if not 1 <= at <= len(rest) + 1:
            raise InvalidInput(
                f"a rule cannot have place {at}", hint=f"places are 1 to {len(rest) + 1}"
            )
        place = at - 1
    return [*rest[:place], new, *rest[place:]]


def _known(alias: Alias) -> str:
    if not alias.rules:
        return "it has none; make one with: deploy route MODEL --when NAME=VALUE --to VERSION"
    return "its rules: " + "; ".join(f"{n}. {rule}" for n, rule in enumerate(alias.rules, 1))
