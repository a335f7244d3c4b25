"""Events in, answers out: encodings, paths, sizes, and what is no HTTP at all."""

import asyncio
import base64
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelregistry.errors import Unavailable
from modelregistry.names import ModelId
from modelregistry.registry import Registry
from modelserver import gateway
from modelserver.errors import NoHttpEvent
from modelserver.function import PredictFunction
from tests.events import context, function_url, http_api, predict
from tests.fakes import memory_registry, publish_all

from .doubles import Loads
from .lambdas import ENVIRONMENT, Opener, started

PREDICT = "/v1/models/sample:predict"
ONE = '{"instances": [1.0]}'


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = memory_registry(tmp_path / "cache")
    publish_all(registry, tmp_path, {"sample": 2})
    registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
    return registry


@pytest.fixture
def function(registry: Registry) -> Iterator[PredictFunction]:
    with started(Opener(registry, Loads())) as (function, _, _):
        yield function


def answered(function: PredictFunction, event: dict[str, Any]) -> tuple[int, Any]:
    answer = function(event, context())
    assert "application/json" == answer["headers"]["content-type"]
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("event", [http_api, function_url])
def test_a_prediction_comes_back_with_what_answered(
    function: PredictFunction, event: Callable[..., dict[str, Any]]
) -> None:
    answer = function(event("POST", PREDICT, ONE), context())
    assert (200, '{"predictions":[3.0]}') == (answer["statusCode"], answer["body"])
    expected = {
        "content-type": "application/json",
        "x-model-version": "1",
        "x-model-alias": "stable",
        "x-alias-revision": "1",
        "x-cold-start": "true",
    }
    assert expected == {name: answer["headers"][name] for name in expected}
    json.dumps(answer)


def test_a_body_may_arrive_as_base64(function: PredictFunction) -> None:
    body = base64.b64encode(ONE.encode()).decode()
    event = http_api("POST", PREDICT, body, base64=True)
    assert (200, {"predictions": [3.0]}) == answered(function, event)


def test_bytes_that_are_no_text_are_answered_like_any_other_bad_body(
    function: PredictFunction,
) -> None:
    body = base64.b64encode(b"\x1f\x8b\xff\x00").decode()
    status, document = answered(function, http_api("POST", PREDICT, body, base64=True))
    assert 400 == status
    assert document["error"].startswith("JSON Parse error")


def test_a_gzip_body_arrives_as_base64_and_is_inflated(function: PredictFunction) -> None:
    body = base64.b64encode(gzip.compress(ONE.encode())).decode()
    headers = {"content-encoding": "gzip"}
    event = http_api("POST", PREDICT, body, base64=True, headers=headers)
    assert (200, {"predictions": [3.0]}) == answered(function, event)
    event = http_api("POST", PREDICT, body[:40], base64=True, headers=headers)
    expected = (400, {"error": "JSON Parse error: The document is empty"})
    assert expected == answered(function, event)


def test_an_answer_that_is_packed_leaves_as_base64(function: PredictFunction) -> None:
    event = predict("sample", instances=[0.5] * 1000)
    event["headers"]["accept-encoding"] = "br, gzip"
    answer = function(event, context())
    assert ("gzip", "Accept-Encoding") == (
        answer["headers"]["content-encoding"],
        answer["headers"]["vary"],
    )
    assert answer["isBase64Encoded"] is True
    body = json.loads(gzip.decompress(base64.b64decode(answer["body"])))
    assert {"predictions": [2.0] * 1000} == body
    json.dumps(answer)


def test_an_answer_too_large_for_lambda_fits_when_it_is_packed(
    function: PredictFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "LARGEST_ANSWER", 3000)
    event = predict("sample", instances=[0.5] * 1000)
    assert 500 == function(event, context())["statusCode"]
    event["headers"]["accept-encoding"] = "gzip"
    assert 200 == function(event, context())["statusCode"]


def test_models_and_health_are_there_too(function: PredictFunction) -> None:
    status, document = answered(function, http_api("GET", "/v1/models"))
    assert (200, ["sample"]) == (status, [model["name"] for model in document["models"]])
    assert (200, {"status": "ready"}) == answered(function, http_api("GET", "/healthz"))


CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type",
}


@pytest.mark.parametrize(
    "event",
    [
        http_api("POST", PREDICT, ONE),
        http_api("GET", "/nothing"),
        http_api("OPTIONS", PREDICT, headers={"origin": "https://example.com"}),
        http_api("GET", "/v1/models/sample", headers={"host": "a:b:c"}),
    ],
    ids=["a prediction", "an error", "a question", "half an event"],
)
def test_browsers_get_their_headers_on_every_answer(
    registry: Registry, event: dict[str, Any]
) -> None:
    with started(Opener(registry, Loads()), {**ENVIRONMENT, "CORS": "true"}) as (function, _, _):
        headers = function(event, context())["headers"]
    assert CORS == {name: headers[name] for name in CORS}
    with started(Opener(registry, Loads())) as (function, _, _):
        assert not CORS.keys() & function(event, context())["headers"].keys()


