"""`list`: which models there are, and which versions of one."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from modelregistry.aliases.state import Alias
from modelregistry.errors import Damaged
from modelregistry.manifest import Manifest
from modelregistry.names import ModelId
from modelregistry.registry import Registry

from . import options, output, wording
from .session import session_of


def list_models(
    context: typer.Context,
    model: options.MaybeModel = None,
    *,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """The models; of one model, its versions."""
    found = session_of(context).open(registry, stack)
    if model is None:
        _list_models(found, json=json)
    else:
        _list_versions(found, model, json=json)


def aliases_by_version(registry: Registry, model: str) -> dict[int, list[str]]:
    """The versions that aliases use, each with their names."""
    used: dict[int, list[str]] = {}
    for name, alias in sorted(registry.state(model).aliases.items()):
        for version in alias.versions():
            used.setdefault(version, []).append(name)
    return used


def _list_models(registry: Registry, *, json: bool) -> None:
    listed = [(name, registry.state(name)) for name in registry.models()]
    found = [(name, registry.versions(name, state), state) for name, state in listed]
    if json:
        models = [{"model": name, "versions": versions} for name, versions, _ in found]
        output.document({"models": models})
        return
    output.table(
        ("MODEL", "VERSIONS", "ALIASES"),
        (
            (name, output.some(versions), _aliases_in_short(state.aliases))
            for name, versions, state in found
        ),
        wrap=("VERSIONS", "ALIASES"),
    )
    if not found:
        output.note("nothing is published here yet: deploy publish PATH MODEL")


def _aliases_in_short(aliases: Mapping[str, Alias]) -> str:
    return ", ".join(f"{name} → {alias}" for name, alias in sorted(aliases.items()))


def _list_versions(registry: Registry, model: str, *, json: bool) -> None:
    registry.history(model)  # raises NotFound for a model that is not there
    used = aliases_by_version(registry, model)
    found = [(v, _manifest(registry, ModelId(model, v))) for v in registry.versions(model)]
    if json:
        versions = [_version_json(v, manifest, used.get(v, [])) for v, manifest in found]
        output.document({"model": model, "versions": versions})
        return
    output.table(
        ("VERSION", "PUBLISHED", "BY", "SIZE", "ALIASES", "MESSAGE"),
        (_version_row(v, manifest, used.get(v, [])) for v, manifest in found),
        wrap=("BY", "ALIASES", "MESSAGE"),
    )
    if not found:
        output.note(f"no version of {model} is published: deploy publish PATH {model}")


def _version_row(
    version: int, manifest: Manifest | None, aliases: Sequence[str]
) -> tuple[object, ...]:
    names = ", ".join(aliases)
    if manifest is None:
        return version, "damaged: see deploy verify", "", "", names, ""
    at, size = wording.shown_stamp(manifest.at), wording.size(manifest.size)
    return version, at, manifest.by, size, names, manifest.message


def _version_json(
    version: int, manifest: Manifest | None, aliases: Sequence[str]
) -> dict[str, Any]:
    facts = {
        "at": manifest.at if manifest else None,
        "by": manifest.by if manifest else None,
        "bytes": manifest.size if manifest else None,
        "message": manifest.message if manifest else None,
    }
    return {"version": version, "damaged": manifest is None, **facts, "aliases": list(aliases)}


def _manifest(registry: Registry, id: ModelId) -> Manifest | None:
    try:
        return registry.artifacts.manifest(id)
    except Damaged:
        return None
