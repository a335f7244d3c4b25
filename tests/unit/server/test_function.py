"""What a container does about what was wrong when it started."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from modelregistry.errors import InvalidInput, Unavailable
from modelregistry.names import ModelId
from modelregistry.registry import Registry
from modelserver.coldstart import ColdStart, planned, process_age
from modelserver.function import PredictFunction
from modelserver.observer import UNOBSERVED
from modelserver.servables import Servable
from modelserver.settings import LambdaSettings
from tests.events import context, predict
from tests.fakes import MemoryArtifacts, memory_registry, publish_all

from .doubles import Loads
from .lambdas import ENVIRONMENT, Opener, lines, own_logging, started

ASK = predict("sample", instances=[1.0])


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = memory_registry(tmp_path / "cache")
    publish_all(registry, tmp_path, {"sample": 3, "other": 1, "unaliased": 1})
    registry.commit(registry.propose_promote(ModelId("sample", 3), "canary"))
    registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
    registry.commit(registry.propose_promote(ModelId("other", 1), "stable"))
    return registry


@pytest.fixture
def loads() -> Loads:
    return Loads()


@pytest.fixture
def opener(registry: Registry, loads: Loads) -> Opener:
    return Opener(registry, loads)


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    with own_logging():
        yield


def in_time() -> float:
    """A limit for `finish`: the process that runs the tests is old."""
    return process_age() + 10


def error(function: PredictFunction) -> tuple[int, str]:
    answer = function(ASK, context())
    assert "application/json" == answer["headers"]["content-type"]
    return answer["statusCode"], json.loads(answer["body"])["error"]


def test_a_bad_setting_is_said_at_the_start_and_to_every_request(opener: Opener) -> None:
    with started(opener, {**ENVIRONMENT, "ALIAS_TTL": "soon"}) as (function, start, output):
        start.begin()
        function.prepare()
        start.finish()
        said = "the function is not configured: ALIAS_TTL is 'soon', it must be a number of seconds"
        (first, *_) = lines(output)
        assert "ERROR" == first["level"]
        assert first["message"].startswith(said)
        for _ in range(2):
            status, message = error(function)
            assert 500 == status
            assert message.startswith(said)
        counted = [line for line in lines(output) if "Requests" in line]
        assert [[1.0], [1.0]] == [line["Errors"] for line in counted]
    assert 0 == opener.opened


def test_a_registry_that_cannot_be_opened_is_opened_by_a_later_request(opener: Opener) -> None:
    with started(opener) as (function, _, _):
        opener.refusal = Unavailable("the table does not answer")
        function.prepare()
        expected = 503, "the registry cannot be opened: the table does not answer"
        assert [expected] * 2 == [error(function), error(function)]
        opener.refusal = None
        assert 200 == function(ASK, context())["statusCode"]


def test_a_url_that_is_none_is_a_setting_that_is_wrong(opener: Opener) -> None:
    opener.refusal = InvalidInput("'ftp://x' is not a registry URL this version knows")
    with started(opener) as (function, _, _):
        expected = (
            500,
            "the function is not configured: 'ftp://x' is not a registry URL this version knows",
        )
        assert expected == error(function)


def loaded_ahead(opener: Opener, **environment: str) -> set[ModelId]:
    """What is loaded when the init phase of a provisioned environment ends."""
    kind = {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
    with started(opener, {**ENVIRONMENT, **kind, **environment}) as (_, start, _):
        start.preload()
        start.finish(limit=in_time())
        return set(start.server().servables.loaded())


def test_every_model_with_an_alias_is_loaded_before_the_first_request(opener: Opener) -> None:
    expected = {ModelId("sample", 1), ModelId("sample", 3), ModelId("other", 1)}
    assert expected == loaded_ahead(opener)


def test_the_models_of_the_settings_are_loaded_and_no_others(opener: Opener) -> None:
    assert {ModelId("other", 1)} == loaded_ahead(opener, MODELS="other")


def test_a_model_not_named_is_loaded_at_its_first_request(opener: Opener) -> None:
    with started(opener, {**ENVIRONMENT, "MODELS": "other"}) as (function, start, _):
        start.preload()
        start.finish(limit=in_time())
        assert 200 == function(ASK, context())["statusCode"]


class SlowCanary(Loads):
    """Version 3 takes until `arrived`."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = Event()

    def __call__(self, id: ModelId) -> Servable:
        assert id.version != 3 or self.arrived.wait(10)
        return super().__call__(id)


