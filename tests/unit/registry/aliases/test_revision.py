"""A revision is read back equal, fits into a table's item, and damage to it is seen."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases.caller import attribute
from modelregistry.aliases.numbers import Numbers
from modelregistry.aliases.revision import MAX_BYTES, Change, Revision, as_json, decode, encode
from modelregistry.aliases.rules import parse_condition, rule
from modelregistry.aliases.state import Alias, Canary, Policy, State, route
from modelregistry.errors import Damaged, Refused
from tests.fakes import EPOCH

from .test_state import states

changes = st.builds(
    Change,
    st.uuids().map(str),
    st.sampled_from(["promote", "rollback"]),
    st.text(),
    st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - see timezones
    st.text(),
)
revisions = st.builds(Revision, st.just("m"), st.integers(1, 10**12), states, changes)

STATE = State(
    MappingProxyType({"stable": route([(1, 90), (2, 10)])}),
    policy=Policy("latest"),
    retired=Numbers.of([3]),
)
REVISION = Revision("m", 12, STATE, Change("1", "promote", "ann@laptop", EPOCH, "why not"))


@given(revisions)
def test_a_revision_is_read_back_equal(revision: Revision) -> None:
    assert decode(encode(revision), "it") == revision


def test_what_did_not_change_since_the_last_look_is_not_read_again() -> None:
    """A hundred rules take a millisecond and more, on the way of a request."""
    text = encode(Revision("m", 1, State(), Change("1", "test", "ann", EPOCH)))
    assert decode(text, "here") is decode("".join(list(text)), "here")


def test_a_revision_holds_the_whole_state_and_the_change() -> None:
    assert as_json(REVISION) == {
        "schema": 1,
        "model": "m",
        "revision": 12,
        "aliases": {
            "stable": {
                "routes": [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}],
                "rules": [],
            }
        },
        "default": "stable",
        "policy": {"latest": {"num_versions": 1}},
        "acted_on": [],
        "retired": [3],
        "change": {
            "id": "1",
            "action": "promote",
            "by": "ann@laptop",
            "at": "2026-11-22T09:30:00.000000Z",
            "message": "why not",
        },
    }


def with_message(message: str) -> Revision:
    return Revision("m", 1, State(), Change("1", "promote", "ann", EPOCH, message))


@pytest.mark.parametrize("letter", ["x", "é", "😀", '"'])
def test_the_limit_counts_bytes_not_letters(letter: str) -> None:
    empty = len(encode(with_message("")))
    width = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    fits = (MAX_BYTES - empty) // width
    assert len(encode(with_message(letter * fits)).encode()) <= MAX_BYTES
    with pytest.raises(Refused, match="more than the 407,552 of one table item") as caught:
        encode(with_message(letter * (fits + 1)))
    assert "shorten the message" in caught.value.hint


def change(at: list[str | int], value: object) -> Callable[[dict[str, Any]], None]:
    def apply(document: Any) -> None:  # noqa: ANN401 - JSON
        *way, last = at
        for step in way:
            document = document[step]
        document[last] = value

    return apply


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (["model"], "../m"),
        (["revision"], "x"),
        (["revision"], float("inf")),
        (["aliases"], []),
        (["aliases", "stable", "routes", 0, "weight"], 91),
        (["aliases", "stable", "routes", 0, "weight"], "much"),
        (["aliases", "stable", "routes", 0, "weight"], float("nan")),
        (["aliases", "stable", "rules"], [{"if": "later"}]),
        (["default"], None),
        (["policy"], {"newest": {}}),
        (["retired"], None),
        (["change"], None),
        (["change", "at"], "yesterday"),
    ],
)
def test_a_changed_revision_is_damaged(at: list[str | int], value: object) -> None:
    document = as_json(REVISION)
    change(at, value)(document)
    with pytest.raises(Damaged, match="revision 12 of m is not a revision"):
        decode(json.dumps(document), "revision 12 of m")


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "x", "1", '"x"', "[" * 100_000])
def test_other_text_is_no_revision(text: str) -> None:
    with pytest.raises(Damaged):
        decode(text, "it")


def test_a_newer_schema_asks_for_an_upgrade() -> None:
    with pytest.raises(Damaged, match="schema 4, this version reads up to 3") as caught:
        decode(json.dumps(as_json(REVISION) | {"schema": 4}), "it")
    assert "upgrade" in caught.value.hint


def test_a_hundred_thousand_deleted_versions_in_a_row_take_no_room() -> None:
    after = replace(REVISION, state=State(retired=Numbers.of(range(1, 100_001))))
    text = encode(after)
    assert len(text) < 1000
    assert json.loads(text)["schema"] == 2
    assert decode(text, "it") == after


def test_a_state_without_runs_is_what_the_first_version_reads() -> None:
    assert json.loads(encode(REVISION)) == as_json(REVISION)


def plainly(alias: Alias, **members: Any) -> Revision:  # noqa: ANN401 - a state's
    return replace(REVISION, state=State(MappingProxyType({"stable": alias}), **members))


SPLIT = route([(1, 90), (2, 10)])


def test_a_canary_is_written_so_that_earlier_readers_serve_it() -> None:
    after = plainly(replace(SPLIT, canary=Canary(2, route([(1, 100)]).routes)))
    assert json.loads(encode(after))["schema"] == 1
    assert decode(encode(after), "it") == after


@pytest.mark.parametrize(
    "alias",
    [
        replace(SPLIT, rules=(rule([parse_condition("x-tier=gold")], SPLIT.routes),)),
        replace(SPLIT, key=attribute("cookie:uid")),
        replace(SPLIT, override=True),
    ],
    ids=["rules", "key", "override"],
)
def test_what_earlier_readers_would_serve_otherwise_they_refuse(alias: Alias) -> None:
    after = plainly(alias)
    assert as_json(after)["schema"] == json.loads(encode(after))["schema"] == 3
    assert decode(encode(after), "it") == after


def test_a_pinned_model_is_refused_by_earlier_readers_with_runs_of_numbers_too() -> None:
    after = plainly(SPLIT, pinned="routed", retired=Numbers.of(range(3, 5000)))
    assert json.loads(encode(after))["schema"] == 3
    assert decode(encode(after), "it") == after


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (["pinned"], "never"),
        (["aliases", "stable", "key"], {"header": "x a"}),
        (["aliases", "stable", "key"], {}),
        (["aliases", "stable", "canary"], {"version": 2}),
        (["aliases", "stable", "rules"], [{"when": [], "routes": []}]),
    ],
)
def test_what_nobody_could_have_written_is_damaged(at: list[str | int], value: object) -> None:
    document = as_json(plainly(replace(SPLIT, override=True)))
    change(at, value)(document)
    with pytest.raises(Damaged, match="it is not a revision"):
        decode(json.dumps(document), "it")
