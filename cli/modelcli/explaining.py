"""`explain`: which version a caller gets, and why."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from modelregistry.aliases import changes, picking, rules
from modelregistry.aliases.caller import VERSION_HEADER, Caller, of_kind
from modelregistry.aliases.decision import Decision, decide
from modelregistry.aliases.shares import answering, number, text
from modelregistry.aliases.shares import to_json as shares_to_json
from modelregistry.aliases.state import Alias, State
from modelregistry.errors import InvalidInput, NotFound
from modelregistry.names import HIGHEST, alias_name, model_name
from modelregistry.registry import EMPTY, Registry

from . import completion, options, output
from .session import session_of

Pairs = list[str] | None


def _pairs(option: str, what: str) -> Any:  # noqa: ANN401 - Typer's
    return typer.Option(
        option, metavar="NAME=VALUE", help=f"{what}. Can be repeated.", show_default=False
    )


def explain(
    context: typer.Context,
    model: options.Model,
    *,
    header: Annotated[
        Pairs,
        typer.Option(
            "-H",
            "--header",
            metavar="NAME: VALUE",
            help="A header of the request. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    query: Annotated[Pairs, _pairs("--query", "A query parameter of the request")] = None,
    cookie: Annotated[Pairs, _pairs("--cookie", "A cookie of the request")] = None,
    claim: Annotated[
        Pairs, _pairs("--claim", "A claim that API Gateway's authorizer has verified")
    ] = None,
    alias: Annotated[
        str | None,
        typer.Option(
            "--alias",
            metavar="ALIAS",
            help="Which alias; the model's default, if left out.",
            autocompletion=completion.aliases,
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
    registry: options.Registry = None,
    stack: options.Stack = None,
) -> None:
    """
    Which version answers a request, and why.

    By the function that servers decide by: the rule that matched, what the
    routing key drew for each version, and which of them it gets.
    """
    caller = _caller(header or (), query or (), cookie or (), claim or ())
    found = session_of(context).open(registry, stack)
    newest = found.newest(model_name(model))
    if newest is None:
        found.must_exist(model)
    state = newest.state if newest else EMPTY
    name = state.default if alias is None else alias_name(alias)
    target = _target(found, model, name, state)
    told = _Told(model, name, target, caller, newest.number if newest else 0)
    if json:
        output.document(told.document())
    else:
        told.show()


class _Told:
    """What is to be said of one decision."""

    def __init__(self, model: str, name: str, alias: Alias, caller: Caller, revision: int) -> None:
        self._model, self._name, self._alias, self._revision = model, name, alias, revision
        self._wish = caller.value(VERSION_HEADER)
        self._decision: Decision = decide(model, name, alias, caller, lambda: 0.0)
        shares, key = self._decision.shares, self._decision.key
        self._by_key = key is not None and len(shares) > 1
        self._is_chance = (
            self._decision.override != "taken" and key is None and len(answering(shares)) > 1
        )
        self._draws = picking.draws(shares, model, name, key or "") if self._by_key else ()

    def document(self) -> dict[str, Any]:
        decision = self._decision
        matched = self._alias.rules[decision.rule - 1] if decision.rule else None
        return {
            "model": self._model,
            "alias": self._name,
            "revision": self._revision,
            "rule": decision.rule or None,
            "when": None if matched is None else rules.to_json(matched)["when"],
            "routes": shares_to_json(decision.shares),
            "key": {"name": str(self._alias.key), "value": decision.key},
            "draws": [
                {
                    "version": draw.version,
                    "weight": number(draw.weight),
                    "hash": draw.hash,
                    "cut": draw.cut,
                }
                for draw in self._draws
            ],
            "override": decision.override or None,
            "version": None if self._is_chance else decision.version,
        }

    def show(self) -> None:
        output.title(f"{self._model}@{self._name}", f"  revision {self._revision}")
        decision = self._decision
        facts = [] if decision.override == "taken" else [("rule", self._rule())]
        if self._wish is not None:
            facts.append(("override", self._override()))
        if decision.override != "taken" and len(answering(decision.shares)) > 1:
            facts.append(("key", self._key()))
        output.facts(facts)
        if self._draws:
            output.table(
                ("VERSION", "WEIGHT", "HASH", "CUT", ""),
                [
                    (
                        draw.version,
                        number(draw.weight),
                        f"{draw.hash:.6f}",
                        f"{draw.cut:.2f}",
                        "picked" if draw.version == decision.version else "",
                    )
                    for draw in self._draws
                ],
                indent=2,
            )
            output.note("a version gets this key from a weight of its CUT on")
        if self._is_chance:
            output.line(f"by chance: {text(decision.shares)}")
        else:
            output.line(f"{self._model}:{decision.version}")

    def _rule(self) -> str:
        count = len(self._alias.rules)
        if self._decision.rule:
            return f"{self._decision.rule} of {count}: {self._alias.rules[self._decision.rule - 1]}"
        return f"none of {count} matches" if count else "there is none"

    def _key(self) -> str:
        if self._decision.key is None:
            return f"no {self._alias.key}: each request is picked by chance"
        return f"{self._alias.key} is {self._decision.key}"

    def _override(self) -> str:
        if self._decision.override == "taken":
            return f"taken: {VERSION_HEADER} asks for {self._decision.version}"
        if self._name == HIGHEST:
            return f"ignored: no alias is asked, so nothing can allow {VERSION_HEADER}"
        return (
            f"ignored: {self._name} takes no {VERSION_HEADER}; deploy alias override"
            f" {self._model} {self._name} allowed"
        )


def _target(registry: Registry, model: str, name: str, state: State) -> Alias:
    if name != HIGHEST:
        return registry.alias(model, name, state)
    highest = registry.highest(model, state, registry.versions(model, state))
    if highest is None:
        raise NotFound(f"no version of {model} is published: deploy publish PATH {model}")
    return changes.whole(highest)


def _caller(
    headers: Sequence[str], query: Sequence[str], cookies: Sequence[str], claims: Sequence[str]
) -> Caller:
    """Who sends such a request, read out of it as a server does."""
    from modelserver.api.caller import RequestCaller  # noqa: PLC0415 - imports starlette

    sent = [*_headers(headers), *(("cookie", f"{k}={v}") for k, v in _pairs_of("cookie", cookies))]
    return RequestCaller(
        {
            "headers": [(name.encode(), _bytes(value)) for name, value in sent],
            "query_string": urlencode(_pairs_of("query", query), errors="surrogateescape").encode(),
            "state": {"claims": dict(_pairs_of("claim", claims))},
        }
    )


def _headers(written: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in written:
        name, colon, value = line.partition(":")
        if not colon:
            raise InvalidInput(f"{line!r} is not a header", hint="write -H 'NAME: VALUE'")
        yield of_kind("header", name.strip()).name, value.strip()


def _pairs_of(kind: str, written: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for word in written:
        name, equals, value = word.partition("=")
        if not equals:
            raise InvalidInput(f"{word!r} has no value", hint=f"write --{kind} NAME=VALUE")
        found.append((of_kind(kind, name).name, value))
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
