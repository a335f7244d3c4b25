"""Who gets what, from the request's own words to the headers of the answer, at both doors."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from starlette.testclient import TestClient

from modelregistry import segments, splitting
from modelregistry.aliases.caller import Said, attribute
from modelregistry.aliases.decision import decide
from modelregistry.aliases.rules import parse_condition
from modelregistry.aliases.shares import parse
from modelregistry.names import ModelId
from modelregistry.registry import Registry
from modelserver.api.caller import RequestCaller
from modelserver.api.web import create_app
from modelserver.function import PredictFunction
from modelserver.routing import Router
from modelserver.servables import Servables
from modelserver.server import ModelServer
from modelserver.settings import ServingSettings
from tests.events import context, http_api
from tests.fakes import memory_registry, publish_all

from .doubles import Loads
from .lambdas import Opener, started

PREDICT = "/v1/models/sample:predict"
ONE = '{"instances": [1.0]}'
NOTHING: Mapping[str, Any] = MappingProxyType({})


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = memory_registry(tmp_path / "cache")
    publish_all(registry, tmp_path, {"sample": 3})
    registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
    return registry


@pytest.fixture
def function(registry: Registry) -> Iterator[PredictFunction]:
    with started(Opener(registry, Loads())) as (function, _, _):
        yield function


@pytest.fixture
def client(registry: Registry) -> Iterator[TestClient]:
    servables = Servables(Loads(), budget=10**9)
    router = Router(registry, servables, ttl=0, swap_wait=5)
    with TestClient(create_app(ModelServer(registry, servables, router, ServingSettings()))) as one:
        yield one


def split(registry: Registry, *words: str) -> None:
    registry.commit(splitting.propose_split(registry, "sample", parse(words), "stable"))


def route(registry: Registry, when: str, *to: str) -> None:
    condition = [parse_condition(when)]
    registry.commit(segments.propose_route(registry, "sample", "stable", condition, parse(to)))


def version(function: PredictFunction, said: Mapping[str, Any] = NOTHING) -> int:
    answer = function(http_api("POST", PREDICT, ONE, **said), context())
    assert 200 == answer["statusCode"], answer["body"]
    return int(answer["headers"]["x-model-version"])


def test_the_same_key_gets_the_same_version_at_both_doors(
    registry: Registry, function: PredictFunction, client: TestClient
) -> None:
    split(registry, "1@50", "2@30", "3@20")
    alias = registry.state("sample").aliases["stable"]
    seen = set()
    for key in ["0", "1", "2", "3", "4", "5", "anna@example.org", "ключ"]:
        expected = decide("sample", "stable", alias, Said({"x-routing-key": key}), lambda: 0.0)
        headers = [(b"x-routing-key", key.encode())]
        local = client.post(PREDICT, content=ONE, headers=headers)
        assert str(expected.version) == local.headers["x-model-version"]
        assert expected.version == version(function, {"headers": {"x-routing-key": key}})
        seen.add(expected.version)
    assert {1, 2, 3} == seen


WAYS: dict[str, dict[str, Any]] = {
    "x-tier=gold": {"headers": {"x-tier": "gold"}},
    "query:tier in gold,silver": {"query": "a=1&tier=gold"},
    "query:tier=Gold & more": {"query": "tier=Gold+%26%20more"},
    "cookie:tier=gold": {"cookies": ["a=1", "tier=gold"]},
}


@pytest.mark.parametrize("when", WAYS)
def test_a_segment_is_told_by_what_the_request_says(
    registry: Registry, function: PredictFunction, client: TestClient, when: str
) -> None:
    route(registry, when, "2")
    said = WAYS[when]
    assert [2, 1] == [version(function, said), version(function)]
    headers = dict(said.get("headers", {}))
    if "cookies" in said:
        headers["cookie"] = "; ".join(said["cookies"])
    url = f"{PREDICT}?{said.get('query', '')}"
    assert "2" == client.post(url, content=ONE, headers=headers).headers["x-model-version"]
    assert "1" == client.post(PREDICT, content=ONE).headers["x-model-version"]


@pytest.mark.parametrize(
    ("when", "authorizer"),
    [
        ("claim:tier=gold", {"jwt": {"claims": {"tier": "gold", "sub": "7"}, "scopes": None}}),
        ("claim:cognito:groups=[a b]", {"jwt": {"claims": {"cognito:groups": "[a b]"}}}),
        ("claim:tier=gold", {"lambda": {"tier": "gold"}}),
        ("claim:paid=true", {"lambda": {"paid": True}}),
        (
            "claim:userArn^=arn:aws:iam::1234:user/",
            {"iam": {"userArn": "arn:aws:iam::1234:user/a"}},
        ),
    ],
)
def test_a_claim_is_what_the_authorizer_has_verified(
    registry: Registry, function: PredictFunction, when: str, authorizer: dict[str, Any]
) -> None:
    route(registry, when, "2")
    assert 2 == version(function, {"authorizer": authorizer})
    assert 1 == version(function)


# header {"alg":"none"}, claims {"tier":"gold"}
UNVERIFIED = "Bearer eyJhbGciOiJub25lIn0.eyJ0aWVyIjoiZ29sZCJ9."


def test_a_token_that_nobody_has_verified_claims_nothing(
    registry: Registry, function: PredictFunction, client: TestClient
) -> None:
    route(registry, "claim:tier=gold", "2")
    headers = {"authorization": UNVERIFIED, "claims": '{"tier": "gold"}'}
    assert 1 == version(function, {"headers": headers})
    answer = client.post(PREDICT, content=ONE, headers=headers)
    assert "1" == answer.headers["x-model-version"]


@pytest.mark.parametrize(
    "authorizer", [{}, {"jwt": None}, {"jwt": {}}, {"lambda": [1]}, {"iam": None}]
)
def test_an_authorizer_that_says_nothing_is_nobody(
    registry: Registry, function: PredictFunction, authorizer: dict[str, Any]
) -> None:
    route(registry, "claim:tier=gold", "2")
    assert 1 == version(function, {"authorizer": authorizer})


def test_an_answer_says_what_became_of_a_wish(
    registry: Registry, function: PredictFunction, client: TestClient
) -> None:
    split(registry, "1@100", "3@0")
    wish = {"x-model-version": "3"}
    ignored = client.post(PREDICT, content=ONE, headers=wish).headers
    assert ("1", "ignored") == (ignored["x-model-version"], ignored["x-model-override"])
    registry.commit(segments.propose_override(registry, "sample", "stable", allowed=True))
    event = http_api("POST", PREDICT, ONE, headers=wish)
    taken = function(event, context())["headers"]
    assert ("3", "taken") == (taken["x-model-version"], taken["x-model-override"])
    assert "x-model-override" not in client.post(PREDICT, content=ONE).headers
    by_number = client.post("/v1/models/sample/versions/2:predict", content=ONE, headers=wish)
    assert "2" == by_number.headers["x-model-version"]
    assert "ignored" == by_number.headers["x-model-override"]


@pytest.mark.parametrize(
    ("wish", "status", "says"),
    [
        ("2", 404, "asks for version 2, which alias 'stable' does not name"),
        ("x", 400, "'x' is not"),
    ],
)
def test_a_wish_that_cannot_be_met_says_why(
    registry: Registry, client: TestClient, wish: str, status: int, says: str
) -> None:
    registry.commit(segments.propose_override(registry, "sample", "stable", allowed=True))
    answer = client.post(PREDICT, content=ONE, headers={"x-model-version": wish})
    assert status == answer.status_code
    assert says in answer.json()["error"]


def test_an_answer_says_for_which_version_another_stands_in(registry: Registry) -> None:
    loads = Loads()
    loads.broken = {2}
    split(registry, "1@1", "2@99")
    route(registry, "x-try=2", "2")
    with started(Opener(registry, loads)) as (function, _, _):
        event = http_api("POST", PREDICT, ONE, headers={"x-try": "2"})
        headers = function(event, context())["headers"]
    assert ("1", "2") == (headers["x-model-version"], headers["x-model-stand-in-for"])


def test_a_claim_with_half_a_character_is_a_routing_key_all_the_same(
    registry: Registry, function: PredictFunction
) -> None:
    split(registry, "1@50", "2@50")
    key = attribute("claim:sub")
    registry.commit(segments.propose_key(registry, "sample", "stable", key))
    said = {"authorizer": {"jwt": {"claims": {"sub": "\ud800"}}}}
    assert 1 == len({version(function, said) for _ in range(8)})


class CountedScope(dict[str, Any]):
    """An ASGI scope that counts how often each part of it is read."""

    def __init__(self, **parts: object) -> None:
        super().__init__(parts)
        self.read = Counter[str]()

    def __getitem__(self, part: str) -> Any:  # noqa: ANN401 - as a dict's
        self.read[part] += 1
        return super().__getitem__(part)


def test_however_many_rules_ask_for_it_each_thing_is_read_once() -> None:
    headers = [(b"cookie", b"a=1"), (b"x-tier", b"gold"), (b"cookie", b"tier=; tier=2")]
    scope = CountedScope(headers=headers, query_string=b"tier=&tier=gold&b=%C3%A9")
    asking = RequestCaller(scope)
    names = ("query:tier", "query:b", "query:c", "cookie:tier", "cookie:a", "x-tier")
    for _ in range(100):
        assert ["", "é", None, "", "1", "gold"] == [asking.value(attribute(n)) for n in names]
    assert {"query_string": 1, "headers": 2} == scope.read


def test_the_list_of_models_tells_of_rules(registry: Registry, client: TestClient) -> None:
    route(registry, "x-tier=gold", "2")
    (model,) = client.get("/v1/models").json()["models"]
    assert {"stable": ["x-tier=gold → 2"]} == model["rules"]


@pytest.mark.parametrize(
    ("what", "scope", "value"),
    [
        ("x-a", {"headers": [(b"x-a", b"1"), (b"x-a", b"2")]}, "1,2"),
        ("x-a", {"headers": [(b"x-a", b"")]}, ""),
        ("x-a", {"headers": [(b"x-b", b"1")]}, None),
        ("x-a", {"headers": [(b"x-a", b"\xff")]}, "\udcff"),
        ("x-a", {"headers": [(b"x-a", "naïve".encode())]}, "naïve"),
        ("x-a", {"headers": [(b"x-a", "ключ".encode())]}, "ключ"),
        # As a gateway hands them over that takes every byte for a character.
        ("x-a", {"headers": [(b"x-a", "naïve".encode().decode("latin-1").encode())]}, "naïve"),
        ("x-a", {"headers": [(b"x-a", "ключ".encode().decode("latin-1").encode())]}, "ключ"),
        ("query:a", {"query_string": b"b=2&a=1&a=3"}, "1"),
        ("query:a", {"query_string": b"a"}, ""),
        ("query:a", {"query_string": b"b=a"}, None),
        ("query:ä", {"query_string": "ä=%C3%B6".encode()}, "ö"),
        ("cookie:a", {"headers": [(b"cookie", b"b=2; a=1;a=3")]}, "1"),
        ("cookie:a", {"headers": [(b"cookie", b"b=2"), (b"cookie", b'a="x y"')]}, "x y"),
        ("cookie:a", {"headers": [(b"cookie", b"ba=1")]}, None),
        ("claim:a", {}, None),
        ("claim:a", {"state": {"claims": {"a": "1"}}}, "1"),
    ],
)
def test_what_a_request_says(what: str, scope: dict[str, Any], value: str | None) -> None:
    caller = RequestCaller({"headers": [], "query_string": b"", **scope})
    assert value == caller.value(attribute(what))
