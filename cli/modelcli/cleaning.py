"""`delete`, `gc` and `verify`: what goes, and whether what stays is sound."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from modelregistry.artifacts.store import Finding
from modelregistry.deletion import Deletion, execute, propose_delete, propose_gc
from modelregistry.errors import InvalidInput
from modelregistry.names import ModelId, model_name
from modelregistry.names import reference as read_reference
from modelregistry.progress import Progress
from modelregistry.registry import Registry
from modelregistry.verification import verify as verify_versions
from modelregistry.verification import verify_aliases, verify_all

from . import bars, completion, options, output, wording
from .failures import Failed
from .session import session_of

FOUND = 4

Target = Annotated[
    str,
    typer.Argument(
        metavar="MODEL[:VERSION]",
        help="A version, or all versions of a model.",
        autocompletion=completion.references,
    ),
]
MaybeTarget = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL[:VERSION]",
        help="A version, or all of a model; all of the registry, if left out.",
        autocompletion=completion.references,
        show_default=False,
    ),
]


def delete(
    context: typer.Context,
    target: Target,
    *,
    force: Annotated[
        bool,
        typer.Option(
            "--force", metavar="", help="Also what the last 10 revisions could roll back to."
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("-y", "--yes", metavar="", help="Don't ask before several versions go.")
    ] = False,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Delete a version, or all of a model, for good.

    Its number never comes back. What an alias uses is never deleted;
    what the last 10 revisions could roll back to, only with --force.
    """
    model, versions = _target(target)
    found = session_of(context).open(registry, stack)
    deletion = propose_delete(found, model, versions, force=force, expect=expect)
    if not dry_run:
        _confirm(deletion, yes=yes)
        execute(found, deletion, message)
    _show(deletion, dry_run=dry_run, json=json)
    if json:
        _document([deletion], [], dry_run=dry_run)


def gc(
    context: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help="Only these models.",
            autocompletion=completion.models,
            show_default=False,
        ),
    ] = None,
    *,
    keep: Annotated[
        int, typer.Option("--keep", metavar="N", min=0, help="How many of the newest stay.")
    ] = 10,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Delete old versions that nothing uses any more.

    The newest N of a model stay, and so does what an alias uses or what the
    last 10 revisions could roll back to. What interrupted commands left goes.
    """
    found = session_of(context).open(registry, stack)
    for model in models or []:
        found.history(model)  # raises NotFound for a model that is not there
    done: list[Deletion] = []
    left: list[str] = []
    try:
        for deletion in propose_gc(found, keep, dict.fromkeys(models or found.models())):
            if not dry_run:
                execute(found, deletion, message)
            done.append(deletion)
            _show(deletion, dry_run=dry_run, json=json)
        left = found.artifacts.leftovers()
        if not dry_run:
            found.artifacts.sweep()
    finally:  # what is gone is told even where the rest failed
        if json:
            _document(done, left, dry_run=dry_run)
    for where in [] if json else left:
        output.line(f"{'would remove' if dry_run else 'removed'} what was left in {where}")
    if not done and not left:
        output.note("no version is old enough to go", "nothing to delete")


def verify(
    context: typer.Context,
    target: MaybeTarget = None,
    *,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Read every stored byte again and say what is wrong.

    Exits with 4 if anything is damaged, missing or orphaned.
    """
    found = session_of(context).open(registry, stack)
    with bars.watched() as progress:
        tally = Tally(progress)
        findings = _verify(found, target, tally)
    if json:
        output.document(
            {
                "versions": tally.versions,
                "bytes": tally.read,
                "findings": [vars(finding) for finding in findings],
            }
        )
    elif findings:
        output.table(
            ("KIND", "WHERE", "WHAT"),
            ((f.kind, f.where, f.what) for f in findings),
            wrap=("WHERE", "WHAT"),
        )
    else:
        versions = wording.count(tally.versions, "version")
        output.line(f"{versions}, {wording.size(tally.read)} verified: all sound")
    if findings:
        raise typer.Exit(FOUND)


class Tally:
    """Counts what is verified while it passes the progress on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.versions = 0
        self.read = 0

    def start(self, what: str, total: int) -> None:
        self.versions += 1
        self._progress.start(what, total)

    def advance(self, count: int) -> None:
        self.read += count
        self._progress.advance(count)


def _target(text: str) -> tuple[str, list[int] | None]:
    """The model, and its versions that are meant; None for all."""
    named = read_reference(text)
    if named.alias is not None:
        raise InvalidInput(f"{text!r} is an alias", hint=f"write {named.model}:VERSION")
    return named.model, None if named.version is None else [named.version]


def _verify(registry: Registry, target: str | None, progress: Progress) -> list[Finding]:
    if target is None:
        return verify_all(registry, progress)
    model, versions = _target(target)
    registry.history(model)  # raises NotFound for a model that is not there
    published = registry.versions(model)
    if versions is None:
        ids = [ModelId(model, version) for version in published]
        return verify_versions(registry, ids, progress) + verify_aliases(registry, model)
    id = ModelId(model, versions[0])
    if id.version not in published:
        registry.published(id)  # raises NotFound, saying why
    return verify_versions(registry, [id], progress)


def _confirm(deletion: Deletion, *, yes: bool) -> None:
    """One version was named; of several, somebody should have seen how many."""
    if yes or len(deletion.versions) < 2:
        return
    what = _in_words(deletion)
    if not sys.stdin.isatty():
        raise Failed(f"that would delete {what}", code=2, hint="to do it without asking: --yes")
    if not typer.confirm(f"Delete {what}?", err=True):
        raise Failed("nothing was deleted")


def _show(deletion: Deletion, *, dry_run: bool, json: bool) -> None:
    if not json:
        output.line(f"{'would delete' if dry_run else 'deleted'} {_in_words(deletion)}")


def _document(deletions: Sequence[Deletion], left: Sequence[str], *, dry_run: bool) -> None:
    output.document(
        {
            "dry_run": dry_run,
            "deletions": [
                {
                    "model": deletion.proposal.model,
                    "versions": list(deletion.versions),
                    "bytes": deletion.size,
                }
                for deletion in deletions
            ],
            "leftovers": list(left),
        }
    )


def _in_words(deletion: Deletion) -> str:
    model = model_name(deletion.proposal.model)
    size = wording.size(deletion.size)
    if len(deletion.versions) == 1:
        return f"{model}:{deletion.versions[0]} ({size})"
    versions = ", ".join(map(str, deletion.versions))
    return f"{len(deletion.versions)} versions of {model}: {versions} ({size})"
