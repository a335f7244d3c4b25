"""Writers that all want the next revision, in threads or in processes of their own."""

from dataclasses import dataclass, field
from typing import Protocol

from modelregistry.aliases.table import AliasTable
from modelregistry.errors import Conflict

from .tables import Opener, revision


class Start(Protocol):
    """What lets all of them go at once: a barrier, of threads or of processes."""

    def wait(self, timeout: float | None = None) -> int: ...


class Results(Protocol):
    """Where a process leaves what came of it: a queue."""

    def put(self, obj: object) -> None: ...


@dataclass
class Outcome:
    """The revisions that `by` won; and those it lost, each with the winner it was told."""

    by: str
    won: list[int] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)


def race(table: AliasTable, by: str, last: int, start: Start) -> Outcome:
    """Append what seems to be the next revision, again and again, until `last` is there."""
    outcome = Outcome(by)
    start.wait(60)
    while True:
        newest = table.newest("m")
        number = newest.number + 1 if newest else 1
        if number > last:
            return outcome
        try:
            table.append(revision(number, by=by))
        except Conflict as conflict:
            outcome.lost.append((number, conflict.winner))
        else:
            outcome.won.append(number)


def race_in_process(opener: Opener, by: str, last: int, start: Start, outcomes: "Results") -> None:
    """`race` as the whole life of a process, on a handle of its own."""
    table = opener()
    outcomes.put(race(table, by, last, start))
    table.close()