def test_browsers_get_their_headers_from_a_function_that_cannot_reach_its_registry(
    registry: Registry,
) -> None:
    opener = Opener(registry, Loads())
    opener.refusal = Unavailable("the table does not answer")
    with started(opener, {**ENVIRONMENT, "CORS": "true"}) as (function, _, _):
        answer = function(http_api("POST", PREDICT, ONE), context())
    assert 503 == answer["statusCode"]
    assert CORS.items() <= answer["headers"].items()


def test_a_body_may_be_read_strictly(registry: Registry) -> None:
    event = http_api("POST", PREDICT, '{"instances": [[1.0]]}')
    with started(Opener(registry, Loads()), {**ENVIRONMENT, "STRICT": "true"}) as (function, _, _):
        expected = {"error": "Input x has the shape [1,1], its signature declares [-1]"}
        assert (400, expected) == answered(function, event)
    with started(Opener(registry, Loads())) as (function, _, _):
        assert (200, {"predictions": [[3.0]]}) == answered(function, event)


def test_a_body_that_is_not_the_base64_it_claims_to_be_is_a_400(function: PredictFunction) -> None:
    status, document = answered(function, http_api("POST", PREDICT, "a", base64=True))
    assert 400 == status
    assert document["error"].startswith("the event cannot be understood: Error: ")


def test_no_body_is_an_empty_one(function: PredictFunction) -> None:
    status, document = answered(function, http_api("POST", PREDICT))
    assert (400, "JSON Parse error: The document is empty") == (status, document["error"][:39])


def test_percent_encoding_that_arrives_is_undone_once(function: PredictFunction) -> None:
    path = "/v1/models/s%61mple/versions/1:predict"
    assert 200 == answered(function, function_url("POST", path, ONE))[0]
    status, document = answered(function, function_url("GET", "/v1/models/sample%2Fversions%2F1"))
    assert {"error": "Could not find any versions of model sample/versions/1"} == document
    assert 404 == status


@pytest.mark.parametrize("name", ["größe", "a b", 'quo"te', "a?b", "a#b"])
def test_a_path_that_the_gateway_decoded_still_names_what_it_named(
    function: PredictFunction, name: str
) -> None:
    document = answered(function, http_api("GET", f"/v1/models/{name}"))[1]
    assert {"error": f"Could not find any versions of model {name}"} == document


def test_a_named_stage_is_no_part_of_the_path(function: PredictFunction) -> None:
    event = http_api("POST", f"/prod{PREDICT}", ONE, stage="prod")
    assert 200 == answered(function, event)[0]
    event = http_api("POST", PREDICT, ONE, stage="prod")  # a custom domain may have cut it off
    assert 200 == answered(function, event)[0]


def test_a_query_is_no_part_of_the_path(function: PredictFunction) -> None:
    assert 200 == answered(function, http_api("POST", PREDICT, ONE, query="a=b%2F"))[0]


def test_browsers_may_ask_first(function: PredictFunction) -> None:
    event = http_api("OPTIONS", PREDICT, headers={"origin": "https://example.com"})
    answer = function(event, context())
    assert (200, "") == (answer["statusCode"], answer["body"])


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_malformed_as_upstream_has_it(
    function: PredictFunction, method: str
) -> None:
    expected = (400, {"error": f"Malformed request: {method} {PREDICT}"})
    assert expected == answered(function, http_api(method, PREDICT))


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "not keys "),
        ({"warm": True, "x": 1}, "not keys 'warm', 'x'"),
        ({"Records": []}, "not keys 'Records'"),
        ([1, 2], "not [1, 2]"),
        (None, "not None"),
    ],
)
def test_what_is_no_http_request_is_told_what_is(
    function: PredictFunction, event: object, said: str
) -> None:
    with pytest.raises(NoHttpEvent) as caught:
        function(event, context())
    assert str(caught.value).startswith("this function answers HTTP requests: the events of an API")
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize(
    "broken",
    [
        {"requestContext": {}},
        {"version": "2.0", "requestContext": {}},
        {"version": "2.0", "requestContext": {"http": None}, "headers": {}},
        http_api("GET", "/v1/models/sample", headers={"host": "a:b:c"}),
        http_api("GET", "/v1/models/sample", headers={"x-forwarded-port": "none"}),
    ],
)
def test_half_an_http_event_is_a_400(function: PredictFunction, broken: dict[str, Any]) -> None:
    status, document = answered(function, broken)
    assert 400 == status
    assert document["error"].startswith("the event cannot be understood: ")


def test_an_answer_too_large_for_lambda_is_an_error_that_says_so(
    function: PredictFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "LARGEST_ANSWER", 1000)
    status, document = answered(function, predict("sample", instances=[1.5] * 500))
    assert 500 == status
    assert document["error"].startswith("the answer takes 2,021 bytes, Lambda carries 1,000: ask")
    assert 200 == answered(function, predict("sample", instances=[1.5] * 100))[0]


def test_an_application_that_waits_for_an_event_loop_is_told_that_there_is_none() -> None:
    async def app(*_: object) -> None:
        await asyncio.sleep(0)

    answer = gateway.Gateway(app)(http_api("GET", "/"), context())
    assert "something waits for an event loop" in json.loads(answer["body"])["error"]
