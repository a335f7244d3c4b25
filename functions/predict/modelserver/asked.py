"""What a request names, and what that led to."""

import math
import time
from dataclasses import dataclass
from typing import NamedTuple

from modelregistry.names import ModelId


class Routed(NamedTuple):
    """
    What answers a request: the version, and the alias that led to it, if one did.

    `revision` is the one whose route was taken; 0 where no alias was asked.
    """

    id: ModelId
    alias: str = ""
    revision: int = 0


@dataclass
class Asked:
    """
    A model, and at most one of a version and a label; neither means the default.

    `deadline` is the moment of `time.monotonic` by which somebody must have an
    answer. `routed` is filled in as soon as it is known, so that a failure can be
    laid to the version it belongs to; `ran` when a graph has run, for so many seconds,
    and `examples` if it ran over so many of them.
    """

    model: str
    version: int | None = None
    label: str | None = None
    deadline: float = math.inf
    routed: Routed | None = None
    ran: float = 0.0
    examples: int = 0

    def remaining(self) -> float:
        """Seconds until the deadline; 0 after it."""
        return max(0.0, self.deadline - time.monotonic())
