"""
Registries that have grown: of few or many revisions, versions, deleted versions or models.

Rows and directories are made straight, but of what the product writes: each body is an
encoded revision, each manifest a manifest's bytes. A version has nothing but its manifest.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from modelregistry.aliases.changes import whole
from modelregistry.aliases.numbers import Numbers
from modelregistry.aliases.revision import Change, Revision, encode
from modelregistry.aliases.state import Policy, State
from modelregistry.artifacts.directory import MODELS
from modelregistry.manifest import MANIFEST, FileEntry, Manifest
from modelregistry.names import HIGHEST, ModelId
from modelregistry.opening import ALIASES, open_registry
from modelregistry.registry import Registry

MODEL = "m000001"  # the one that is looked at
_AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
_FILE = FileEntry("saved_model.pb", 100_000, "0" * 64)


@dataclass(frozen=True)
class Grown:
    """What is in a registry. `MODEL` has the `pair` of versions to promote in turn."""

    revisions: Callable[[], Iterator[Revision]]
    versions: Callable[[], Iterator[ModelId]]
    pair: tuple[int, int]


def of_revisions(count: int) -> Grown:
    """One model, whose alias went to and fro."""
    return Grown(
        lambda: (_revision(MODEL, n, _state(1 + n % 2)) for n in range(1, count + 1)),
        lambda: (ModelId(MODEL, version) for version in (1, 2)),
        (1, 2),
    )


def of_one_promotion(count: int) -> Grown:
    """One model, whose alias has stood since revision 1; all others changed its default."""
    return Grown(
        lambda: (
            _revision(MODEL, n, _state(1, default=("stable", HIGHEST)[n % 2]))
            for n in range(1, count + 1)
        ),
        lambda: (ModelId(MODEL, version) for version in (1, 2)),
        (1, 2),
    )


def of_versions(count: int) -> Grown:
    """One model, whose policy has acted on every version there is."""
    there = Numbers.of(range(1, count + 1))
    return Grown(
        lambda: iter([_revision(MODEL, 1, _state(1, policy=Policy("latest"), acted_on=there))]),
        lambda: (ModelId(MODEL, version) for version in there),
        (count - 1, count),
    )


def of_deleted_versions(count: int) -> Grown:
    """One model with two versions, before which all were deleted."""
    gone = Numbers.of(range(1, count + 1))
    return Grown(
        lambda: iter([_revision(MODEL, 1, _state(count + 1, retired=gone))]),
        lambda: (ModelId(MODEL, version) for version in (count + 1, count + 2)),
        (count + 1, count + 2),
    )


def of_models(count: int) -> Grown:
    """Models of two versions and one revision."""
    names = [f"m{number:06d}" for number in range(count)]
    return Grown(
        lambda: (_revision(name, 1, _state(1)) for name in names),
        lambda: (ModelId(name, version) for name in names for version in (1, 2)),
        (1, 2),
    )


KINDS: Mapping[str, Callable[[int], Grown]] = MappingProxyType(
    {
        "revisions": of_revisions,
        "versions": of_versions,
        "deleted versions": of_deleted_versions,
        "models": of_models,
    }
)


def on_disk(grown: Grown, root: Path) -> Registry:
    registry = open_registry(str(root), create=True)
    registry.aliases.newest(MODEL)  # makes the table
    table = sqlite3.connect(root / ALIASES)
    with table:
        table.executemany(
            "INSERT INTO revisions VALUES (?, ?, ?)",
            ((found.model, found.number, encode(found)) for found in grown.revisions()),
        )
    table.close()
    for id in grown.versions():
        place = root / MODELS / id.model / str(id.version)
        place.mkdir(parents=True)
        (place / MANIFEST).write_bytes(manifest(id).to_bytes())
    return registry


def manifest(id: ModelId) -> Manifest:
    return Manifest(id, (_FILE,), "ann@laptop", "2026-11-22T09:30:00.000000Z", "")


def _state(version: int, **members: object) -> State:
    aliases = MappingProxyType({"stable": whole(version)})
    return State(aliases, **members)  # type: ignore[arg-type] # passed on as they are


def _revision(model: str, number: int, state: State) -> Revision:
    return Revision(model, number, state, Change(f"{number:032x}", "promote", "ann@laptop", _AT))
