"""What is live in a model, since when and by whose hand, and what it would go back to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

from modelregistry import clock
from modelregistry.aliases import changes, state
from modelregistry.aliases.revision import Revision
from modelregistry.aliases.state import Alias, State
from modelregistry.errors import NotFound
from modelregistry.names import HIGHEST
from modelregistry.registry import EMPTY, Registry


@dataclass(frozen=True)
class AliasStanding:
    """`since` is the revision that last changed the alias; `rollback_to` what a rollback sets."""

    name: str
    alias: Alias
    since: Revision
    rollback_to: Alias | None


@dataclass(frozen=True)
class Standing:
    """`newest` is None before the model's first revision."""

    model: str
    versions: tuple[int, ...]
    newest: Revision | None
    aliases: tuple[AliasStanding, ...]

    @property
    def state(self) -> State:
        return self.newest.state if self.newest else EMPTY

    @property
    def revision(self) -> int:
        return self.newest.number if self.newest else 0

    @property
    def answers_bare_requests(self) -> bool:
        """Whether a request with neither version nor label finds something."""
        if self.state.default == HIGHEST:
            return bool(changes.kept(self.state.policy, self.versions))
        return self.state.default in self.state.aliases


def standing(registry: Registry, model: str) -> Standing:
    """
    Reads the model's log once, and no further than what its aliases pointed to before.

    Raises NotFound for a model that is not there.
    """
    log = _Remembered(registry.history(model))
    newest = next(iter(log), None)
    now = newest.state if newest else EMPTY
    return Standing(
        model,
        tuple(registry.versions(model, now)),
        newest,
        tuple(
            AliasStanding(name, alias, _since(log, name, alias), _rollback_to(log, name))
            for name, alias in sorted(now.aliases.items())
        ),
    )


def to_json(found: Standing) -> dict[str, Any]:
    policy = found.state.policy
    return {
        "model": found.model,
        "revision": found.revision,
        "versions": list(found.versions),
        "aliases": {alias.name: alias_to_json(alias) for alias in found.aliases},
        "default": found.state.default,
        "policy": None if policy is None else state.policy_to_json(policy),
        "retired": list(found.state.retired),
        "pinned": found.state.pinned,
    }


def alias_to_json(found: AliasStanding) -> dict[str, Any]:
    back = found.rollback_to
    return {
        "key": {found.alias.key.kind: found.alias.key.name},
        "override": found.alias.override,
        "canary": None,
        **state.alias_to_json(found.alias),
        "since": clock.stamp(found.since.change.at),
        "by": found.since.change.by,
        "message": found.since.change.message,
        "revision": found.since.number,
        "rollback_to": None if back is None else state.alias_to_json(back)["routes"],
    }


class _Remembered(Iterable[Revision]):
    """A log that is read as it is consumed, and each revision once, however often that is."""

    def __init__(self, log: Iterator[Revision]) -> None:
        self._log = log
        self._read: list[Revision] = []

    def __iter__(self) -> Iterator[Revision]:
        for at in count():
            if at == len(self._read):
                if (more := next(self._log, None)) is None:
                    return
                self._read.append(more)
            yield self._read[at]


def _since(log: Iterable[Revision], name: str, current: Alias) -> Revision:
    same = takewhile(lambda revision: revision.state.aliases.get(name) == current, log)
    *_, oldest = same
    return oldest


def _rollback_to(log: Iterable[Revision], name: str) -> Alias | None:
    try:
        return changes.rollback_target(log, name)[0]
    except NotFound:
        return None
