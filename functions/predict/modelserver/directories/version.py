"""
One version directory: what was seen of it, and what came of it.

A version is *settled* when nothing about it changed for a while, *complete* when it is
settled, all its values are there and it has compiled, and *refused* when it settled as
something that cannot be served; that holds until it changes.
"""

import logging
import math
import threading
from dataclasses import dataclass, field
from pathlib import Path

from modelregistry.errors import ModelRefused, RegistryError
from modelregistry.names import ModelId
from modelregistry.plan import Compiler, Plan
from modelserver.checkpoint import incomplete

from .listing import Print, fingerprint

_log = logging.getLogger(__name__)

# What failed through no fault of the version is tried again without a change of it.
_RETRY_SECONDS = 30.0
_UNREADABLE = "its files cannot be read: "


@dataclass(frozen=True)
class Complete:
    """A version as it compiled: where, what its files were, and its plan."""

    directory: Path
    print: Print
    plan: Plan


@dataclass(frozen=True)
class Refusal:
    """Why files cannot be served. `retry` seconds later it may be different by itself."""

    reason: str
    retry: float = math.inf


@dataclass
class Version:
    """
    `print` is as of the last look and stands since `since`; `good` is the last that
    compiled, which may be older. `refused` says why `print` cannot be served, until
    `doubted`. Not thread-safe but for `compiling`, which is held while that is found out.
    """

    id: ModelId
    directory: Path
    print: Print
    since: float
    settled: bool = False
    good: Complete | None = None
    refused: str = ""
    doubted: float = math.inf
    reported: str = ""
    compiling: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_undecided(self) -> bool:
        """Whether it is still to be compiled."""
        is_good = self.good is not None and self.good.print == self.print
        return self.settled and not self.refused and not is_good

    @property
    def is_hopeful(self) -> bool:
        """Complete, or still to be compiled: what a policy chooses from."""
        return self.good is not None or self.is_undecided

    def see(self, place: Path, taken: Print, *, now: float, settle: float) -> None:
        """It was looked at once more; `settle` seconds without a change settle it."""
        if (place, taken) != (self.directory, self.print):
            self.directory, self.print, self.since = place, taken, now
            self.settled, self.refused, self.doubted = False, "", math.inf
        elif now >= self.doubted:
            self.refused, self.doubted = "", math.inf
        if not self.settled and now - self.since >= settle:
            self.settled = True
            if self.is_undecided and (missing := _missing(place, taken)):
                self.refuse(Refusal(missing), now)

    def accept(self, plan: Plan) -> None:
        """It has compiled as it is."""
        self.good, self.reported = Complete(self.directory, self.print, plan), ""

    def refuse(self, refusal: Refusal, now: float) -> None:
        """It cannot be served as it is. Said once for each reason."""
        self.refused, self.doubted = refusal.reason, now + refusal.retry
        if refusal.reason != self.reported:
            soon = refusal.retry != math.inf
            again = f"in {refusal.retry:.0f} s" if soon else "when it changes"
            _log.error("%s is not served: %s; it is tried again %s", self.id, self.refused, again)
        self.reported = refusal.reason


def take_print(place: Path) -> Print:
    """The fingerprint; of a version that cannot be looked into, the reason in its place."""
    try:
        return fingerprint(place)
    except OSError as error:
        return ((f"{_UNREADABLE}{error}", 0, 0, 0),)


def judge(compiler: Compiler, directory: Path) -> Plan | Refusal:
    """What `compiler` says of the files as they are. Takes a second or more."""
    try:
        return compiler.compile(directory)
    except RegistryError as error:
        reason = f"{error}: {error.hint}" if error.hint else str(error)
        return Refusal(reason, math.inf if isinstance(error, ModelRefused) else _RETRY_SECONDS)
    except OSError as error:
        return Refusal(f"{directory}: {error}", _RETRY_SECONDS)


def _missing(place: Path, taken: Print) -> str:
    if taken[0][0].startswith(_UNREADABLE):
        return taken[0][0]
    try:
        return incomplete(place)
    except OSError as error:
        return f"{_UNREADABLE}{error}"
