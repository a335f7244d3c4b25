"""
The share is right, the pick is sticky, and a larger weight takes from others alone.

Chi-squared is compared with the value that a right share exceeds once in a thousand runs;
keys and seeds are fixed, so that it does not.
"""

import random
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.aliases.picking import at_random, draws, pick
from modelregistry.aliases.shares import Shares, beside, parse, shares
from modelregistry.errors import InvalidInput
from tests.support.shares import CRITICAL, chi_squared

from .test_shares import splits

COUNT = 100_000
SPLITS = [
    "1@90 2@10",
    "1@99.9 2@0.1",
    "1@60 2@30 3@10",
    "1@20 2@20 3@20 4@20 5@20",
    "7@33.33 9@66.67",
]

keys = st.text(max_size=20)


def numbers() -> Iterable[str]:
    return map(str, range(COUNT))


def uuids() -> Iterable[str]:
    source = random.Random(6)  # noqa: S311 - no secret
    return (str(uuid.UUID(int=source.getrandbits(128), version=4)) for _ in range(COUNT))


def addresses() -> Iterable[str]:
    return (f"user.{n}@customer-{n % 97}.example" for n in range(COUNT))


@pytest.mark.parametrize(
    ("known_by", "words"),
    [*((numbers, words) for words in SPLITS), (uuids, "7@33.33 9@66.67"), (addresses, SPLITS[2])],
)
def test_the_share_of_keys_is_right(known_by: Callable[[], Iterable[str]], words: str) -> None:
    split = parse(words.split())
    found = Counter(pick(split, "sample", "stable", key) for key in known_by())
    assert chi_squared(found, split) < CRITICAL[len(split) - 1]


@pytest.mark.parametrize("words", SPLITS)
def test_the_share_of_random_picks_is_right(words: str) -> None:
    split, source = parse(words.split()), random.Random(6)  # noqa: S311 - no secret
    found = Counter(at_random(split, source.random()) for _ in range(COUNT))
    assert chi_squared(found, split) < CRITICAL[len(split) - 1]


@pytest.mark.parametrize("words", ["1@70 2@29.5 3@0.5", "1@0 2@100", "1@0.01 2@99.99 3@0"])
def test_of_evenly_spread_numbers_each_gets_exactly_its_share(words: str) -> None:
    split = parse(words.split())
    found = Counter(at_random(split, (n + 0.5) / 10_000) for n in range(10_000))
    assert {s.version: int(s.weight * 100) for s in split if s.weight} == found


def test_the_largest_number_below_1_falls_to_somebody_with_a_share() -> None:
    assert 2 == at_random(parse(["1@0.1", "2@99.9", "3@0"]), 1 - 2**-53)


@given(splits(), keys, st.randoms())
def test_a_key_gets_the_same_version_in_whatever_order_they_are_written(
    split: Shares, key: str, source: random.Random
) -> None:
    turned = list(split)
    source.shuffle(turned)
    assert pick(split, "m", "a", key) == pick(tuple(turned), "m", "a", key)


@given(splits(), splits(), keys)
def test_nobody_moves_to_a_version_whose_weight_did_not_grow_relative_to_theirs(
    before: Shares, after: Shares, key: str
) -> None:
    old, new = pick(before, "m", "a", key), pick(after, "m", "a", key)
    if old != new:
        was, will = weights(before), weights(after)
        assert will[new] * was[old] > was[new] * will[old]


@given(splits(), st.integers(1, 9_000), st.integers(1, 9_000), keys)
def test_growing_a_canary_moves_nobody_but_to_it(
    over: Shares, one: int, other: int, key: str
) -> None:
    smaller, larger = sorted((Decimal(one) / 100, Decimal(other) / 100))
    try:
        before = pick(beside(over, 99, smaller), "m", "a", key)
        after = pick(beside(over, 99, larger), "m", "a", key)
    except InvalidInput:
        return
    if before == 99:
        assert 99 == after
    elif after not in {99, before}:
        # Only where rounding to 0.01 changed the others' proportions among themselves.
        was, will = weights(beside(over, 99, smaller)), weights(beside(over, 99, larger))
        assert will[after] * was[before] > was[after] * will[before]


