"""What a log of revisions must promise, whatever it is kept in."""

from collections.abc import Iterator
from typing import Protocol

from .revision import Revision


class AliasTable(Protocol):
    """
    Revisions by model and number: 1, 2, 3, …, nothing ever overwritten.

    Every method may raise Unavailable (it cannot be reached now) and Damaged
    (what is there is not what was written).
    """

    def newest(self, model: str) -> Revision | None:
        """The newest revision that any writer has finished, or None before the first."""

    def get(self, model: str, number: int) -> Revision | None:
        """Revision `number`, or None if it is not written yet."""

    def append(self, revision: Revision) -> None:
        """
        Write `revision` if its number is the next one: atomically, durably, once.

        Raises Conflict, whose `winner` is the newest number, if it is not.
        """

    def log(self, model: str) -> Iterator[Revision]:
        """Every revision, newest first, read as it is consumed."""

    def models(self) -> list[str]:
        """The models that have a revision, by name."""

    def close(self) -> None:
        """Let go of files and connections. The table opens again when it is used."""
