"""The predict function with real TensorFlow, over S3 and DynamoDB, from event to answer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import IO, Any

import pytest

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.plan import Compiler, Plan
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from modelserver.coldstart import ColdStart, process_age
from modelserver.function import PredictFunction
from tests.aws import Aws, aws, environment, variables
from tests.events import context, function_url, http_api, predict
from tests.support.emulator import emulator
from tests.support.endpoints import faulty
from tests.support.slow import slow
from tests.unit.server.lambdas import own_logging

ONE = predict("sample", instances=[[1.0]])


@pytest.fixture
def cloud() -> Iterator[Aws]:
    with aws() as made:
        yield made


@pytest.fixture
def registry(cloud: Aws, savedmodels: Path, compiler: Compiler) -> Registry:
    """`sample:1` halves and adds two, and is stable; `sample:2` answers with 1."""
    registry = open_registry(cloud.url)
    publisher = Publisher(registry, compiler)
    publisher.publish(savedmodels / "half_plus_two", "sample")
    publisher.publish(savedmodels / "signatures", "sample")
    promote(registry, "sample", 1)
    return registry


class Compiled:
    """Knows the plans of all SavedModels that there are."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self._plans = plans

    def compile(self, directory: Path) -> Plan:
        return self._plans[directory.name]


@pytest.fixture
def compiler(plans: Mapping[str, Plan]) -> Compiler:
    return Compiled(plans)


def promote(registry: Registry, model: str, version: int) -> None:
    registry.commit(registry.propose_promote(ModelId(model, version), "stable"))


@contextmanager
def container(
    cloud: Aws, home: Path, stream: IO[str] | None = None, **variables: str
) -> Iterator[PredictFunction]:
    """A function whose init phase is over, in this process; its log goes to `stream`."""
    environment = {
        "REGISTRY_URL": cloud.url,
        "ALIAS_TTL": "0",
        "SWAP_WAIT": "20",
        "TMPDIR": str(home),
        **variables,
    }
    with own_logging():
        start = ColdStart(environment, stream=stream)
        start.begin()
        function = PredictFunction(start)
        function.prepare()
        start.finish(limit=process_age() + 60)
        yield function


def answered(function: PredictFunction, event: Any = ONE) -> tuple[int, Any]:  # noqa: ANN401 - JSON is
    answer = function(event, context())
    assert "application/json" == answer["headers"]["content-type"]
    return answer["statusCode"], json.loads(answer["body"])


HALF = 200, {"predictions": [[2.5]]}


