"""Verifying: is what is stored still what was published, and does it hang together?"""

from collections.abc import Iterable
from contextlib import suppress

from .artifacts.store import Finding
from .errors import NotFound
from .names import ModelId
from .progress import Progress
from .registry import Registry


def verify(registry: Registry, ids: Iterable[ModelId], progress: Progress) -> list[Finding]:
    """
    Re-hash every stored byte of `ids` and say what is damaged, missing or orphaned.

    A version that was deleted since it was listed is none of these.
    """
    findings: list[Finding] = []
    for id in ids:
        with suppress(NotFound):
            findings += registry.artifacts.verify(id, progress)
    return findings


def verify_aliases(registry: Registry, model: str) -> list[Finding]:
    """Aliases whose versions are not there, and bytes of versions that were deleted."""
    state = registry.state(model)
    stored = set(registry.artifacts.versions(model))
    lost = [
        Finding("missing", f"{model}:{version}", f"alias {name!r} points to it, it has no manifest")
        for name, alias in sorted(state.aliases.items())
        for version in sorted(alias.versions() - stored)
    ]
    left = [
        Finding("orphaned", f"{model}:{version}", "was deleted, its bytes remain: deploy gc")
        for version in sorted(stored & set(state.retired))
    ]
    return lost + left


def verify_all(registry: Registry, progress: Progress) -> list[Finding]:
    """All of the registry, leftovers included."""
    findings = []
    for model in registry.known_models():
        ids = [ModelId(model, version) for version in registry.versions(model)]
        findings += verify(registry, ids, progress) + verify_aliases(registry, model)
    return findings + registry.artifacts.strays()
