"""`status` and `history`: what is live, since when, and what was."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelregistry.aliases import changes
from modelregistry.aliases.caller import ROUTING_KEY
from modelregistry.aliases.revision import Revision, as_json
from modelregistry.aliases.rules import conditions_text
from modelregistry.aliases.shares import number, text
from modelregistry.aliases.state import Alias
from modelregistry.errors import InvalidInput, NotFound
from modelregistry.names import HIGHEST
from modelregistry.registry import EMPTY

from . import options, output, standing, wording
from .location import Location
from .session import flag_of, session_of
from .standing import AliasStanding, Standing

if TYPE_CHECKING:
    from .measured import Measured


def status(
    context: typer.Context,
    model: options.MaybeModel = None,
    *,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Also ask this local server (http://localhost:8501) who got what.",
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """What is live, since when, by whom, and where a rollback leads."""
    if url is not None and model is None:
        raise InvalidInput("--url tells of one model", hint="write deploy status MODEL --url URL")
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
    answers = _measured(url, standings[0]) if url is not None else None
    if json:
        place = _place(location, found.url, exists=True)
        documents = [standing.to_json(one) for one in standings]
        if answers:
            documents[0] |= {"actual": _actual_json(answers)}
        several = {"registry": place, "models": documents}
        output.document({**documents[0], "registry": place} if model else several)
        return
    output.title("registry", f"  {found.url} ({location.reason})")
    for one in standings:
        output.line()
        _show(one, found.now(), flag_of(context))
    if answers:
        _show_actual(standings[0], answers)
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
    _show_rules((alias.name, alias.alias) for alias in one.aliases)
    for alias in one.aliases:
        if said := _particulars(alias.alias):
            output.line(f"  {alias.name}: {said}")


def _show_rules(aliases: Iterable[tuple[str, Alias]]) -> None:
    output.table(
        ("RULE OF", "", "WHEN", "GOES TO"),
        [
            (name, place, conditions_text(rule.when), text(rule.routes))
            for name, alias in aliases
            for place, rule in enumerate(alias.rules, 1)
        ],
        wrap=("WHEN", "GOES TO"),
        indent=2,
    )


def _particulars(alias: Alias) -> str:
    """What an alias has that most have not."""
    return ", ".join(
        [
            *([f"canary {alias.canary.version}"] if alias.canary else []),
            *([f"callers known by {alias.key}"] if alias.key != ROUTING_KEY else []),
            *(["override allowed"] if alias.override else []),
        ]
    )


def _measured(url: str, one: Standing) -> "Measured":
    from .measured import measured  # noqa: PLC0415 - imports urllib

    return measured(url, one.model)


def _actual_json(answers: "Measured") -> dict[str, Any]:
    return {
        "aliases": {
            alias: {
                "revision": revision,
                "requests": {
                    str(version): count
                    for version, count in sorted(answers.requests.get(alias, Counter()).items())
                },
            }
            for alias, revision in sorted(answers.revisions.items())
        },
        "refused": {str(version): why for version, why in sorted(answers.refused.items())},
    }


def _show_actual(one: Standing, answers: "Measured") -> None:
    output.line()
    rows = [
        row
        for alias in one.aliases
        for row in _shares(alias, answers.requests.get(alias.name, Counter()))
    ]
    headings = ("ALIAS", "VERSION", "WANTED %", "ACTUAL %", "REQUESTS")
    output.table(headings, rows, indent=2)
    for alias in one.aliases:
        by = answers.revisions.get(alias.name)
        if by is None:
            output.note(f"the server does not answer {alias.name} yet")
        elif by != one.revision:
            output.note(
                f"the server answers {alias.name} by revision {by}, the registry is at"
                f" {one.revision}"
            )
        if alias.alias.rules and answers.requests.get(alias.name):
            output.note(f"the actual shares of {alias.name} include who its rules send elsewhere")
    for version, why in sorted(answers.refused.items()):
        output.warning(f"the server cannot load version {version}: {why}")


def _shares(found: AliasStanding, counted: Counter[int]) -> Iterator[tuple[object, ...]]:
    wanted = {share.version: number(share.weight) for share in found.alias.routes}
    total = sum(counted.values())
    for version in sorted({*wanted, *counted}):
        actual = f"{100 * counted[version] / total:.2f}" if total else "-"
        yield found.name, version, str(wanted.get(version, "-")), actual, counted[version]


def _show(one: Standing, now: datetime, registry_flag: str) -> None:
    output.title(
        one.model,
        f"  revision {one.revision} · default {one.state.default}"
        f" · policy {one.state.policy or 'none'} · versions {output.some(one.versions)}"
        + (" · pinned routed" if one.state.pinned == "routed" else ""),
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
        _back(found),
    )


def _back(found: AliasStanding) -> str:
    back = found.rollback_to
    if back is None:
        return "-"
    return str(back) if back.rules == found.alias.rules else f"{back} (other rules)"


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
    _show_rules(sorted(state.aliases.items()))