def test_the_model_is_loaded_when_the_first_request_arrives(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    with container(cloud, tmp_path) as function:
        answer = function(ONE, context())
    expected = {
        "x-model-version": "1",
        "x-model-alias": "stable",
        "x-alias-revision": "1",
        "x-cold-start": "true",
    }
    assert expected.items() <= answer["headers"].items()
    assert (200, '{"predictions":[[2.5]]}') == (answer["statusCode"], answer["body"])


def test_a_function_url_is_answered_alike(cloud: Aws, registry: Registry, tmp_path: Path) -> None:
    with container(cloud, tmp_path) as function:
        path = "/v1/models/s%61mple/labels/stable:predict"
        event = function_url("POST", path, '{"instances": [[1.0]]}')
        assert HALF == answered(function, event)
        status, document = answered(function, http_api("GET", "/v1/models/sample"))
        assert 200 == status
        assert ["2", "1"] == [v["version"] for v in document["model_version_status"]]


def test_a_flip_and_a_rollback_are_answered_by_the_request_that_sees_them(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    nine = predict("sample", inputs=9.0)
    with container(cloud, tmp_path) as function:
        assert HALF == answered(function)
        promote(registry, "sample", 2)
        assert (200, {"outputs": 1.0}) == answered(function, nine)
        registry.commit(registry.propose_rollback("sample", "stable"))
        assert HALF == answered(function)


def test_a_request_pays_for_its_look_at_the_table_with_one_read(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    with faulty(cloud.endpoint) as between, environment(variables(between.endpoint)):
        with container(cloud, tmp_path, ALIAS_TTL="0") as looking:
            answered(looking)
            between.operations.clear()
            assert [HALF] * 3 == [answered(looking) for _ in range(3)]
            assert ["Query"] * 3 == between.operations
        with container(cloud, tmp_path, ALIAS_TTL="3600") as knowing:
            answered(knowing)
            between.operations.clear()
            assert [HALF] * 3 == [answered(knowing) for _ in range(3)]
            assert [] == between.operations


def test_with_aws_out_of_reach_a_warm_container_keeps_answering(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    with container(cloud, tmp_path, ALIAS_TTL="0.2") as function:
        assert HALF == answered(function)
        cloud.stop()
        began = monotonic()
        for _ in range(20):
            assert HALF == answered(function)
        assert monotonic() - began < 20
        cloud.start()
        promote(registry, "sample", 2)
        deadline = monotonic() + 10
        while (answer := answered(function, predict("sample", inputs=9.0)))[0] != 200:
            assert monotonic() < deadline, answer


def test_connections_that_died_meanwhile_cost_the_first_request_nothing(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    """As after a thaw: every socket is dead, and the newest revision is another."""
    with container(cloud, tmp_path) as function:
        assert HALF == answered(function)
        promote(registry, "sample", 2)
        cloud.stop()
        cloud.start()
        assert (200, {"outputs": 1.0}) == answered(function, predict("sample", inputs=9.0))


def test_a_cold_container_with_aws_out_of_reach_says_so_and_recovers_by_itself(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    cloud.stop()
    with container(cloud, tmp_path) as function:
        for _ in range(2):
            status, document = answered(function)
            assert 503 == status
            assert document["error"].startswith("the alias table cannot be read: ")
        cloud.start()
        assert HALF == answered(function)


def test_a_broken_artifact_takes_neither_the_container_nor_other_models_down(
    cloud: Aws, registry: Registry, tmp_path: Path, savedmodels: Path, compiler: Compiler
) -> None:
    Publisher(registry, compiler).publish(savedmodels / "two_inputs", "broken")
    promote(registry, "broken", 1)
    for version in registry_objects(cloud, "broken/1/variables"):
        cloud.s3.delete_object(Bucket=cloud.bucket, Key=version[0], VersionId=version[1])
    with container(cloud, tmp_path) as function:
        for _ in range(2):
            status, document = answered(function, predict("broken", inputs={}))
            assert 503 == status
            assert "broken:1" in document["error"]
            assert HALF == answered(function)


def registry_objects(cloud: Aws, prefix: str) -> list[tuple[str, str]]:
    listed = cloud.s3.list_object_versions(Bucket=cloud.bucket, Prefix=f"{cloud.prefix}/{prefix}")
    found = [(version["Key"], version["VersionId"]) for version in listed["Versions"]]
    assert found
    return found


def test_a_plan_that_was_lost_is_made_again_by_a_container(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    for key, version in registry_objects(cloud, "sample/1/compiled/"):
        cloud.s3.delete_object(Bucket=cloud.bucket, Key=key, VersionId=version)
    with container(cloud, tmp_path) as function:
        assert HALF == answered(function)


def test_the_emulator_runs_the_handler(cloud: Aws, registry: Registry, tmp_path: Path) -> None:
    variables = {**cloud.variables, "REGISTRY_URL": cloud.url, "ALIAS_TTL": "0"}
    with emulator(tmp_path / "task", variables) as lambda_:
        answers = [lambda_.invoke(ONE) for _ in range(2)]
        promote(registry, "sample", 2)
        answers.append(lambda_.invoke(predict("sample", inputs=9.0)))
        refusal = lambda_.invoke({"Records": []})
        written = lambda_.lines()
    bodies = ['{"predictions":[[2.5]]}', '{"predictions":[[2.5]]}', '{"outputs":1.0}']
    assert bodies == [answer["body"] for answer in answers]
    cold = [answer["headers"]["x-cold-start"] for answer in answers]
    assert ["true", "false", "false"] == cold
    assert "NoHttpEvent" == refusal["errorType"]
    assert refusal["errorMessage"].startswith("this function answers HTTP requests")
    access = [line for line in written if "cold_start" in line]
    assert ["1", "1", "2"] == [line["version"] for line in access]
    assert [1.0, 0.0, 0.0] == [line["ColdStart"][0] for line in written if "ColdStart" in line]
    (swap,) = [line for line in written if "Swap" in line]
    assert ("sample", "2", "stable") == (swap["model"], swap["version"], swap["alias"])


def test_a_bad_setting_answers_every_request_and_crashes_nothing(tmp_path: Path) -> None:
    with emulator(tmp_path / "task", {"REGISTRY_URL": "s3://b/p?table=t", "ALIAS_TTL": "x"}) as it:
        answers = [it.invoke(ONE) for _ in range(2)]
        assert 1 == sum("cold_start" not in line and "message" in line for line in it.lines())
    expected = "the function is not configured: ALIAS_TTL is 'x', it must be a number of seconds"
    for answer in answers:
        assert 500 == answer["statusCode"]
        assert json.loads(answer["body"])["error"].startswith(expected)


def test_init_ends_by_eight_seconds_and_the_first_request_waits_for_what_is_loading(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    with slow(cloud.endpoint, b"/variables.data", 11) as endpoint:
        variables = {**cloud.variables, "REGISTRY_URL": cloud.url, "AWS_ENDPOINT_URL_S3": endpoint}
        began = datetime.now(UTC)
        with emulator(tmp_path / "task", variables) as lambda_:
            answer = lambda_.invoke(ONE)
            written = lambda_.lines()
    assert (200, '{"predictions":[[2.5]]}') == (answer["statusCode"], answer["body"])
    waiting = "models are still loading; requests for them wait"
    (ended,) = [line["timestamp"] for line in written if line.get("message") == waiting]
    assert 7.5 < (datetime.fromisoformat(ended) - began).total_seconds() < 9
    (access,) = [line for line in written if "cold_start" in line]
    assert access["ms"] > 1000  # of the 11 s, those after init


def test_a_load_longer_than_the_invocation_is_answered_before_lambda_ends_it(
    cloud: Aws, registry: Registry, tmp_path: Path
) -> None:
    with slow(cloud.endpoint, b"/variables.data", 13) as endpoint:
        variables = {**cloud.variables, "REGISTRY_URL": cloud.url, "AWS_ENDPOINT_URL_S3": endpoint}
        with emulator(tmp_path / "task", variables, seconds=10) as lambda_:
            first = lambda_.invoke(ONE)
            deadline = monotonic() + 30
            while (answer := lambda_.invoke(ONE))["statusCode"] != 200:
                assert monotonic() < deadline
    error = {"error": "sample:1 is still loading; try again"}
    assert (503, error) == (first["statusCode"], json.loads(first["body"]))
    assert '{"predictions":[[2.5]]}' == answer["body"]


def test_importing_the_handler_imports_no_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys; from modelserver import handler;"
        " print([n for n in ('tensorflow', 'keras', 'uvicorn', 'typer', 'rich', 'google.protobuf')"
        " if n in sys.modules])"
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "REGISTRY_URL": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "[]" == child.stdout.splitlines()[-1]
