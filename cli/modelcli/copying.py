"""`copy`: a version goes from one registry to another."""

from functools import partial
from typing import Annotated, Any

import typer

from modelregistry.aliases.revision import as_json
from modelregistry.copying import Copier, Copy
from modelregistry.errors import InvalidInput
from modelregistry.registry import Registry

from . import arrival, bars, options, output
from .inspecting import resolve
from .location import STACK, Location, Named
from .session import SERVE, Session, session_of

_PLACE = "s3://BUCKET/PREFIX?table=NAME, file:///PATH, a path, or stack:NAME."


def copy(
    context: typer.Context,
    reference: options.Reference,
    source: Annotated[
        str, typer.Argument(metavar="FROM", help=f"The registry that has it: {_PLACE}")
    ],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="The registry that gets it, written likewise.")
    ],
    *,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """
    Carry a version from one registry to another.

    Its number, files, digests, author and message stay the same. What is there
    already with the same files is left alone; no alias moves, unless the
    version policy there says so.
    """
    session = session_of(context)
    if session.given.registry is not None or session.given.stack is not None:
        raise InvalidInput("copy takes its two registries as FROM and TO, so no other can be named")
    here = session.open_at(_place(session, source, "FROM"))
    id = resolve(here, reference)
    there = session.open_to_write(_place(session, target, "TO"), dry_run=dry_run)
    with bars.watched(str(id)) as progress:
        copied = Copier(here, there, partial(session.compiler, SERVE), progress).copy(
            id, message=message, dry_run=dry_run
        )
    if json:
        output.document(_to_json(copied, here, there, dry_run=dry_run))
    else:
        _show(copied, there)
    for note in copied.notes:
        output.note(note)
    if copied.outcome == "copied" or copied.revision is not None:
        arrival.say_how_to_go_live(there, id, copied.revision, _named(target).flag)


def _show(copied: Copy, there: Registry) -> None:
    manifest = copied.manifest
    if copied.outcome == "identical":
        same = f"{manifest.id} is in {there.url} already and holds these very files"
        output.note(same, "nothing to copy")
    elif copied.outcome == "checked":
        output.line(f"{manifest.id} would be copied: {arrival.contents(manifest)}")
    else:
        output.line(f"{manifest.id} copied: {arrival.contents(manifest)}")
        arrival.show_uploaded(there, copied.uploaded, manifest)


def _to_json(copied: Copy, here: Registry, there: Registry, *, dry_run: bool) -> dict[str, Any]:
    manifest, revision = copied.manifest, copied.revision
    return {
        "model": manifest.id.model,
        "version": manifest.id.version,
        "from": here.url,
        "to": there.url,
        "dry_run": dry_run,
        "outcome": copied.outcome,
        "files": len(manifest.files),
        "bytes": manifest.size,
        "uploaded": copied.uploaded,
        "notes": list(copied.notes),
        "revision": None if revision is None else as_json(revision),
    }


def _place(session: Session, written: str, which: str) -> Location:
    return session.resolved(Location(written, f"named as {which}"))


def _named(written: str) -> Named:
    stack = written.removeprefix(STACK)
    return Named(written) if stack == written else Named(stack=stack)