def test_a_canary_that_grows_step_by_step_keeps_everybody_it_has() -> None:
    steps = [parse([f"1@{100 - weight}", f"2@{weight}"]) for weight in (1, 5, 10, 25, 50, 90, 99)]
    for key in map(str, range(2000)):
        got = [pick(step, "sample", "stable", key) for step in steps]
        assert all(before <= after for before, after in pairwise(got))


@given(splits(), keys)
def test_at_zero_percent_nobody_is_picked(split: Shares, key: str) -> None:
    none = shares([*((s.version, s.weight) for s in split), (99, 0)])
    assert pick(split, "m", "a", key) == pick(none, "m", "a", key)


@pytest.mark.parametrize("salts", [("sample", "other"), ("stable", "beta")])
def test_two_canaries_do_not_hit_the_same_people(salts: tuple[str, str]) -> None:
    split = parse(["1@90", "2@10"])
    places = [(salt, "stable") if "other" in salts else ("sample", salt) for salt in salts]
    found = Counter(
        tuple(pick(split, model, alias, key) for model, alias in places) for key in numbers()
    )
    rows = [sum(found[v, w] for w in (1, 2)) for v in (1, 2)]
    columns = [sum(found[v, w] for v in (1, 2)) for w in (1, 2)]
    independent = {(v, w): rows[v - 1] * columns[w - 1] / COUNT for v in (1, 2) for w in (1, 2)}
    chi = sum((found[cell] - e) ** 2 / e for cell, e in independent.items())
    assert chi < CRITICAL[1]


@given(splits(most=6, least=100), keys)
def test_the_cut_is_the_weight_from_which_on_a_version_gets_the_key(
    split: Shares, key: str
) -> None:
    for draw in draws(split, "m", "a", key):
        rest = tuple(share for share in split if share.version != draw.version)
        if not rest:
            assert draw.cut == 0
            continue
        for weight, gets in ((draw.cut - 0.5, False), (draw.cut + 0.5, True)):
            if 0 < weight < 100:
                given_ = Decimal(weight).quantize(Decimal("0.01"))
                try:
                    there = beside(split, draw.version, given_)
                except InvalidInput:
                    continue
                # Rounding the others to 0.01 moves the cut by less than half a percent.
                assert gets == (draw.version == pick(there, "m", "a", key))


@given(splits(), keys)
def test_the_draws_tell_what_is_picked(split: Shares, key: str) -> None:
    found = draws(split, "m", "a", key)
    assert tuple(draw.version for draw in found) == tuple(share.version for share in split)
    assert all(0 < draw.hash < 1 for draw in found)
    (picked,) = (draw for draw in found if draw.version == pick(split, "m", "a", key))
    assert picked.cut <= float(picked.weight) + 1e-9


# Nobody may ever change what a key draws: that would move everybody at once.
GOLDEN = [
    ("sample", "stable", "42"),
    ("sample", "stable", ""),
    ("sample", "beta", "42"),
    ("other", "stable", "42"),
    ("sample", "stable", "käthe@example.org"),
    ("sample", "stable", "\udcff"),
]


def test_a_key_draws_for_ever_what_it_drew_first() -> None:
    expected = [
        "0.475920689200 0.286280277352 0.405520140526 1",
        "0.490655998890 0.436290108217 0.599039194968 1",
        "0.887132855649 0.106402155729 0.577813130943 1",
        "0.360379207696 0.938568635251 0.612028443924 2",
        "0.367757658584 0.464462755011 0.062792999161 1",
        "0.390659028177 0.060662839672 0.673563032442 1",
    ]
    split = parse(["1@50", "2@30", "10@20"])
    told = [
        " ".join([*(f"{d.hash:.12f}" for d in draws(split, *key)), str(pick(split, *key))])
        for key in GOLDEN
    ]
    assert expected == told


def test_another_process_picks_the_same() -> None:
    program = (
        "from modelregistry.aliases.picking import pick\n"
        "from modelregistry.aliases.shares import parse\n"
        "split = parse(['1@50', '2@30', '3@20'])\n"
        "print(*(pick(split, 'sample', 'stable', str(n)) for n in range(500)))\n"
    )
    split = parse(["1@50", "2@30", "3@20"])
    here = " ".join(str(pick(split, "sample", "stable", str(n))) for n in range(500))
    for seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert here == there.stdout.strip()


def weights(split: Shares) -> Counter[int]:
    """In hundredths of a percent."""
    return Counter({share.version: int(share.weight * 100) for share in split})
