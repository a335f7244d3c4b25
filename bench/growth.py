"""
What resolving, promoting and listing cost when a registry has grown ten thousandfold.

On disk (SQLite and directories) they are timed, at 100,000 revisions, versions, deleted
versions or models beside 10, in turn. A list is linear at best, and so is the status of an
alias that nobody has moved since: they are timed per entry, beside 1,000 of them.

On AWS requests, and the bytes of DynamoDB's answers, are counted and not timed: moto itself
takes longer the more it holds. A table has 100,000 items there, a bucket 1,000 versions.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from modelcli.standing import standing
from modelregistry.names import ModelId
from modelregistry.registry import Registry

from .counted import Counted, in_aws
from .endpoints import Aws, aws
from .grown import KINDS, MODEL, Grown, of_one_promotion, of_versions, on_disk
from .report import Row

FEW, SOME, MANY = 10, 1_000, 100_000
# What two measurements of the same thing may differ by.
_FLAT = 1.25
_CALLS, _COMMITS, _LISTS = 300, 60, 3

Act = Callable[[], object]


def rows(quick: bool) -> list[Row]:
    """A quick run goes to 1,000, and leaves AWS out."""
    found = [row for kind in KINDS for row in _on_disk(kind, SOME if quick else MANY)]
    if not quick:
        found.append(_standing())
        with aws() as made:
            found += [row for kind in KINDS for row in _in_dynamodb(kind, made)]
            found += _in_s3(made)
    return found


def _on_disk(kind: str, many: int) -> list[Row]:
    with _opened(*map(KINDS[kind], (many, FEW, SOME))) as (large, small, middle):
        pairs = [cycle(KINDS[kind](count).pair) for count in (many, FEW)]

        def row(what: str, times: int, here: Act, other: Act) -> Row:
            figure = f"{what}, {many:,} {kind}"
            return Row(figure, "us", f"{FEW}", *_in_turn(times, here, other), _FLAT)

        found = [
            row("resolve", _CALLS, lambda: large.resolve(MODEL), lambda: small.resolve(MODEL)),
            row(
                "promote",
                _COMMITS,
                lambda: _promote(large, next(pairs[0])),
                lambda: _promote(small, next(pairs[1])),
            ),
        ]
        if kind == "revisions":
            found += [
                row("the last ten", _CALLS, lambda: _history(large), lambda: _history(small)),
                row("name the models", _CALLS, large.models, small.models),
                row(
                    "status of an alias that moves",
                    _CALLS,
                    lambda: standing(large, MODEL),
                    lambda: standing(small, MODEL),
                ),
            ]
        if kind in {"versions", "models"} and many != SOME:
            found.append(_list(kind, large, middle))
    return found


def _standing() -> Row:
    """The worst case of a status, whose log is read to its beginning."""
    with _opened(of_one_promotion(MANY), of_one_promotion(SOME)) as (large, middle):
        return _each(
            f"status, an alias unmoved in {MANY:,} revisions, each",
            lambda: standing(large, MODEL),
            lambda: standing(middle, MODEL),
        )


def _list(kind: str, large: Registry, middle: Registry) -> Row:
    def listing(registry: Registry) -> Act:
        return registry.models if kind == "models" else partial(registry.versions, MODEL)

    return _each(f"list {MANY:,} {kind}, each", listing(large), listing(middle))


def _each(figure: str, many: Act, some: Act) -> Row:
    """The time of each of `MANY` beside that of each of `SOME`."""
    here, other = _in_turn(_LISTS, many, some)
    return Row(
        figure,
        "us",
        f"{SOME:,}",
        tuple(seconds / MANY for seconds in here),
        tuple(seconds / SOME for seconds in other),
        _FLAT,
    )


def _in_dynamodb(kind: str, made: Aws) -> list[Row]:
    """Requests to DynamoDB, and the bytes of their answers, as a resolve and a promote need."""
    counts = {}
    for count in (FEW, MANY):
        grown = KINDS[kind](count)
        registry, counted = in_aws(made, f"{kind.replace(' ', '-')}-{count}", grown)
        counts[count] = (
            counted.by(partial(registry.resolve, MODEL)),
            counted.by(partial(_promote, registry, _other(registry, grown.pair))),
        )
    found = []
    for what, here, other in zip(("resolve", "promote"), counts[MANY], counts[FEW], strict=True):
        figure = f"{what} on AWS, {MANY:,} {kind}"
        asked = (float(here.requests),), (float(other.requests),)
        answered = (float(here.bytes),), (float(other.bytes),)
        found += [
            Row(f"{figure}: requests", "", f"{FEW}", *asked, 1),
            Row(f"{figure}: answers", "bytes", f"{FEW}", *answered, _FLAT),
        ]
    return found


def _in_s3(made: Aws) -> list[Row]:
    def asked(count: int) -> list[Counted]:
        grown = of_versions(count)
        registry, counted = in_aws(made, f"stored-{count}", grown, stored=True)
        acts: list[Act] = [
            lambda: _promote(registry, grown.pair[1]),
            lambda: registry.versions(MODEL),
            lambda: registry.versions(MODEL),
        ]
        return [counted.by(act) for act in acts]

    names = ("promote", "list at first", "list again")
    return [
        Row(
            f"{name} on AWS, {SOME:,} versions in S3: requests",
            "",
            f"{FEW}",
            (float(here.requests),),
            (float(other.requests),),
            None if name == "list at first" else 1,
        )
        for name, here, other in zip(names, asked(SOME), asked(FEW), strict=True)
    ]


def _promote(registry: Registry, version: int) -> None:
    proposal = registry.propose_promote(ModelId(MODEL, version), "stable")
    registry.commit(proposal)


def _other(registry: Registry, pair: tuple[int, int]) -> int:
    """The one of `pair` that is not in place."""
    return pair[registry.resolve(MODEL).version == pair[0]]


def _history(registry: Registry) -> list[object]:
    return list(islice(registry.history(MODEL), 10))


def _in_turn(times: int, here: Act, other: Act) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The seconds of each, after one that does not count."""
    here()
    other()
    pairs = [(_seconds(here), _seconds(other)) for _ in range(times)]
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)


def _seconds(act: Act) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


@contextmanager
def _opened(*grown: Grown) -> Iterator[list[Registry]]:
    with tempfile.TemporaryDirectory() as place:
        made = [on_disk(one, Path(place, str(n))) for n, one in enumerate(grown)]
        yield made
        for registry in made:
            registry.aliases.close()
