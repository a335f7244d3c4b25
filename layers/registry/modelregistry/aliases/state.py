"""
What one revision says about a model: its whole alias map, and what guards it.

All values are immutable; `changes` makes new ones out of old ones.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal, get_args

from ..names import DEFAULT_ALIAS, alias_name, default_name
from . import numbers, rules
from .caller import ROUTING_KEY, Attribute, of_kind
from .numbers import Numbers
from .rules import Rule
from .shares import Shares, answering, heaviest, parse, shares
from .shares import from_json as shares_from_json
from .shares import text as shares_text
from .shares import to_json as shares_to_json

Pinned = Literal["any", "routed"]


@dataclass(frozen=True)
class Canary:
    """A version that is being tried, and the shares of those in place without it."""

    version: int
    over: Shares


@dataclass(frozen=True)
class Alias:
    """
    Where an alias points: shares by version, and rules that send some callers elsewhere.

    A caller is known by what `key` is in its requests, and gets the same version each
    time. `override` lets callers ask for any version that is named here, at 0 % too.
    `canary` is what the shares are on the way to, and from; it routes nobody.
    """

    routes: Shares
    rules: tuple[Rule, ...] = ()
    key: Attribute = ROUTING_KEY
    override: bool = False
    canary: Canary | None = None

    def versions(self) -> frozenset[int]:
        """Every version that it needs to be there, if only to go back."""
        before = self.canary.over if self.canary else ()
        return self.named() | {share.version for share in before}

    def named(self) -> frozenset[int]:
        """The versions in its routes and rules, those at 0 % too."""
        return frozenset(share.version for shares in self._all() for share in shares)

    def answering(self) -> frozenset[int]:
        """The versions that get requests by it."""
        return frozenset().union(*map(answering, self._all()))

    def in_place(self) -> int:
        """The version that answers most callers, a canary aside, if anything else does."""
        tried = self.canary.version if self.canary else 0
        rest = tuple(s for s in self.routes if s.version != tried and s.weight > 0)
        return heaviest(rest or self.routes)

    def goes_where(self, other: "Alias") -> bool:
        """Whether it and `other` route every caller alike, as far as weights and rules go."""
        return (self.routes, self.rules) == (other.routes, other.rules)

    def _all(self) -> Iterator[Shares]:
        yield self.routes
        for rule in self.rules:
            yield rule.routes

    def __str__(self) -> str:
        return shares_text(self.routes)


@dataclass(frozen=True)
class Policy:
    """
    What a newly published version does to the model's default alias.

    `latest` points it at the highest version, `specific` at the highest of
    `versions` that is published, `all` leaves it alone. The default `highest` means
    the highest of those that TensorFlow Serving would load: the latest
    `num_versions`, the specific `versions` that are there, or all.
    """

    kind: Literal["latest", "all", "specific"]
    num_versions: int = 1
    versions: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.kind == "specific":
            return f"specific {' '.join(map(str, self.versions))}"
        return self.kind if self.num_versions == 1 else f"{self.kind} {self.num_versions}"


@dataclass(frozen=True)
class State:
    """
    `acted_on` is the set of published versions that the policy last saw: it acts
    only when that set changes. `retired` numbers were deleted and never return.
    Where `pinned` is `routed`, a request can name only a version that an alias routes to.
    """

    aliases: Mapping[str, Alias] = field(default_factory=lambda: MappingProxyType({}))
    default: str = DEFAULT_ALIAS
    policy: Policy | None = None
    acted_on: Numbers = Numbers()  # noqa: RUF009 - a frozen value
    retired: Numbers = Numbers()  # noqa: RUF009
    pinned: Pinned = "any"

    def versions(self) -> frozenset[int]:
        """Every version that some alias uses."""
        return frozenset().union(*(alias.versions() for alias in self.aliases.values()))


def route(pairs: Iterable[tuple[int, Decimal | int]]) -> Alias:
    """
    An alias over `(version, weight)` pairs. Raises InvalidInput if they are not one.

    >>> str(route([(2, 10), (1, 90)]))
    '1@90 2@10'
    """
    return Alias(shares(pairs))


def parse_shares(words: Iterable[str]) -> Alias:
    """
    Read `VERSION` or `VERSION@WEIGHT ...` as typed. Raises InvalidInput.

    >>> str(parse_shares(["1@99.5", "2@0.5"]))
    '1@99.5 2@0.5'
    """
    return Alias(parse(words))


def to_json(state: State, written: Callable[[Numbers], list[Any]] = list) -> dict[str, Any]:
    """
    The state as JSON members; `from_json` reads them back equal.

    Sets of numbers are `written` in full, or as runs by `numbers.to_json`.
    """
    return {
        "aliases": {name: alias_to_json(alias) for name, alias in sorted(state.aliases.items())},
        "default": state.default,
        "policy": None if state.policy is None else policy_to_json(state.policy),
        "acted_on": written(state.acted_on),
        "retired": written(state.retired),
        **({} if state.pinned == "any" else {"pinned": state.pinned}),
    }


def from_json(document: Mapping[str, Any]) -> State:
    """Read what `to_json` wrote. Raises KeyError, TypeError, ValueError or InvalidInput."""
    return State(
        aliases=MappingProxyType(
            {alias_name(name): _alias(alias) for name, alias in document["aliases"].items()}
        ),
        default=default_name(document["default"]),
        policy=None if document["policy"] is None else _policy(document["policy"]),
        acted_on=numbers.from_json(document["acted_on"]),
        retired=numbers.from_json(document["retired"]),
        pinned=_pinned(document.get("pinned", "any")),
    )


def is_plain(state: State) -> bool:
    """Whether readers that know of no more than weights do with `state` what it says."""
    return state.pinned == "any" and not any(
        alias.rules or alias.override or alias.key != ROUTING_KEY
        for alias in state.aliases.values()
    )


def alias_to_json(alias: Alias) -> dict[str, Any]:
    """What is as it is by default is left out, but for the rules, which earlier readers want."""
    document: dict[str, Any] = {
        "routes": shares_to_json(alias.routes),
        "rules": [rules.to_json(rule) for rule in alias.rules],
    }
    if alias.key != ROUTING_KEY:
        document["key"] = {alias.key.kind: alias.key.name}
    if alias.override:
        document["override"] = True
    if alias.canary:
        over = shares_to_json(alias.canary.over)
        document["canary"] = {"version": alias.canary.version, "over": over}
    return document


def policy_to_json(policy: Policy) -> dict[str, Any]:
    """TensorFlow Serving's form: `{"latest": {"num_versions": 1}}`."""
    members: dict[str, dict[str, Any]] = {
        "latest": {"num_versions": policy.num_versions},
        "all": {},
        "specific": {"versions": list(policy.versions)},
    }
    return {policy.kind: members[policy.kind]}


def _alias(document: Mapping[str, Any]) -> Alias:
    key, canary = document.get("key"), document.get("canary")
    return Alias(
        shares_from_json(document["routes"]),
        tuple(rules.from_json(rule) for rule in document["rules"]),
        ROUTING_KEY if key is None else _key(key),
        bool(document.get("override", False)),
        None
        if canary is None
        else Canary(int(canary["version"]), shares_from_json(canary["over"])),
    )


def _key(document: Mapping[str, Any]) -> Attribute:
    ((kind, name),) = document.items()
    return of_kind(kind, name)


def _pinned(text: str) -> Pinned:
    if text not in get_args(Pinned):
        raise ValueError(f"{text!r} is none of {', '.join(get_args(Pinned))}")
    found: Pinned = text  # type: ignore[assignment] # it is one of them
    return found


def _policy(document: Mapping[str, Any]) -> Policy:
    ((kind, members),) = document.items()
    if kind == "latest":
        return Policy("latest", num_versions=int(members["num_versions"]))
    if kind == "all":
        return Policy("all")
    if kind == "specific":
        return Policy("specific", versions=tuple(map(int, members["versions"])))
    raise ValueError(f"{kind!r} is not a version policy")
