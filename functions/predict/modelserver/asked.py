"""What a request names, and what that led to."""

import math
import time
from dataclasses import dataclass, field
from random import random
from typing import NamedTuple

from modelregistry.aliases.caller import NOBODY, Caller
from modelregistry.names import ModelId


class Routed(NamedTuple):
    """
    What answers a request: the version, and the alias that led to it, if one did.

    `revision` is the one whose route was taken; 0 where no alias was asked. `wanted` is
    the version that should have answered, where another stands in for it, else 0.
    `override` says what became of a request's wish for a version: `taken`, `ignored`, or
    '' where it had none.
    """

    id: ModelId
    alias: str = ""
    revision: int = 0
    wanted: int = 0
    override: str = ""


@dataclass
class Asked:
    """
    A model, and at most one of a version and a label; neither means the default.

    `caller` is what the request says of who sends it; `at`, in [0, 1), decides for a caller
    without a routing key, and stays the same however often the request is tried.
    `deadline` is the moment of `time.monotonic` by which somebody must have an
    answer. `routed` is filled in as soon as it is known, so that a failure can be
    laid to the version it belongs to; `ran` when a graph has run, for so many seconds,
    and `examples` if it ran over so many of them.
    """

    model: str
    version: int | None = None
    label: str | None = None
    deadline: float = math.inf
    caller: Caller = NOBODY
    at: float = field(default_factory=random)
    routed: Routed | None = None
    ran: float = 0.0
    examples: int = 0

    def remaining(self) -> float:
        """Seconds until the deadline; 0 after it."""
        return max(0.0, self.deadline - time.monotonic())
