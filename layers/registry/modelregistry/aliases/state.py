"""
What one revision says about a model: its whole alias map, and what guards it.

All values are immutable; `changes` makes new ones out of old ones.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Literal

from ..errors import InvalidInput
from ..names import DEFAULT_ALIAS, alias_name, default_name, version_number
from . import numbers
from .numbers import Numbers

WHOLE = Decimal(100)
_FINEST = Decimal("0.01")


@dataclass(frozen=True, order=True)
class Share:
    """One version's part of a route: `weight` percent, 0 to 100, to 0.01."""

    version: int
    weight: Decimal


@dataclass(frozen=True)
class Alias:
    """
    Where an alias points: shares by version, their weights adding up to 100.

    Rules that send some callers elsewhere will stand beside the routes; until
    they are routed, a revision that has some is refused rather than misread.
    """

    routes: tuple[Share, ...]

    def versions(self) -> frozenset[int]:
        return frozenset(share.version for share in self.routes)

    def __str__(self) -> str:
        if len(self.routes) == 1:
            return str(self.routes[0].version)
        return " ".join(f"{share.version}@{number(share.weight)}" for share in self.routes)


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
    """

    aliases: Mapping[str, Alias] = field(default_factory=lambda: MappingProxyType({}))
    default: str = DEFAULT_ALIAS
    policy: Policy | None = None
    acted_on: Numbers = Numbers()  # noqa: RUF009 - a frozen value
    retired: Numbers = Numbers()  # noqa: RUF009

    def versions(self) -> frozenset[int]:
        """Every version that some alias uses."""
        return frozenset().union(*(alias.versions() for alias in self.aliases.values()))


def route(shares: Iterable[tuple[int, Decimal | int]]) -> Alias:
    """
    An alias over `(version, weight)` pairs. Raises InvalidInput if they are not one.

    >>> str(route([(2, 10), (1, 90)]))
    '1@90 2@10'
    """
    routes = tuple(sorted(Share(version, _weight(weight)) for version, weight in shares))
    if len({share.version for share in routes}) != len(routes):
        raise InvalidInput("a version can have only one weight in a route")
    total = sum((share.weight for share in routes), Decimal(0))
    if total != WHOLE:
        raise InvalidInput(
            f"the weights add up to {number(total)}, not 100",
            hint="write every version with its percentage: 1@90 2@10",
        )
    return Alias(routes)


def parse_shares(words: Iterable[str]) -> Alias:
    """
    Read `VERSION` or `VERSION@WEIGHT ...` as typed. Raises InvalidInput.

    >>> str(parse_shares(["1@99.5", "2@0.5"]))
    '1@99.5 2@0.5'
    """
    return route(_share(word) for word in words)


def number(value: Decimal) -> int | float:
    """A weight as JSON has it: `10`, `0.5`."""
    return int(value) if value == value.to_integral_value() else float(value)


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
    )


def alias_to_json(alias: Alias) -> dict[str, Any]:
    return {
        "routes": [{"version": s.version, "weight": number(s.weight)} for s in alias.routes],
        "rules": [],
    }


def policy_to_json(policy: Policy) -> dict[str, Any]:
    """TensorFlow Serving's form: `{"latest": {"num_versions": 1}}`."""
    members: dict[str, dict[str, Any]] = {
        "latest": {"num_versions": policy.num_versions},
        "all": {},
        "specific": {"versions": list(policy.versions)},
    }
    return {policy.kind: members[policy.kind]}


def _alias(document: Mapping[str, Any]) -> Alias:
    if document["rules"]:
        raise ValueError("it has rules, which a newer lambda-serving wrote")
    return route((int(s["version"]), Decimal(str(s["weight"]))) for s in document["routes"])


def _policy(document: Mapping[str, Any]) -> Policy:
    ((kind, members),) = document.items()
    if kind == "latest":
        return Policy("latest", num_versions=int(members["num_versions"]))
    if kind == "all":
        return Policy("all")
    if kind == "specific":
        return Policy("specific", versions=tuple(map(int, members["versions"])))
    raise ValueError(f"{kind!r} is not a version policy")


def _share(word: str) -> tuple[int, Decimal]:
    version, _, weight = word.partition("@")
    try:
        return version_number(version), Decimal(weight) if "@" in word else WHOLE
    except InvalidOperation:
        raise InvalidInput(f"{weight!r} in {word!r} is not a weight", hint="write 2@10") from None


def _weight(value: Decimal | int) -> Decimal:
    weight = Decimal(value)
    if not weight.is_finite() or not 0 <= weight <= WHOLE or weight != weight.quantize(_FINEST):
        raise InvalidInput(
            f"{value} is not a weight", hint="weights are percentages from 0 to 100, to 0.01"
        )
    return weight.normalize()