def test_the_version_in_place_never_waits_for_a_canary(registry: Registry) -> None:
    slow = SlowCanary()
    environment = {**ENVIRONMENT, "MODELS": "sample"}
    with started(Opener(registry, slow), environment) as (function, start, _):
        start.preload()
        start.finish(limit=in_time())
        assert [ModelId("sample", 1)] == start.server().servables.loaded()
        assert 200 == function(ASK, context())["statusCode"]
        slow.arrived.set()


def test_a_broken_model_keeps_no_other_from_being_loaded(opener: Opener, loads: Loads) -> None:
    loads.broken = {3}
    assert {ModelId("sample", 1), ModelId("other", 1)} == loaded_ahead(opener)


def test_init_ends_in_time_and_the_first_request_waits_for_the_load(
    opener: Opener, loads: Loads
) -> None:
    with started(opener) as (function, start, _), loads.held():
        start.preload()
        before = monotonic()
        start.finish(limit=process_age() + 0.1)
        assert monotonic() - before < 2
        # Held for longer than this request may take.
        answer = function(ASK, context(seconds=1.0))
        assert (503, {"error": "sample:1 is still loading; try again"}) == (
            answer["statusCode"],
            json.loads(answer["body"]),
        )
        assert monotonic() - before < 3
        loads.open()
        assert 200 == function(ASK, context())["statusCode"]
    assert 1 == loads.count[ModelId("sample", 1)]  # the load went on


def test_what_fits_the_memory_budget_is_loaded_by_default(
    registry: Registry, opener: Opener
) -> None:
    settings = LambdaSettings("memory:", memory_budget=2500)  # a plan here says 1000 bytes
    router = opener(settings, UNOBSERVED).router
    expected: tuple[list[ModelId], list[ModelId]]
    expected = [ModelId("other", 1), ModelId("sample", 1)], []
    assert expected == planned(router, registry, settings)
    named = LambdaSettings("memory:", models=("sample",), memory_budget=1)
    expected = [ModelId("sample", 1)], [ModelId("sample", 3)]
    assert expected == planned(router, registry, named)


def test_a_table_that_is_down_at_the_start_is_a_503_until_it_is_back(
    registry: Registry, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise Unavailable("the table does not answer")

    with started(opener) as (function, start, output), monkeypatch.context() as patched:
        start.telemetry.take_over_logging()
        patched.setattr(registry.aliases, "newest", down)
        patched.setattr(registry.aliases, "models", down)
        start.preload()
        start.finish(limit=in_time())
        expected = 503, "the alias table cannot be read: the table does not answer"
        assert [expected] * 2 == [error(function), error(function)]
        patched.undo()
        assert 200 == function(ASK, context())["statusCode"]
    said = [line["message"] for line in lines(output) if line.get("level") == "ERROR"]
    assert ["nothing is loaded ahead of requests: the table does not answer"] == said


def test_an_artifact_store_that_is_down_keeps_no_loaded_version_from_being_flipped_to(
    registry: Registry, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise Unavailable("S3 does not answer")

    with started(opener) as (function, _, _):
        for version in (1, 2):
            event = predict("sample", version=version, instances=[1.0])
            assert 200 == function(event, context())["statusCode"]
        promotion = registry.propose_promote(ModelId("sample", 2), "stable")
        for method in ("versions", "manifest", "plan", "fetch", "models"):
            monkeypatch.setattr(MemoryArtifacts, method, down)
        answers = [function(ASK, context())]
        registry.commit(promotion)
        answers.append(function(ASK, context()))
        registry.commit(registry.propose_rollback("sample", "stable"))
        answers += [function(ASK, context()), function(event, context())]
    answered = [(a["statusCode"], a["headers"]["x-model-version"]) for a in answers]
    assert [(200, "1"), (200, "2"), (200, "1"), (200, "2")] == answered


def test_the_age_of_a_process_is_known() -> None:
    age = process_age()
    assert 0 < age < 24 * 3600
    assert process_age() >= age


def test_nothing_is_opened_by_constructing(opener: Opener) -> None:
    ColdStart(ENVIRONMENT, open_server=opener)
    assert 0 == opener.opened
