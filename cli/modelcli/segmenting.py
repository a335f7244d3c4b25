"""`route` and `unroute`, `alias key` and `override`, `pinned`: who gets what, and may ask for."""

from typing import Annotated, Literal

import typer

from modelregistry import segments
from modelregistry.aliases.caller import attribute
from modelregistry.aliases.rules import conditions_text, parse_condition
from modelregistry.aliases.shares import parse, text
from modelregistry.errors import InvalidInput
from modelregistry.names import DEFAULT_ALIAS, alias_name

from . import completion, options, output
from .session import flag_of, session_of
from .settling import settle

When = Annotated[
    list[str],
    typer.Option(
        "--when",
        metavar="CONDITION",
        help="NAME=VALUE, NAME^=BEGINNING or 'NAME in VALUE,VALUE', where NAME is a header, or"
        " query:NAME, cookie:NAME, claim:NAME. Can be repeated: all must hold.",
        show_default=False,
    ),
]
To = Annotated[
    list[str],
    typer.Option(
        "--to",
        metavar="VERSION[@WEIGHT]",
        help="The version that answers them; or several: --to '1@50 2@50'.",
        autocompletion=completion.versions,
        show_default=False,
    ),
]
_ANYWHERE = "any: /versions/N reaches every published version"
_ROUTED = "routed: /versions/N reaches only versions that an alias routes to"


def route(
    context: typer.Context,
    model: options.Model,
    *,
    when: When,
    to: To,
    at: Annotated[
        int | None,
        typer.Option(
            "--at",
            metavar="PLACE",
            help="Its place among the rules, from 1; the first that matches decides. New rules"
            " come last.",
            show_default=False,
        ),
    ] = None,
    alias: options.AliasOption = DEFAULT_ALIAS,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Send some callers of an alias to another version.

    A rule with the same conditions is changed, and keeps its place.
    """
    conditions = [parse_condition(condition) for condition in when]
    shares = parse([word for words in to for word in words.split()])
    found = session_of(context).open(registry, stack)
    settle(
        found,
        segments.propose_route(found, model, alias, conditions, shares, at=at, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{alias} has that rule: {conditions_text(conditions)} → {text(shares)}",
        flag=flag_of(context),
    )


def unroute(
    context: typer.Context,
    model: options.Model,
    *,
    when: When = [],  # noqa: B006 - Typer wants a list, and nobody changes it
    rule: Annotated[
        int | None,
        typer.Option(
            "--rule", metavar="PLACE", help="The rule in this place, from 1.", show_default=False
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", metavar="", help="All rules of the alias.")
    ] = False,
    alias: options.AliasOption = DEFAULT_ALIAS,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """Take a rule of an alias away."""
    if sum([bool(when), rule is not None, everything]) != 1:
        raise InvalidInput(
            "which rule?", hint="write one of --when CONDITION, --rule PLACE and --all"
        )
    conditions = [parse_condition(condition) for condition in when]
    found = session_of(context).open(registry, stack)
    settle(
        found,
        segments.propose_unroute(found, model, alias, when=conditions, at=rule, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{alias} has no such rule",
        flag=flag_of(context),
    )


def set_key(
    context: typer.Context,
    model: options.Model,
    alias: options.AliasName,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A header's name, or query:NAME, cookie:NAME, claim:NAME. It is shown, if left"
            " out; x-routing-key is what it is at first.",
            show_default=False,
        ),
    ] = None,
    *,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    What callers are known by, so that each keeps its version.

    Where several versions share an alias, requests without it are shared at
    random.
    """
    found = session_of(context).open(registry, stack)
    if name is None:
        key = found.alias(model, alias_name(alias), found.state(model)).key
        _show({"model": model, "alias": alias, "key": str(key)}, f"{alias}: {key}", json=json)
        return
    key = attribute(name)
    settle(
        found,
        segments.propose_key(found, model, alias, key, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{alias} already knows callers by {key}",
        flag=flag_of(context),
    )


def set_override(
    context: typer.Context,
    model: options.Model,
    alias: options.AliasName,
    override: Annotated[
        Literal["allowed", "ignored"] | None,
        typer.Argument(
            metavar="allowed|ignored",
            help="What it should be. It is shown, if left out.",
            show_default=False,
        ),
    ] = None,
    *,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Whether callers may choose a version by a header.

    The header is x-model-version, and they may choose from the versions that
    the alias names, at 0 % too.
    """
    found = session_of(context).open(registry, stack)
    if override is None:
        allowed = found.alias(model, alias_name(alias), found.state(model)).override
        shown = "allowed" if allowed else "ignored"
        document = {"model": model, "alias": alias, "override": allowed}
        _show(document, f"{alias}: {shown}", json=json)
        return
    settle(
        found,
        segments.propose_override(
            found, model, alias, allowed=override == "allowed", expect=expect
        ),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"the header x-model-version already is {override} by {alias}",
        flag=flag_of(context),
    )


def pinned(
    context: typer.Context,
    model: options.Model,
    which: Annotated[
        Literal["any", "routed"] | None,
        typer.Argument(
            metavar="any|routed",
            help="What it should be. It is shown, if left out.",
            show_default=False,
        ),
    ] = None,
    *,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Which versions a request can name in its URL.

    any     /versions/N reaches every published version
    routed  only those that some alias routes to
    """
    found = session_of(context).open(registry, stack)
    if which is None:
        found.must_exist(model)
        now = found.state(model).pinned
        _show({"model": model, "pinned": now}, f"{model}: {now}", json=json)
        return
    settle(
        found,
        segments.propose_pinned(found, model, which, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"the versions of {model} that a request can name already are: {which}",
        flag=flag_of(context),
    )
    output.note(_ROUTED if which == "routed" else _ANYWHERE)


def _show(document: dict[str, object], line: str, *, json: bool) -> None:
    if json:
        output.document(document)
    else:
        output.line(line)
