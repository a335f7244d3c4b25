"""`alias set`, `unset`, `list` and `default`: the names that users call."""

from typing import Annotated

import typer

from modelregistry.aliases.state import parse_shares
from modelregistry.names import default_name

from . import completion, options, output, reading, standing
from .session import flag_of, session_of
from .settling import settle

DefaultName = Annotated[
    str,
    typer.Argument(
        metavar="ALIAS|highest",
        help="An alias, or `highest`: the highest published version, as TensorFlow Serving does.",
        autocompletion=completion.aliases,
    ),
]
Shares = Annotated[
    list[str],
    typer.Argument(
        metavar="VERSION[@WEIGHT]",
        help="A version for all requests; or several with percentages: 1@90 2@10.",
        autocompletion=completion.versions,
    ),
]


def set_alias(
    context: typer.Context,
    model: options.Model,
    alias: options.AliasName,
    routes: Shares,
    *,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """Point an alias at a version, or at several by weight."""
    target = parse_shares(routes)
    found = session_of(context).open(registry, stack)
    settle(
        found,
        found.propose_set(model, alias, target, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{alias} already points to {target}",
        flag=flag_of(context),
    )


def unset_alias(
    context: typer.Context,
    model: options.Model,
    alias: options.AliasName,
    *,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """Take an alias away. Its versions stay."""
    found = session_of(context).open(registry, stack)
    settle(
        found,
        found.propose_unset(model, alias, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{alias} is not set",
        flag=flag_of(context),
    )


def set_default(
    context: typer.Context,
    model: options.Model,
    alias: DefaultName,
    *,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """What a request that names neither version nor alias means."""
    found = session_of(context).open(registry, stack)
    settle(
        found,
        found.propose_default(model, default_name(alias), expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"the default of {model} already is {alias}",
        flag=flag_of(context),
    )


def list_aliases(
    context: typer.Context,
    model: options.Model,
    *,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """Where a model's aliases go, since when, and where rollback leads."""
    found = session_of(context).open(registry, stack)
    one = standing.standing(found, model)
    if json:
        document = standing.to_json(one)
        output.document({key: document[key] for key in ("model", "revision", "aliases")})
    elif one.aliases:
        reading.show_aliases(one, found.now())
    else:
        output.note(f"{model} has no aliases yet: deploy promote {model} VERSION")
