"""
Rules that send some callers elsewhere: `x-tier=gold → 2`.

They are asked in order and the first that matches decides. What can be told about them
without a request is told when they are written: a rule that can never match is refused.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from ..errors import InvalidInput
from . import shares
from .caller import Attribute, Caller, attribute, of_kind
from .shares import Shares

MOST_RULES = 100
_MOST_VALUES = 100
_LONGEST_VALUE = 256
# Combinations of values that are looked at to tell whether earlier rules leave any over.
_MOST_CASES = 1000
_ONE_OF = re.compile(r"(?P<attribute>[^\s=]+)\s+in\s+(?P<values>.*)", re.DOTALL)
_COMPARED = re.compile(r"(?P<attribute>[^=]*?)\s*(?P<how>\^?=)(?P<value>.*)", re.DOTALL)
# A field value of RFC 9110, as far as it is ASCII, which is all that arrives unharmed.
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~\t]*[!-~])?|")
_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")
_SAYABLE = {
    "header": "printable ASCII, without spaces around it",
    "cookie": 'printable ASCII, without spaces and any of ",;\\',
}
_HINT = "write NAME=VALUE, NAME^=BEGINNING or 'NAME in VALUE,VALUE'; NAME as in query:NAME"


@dataclass(frozen=True, order=True)
class Condition:
    """
    What a caller has to say: one of `values` at `attribute`, or with `prefix` something
    that begins with the only one. Values are compared as they are; case counts.
    """

    attribute: Attribute
    values: tuple[str, ...]
    prefix: bool = False

    def matches(self, caller: Caller) -> bool:
        said = caller.value(self.attribute)
        return said is not None and self.takes(said)

    def takes(self, said: str) -> bool:
        return said.startswith(self.values[0]) if self.prefix else said in self.values

    def __str__(self) -> str:
        if self.prefix:
            return f"{self.attribute}^={self.values[0]}"
        if len(self.values) == 1:
            return f"{self.attribute}={self.values[0]}"
        return f"{self.attribute} in {','.join(self.values)}"


@dataclass(frozen=True)
class Rule:
    """Whoever meets every condition of `when` is answered by `routes`."""

    when: tuple[Condition, ...]
    routes: Shares

    def matches(self, caller: Caller) -> bool:
        return all(condition.matches(caller) for condition in self.when)

    def __str__(self) -> str:
        return f"{conditions_text(self.when)} → {shares.text(self.routes)}"


def conditions_text(when: Iterable[Condition]) -> str:
    return " and ".join(map(str, when))


def parse_condition(text: str) -> Condition:
    """
    Read `NAME=VALUE`, `NAME^=BEGINNING` or `NAME in VALUE,VALUE`. Raises InvalidInput.

    >>> str(parse_condition("X-Tier in gold, silver"))
    'x-tier in gold,silver'
    """
    if found := _ONE_OF.fullmatch(text):
        values = tuple(value.strip() for value in found["values"].split(","))
        if not all(values):
            raise InvalidInput(f"{text!r} lists an empty value", hint=_HINT)
        return condition(attribute(found["attribute"]), values)
    if found := _COMPARED.fullmatch(text):
        name, value = found["attribute"].strip(), found["value"]
        _must_compare(text, name, value)
        return condition(attribute(name), (value,), prefix=found["how"] == "^=")
    raise InvalidInput(f"{text!r} is not a condition", hint=_HINT)


def _must_compare(text: str, name: str, value: str) -> None:
    """
    `x-tier!=gold` would be a header `x-tier!`, and `x-tier==gold` the value `=gold`: both
    can be said, and neither is meant.
    """
    if name.endswith("!"):
        raise InvalidInput(
            f"{text!r}: there is no 'is not'",
            hint="put a rule for those that are before it, with --at",
        )
    if name.endswith(tuple("~<>$*|")) or value.startswith("="):
        raise InvalidInput(f"{text!r} compares in a way that there is not", hint=_HINT)


def condition(named: Attribute, values: Sequence[str], *, prefix: bool = False) -> Condition:
    """
    The condition, its values each once and in order.

    Raises InvalidInput where there is nothing to compare with, or no request can say it.
    """
    several = tuple(sorted(set(values)))
    if not several or len(several) > _MOST_VALUES:
        raise InvalidInput(f"a condition has 1 to {_MOST_VALUES} values, not {len(several)}")
    for value in several:
        _must_be_sayable(named, value)
        if len(several) > 1 and ("," in value or not value):
            raise InvalidInput(f"{value!r} cannot be one of several values of {named}", hint=_HINT)
    return Condition(named, several, prefix)


def rule(when: Iterable[Condition], routes: Shares) -> Rule:
    """The rule. Raises InvalidInput where its conditions exclude one another."""
    conditions = tuple(sorted(set(when)))
    if not conditions:
        raise InvalidInput("a rule needs a condition", hint=_HINT)
    if not all(_narrowed(conditions).values()):
        raise InvalidInput(
            f"{conditions_text(conditions)!r} can never match: no request says all of it"
        )
    return Rule(conditions, routes)


def must_each_match(rules: Sequence[Rule]) -> None:
    """Raise InvalidInput, naming it, if there is a rule whose callers others take before it."""
    if len(rules) > MOST_RULES:
        raise InvalidInput(f"an alias can have {MOST_RULES} rules, not {len(rules)}")
    for at, one in enumerate(rules):
        before = rules[:at]
        cases = _cases(one.when)
        if all(any(_covers(earlier, case) for earlier in before) for case in cases):
            taken = next(e for e in before if any(_covers(e, case) for case in cases))
            raise InvalidInput(
                f"rule {at + 1}, {conditions_text(one.when)!r}, can never match: rule"
                f" {rules.index(taken) + 1}, {conditions_text(taken.when)!r}, comes first",
                hint="put it before that one with --at, or take that one away: deploy unroute",
            )


def to_json(one: Rule) -> dict[str, Any]:
    return {
        "when": [_condition_to_json(condition) for condition in one.when],
        "routes": shares.to_json(one.routes),
    }


def from_json(document: Mapping[str, Any]) -> Rule:
    """Read what `to_json` wrote. Raises KeyError, TypeError, ValueError or InvalidInput."""
    when = [_condition_from_json(condition) for condition in document["when"]]
    return rule(when, shares.from_json(document["routes"]))


def _cases(when: Sequence[Condition]) -> list[dict[Attribute, Condition]]:
    """What meets all of `when`, taken apart: for each attribute one value, or a beginning."""
    narrowed = _narrowed(when)
    if prod(len(choices) for choices in narrowed.values()) > _MOST_CASES:
        raise InvalidInput(
            f"{conditions_text(when)!r} has too many combinations of values, the limit is"
            f" {_MOST_CASES}",
            hint="write several rules",
        )
    return [dict(zip(narrowed, case, strict=True)) for case in product(*narrowed.values())]


def _narrowed(when: Sequence[Condition]) -> dict[Attribute, list[Condition]]:
    """What meets all of `when`, by attribute; nothing does if one of the lists is empty."""
    by_attribute: dict[Attribute, list[Condition]] = {}
    for condition in when:
        by_attribute.setdefault(condition.attribute, []).append(condition)
    return {named: _together(named, about) for named, about in by_attribute.items()}


def _together(named: Attribute, about: Sequence[Condition]) -> list[Condition]:
    """What meets all of `about`, which are conditions for `named`."""
    listed = [condition for condition in about if not condition.prefix]
    if listed:
        return [
            Condition(named, (value,))
            for value in listed[0].values
            if all(condition.takes(value) for condition in about)
        ]
    longest = max(about, key=lambda condition: len(condition.values[0]))
    fits = all(condition.takes(longest.values[0]) for condition in about)
    return [longest] if fits else []


def _covers(earlier: Rule, case: Mapping[Attribute, Condition]) -> bool:
    """
    Whether `earlier` takes everything in `case`. What it asks of further attributes not
    every request says, and of a beginning there are more values than it can list.
    """
    for condition in earlier.when:
        asked = case.get(condition.attribute)
        if asked is None or (asked.prefix and not condition.prefix):
            return False
        if not condition.takes(asked.values[0]):
            return False
    return True


def _must_be_sayable(named: Attribute, value: str) -> None:
    shape = {"header": _HEADER_VALUE, "cookie": _COOKIE_VALUE}.get(named.kind)
    fits = bool(shape.fullmatch(value)) if shape else value.isprintable()
    if not fits:
        raise InvalidInput(
            f"{value[:_LONGEST_VALUE]!r} can never match: no request says that in {named}",
            hint=_SAYABLE.get(named.kind, "printable characters"),
        )
    if len(value) > _LONGEST_VALUE:
        raise InvalidInput(f"a value has {_LONGEST_VALUE} characters at most, not {len(value)}")


def _condition_to_json(one: Condition) -> dict[str, Any]:
    how = {"prefix": one.values[0]} if one.prefix else {"in": list(one.values)}
    return {one.attribute.kind: one.attribute.name, **how}


def _condition_from_json(document: Mapping[str, Any]) -> Condition:
    ((kind, name),) = ((k, v) for k, v in document.items() if k not in ("prefix", "in"))
    named = of_kind(kind, name)
    if "prefix" in document:
        return condition(named, [str(document["prefix"])], prefix=True)
    return condition(named, [str(value) for value in document["in"]])
