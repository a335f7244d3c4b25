"""How long work tells whoever watches how far it is."""

from typing import Protocol


class Progress(Protocol):
    def start(self, what: str, total: int) -> None:
        """`what` begins: a few words for a person, `total` bytes (0: not known)."""

    def advance(self, count: int) -> None:
        """`count` more bytes of it are done."""


class Unwatched:
    """Nobody watches."""

    def start(self, what: str, total: int) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


UNWATCHED = Unwatched()
