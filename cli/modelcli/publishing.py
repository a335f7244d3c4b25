"""`publish`: exported SavedModels become versions."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from modelregistry.aliases.revision import as_json
from modelregistry.names import model_name, version_directory, version_number
from modelregistry.publishing import Publication, Publisher, Source, sources
from modelregistry.registry import Registry

from . import arrival, bars, completion, options, output
from .session import flag_of, session_of


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
    saved_model_tags: options.SavedModelTags = "serve",
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
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
    tags = options.saved_model_tags(saved_model_tags)
    compiler = session.compiler(tags)
    location = session.locate(registry, stack)
    found = session.open_to_write(location, dry_run=dry_run)
    found.versions(model)  # a bucket or table that is not there is told before the long work
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
            _tell(found, publication, source, number, json=json)
            if publication.outcome == "identical" and set(publication.plan.tags) != set(tags):
                output.warning(_other_tags(publication))
    finally:
        # What was published before another was refused stays published.
        if json:
            output.document(_to_json(model, publications, dry_run=dry_run))
    if publications and publications[-1].outcome == "published":
        last = publications[-1]
        arrival.say_how_to_go_live(found, last.manifest.id, last.revision, flag_of(context))


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


def _tell(
    registry: Registry, publication: Publication, source: Source, number: int | None, *, json: bool
) -> None:
    if not json:
        _show(registry, publication)
    for warning in publication.plan.warnings:
        output.warning(warning)
    for note in publication.notes:
        output.note(note)
    id = publication.manifest.id
    own = version_directory(source.directory.resolve().name)
    if source.number is None and number is None and own not in {None, id.version}:
        path = shlex.quote(str(source.directory))
        output.note(f"to keep the directory's own number: deploy publish {path} {id.model} {own}")


def _show(registry: Registry, publication: Publication) -> None:
    manifest = publication.manifest
    if publication.outcome == "identical":
        same = f"{manifest.id} is published already and holds these very files"
        output.note(same, "nothing to publish")
    elif publication.outcome == "checked":
        output.line(f"{manifest.id} would be published: {arrival.contents(manifest)}")
    else:
        output.line(f"{manifest.id} published: {arrival.contents(manifest)}")
        arrival.show_uploaded(registry, publication.uploaded, manifest)


def _other_tags(publication: Publication) -> str:
    """A version's plan is of the graph that it was published with, and stays so."""
    id = publication.manifest.id
    has = ",".join(publication.plan.tags)
    return f"{id} was published for the tags {has}: for others, publish it under another number"


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
        "uploaded": publication.uploaded,
        "warnings": list(publication.plan.warnings),
        "notes": list(publication.notes),
        "revision": None if revision is None else as_json(revision),
    }
