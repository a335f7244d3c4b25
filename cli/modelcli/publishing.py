"""`publish`: exported SavedModels become versions."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from modelregistry.aliases import changes
from modelregistry.aliases.revision import Revision, as_json
from modelregistry.names import HIGHEST, model_name, version_directory, version_number
from modelregistry.publishing import Publication, Publisher, Source, sources
from modelregistry.registry import EMPTY, Registry, alias_flag

from . import bars, completion, options, output, wording
from .session import session_of


def publish(
    context: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A SavedModel, or a directory of versions: my_model/1, my_model/2."
        ),
    ],
    model: options.Model,
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="VERSION",
            help="Its number. The next free one, or the directories' own, if left out.",
            autocompletion=completion.versions,
            show_default=False,
        ),
    ] = None,
    *,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
) -> None:
    """
    Check a SavedModel and store it as an immutable version.

    TensorFlow loads and runs it once, in a process of its own.
    A directory of versions is published whole, each under its own number;
    what is published already is left alone.
    """
    model_name(model)
    number = None if version is None else version_number(version)
    offered = sources(path, number)
    session = session_of(context)
    compiler = session.compiler()
    location = session.locate(registry)
    if not (location.exists() or dry_run):
        output.note(f"making the registry {location.shown} ({location.reason})")
    found = session.open_to_publish(registry, dry_run=dry_run)
    publications: list[Publication] = []
    try:
        for source in _still_wanted(found, model, offered, number):
            with bars.watched(str(source.directory)) as progress:
                publication = Publisher(found, compiler, progress).publish(
                    source.directory,
                    model,
                    source.number or number,
                    message=message,
                    dry_run=dry_run,
                )
            publications.append(publication)
            _tell(publication, source, number, json=json)
    finally:
        # What was published before another was refused stays published.
        if json:
            output.document(_to_json(model, publications, dry_run=dry_run))
    if publications and publications[-1].outcome == "published":
        _say_how_to_go_live(found, publications[-1])


def _still_wanted(
    registry: Registry, model: str, offered: Iterable[Source], number: int | None
) -> Iterable[Source]:
    """All that is `offered` but versions that were deleted, unless one of them was asked for."""
    retired = set(registry.state(model).retired) if number is None else set()
    for source in offered:
        if source.number in retired:
            output.note(f"{source.directory} is left out: {model}:{source.number} was deleted")
        else:
            yield source


def _tell(publication: Publication, source: Source, number: int | None, *, json: bool) -> None:
    if not json:
        _show(publication)
    for warning in publication.plan.warnings:
        output.warning(warning)
    for note in publication.notes:
        output.note(note)
    id = publication.manifest.id
    own = version_directory(source.directory.resolve().name)
    if source.number is None and number is None and own not in {None, id.version}:
        path = shlex.quote(str(source.directory))
        output.note(f"to keep the directory's own number: deploy publish {path} {id.model} {own}")


def _show(publication: Publication) -> None:
    manifest = publication.manifest
    contents = f"{wording.count(len(manifest.files), 'file')}, {wording.size(manifest.size)}"
    if publication.outcome == "identical":
        same = f"{manifest.id} is published already and holds these very files"
        output.note(same, "nothing to publish")
    elif publication.outcome == "checked":
        output.line(f"{manifest.id} would be published: {contents}")
    else:
        output.line(f"{manifest.id} published: {contents}")


def _say_how_to_go_live(registry: Registry, publication: Publication) -> None:
    id = publication.manifest.id
    if publication.revision is not None:
        output.note(_policy_acted(registry, publication.revision))
        return
    state = registry.state(id.model)
    if id.version not in state.versions() and state.default != HIGHEST:
        output.note(
            f"deploy promote {id.model} {id.version}{alias_flag(state.default)}", "to go live"
        )


def _policy_acted(registry: Registry, revision: Revision) -> str:
    before = registry.aliases.get(revision.model, revision.number - 1)
    changed = changes.differences(before.state if before else EMPTY, revision.state)
    what = "; ".join(changed) or "no alias changed"
    return f"the version policy wrote {revision.model} revision {revision.number}: {what}"


def _to_json(model: str, publications: list[Publication], *, dry_run: bool) -> dict[str, Any]:
    return {
        "model": model,
        "dry_run": dry_run,
        "publications": [_publication_json(publication) for publication in publications],
    }


def _publication_json(publication: Publication) -> dict[str, Any]:
    manifest, revision = publication.manifest, publication.revision
    return {
        "version": manifest.id.version,
        "outcome": publication.outcome,
        "files": len(manifest.files),
        "bytes": manifest.size,
        "warnings": list(publication.plan.warnings),
        "notes": list(publication.notes),
        "revision": None if revision is None else as_json(revision),
    }
