"""
One model, as far as a process has followed its log: what is wanted, and what answers.
"""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from modelregistry.aliases.changes import whole
from modelregistry.aliases.revision import Revision
from modelregistry.aliases.state import Alias, State
from modelregistry.names import HIGHEST, ModelId
from modelregistry.registry import EMPTY

Moment = tuple[float, float]  # monotonic, wall
NEVER: Moment = (-math.inf, -math.inf)


@dataclass
class Route:
    """What an alias answers with now, and the revision that said so."""

    alias: Alias
    revision: int


@dataclass
class Followed:
    """
    One model, as far as this process has followed its log.

    `looked` is the last look, `known` the last that succeeded. `published` is as of
    `listed`, and only where somebody asked, and so is `highest`, which the default
    `highest` means; `seen` are versions that were found by number. `coming` holds what
    an alias waits for, and since when.
    """

    model: str
    newest: Revision | None = None
    routes: dict[str, Route] = field(default_factory=dict)
    coming: dict[str, tuple[Alias, float]] = field(default_factory=dict)
    looked: Moment = NEVER
    known: Moment = NEVER
    problem: str = ""
    published: list[int] | None = None
    highest: int | None = None
    listed: Moment = NEVER
    seen: set[int] = field(default_factory=set)
    looking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def state(self) -> State:
        return self.newest.state if self.newest else EMPTY

    def wanted(self) -> Mapping[str, Alias]:
        """The newest aliases; a default that means the highest version is one more, `highest`."""
        if self.state.default == HIGHEST and self.highest is not None:
            return {**self.state.aliases, HIGHEST: whole(self.highest)}
        return self.state.aliases

    def targets(self) -> set[ModelId]:
        """The versions that answer now."""
        answering = (versions_of(self.model, route.alias) for route in list(self.routes.values()))
        return self.there(set().union(*answering))

    def in_place(self) -> set[ModelId]:
        """Those of them that must not wait for others."""
        routes = list(self.routes.values())
        return self.there({ModelId(self.model, route.alias.in_place()) for route in routes})

    def reachable(self, version: int) -> bool:
        """Whether a request may name `version`, if it is published."""
        return self.state.pinned == "any" or any(
            version in alias.answering() for alias in self.wanted().values()
        )

    def there(self, ids: set[ModelId]) -> set[ModelId]:
        """
        Those of `ids` that are published: an alias may point to a version that is still to
        come. Where the default is another than `highest` the versions are not listed at each
        look, and what an alias points to was published.
        """
        if self.state.default != HIGHEST or self.published is None:
            return ids
        return {id for id in ids if id.version in self.published}


@dataclass(frozen=True)
class Standing:
    """
    What a model's aliases answer with here, and the revisions that said so; a default that
    means the highest version is among them, as `highest`. `age` seconds ago that was known.
    """

    model: str
    answering: Mapping[str, tuple[Alias, int]]
    age: float


def versions_of(model: str, alias: Alias) -> set[ModelId]:
    """What has to be loaded for `alias`: a version at 0 % answers nobody."""
    return {ModelId(model, version) for version in alias.answering()}
