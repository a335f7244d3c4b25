"""Who gets what of the predict function with real TensorFlow, over S3 and DynamoDB."""

import io
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelregistry import segments, splitting
from modelregistry.aliases.rules import parse_condition
from modelregistry.aliases.shares import Shares, parse
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from modelserver.compiler import SubprocessCompiler
from modelserver.function import PredictFunction
from tests.aws import Aws, aws, environment, variables
from tests.events import context, http_api
from tests.support.emulator import emulator
from tests.support.endpoints import faulty
from tests.support.shares import CRITICAL, chi_squared
from tests.support.slow import held
from tests.unit.server.lambdas import lines

from .routed import ANSWERS, BODY, KEYS, PREDICT, SPLIT, key_of, wanted
from .terminal import until
from .test_lambda import container, promote

HALF = parse(["1@50", "2@50"])


@pytest.fixture(scope="module")
def cloud() -> Iterator[Aws]:
    with aws() as made:
        yield made


@pytest.fixture(scope="module")
def published(cloud: Aws, versions: Path) -> Registry:
    registry = open_registry(cloud.url)
    publisher = Publisher(registry, SubprocessCompiler())
    for place in ("sample/1", "sample/2", "later/3"):
        publisher.publish(versions / place, "sample")
    return registry


@pytest.fixture
def registry(published: Registry) -> Registry:
    """`sample` in three versions; all of `stable` goes to version 1, by no rules."""
    promote(published, "sample", 1)
    if published.state("sample").aliases["stable"].rules:
        published.commit(segments.propose_unroute(published, "sample", "stable"))
    return published


def split(registry: Registry, shares: Shares) -> None:
    registry.commit(splitting.propose_split(registry, "sample", shares, "stable"))


def event(key: str = "", authorizer: Mapping[str, Any] | None = None) -> dict[str, Any]:
    headers = {"x-routing-key": key} if key else {}
    return http_api("POST", PREDICT, json.dumps(BODY), headers=headers, authorizer=authorizer)


def version(answer: Any) -> str:  # noqa: ANN401 - whatever the function returned
    """Of an answer that is right: its prediction is that of the version that it names."""
    assert 200 == answer["statusCode"], answer["body"]
    named = str(answer["headers"]["x-model-version"])
    assert ANSWERS[named] == json.loads(answer["body"])
    return named


def asked(
    function: PredictFunction, key: str = "", authorizer: Mapping[str, Any] | None = None
) -> str:
    return version(function(event(key, authorizer), context()))


