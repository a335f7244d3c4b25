"""`promote`, `rollback` and `policy`: which version is live, now and from here on."""

from typing import Annotated, Literal

import typer

from modelregistry.aliases.state import Policy, State, policy_to_json
from modelregistry.errors import InvalidInput
from modelregistry.names import DEFAULT_ALIAS, HIGHEST, ModelId, model_name, version_number
from modelregistry.splitting import propose_finish

from . import completion, options, output
from .session import flag_of, session_of
from .settling import settle

_ACTS = {
    "none": "publishing changes no alias",
    "latest": "when a new highest version is published, the default alias goes to it",
    "all": "publishing changes no alias",
    "specific": "when the highest of these versions is published, the default alias goes to it",
}
# Where a model's default is `highest`, as after a models.config.
_CHOOSES = {
    "none": "requests that name no version go to the highest one",
    "latest": "requests that name no version go to the highest one",
    "all": "requests that name no version go to the highest one",
    "specific": "requests that name no version go to the highest of these that is published",
}


def promote(
    context: typer.Context,
    model: options.Model,
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="VERSION",
            help="A published version. The alias's canary, if left out.",
            autocompletion=completion.versions,
            show_default=False,
        ),
    ] = None,
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
    Point an alias at a version: all of its requests go there.

    Without a version it finishes the alias's canary.
    """
    number = None if version is None else version_number(version)
    found = session_of(context).open(registry, stack)
    if number is None:
        proposal = propose_finish(found, model, alias, expect=expect)
    else:
        proposal = found.propose_promote(ModelId(model_name(model), number), alias, expect=expect)
    settle(
        found,
        proposal,
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{alias} already points to {version}",
        flag=flag_of(context),
    )


def rollback(
    context: typer.Context,
    model: options.Model,
    *,
    alias: options.AliasOption = DEFAULT_ALIAS,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="VERSION",
            help="Back to when the alias pointed to this version.",
            autocompletion=completion.versions,
            show_default=False,
        ),
    ] = None,
    expect: options.Expect = None,
    message: options.Message = "",
    dry_run: options.DryRun = False,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Point an alias back to what it pointed to before.

    Rolling back a rollback works, too. It needs nothing but the alias table.
    """
    version = None if to is None else version_number(to)
    found = session_of(context).open(registry, stack)
    settle(
        found,
        found.propose_rollback(model, alias, to=version, expect=expect),
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"{alias} is there already",
        flag=flag_of(context),
    )


def policy(
    context: typer.Context,
    model: options.Model,
    kind: Annotated[
        Literal["none", "latest", "all", "specific"] | None,
        typer.Argument(
            metavar="POLICY",
            help="What it should be. It is shown, if left out.",
            show_default=False,
        ),
    ] = None,
    versions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VERSION",
            help="For `specific`: the versions.",
            autocompletion=completion.versions,
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
    What publishing a version does to the default alias.

    none      nothing: it waits to be promoted
    latest    a new highest version becomes the default alias's
    specific  the highest published one of the VERSIONs does
    all       nothing; kept for models.config

    Where the default is `highest`, it chooses from the versions that the
    policy keeps.
    """
    found = session_of(context).open(registry, stack)
    if kind is None:
        found.history(model)  # raises NotFound for a model that is not there
        _show(model, found.state(model), json=json)
        return
    wanted = _policy(kind, versions or [])
    proposal = found.propose_policy(model, wanted, expect=expect)
    settle(
        found,
        proposal,
        message=message,
        dry_run=dry_run,
        json=json,
        unchanged=f"the policy of {model} already is {wanted or 'none'}",
        flag=flag_of(context),
    )
    output.note(_meaning(proposal.after))


def _policy(
    kind: Literal["none", "latest", "all", "specific"], versions: list[str]
) -> Policy | None:
    numbers = tuple(sorted({version_number(version) for version in versions}))
    if (kind == "specific") != bool(numbers):
        wants = "needs" if kind == "specific" else "takes no"
        raise InvalidInput(
            f"the policy {kind!r} {wants} versions", hint="deploy policy MODEL specific 1 3"
        )
    return None if kind == "none" else Policy(kind, versions=numbers)


def _meaning(state: State) -> str:
    """What the policy does to requests that name no version."""
    kind = state.policy.kind if state.policy else "none"
    return (_CHOOSES if state.default == HIGHEST else _ACTS)[kind]


def _show(model: str, state: State, *, json: bool) -> None:
    policy = state.policy
    if json:
        shown = None if policy is None else policy_to_json(policy)
        output.document({"model": model, "policy": shown})
        return
    output.line(f"{model}: {policy or 'none'}")
    output.note(_meaning(state))
