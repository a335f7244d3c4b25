"""`canary`, `split` and `abort`: a new version for some callers first."""

from typing import Annotated

import typer

from modelregistry import splitting
from modelregistry.aliases.shares import number, parse, parse_weight, text
from modelregistry.names import DEFAULT_ALIAS, ModelId, model_name, version_number

from . import completion, options
from .session import flag_of, session_of
from .settling import settle

Weight = Annotated[
    str,
    typer.Option(
        "--weight",
        metavar="PERCENT",
        help="Its part of the alias's requests: 0 to less than 100, to 0.01.",
        show_default=False,
    ),
]
Shares = Annotated[
    list[str],
    typer.Argument(
        metavar="VERSION@WEIGHT",
        help="Versions with percentages that add up to 100: 1@60 2@30 3@10.",
        autocompletion=completion.versions,
    ),
]


def canary(
    context: typer.Context,
    model: options.Model,
    version: options.Version,
    *,
    weight: Weight,
    alias: options.AliasOption = DEFAULT_ALIAS,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Try a version on a part of an alias's requests.

    The versions in place share the rest as before. Run again, it gives the
    canary another weight; whoever has it keeps it as it grows. `deploy promote`
    without a version finishes it, `deploy abort` ends it.
    """
    id, given = ModelId(model_name(model), version_number(version)), parse_weight(weight)
    found = session_of(context).open(registry, stack)
    settle(
        found,
        splitting.propose_canary(found, id, given, alias, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{id.version} already has {number(given)} % of {alias}",
        flag=flag_of(context),
    )


def split(
    context: typer.Context,
    model: options.Model,
    shares: Shares,
    *,
    alias: options.AliasOption = DEFAULT_ALIAS,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Share an alias's requests among versions by weight.

    One version that comes beside those in place is their canary: `deploy promote`
    without a version finishes it, `deploy abort` ends it.
    """
    wanted = parse(shares)
    found = session_of(context).open(registry, stack)
    settle(
        found,
        splitting.propose_split(found, model, wanted, alias, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{alias} already points to {text(wanted)}",
        flag=flag_of(context),
    )


def abort(
    context: typer.Context,
    model: options.Model,
    *,
    alias: options.AliasOption = DEFAULT_ALIAS,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """End an alias's canary: its requests go where they went before it."""
    found = session_of(context).open(registry, stack)
    settle(
        found,
        splitting.propose_abort(found, model, alias, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{alias} has no canary",
        flag=flag_of(context),
    )