def test_each_key_is_answered_by_the_version_that_the_revision_wants_for_it(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    split(registry, SPLIT)
    with container(cloud, tmp_path, ALIAS_TTL="3600") as function:
        found = {key: asked(function, key) for key in KEYS}
    assert {key: wanted(SPLIT, key) for key in KEYS} == found
    assert {"1", "2", "3"} == set(found.values())


def test_without_keys_the_shares_are_right(cloud: Aws, registry: Registry, tmp_path: Path) -> None:
    split(registry, SPLIT)
    before = random.getstate()
    with container(cloud, tmp_path, ALIAS_TTL="3600") as function:
        for each in "123":
            assert each == asked(function, key_of(SPLIT, each))  # and is loaded from here on
        random.seed(6)
        try:
            found = Counter(int(asked(function)) for _ in range(1_000))
        finally:
            random.setstate(before)
    assert chi_squared(found, SPLIT) < CRITICAL[2]


@pytest.mark.parametrize(
    ("when", "authorizer"),
    [
        ("claim:tier=gold", {"jwt": {"claims": {"tier": "gold", "sub": "7"}, "scopes": None}}),
        ("claim:plan in gold,silver", {"lambda": {"plan": "silver"}}),
    ],
)
def test_a_claim_that_the_authorizer_has_verified_decides(
    cloud: Aws, registry: Registry, tmp_path: Path, when: str, authorizer: dict[str, Any]
) -> None:
    condition = [parse_condition(when)]
    gold = segments.propose_route(registry, "sample", "stable", condition, parse(["2"]))
    registry.commit(gold)
    with container(cloud, tmp_path) as function:
        assert ["2", "1"] == [asked(function, authorizer=authorizer), asked(function)]


def test_a_canary_is_loaded_before_its_first_answer_and_grows_and_ends(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    id = ModelId("sample", 2)
    ten = parse(["1@90", "2@10"])
    early, never = key_of(ten, "2"), key_of(HALF, "1")
    later = next(key for key in KEYS if wanted(ten, key) == "1" and wanted(HALF, key) == "2")

    def found(function: PredictFunction) -> str:
        return "".join(asked(function, key) for key in (early, later, never))

    with container(cloud, tmp_path) as function:
        assert "111" == found(function)
        registry.commit(splitting.propose_canary(registry, id, 10, "stable"))
        assert "211" == found(function)
        registry.commit(splitting.propose_canary(registry, id, 50, "stable"))
        assert "221" == found(function)
        registry.commit(splitting.propose_finish(registry, "sample", "stable"))
        assert "222" == found(function)
        registry.commit(registry.propose_rollback("sample", "stable"))
        assert "221" == found(function)
        registry.commit(splitting.propose_abort(registry, "sample", "stable"))
        assert "111" == found(function)


def test_a_canary_that_cannot_be_loaded_answers_nobody_loudly_until_it_can(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    key, log = key_of(HALF, "2"), io.StringIO()
    with (
        faulty(cloud.endpoint) as between,
        environment(variables(between.endpoint)),
        container(cloud, tmp_path, log) as function,
    ):
        assert "1" == asked(function, key)
        between.spoilt = "sample/2/variables/variables.data"
        registry.commit(splitting.propose_canary(registry, ModelId("sample", 2), 50, "stable"))
        answer = function(event(key), context())
        assert ("1", "2") == (version(answer), answer["headers"]["x-model-stand-in-for"])
        other = function(event(key_of(HALF, "1")), context())
        assert "1" == version(other)
        assert "x-model-stand-in-for" not in other["headers"]
        assert "END" == state(function)
        health = function(http_api("GET", "/healthz"), context())
        document = json.loads(health["body"])
        assert (200, "ready") == (health["statusCode"], document["status"])
        assert "sample:2" in document["problems"][0]

        between.spoilt = ""
        until(lambda: asked(function, key) == "2")
        assert "x-model-stand-in-for" not in function(event(key), context())["headers"]
        assert "AVAILABLE" == state(function)
    written = lines(log)
    assert [] != [w for w in written if "StandIn" in w and (w["version"], w["alias"]) == STOOD]
    assert [] != [w for w in written if "LoadFailed" in w and w["version"] == "2"]
    assert [] != [w for w in written if "sample:2" in str(w.get("message"))]


STOOD = ("2", "stable")


def state(function: PredictFunction) -> str:
    answer = function(http_api("GET", "/v1/models/sample/versions/2"), context())
    (status,) = json.loads(answer["body"])["model_version_status"]
    return str(status["state"])


def test_at_a_cold_start_the_version_in_place_answers_while_its_canary_is_held_up(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    registry.commit(splitting.propose_canary(registry, ModelId("sample", 2), 50, "stable"))
    with held(cloud.endpoint, b"/sample/2/variables/variables.data") as (endpoint, passes):
        settings = {"REGISTRY_URL": cloud.url, "AWS_ENDPOINT_URL_S3": endpoint, "SWAP_WAIT": "0.1"}
        with emulator(tmp_path / "task", {**cloud.variables, **settings}) as lambda_:
            first = lambda_.invoke(event(key_of(HALF, "1")))
            second = lambda_.invoke(event(key_of(HALF, "2")))
            assert ["1", "1"] == [version(first), version(second)]
            assert "true" == first["headers"]["x-cold-start"]
            assert "x-model-stand-in-for" not in first["headers"]
            assert "2" == second["headers"]["x-model-stand-in-for"]
            passes.set()
            until(lambda: version(lambda_.invoke(event(key_of(HALF, "2")))) == "2")
            said = [line.get("message") for line in lambda_.lines()]
    # The canary was no reason to use up the time that an init has.
    assert "models are still loading; requests for them wait" not in said
