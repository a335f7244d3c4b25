"""
Prometheus' text format, version 0.0.4: counters, gauges and histograms by their labels.

A writer of our own: prometheus_client gives every counter a name that ends in `_total`,
and TensorFlow Serving's do not.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Values = tuple[str, ...]  # one for each of a family's labels, in their order


class Counter:
    """Numbers that only grow, by label values. Not thread-safe, like all in here."""

    def __init__(self, name: str, about: str, *labels: str) -> None:
        self._head = name, "counter", about
        self._labels = labels
        self._numbers: dict[Values, float] = {}

    def add(self, values: Values, by: float = 1) -> None:
        self._numbers[values] = self._numbers.get(values, 0) + by

    def forget(self, beginning: Values) -> None:
        """Every number whose label values begin so."""
        size = len(beginning)
        for values in [values for values in self._numbers if values[:size] == beginning]:
            del self._numbers[values]

    def copy(self) -> "Counter":
        """As it is now: what is written while others go on counting."""
        copy = Counter(self._head[0], self._head[2], *self._labels)
        copy._numbers = dict(self._numbers)
        return copy

    def lines(self) -> Iterator[str]:
        return _simple(self._head, self._labels, self._numbers)


class Histogram:
    """How many observations were at most each of `bounds`, how many there were, and their sum."""

    def __init__(self, name: str, about: str, *labels: str, bounds: Sequence[float]) -> None:
        self._name, self._about = name, about
        self._labels = labels
        self._bounds = bounds
        self._counts: dict[Values, list[int]] = {}
        self._sums: dict[Values, float] = {}

    def observe(self, values: Values, number: float) -> None:
        counts = self._counts.get(values)
        if counts is None:
            counts = self._counts[values] = [0] * (len(self._bounds) + 1)
            self._sums[values] = 0
        counts[bisect_left(self._bounds, number)] += 1
        self._sums[values] += number

    def copy(self) -> "Histogram":
        copy = Histogram(self._name, self._about, *self._labels, bounds=self._bounds)
        copy._counts = {values: list(counts) for values, counts in self._counts.items()}
        copy._sums = dict(self._sums)
        return copy

    def lines(self) -> Iterator[str]:
        yield from _header(self._name, "histogram", self._about)
        limits = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        for values, counts in sorted(self._counts.items()):
            labels = _pairs(self._labels, values)
            for limit, count in zip(limits, accumulate(counts), strict=True):
                bucket = ",".join([*labels, f'le="{limit}"'])
                yield f"{self._name}_bucket{{{bucket}}} {count}"
            shown = ",".join(labels)
            yield f"{self._name}_sum{{{shown}}} {_number(self._sums[values])}"
            yield f"{self._name}_count{{{shown}}} {sum(counts)}"


class Gauge:
    """What is the case at this moment, by label values."""

    def __init__(
        self, name: str, about: str, labels: Sequence[str], numbers: Mapping[Values, float]
    ) -> None:
        self._head = name, "gauge", about
        self._labels = labels
        self._numbers = numbers

    def lines(self) -> Iterator[str]:
        return _simple(self._head, self._labels, self._numbers)


def page(families: Iterable[Counter | Histogram | Gauge]) -> bytes:
    """The document that Prometheus reads."""
    lines = [line for family in families for line in family.lines()]
    return "".join(f"{line}\n" for line in lines).encode()


def exponential(first: float, growth: float, count: int) -> list[float]:
    """The bounds of `count` buckets, each `growth` times as wide: TensorFlow's `Exponential`."""
    return list(accumulate(range(count - 1), lambda bound, _: bound * growth, initial=first))


def _simple(
    head: tuple[str, str, str], labels: Sequence[str], numbers: Mapping[Values, float]
) -> Iterator[str]:
    yield from _header(*head)
    for values, number in sorted(numbers.items()):
        yield f"{head[0]}{{{','.join(_pairs(labels, values))}}} {_number(number)}"


def _header(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _pairs(labels: Sequence[str], values: Values) -> list[str]:
    return [f'{name}="{_escaped(value)}"' for name, value in zip(labels, values, strict=True)]


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(number)
