"""What a predict function writes, as CloudWatch reads it."""

import io
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modelregistry.aliases.rules import parse_condition
from modelregistry.aliases.shares import parse
from modelregistry.aliases.state import parse_shares
from modelregistry.errors import Unavailable
from modelregistry.names import ModelId
from modelregistry.registry import Registry
from modelregistry.segments import propose_route
from modelserver.asked import Routed
from modelserver.function import PredictFunction
from modelserver.observer import Answered
from modelserver.telemetry import Telemetry
from tests.events import context, http_api, predict
from tests.fakes import memory_registry, publish_all

from .doubles import Loads
from .lambdas import ENVIRONMENT, Opener, forget_logger, lines, own_logging, started

DIMENSIONS = ["model", "version", "alias"]
UNITS = {
    "Requests": "Count",
    "Errors": "Count",
    "Latency": "Milliseconds",
    "ColdStart": "Count",
    "LoadTime": "Milliseconds",
    "StandIn": "Count",
    "LoadFailed": "Count",
    "Swap": "Milliseconds",
    "AliasStaleness": "Seconds",
}


def metrics(written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The metric lines, each checked against the specification of the embedded metric format."""
    found = [line for line in written if "_aws" in line]
    for line in found:
        check_emf(line)
    return found


def check_emf(line: dict[str, Any]) -> None:
    now = datetime.now(UTC).timestamp() * 1000
    assert abs(now - line["_aws"]["Timestamp"]) < timedelta(minutes=1).total_seconds() * 1000
    assert isinstance(line["_aws"]["Timestamp"], int)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert {"Namespace", "Dimensions", "Metrics"} == set(directive)
    assert "LambdaServing" == directive["Namespace"]
    assert [DIMENSIONS] == directive["Dimensions"]
    for name in DIMENSIONS:
        assert isinstance(line[name], str)
        assert re.fullmatch(r"[\x21-\x7e]{1,1024}", line[name])
        assert not line[name].startswith(":")
    assert directive["Metrics"]
    for metric in directive["Metrics"]:
        assert UNITS[metric["Name"]] == metric["Unit"]
        values = line[metric["Name"]]
        assert 1 <= len(values) <= 100
        assert all(isinstance(value, float) for value in values)
    # What is no target of the directive is a property; there is none that could collide.
    assert set(line) == {"_aws", *DIMENSIONS, *(m["Name"] for m in directive["Metrics"])}


def named(line: dict[str, Any]) -> tuple[str, ...]:
    return tuple(line[name] for name in DIMENSIONS)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = memory_registry(tmp_path / "cache")
    publish_all(registry, tmp_path, {"sample": 3})
    registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
    return registry


@pytest.fixture
def loads() -> Loads:
    return Loads()


@pytest.fixture
def running(registry: Registry, loads: Loads) -> Iterator[tuple[PredictFunction, io.StringIO]]:
    with (
        own_logging(),
        started(Opener(registry, loads), {**ENVIRONMENT, "SWAP_WAIT": "10"}) as begun,
    ):
        function, start, output = begun
        start.telemetry.take_over_logging()
        yield function, output


def test_a_request_is_one_line_in_the_log_and_one_of_metrics(
    running: tuple[PredictFunction, io.StringIO],
) -> None:
    function, output = running
    function(predict("sample", instances=[1.5]), context())
    written = lines(output)
    (access,) = [line for line in written if "status" in line]
    expected = {
        "level": "INFO",
        "message": "POST /v1/models/sample:predict 200",
        "service": "predict",
        "function_request_id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "correlation_id": "JKJaXmPLvHcESHA=",
        "model": "sample",
        "version": "1",
        "alias": "stable",
        "revision": 1,
        "status": 200,
        "cold_start": True,
    }
    assert expected == {name: access[name] for name in expected}
    assert 0 < access["ms"] < 10_000
    (request,) = [line for line in metrics(written) if "Requests" in line]
    assert ("sample", "1", "stable") == named(request)
    assert ([1.0], [0.0], [1.0]) == (request["Requests"], request["Errors"], request["ColdStart"])
    assert [access["ms"]] == [round(request["Latency"][0], 3)]


def test_the_second_request_is_not_a_cold_start(
    running: tuple[PredictFunction, io.StringIO],
) -> None:
    function, output = running
    answers = [function(predict("sample", instances=[1.0]), context()) for _ in range(3)]
    assert ["true", "false", "false"] == [a["headers"]["x-cold-start"] for a in answers]
    counted = [line["ColdStart"] for line in metrics(lines(output)) if "ColdStart" in line]
    assert [[1.0], [0.0], [0.0]] == counted


def test_no_environment_that_was_provisioned_starts_cold(registry: Registry) -> None:
    environment = {**ENVIRONMENT, "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
    with started(Opener(registry, Loads()), environment) as (function, _, _):
        answer = function(predict("sample", instances=[1.0]), context())
    assert "false" == answer["headers"]["x-cold-start"]


def test_names_that_somebody_made_up_become_no_dimension(
    running: tuple[PredictFunction, io.StringIO],
) -> None:
    function, output = running
    for number in range(5):
        function(predict(f"invented{number}", instances=[1]), context())
        function(predict("sample", version=100 + number, instances=[1]), context())
        function(http_api("GET", f"/v1/models/sample/labels/l{number}"), context())
        function(http_api("GET", f"/x{number}"), context())
    found = {named(line) for line in metrics(lines(output))}
    assert {("-", "-", "-")} == found


def test_an_error_counts_for_the_version_it_belongs_to(
    running: tuple[PredictFunction, io.StringIO], loads: Loads
) -> None:
    function, output = running
    loads.broken = {2}
    answer = function(predict("sample", version=2, instances=[1]), context())
    assert (503, "2") == (answer["statusCode"], answer["headers"]["x-model-version"])
    (request,) = [line for line in metrics(lines(output)) if "Requests" in line]
    assert ("sample", "2", "-") == named(request)
    assert [1.0] == request["Errors"]
    (failed,) = [line for line in lines(output) if line.get("level") == "ERROR"]
    assert "sample:2 failed to load, next try in 1 s: sample:2 is broken" == failed["message"]


def test_a_clients_mistake_is_no_error_of_ours(
    running: tuple[PredictFunction, io.StringIO],
) -> None:
    function, output = running
    assert 400 == function(predict("sample"), context())["statusCode"]
    (request,) = [line for line in metrics(lines(output)) if "Requests" in line]
    assert (("sample", "1", "stable"), [0.0]) == (named(request), request["Errors"])


def test_loads_and_swaps_are_measured(
    running: tuple[PredictFunction, io.StringIO], registry: Registry
) -> None:
    function, output = running
    function(predict("sample", instances=[1]), context())
    registry.commit(registry.propose_set("sample", "stable", parse_shares(["2@90", "3@10"])))
    function(predict("sample", instances=[1]), context())
    # Who does not get the canary does not wait for it either.
    waited = time.monotonic() + 10
    while (measured := metrics(lines(output))) and time.monotonic() < waited:
        if sum("LoadTime" in line for line in measured) == 3:
            break
        time.sleep(0.001)
    loaded = [named(line) for line in measured if "LoadTime" in line]
    assert [("sample", "1", "-"), ("sample", "2", "-"), ("sample", "3", "-")] == sorted(loaded)
    (swap,) = [line for line in measured if "Swap" in line]
    assert ("sample", "2", "stable") == named(swap)
    assert 0 <= swap["Swap"][0] < 10_000


def test_a_version_that_stands_in_is_told_apart_from_the_wanted_one(
    running: tuple[PredictFunction, io.StringIO], registry: Registry, loads: Loads
) -> None:
    function, output = running
    loads.broken = {2}
    when = [parse_condition("x-tier=gold")]
    registry.commit(propose_route(registry, "sample", "stable", when, parse(["2"])))
    event = predict("sample", instances=[1])
    event["headers"]["x-tier"] = "gold"
    assert "1" == function(event, context())["headers"]["x-model-version"]
    written = lines(output)
    (request,) = [line for line in metrics(written) if "Requests" in line]
    assert ("sample", "1", "stable") == named(request)
    (stand_in,) = [line for line in metrics(written) if "StandIn" in line]
    assert (("sample", "2", "stable"), [1.0]) == (named(stand_in), stand_in["StandIn"])
    (failed,) = [line for line in metrics(written) if "LoadFailed" in line]
    assert (("sample", "2", "-"), [1.0]) == (named(failed), failed["LoadFailed"])
    (access,) = [line for line in written if line.get("location") == "answered"]
    assert ("1", "2") == (access["version"], access["wanted"])


def test_what_became_of_a_wish_for_a_version_is_in_the_log(
    running: tuple[PredictFunction, io.StringIO],
) -> None:
    function, output = running
    event = predict("sample", instances=[1])
    function(event, context())
    event["headers"]["x-model-version"] = "2"
    function(event, context())
    plain, wishing = [line for line in lines(output) if line.get("location") == "answered"]
    assert not {"override", "wanted"} & plain.keys()
    assert ("ignored", "1") == (wishing["override"], wishing["version"])


def test_a_table_that_is_down_shows_how_old_the_aliases_are(
    running: tuple[PredictFunction, io.StringIO],
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    function, output = running
    function(predict("sample", instances=[1]), context())

    def down(model: str) -> None:
        raise Unavailable("the table does not answer")

    monkeypatch.setattr(registry.aliases, "newest", down)
    for _ in range(2):
        assert 200 == function(predict("sample", instances=[1]), context())["statusCode"]
    stale = [line for line in metrics(lines(output)) if "AliasStaleness" in line]
    assert [("sample", "1", "stable")] * 2 == [named(line) for line in stale]
    assert stale[0]["AliasStaleness"] < stale[1]["AliasStaleness"]
    (error,) = [line for line in lines(output) if line.get("level") == "ERROR"]
    assert "sample: keeping the last known aliases: the table does not answer" == error["message"]


def test_every_record_is_written_once_whoever_logs_it() -> None:
    output = io.StringIO()
    with own_logging():
        root = logging.getLogger()
        root.addHandler(logging.StreamHandler(output))  # what Lambda's runtime has put there
        telemetry = Telemetry(stream=output)
        telemetry.take_over_logging()
        logging.getLogger("modelserver.routing").info("a flip")
        logging.getLogger("botocore").warning("trouble")
        logging.getLogger("botocore").info("nothing that matters")
        telemetry.answered(Answered("GET", "/v1/models/m", 200, 0.001))
    said = [line["message"] for line in lines(output) if "message" in line]
    assert ["a flip", "trouble", "GET /v1/models/m 200"] == said


def test_every_line_is_in_utc_whatever_the_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    output = io.StringIO()
    try:
        with own_logging():
            telemetry = Telemetry(stream=output)
            telemetry.take_over_logging()
            logging.getLogger("modelserver.routing").info("a flip")
            telemetry.answered(Answered("GET", "/v1/models/m", 200, 0.001))
    finally:
        monkeypatch.undo()
        time.tzset()
    stamps = [
        datetime.fromisoformat(line["timestamp"]) for line in lines(output) if "level" in line
    ]
    assert [timedelta(0), timedelta(0)] == [stamp.utcoffset() for stamp in stamps]


def test_a_level_is_that_of_all_of_us() -> None:
    output = io.StringIO()
    with own_logging():
        telemetry = Telemetry(stream=output, level="ERROR")
        telemetry.take_over_logging()
        logging.getLogger("modelregistry").warning("said by nobody")
        telemetry.answered(Answered("GET", "/", 200, 0.001))
    assert [] == [line for line in lines(output) if "message" in line]


def test_bodies_and_endless_paths_are_not_logged(
    running: tuple[PredictFunction, io.StringIO],
) -> None:
    function, output = running
    function(predict("sample", instances=["a-secret"]), context())
    function(http_api("GET", f"/v1/models/{'x' * 5000}"), context())
    assert "a-secret" not in output.getvalue()
    assert max(len(line["message"]) for line in lines(output) if "message" in line) < 400


def test_a_metric_of_another_namespace_and_service_has_the_same_dimensions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "theirs")
    forget_logger("theirs-too")
    output = io.StringIO()
    telemetry = Telemetry(stream=output, namespace="Mine", service="theirs-too")
    telemetry.answered(Answered("GET", "/", 200, 0.1, Routed(ModelId("m", 1), "a", 1)))
    (line,) = [line for line in lines(output) if "_aws" in line]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert ("Mine", [DIMENSIONS]) == (directive["Namespace"], directive["Dimensions"])
    json.dumps(line)


def test_an_event_made_by_hand_with_half_a_character_is_logged() -> None:
    output = io.StringIO()
    with own_logging():
        telemetry = Telemetry(stream=output)
        with telemetry.invocation(request_id="r", correlation_id="\ud800", cold=False):
            telemetry.answered(Answered("GET", "/", 200, 0.1))
    (line, _) = lines(output)
    assert ("GET / 200", "\ud800") == (line["message"], line["correlation_id"])


TRACED = """
from modelregistry.names import ModelId
from modelserver.asked import Routed
from modelserver.observer import Answered
from modelserver.telemetry import Telemetry

telemetry = Telemetry()
telemetry.start_tracing()
with telemetry.invocation(request_id="r", correlation_id="c", cold=True):
    telemetry.answered(Answered("GET", "/", 200, 0.1, Routed(ModelId("m", 7), "stable", 1)))
"""


def test_a_traced_invocation_sends_x_ray_what_answered() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
        environment = {
            **os.environ,
            "LAMBDA_TASK_ROOT": "/var/task",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
            "_X_AMZN_TRACE_ID": trace,
        }
        subprocess.run([sys.executable, "-c", TRACED], env=environment, check=True)
        _, _, segment = daemon.recv(65536).partition(b"\n")
    document = json.loads(segment)
    assert "## predict" == document["name"]
    expected = {"model": "m", "version": "7", "alias": "stable", "cold_start": True}
    assert expected == document["annotations"]


def test_an_invocation_that_is_not_traced_logs_nothing_about_it() -> None:
    environment = {**os.environ, "LAMBDA_TASK_ROOT": "/var/task"}
    child = subprocess.run(
        [sys.executable, "-c", TRACED], env=environment, check=True, capture_output=True, text=True
    )
    said = [json.loads(line) for line in child.stdout.splitlines()]
    assert ["GET / 200"] == [line["message"] for line in said if "message" in line]
    assert "" == child.stderr
