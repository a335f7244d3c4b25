"""
A set of version numbers that takes no more room than it has gaps.

Every revision says which numbers were deleted, since the beginning, and every look at
the table reads it: trained hourly and cleaned up, a model would soon fill its item.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

# From so many in a row on a pair is shorter than the numbers themselves.
_RUN = 3
# Up to so many are written out all the same, for programs that know no runs; reading them
# takes a look at the table half a microsecond each.
MOST_PLAIN = 100


@dataclass(frozen=True, repr=False)
class Numbers(Collection[int]):
    """Ascending, each once. `runs` are first and last of what follows without a gap."""

    runs: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Numbers":
        """
        >>> Numbers.of([4, 1, 2]).runs
        ((1, 2), (4, 4))
        """
        return cls(_joined((number, number) for number in sorted(numbers)))

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        at = bisect_right(self.runs, number, key=lambda run: run[0]) - 1
        return at >= 0 and number <= self.runs[at][1]

    def __iter__(self) -> Iterator[int]:
        for first, last in self.runs:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.runs)

    def __repr__(self) -> str:
        return f"Numbers.of({list(self)})"

    def __or__(self, numbers: Iterable[int]) -> "Numbers":
        more = ((number, number) for number in numbers)
        return Numbers(_joined(sorted([*self.runs, *more])))

    def __sub__(self, numbers: Collection[int]) -> "Numbers":
        return Numbers.of(number for number in self if number not in numbers)


def to_json(numbers: Numbers) -> list[Any]:
    """
    As they are up to `MOST_PLAIN` of them; then three and more in a row as first and last.

    >>> to_json(Numbers.of([*range(1, 2001), 7000]))
    [[1, 2000], 7000]
    """
    if len(numbers) <= MOST_PLAIN:
        return list(numbers)
    found: list[Any] = []
    for first, last in numbers.runs:
        run = [[first, last]] if last - first + 1 >= _RUN else range(first, last + 1)
        found += run
    return found


def from_json(document: Iterable[Any]) -> Numbers:
    """Read what `to_json` wrote, or plain numbers. Raises TypeError or ValueError."""
    if isinstance(document, str):
        raise TypeError(f"{document!r} is no list of numbers")
    return Numbers(_joined(sorted(map(_run, document))))


def _run(entry: Any) -> tuple[int, int]:  # noqa: ANN401 - whatever stood in the JSON
    first, last = entry if isinstance(entry, list) else (entry, entry)
    if type(first) is not int or type(last) is not int or first > last:
        raise ValueError(f"{entry} is no run of numbers")
    return first, last


def _joined(runs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """`runs` are ascending by their first; they may touch and overlap."""
    found: list[tuple[int, int]] = []
    for first, last in runs:
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return tuple(found)
