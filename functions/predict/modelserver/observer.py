"""What a server tells whoever watches it: metrics and logs, whatever makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from modelregistry.aliases.state import Alias
from modelregistry.names import ModelId

from .asked import Routed


@dataclass(frozen=True)
class Answered:
    """
    One finished request. `path` is as the client sent it; `seconds` it took.

    `routed` is what answered, or would have; None where the request led to no
    published version. Only its names, and `model`, are known to exist; `model` is
    '' where the request named none that does. `verb` is `predict`, `metadata`, …,
    or '' for a status; `code` is TensorFlow's name of the status, and `ran` are
    the seconds that a graph ran, 0 where none did to its end; `examples` are what it
    classified or regressed.
    """

    method: str
    path: str
    status: int
    seconds: float
    routed: Routed | None = None
    error: str = ""
    model: str = ""
    verb: str = ""
    code: str = ""
    ran: float = 0.0
    examples: int = 0


class Observer(Protocol):
    """Called from any thread, in the middle of things: must be quick, and must not raise."""

    def answered(self, answer: Answered) -> None:
        """A request is finished, well or badly."""

    def loaded(self, id: ModelId, seconds: float, size: int) -> None:
        """`id` is loaded and warm, and takes `size` bytes."""

    def warmed_up(self, id: ModelId, seconds: float) -> None:
        """The requests that were recorded for `id` have run, as a part of its load."""

    def load_failed(self, id: ModelId, seconds: float, reason: str) -> None:
        """`id` could not be loaded."""

    def swapped(self, model: str, alias: str, before: Alias, after: Alias, seconds: float) -> None:
        """`alias` answers with `after` from now on, `seconds` after that was first seen."""

    def look_failed(
        self, model: str, aliases: Mapping[str, Alias], seconds: float, reason: str
    ) -> None:
        """The table told nothing new: `aliases`, as of `seconds` ago, stay in force."""


class Unobserved:
    """Nobody watches."""

    def answered(self, answer: Answered) -> None:
        pass

    def loaded(self, id: ModelId, seconds: float, size: int) -> None:
        pass

    def warmed_up(self, id: ModelId, seconds: float) -> None:
        pass

    def load_failed(self, id: ModelId, seconds: float, reason: str) -> None:
        pass

    def swapped(self, model: str, alias: str, before: Alias, after: Alias, seconds: float) -> None:
        pass

    def look_failed(
        self, model: str, aliases: Mapping[str, Alias], seconds: float, reason: str
    ) -> None:
        pass


UNOBSERVED = Unobserved()
