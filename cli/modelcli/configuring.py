"""`apply` and `export`: TensorFlow Serving's models.config, into the registry and out of it."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from modelregistry import opening
from modelregistry.aliases.revision import Revision, as_json
from modelregistry.configuration import Configuration, export, propose
from modelregistry.errors import RegistryError
from modelregistry.registry import Proposal, Registry

from . import options, output
from .session import session_of
from .settling import in_one_line, plan_json
from .wording import count

_STREAM = "-"

Source = Annotated[str, typer.Argument(metavar="FILE", help="A models.config; - reads stdin.")]
Target = Annotated[
    str,
    typer.Argument(metavar="FILE", help="Where to write it; - is stdout.", show_default=False),
]


def apply(
    context: typer.Context,
    file: Source,
    *,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Make the registry what a models.config says.

    Per model, in one revision: its aliases are the labels of the file, its
    policy is the file's, and a request that names no version means the
    highest that the policy keeps. Models that the file leaves out stay as
    they are.
    """
    from modelserver import modelsconfig  # noqa: PLC0415 - imports protobuf
    from modelserver.textformat import decoded  # noqa: PLC0415

    data, name = _read(file)
    configs = modelsconfig.read(decoded(data, name), name)
    found = session_of(context).open(registry, stack)
    plan = propose(found, configs, partial(opening.base_path, found.url))
    done: list[tuple[Proposal, Revision | None]] = []
    try:
        for proposal in plan.proposals:
            revision = None if dry_run else found.commit(proposal, message)
            done.append((proposal, revision))
            if not json:
                _tell(proposal, dry_run=dry_run)
    except RegistryError:
        _say_how_far(plan, len(done))
        raise
    finally:
        if json:
            output.document(_document(found, plan, done, dry_run=dry_run))
    if not json:
        _sum_up(plan, name)


def export_file(
    context: typer.Context,
    file: Target = _STREAM,
    *,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Write what the registry does as a models.config.

    What that format has no words for is refused, and named.
    """
    from modelserver import modelsconfig  # noqa: PLC0415 - imports protobuf
    from modelserver.wholefile import write_whole  # noqa: PLC0415

    found = session_of(context).open(registry, stack)
    exported = export(found, partial(opening.base_path, found.url))
    text = modelsconfig.write(exported.configs)
    if file == _STREAM:
        output.raw(text.encode())
    else:
        write_whole(Path(file), text.encode())
        output.line(f"{file}: {count(len(exported.configs), 'model')}")
    if exported.left:
        output.note(f"left out, as no alias of theirs is set: {', '.join(exported.left)}")
    if exported.ahead:
        output.note(
            f"TensorFlow Serving itself refuses a label for a version that the policy does not"
            f" load: {', '.join(exported.ahead)}"
        )


def _read(file: str) -> tuple[bytes, str]:
    """What is to be applied, and what to call it."""
    if file == _STREAM:
        return sys.stdin.buffer.read(), "stdin"
    return Path(file).read_bytes(), file


def _tell(proposal: Proposal, *, dry_run: bool) -> None:
    if not proposal.is_noop:
        output.line(("would write " if dry_run else "") + in_one_line(proposal))
    for note in proposal.notes:
        output.note(f"{proposal.model}: {note}")


def _sum_up(plan: Configuration, file: str) -> None:
    if not plan.changes:
        output.note(f"everything is as {file} says", "nothing to change")
    elif same := [p.model for p in plan.proposals if p.is_noop]:
        output.note(f"as {file} says already: {', '.join(same)}")
    if plan.left:
        output.note(f"left as they are, not in {file}: {', '.join(plan.left)}")


def _say_how_far(plan: Configuration, done: int) -> None:
    """A file of several models can stop between two of them: each has its own log."""
    if len(plan.proposals) > 1:
        models = [proposal.model for proposal in plan.proposals]
        output.warning(
            f"applied: {_list(models[:done])}; not applied: {_list(models[done:])}. Each model"
            " is a revision of its own; the same command again goes on from here"
        )


def _list(models: Sequence[str]) -> str:
    return ", ".join(models) or "none"


def _document(
    registry: Registry,
    plan: Configuration,
    done: Sequence[tuple[Proposal, Revision | None]],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    return {
        "registry": registry.url,
        "dry_run": dry_run,
        "models": [
            {
                **plan_json(proposal, dry_run=dry_run),
                "revision": None if revision is None else as_json(revision),
            }
            for proposal, revision in done
        ],
        "not_applied": [proposal.model for proposal in plan.proposals[len(done) :]],
        "left": list(plan.left),
    }
