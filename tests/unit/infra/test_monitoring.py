"""The dashboard and the alarms look at what is reported, under the names it is reported by."""

import io
import json
import re
from typing import Any

import pytest

from modelregistry.aliases import changes
from modelregistry.names import ModelId
from modelserver.asked import Routed
from modelserver.observer import Answered
from modelserver.telemetry import Telemetry
from tests.unit.infra.templates import MONITORING, STACK, Template, load
from tests.unit.server.lambdas import forget_logger

SUBSTITUTE = re.compile(r"\$\{([^}]+)\}")


@pytest.fixture(scope="module")
def template() -> Template:
    return load(MONITORING)


@pytest.fixture(scope="module")
def widgets(template: Template) -> list[Any]:
    body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    found: list[Any] = json.loads(SUBSTITUTE.sub(lambda match: match[1], body))["widgets"]
    return found


@pytest.fixture(scope="module")
def reported() -> list[Any]:
    """Every kind of metric that the predict function writes."""
    forget_logger()
    stream = io.StringIO()
    telemetry = Telemetry(namespace="Namespace", stream=stream)
    id, one, two = ModelId("sample", 2), changes.whole(1), changes.whole(2)
    telemetry.answered(Answered("POST", "/v1/models/sample:predict", 200, 0.1))
    stood_in = Routed(ModelId("sample", 1), "stable", 1, wanted=2)
    telemetry.answered(Answered("POST", "/v1/models/sample:predict", 200, 0.1, stood_in))
    telemetry.loaded(id, 0.5, 1000)
    telemetry.load_failed(id, 0.5, "it is broken")
    telemetry.swapped("sample", "stable", one, two, 0.5)
    telemetry.look_failed("sample", {"stable": two}, 3, "no answer")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [rule for line in lines if "_aws" in line for rule in line["_aws"]["CloudWatchMetrics"]]


def test_every_metric_has_a_place_on_the_dashboard_and_nothing_else_has(
    widgets: list[Any], reported: list[Any]
) -> None:
    shown = set()
    for widget in widgets:
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict):
                found = re.match(
                    r"SEARCH\('\{(\w+),([\w,]+)\} MetricName=\"(\w+)\"'", metric[0]["expression"]
                )
                assert found, metric
                shown.add((found[1], frozenset(found[2].split(",")), found[3]))
    assert shown == {
        (rule["Namespace"], frozenset(rule["Dimensions"][0]), metric["Name"])
        for rule in reported
        for metric in rule["Metrics"]
    }


def test_the_dashboard_shows_every_alarm(template: Template, widgets: list[Any]) -> None:
    alarms = {f"{name}.Arn" for name in resources(template, "AWS::CloudWatch::Alarm")}
    (shown,) = [each["properties"]["alarms"] for each in widgets if each["type"] == "alarm"]
    assert alarms == {*shown}


def test_the_dashboard_s_widgets_do_not_overlap(widgets: list[Any]) -> None:
    taken = [
        (x, y)
        for each in widgets
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_every_alarm_tells_somebody_and_is_quiet_without_requests(template: Template) -> None:
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        assert [{"Ref": "AlarmTopic"}] == alarm["AlarmActions"]
        assert "notBreaching" == alarm["TreatMissingData"]


def test_staleness_is_an_alarm_over_all_containers(template: Template, reported: list[Any]) -> None:
    (query,) = resources(template, "AWS::CloudWatch::Alarm")["StaleAlarm"]["Metrics"]
    assert {"Fn::Sub": 'SELECT MAX(AliasStaleness) FROM "${Namespace}"'} == query["Expression"]
    assert "AliasStaleness" in {m["Name"] for rule in reported for m in rule["Metrics"]}


@pytest.mark.parametrize(
    ("alarm", "metric"), [("LoadAlarm", "LoadFailed"), ("StandInAlarm", "StandIn")]
)
def test_what_cannot_be_loaded_is_an_alarm_over_all_models(
    template: Template, reported: list[Any], alarm: str, metric: str
) -> None:
    (query,) = resources(template, "AWS::CloudWatch::Alarm")[alarm]["Metrics"]
    expected = f'SELECT SUM({metric}) FROM "${{Namespace}}"'  # noqa: S608 - no database's
    assert {"Fn::Sub": expected} == query["Expression"]
    assert metric in {m["Name"] for rule in reported for m in rule["Metrics"]}


def test_the_stack_hands_over_what_it_asks_for(template: Template) -> None:
    nested = load(STACK)["Resources"]["Monitoring"]["Properties"]
    assert set(template["Parameters"]) == set(nested["Parameters"])
    assert "infra/monitoring.yaml" == nested["TemplateURL"]


def resources(template: Template, kind: str) -> dict[str, Any]:
    found = template["Resources"].items()
    return {name: each["Properties"] for name, each in found if each["Type"] == kind}
