"""`status` and `history`: what is live, since when, and what was."""

from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import typer

from modelregistry.aliases import changes
from modelregistry.aliases.revision import Revision, as_json
from modelregistry.errors import InvalidInput, NotFound
from modelregistry.names import HIGHEST
from modelregistry.registry import EMPTY

from . import options, output, standing, wording
from .location import Location
from .session import flag_of, session_of
from .standing import AliasStanding, Standing


def status(
    context: typer.Context,
    model: options.MaybeModel = None,
    *,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """What is live, since when, by whom, and where a rollback leads."""
    session = session_of(context)
    location = session.locate(registry, stack)
    try:
        found = session.open_at(location)
    except NotFound:
        if model is not None:
            raise
        _nothing_there(location, json=json)
        return
    standings = [standing.standing(found, m) for m in ([model] if model else found.models())]
    if json:
        place = _place(location, found.url, exists=True)
        documents = [standing.to_json(one) for one in standings]
        several = {"registry": place, "models": documents}
        output.document({**documents[0], "registry": place} if model else several)
        return
    output.title("registry", f"  {found.url} ({location.reason})")
    for one in standings:
        output.line()
        _show(one, found.now(), flag_of(context))
    if not standings:
        output.note("nothing is published here yet: deploy publish PATH MODEL")


def history(
    context: typer.Context,
    model: options.Model,
    *,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="2026-11-22T09:30 (local time), 2026-11-22T09:30Z, or how long ago: 10m, 2h, 3d.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("-n", "--limit", min=1, help="Only the newest so many.", show_default=False),
    ] = None,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Every change of a model's aliases, newest first.

    With --at, the revision of that time: what was live then.
    """
    found = session_of(context).open(registry, stack)
    moment = None if at is None else wording.read_moment(at, found.now())
    count = 1 if moment else limit
    # One more than is shown: what a revision changed is told by the one before it.
    log = list(islice(found.history(model, moment), None if count is None else count + 1))
    shown = log[:count]
    if moment and limit:
        raise InvalidInput("--at tells of one revision, so --limit has no meaning beside it")
    if moment and not shown:
        raise NotFound(f"{model} had no revision yet at {wording.shown(moment)}")
    if json:
        output.document({"model": model, "revisions": [as_json(revision) for revision in shown]})
        return
    if not shown:
        output.note(f"{model} has no revision yet: deploy promote {model} VERSION")
        return
    _show_log(log, len(shown))
    if moment:
        _show_then(shown[0])


def show_aliases(one: Standing, now: datetime) -> None:
    headings = ("ALIAS", "GOES TO", "SINCE", "", "BY", "REV", "ROLLBACK TO")
    output.table(
        headings,
        [_alias_row(alias, now) for alias in one.aliases],
        wrap=("GOES TO", "BY", "ROLLBACK TO"),
        indent=2,
    )


def _show(one: Standing, now: datetime, registry_flag: str) -> None:
    output.title(
        one.model,
        f"  revision {one.revision} · default {one.state.default}"
        f" · policy {one.state.policy or 'none'} · versions {output.some(one.versions)}",
    )
    if one.aliases:
        show_aliases(one, now)
    if not one.answers_bare_requests:
        output.note(_how_to_go_live(one) + registry_flag)


def _alias_row(found: AliasStanding, now: datetime) -> tuple[object, ...]:
    change = found.since.change
    since, age = wording.shown(change.at), wording.age(change.at, now)
    return (
        found.name,
        found.alias,
        since,
        age,
        change.by,
        found.since.number,
        found.rollback_to or "-",
    )


def _how_to_go_live(one: Standing) -> str:
    wanted = one.state.default
    if not one.versions:
        return f"no version of {one.model} is published: deploy publish PATH {one.model}"
    if wanted == HIGHEST:
        return (
            "requests that name no version fail: the policy keeps no version that is published:"
            f" deploy policy {one.model} POLICY"
        )
    flag = "" if wanted == "stable" else f" --alias {wanted}"
    return (
        f"requests that name no version fail until {wanted!r} is set:"
        f" deploy promote {one.model} {one.versions[-1]}{flag}"
    )


def _nothing_there(location: Location, *, json: bool) -> None:
    if json:
        place = _place(location, location.shown, exists=False)
        output.document({"registry": place, "models": []})
        return
    output.title("registry", f"  {location.shown} ({location.reason})")
    output.note("nothing is there yet; the first publish makes it: deploy publish PATH MODEL")


def _place(location: Location, url: str, *, exists: bool) -> dict[str, Any]:
    return {"url": url, "reason": location.reason, "exists": exists}


def _show_log(log: list[Revision], count: int) -> None:
    before = [revision.state for revision in log[1:]] + [EMPTY]
    output.table(
        ("REV", "AT", "BY", "ACTION", "CHANGE", "MESSAGE"),
        [
            (
                revision.number,
                wording.shown(revision.change.at),
                revision.change.by,
                revision.change.action,
                "; ".join(changes.differences(earlier, revision.state)),
                revision.change.message,
            )
            for revision, earlier in list(zip(log, before, strict=True))[:count]
        ],
        wrap=("BY", "CHANGE", "MESSAGE"),
    )


def _show_then(revision: Revision) -> None:
    """What was live: the whole state that the revision holds."""
    state = revision.state
    output.line()
    output.title("then", f"  default {state.default} · policy {state.policy or 'none'}")
    output.table(("ALIAS", "WENT TO"), sorted(state.aliases.items()), wrap=("WENT TO",), indent=2)
