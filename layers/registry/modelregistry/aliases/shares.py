"""
Percentages over versions: what a route, or what a rule leads to, is made of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from ..errors import InvalidInput
from ..names import version_number

WHOLE = Decimal(100)
FINEST = Decimal("0.01")


@dataclass(frozen=True, order=True)
class Share:
    """One version's part of a route: `weight` percent, 0 to 100, to 0.01."""

    version: int
    weight: Decimal


Shares = tuple[Share, ...]  # by version, each once, their weights adding up to 100


def shares(pairs: Iterable[tuple[int, Decimal | int]]) -> Shares:
    """The shares of `(version, weight)` pairs. Raises InvalidInput if they are none."""
    found = tuple(sorted(Share(version, weight_of(weight)) for version, weight in pairs))
    for share, following in pairwise(found):
        if share.version == following.version:
            raise InvalidInput(
                f"version {share.version} has two weights, a version can have only one weight",
                hint="write each version once, with its percentage behind it: 1@90 2@10",
            )
    total = sum((share.weight for share in found), Decimal(0))
    if total != WHOLE:
        raise InvalidInput(
            f"the weights add up to {number(total)}, not 100",
            hint="write every version with its percentage: 1@90 2@10",
        )
    return found


def parse(words: Iterable[str]) -> Shares:
    """Read `VERSION` or `VERSION@WEIGHT ...` as typed. Raises InvalidInput."""
    return shares(_share(word) for word in words)


def text(found: Shares) -> str:
    """
    As `parse` reads them.

    >>> text(parse(["2@0.5", "1@99.5"]))
    '1@99.5 2@0.5'
    """
    if len(found) == 1:
        return str(found[0].version)
    return " ".join(f"{share.version}@{number(share.weight)}" for share in found)


def heaviest(found: Shares) -> int:
    """The version with the largest weight; of equals the lowest, which was there before."""
    return min(found, key=lambda share: (-share.weight, share.version)).version


def answering(found: Shares) -> frozenset[int]:
    """The versions that get requests: one at 0 % gets none."""
    return frozenset(share.version for share in found if share.weight > 0)


def beside(found: Shares, version: int, weight: Decimal | int) -> Shares:
    """
    `found` made smaller in proportion, so that `version` gets `weight` percent beside it.

    What rounding to 0.01 leaves over goes to the largest remainders. Raises InvalidInput
    where a version would be left with nothing.

    >>> text(beside(parse(["1@60", "2@40"]), 3, 10))
    '1@54 2@36 3@10'
    """
    given = weight_of(weight)
    rest = [share for share in found if share.version != version]
    total = sum((share.weight for share in rest), Decimal(0))
    exact = {s.version: s.weight * (WHOLE - given) / total for s in rest}
    rounded = {v: part.quantize(FINEST, ROUND_FLOOR) for v, part in exact.items()}
    over = int((WHOLE - given - sum(rounded.values(), Decimal(0))) / FINEST)
    for v in sorted(exact, key=lambda v: (rounded[v] - exact[v], v))[:over]:
        rounded[v] += FINEST
    for share in rest:
        if share.weight > 0 and not rounded[share.version]:
            raise InvalidInput(
                f"beside {number(given)} % for version {version} less than 0.01 % is left for"
                f" version {share.version}",
                hint="write all weights yourself: deploy split MODEL 1@90 2@10",
            )
    return shares([*rounded.items(), (version, given)])


def number(value: Decimal) -> int | float:
    """A weight as JSON has it: `10`, `0.5`."""
    return int(value) if value == value.to_integral_value() else float(value)


def weight_of(value: Decimal | int) -> Decimal:
    """`value` if it can be a weight. Raises InvalidInput."""
    weight = Decimal(value)
    if not weight.is_finite() or not 0 <= weight <= WHOLE or weight != weight.quantize(FINEST):
        raise _no_weight(value)
    return weight.normalize()


def parse_weight(word: str) -> Decimal:
    """Read a percentage as typed: `10`, `0.5`. Raises InvalidInput."""
    try:
        return weight_of(Decimal(word))
    except InvalidOperation:
        raise _no_weight(repr(word)) from None


def to_json(found: Shares) -> list[dict[str, Any]]:
    return [{"version": share.version, "weight": number(share.weight)} for share in found]


def from_json(documents: Iterable[Mapping[str, Any]]) -> Shares:
    """Read what `to_json` wrote. Raises KeyError, TypeError, ValueError or InvalidInput."""
    return shares((int(d["version"]), Decimal(str(d["weight"]))) for d in documents)


def _no_weight(shown: object) -> InvalidInput:
    return InvalidInput(
        f"{shown} is not a weight", hint="weights are percentages from 0 to 100, to 0.01"
    )


def _share(word: str) -> tuple[int, Decimal]:
    version, _, weight = word.partition("@")
    try:
        return version_number(version), Decimal(weight) if "@" in word else WHOLE
    except InvalidOperation:
        raise InvalidInput(f"{weight!r} in {word!r} is not a weight", hint="write 2@10") from None
