"""Recorded requests, from the files of real graphs through publishing to a warm server."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelregistry.errors import ModelRefused
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.plan import Plan, RecordedArray, RecordedRequest
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from modelserver.asked import Asked
from modelserver.compiler import SubprocessCompiler, trial
from modelserver.errors import ModelUnavailable
from modelserver.prometheus import Prometheus
from modelserver.runtime import Threads
from modelserver.server import ModelServer
from modelserver.settings import ServingSettings
from modelserver.warmup import files, protos, records, tensors
from modelserver.warmup.requests import unpack
from tests.functional.conftest import ROOT, run_child
from tests.oracle.cases import DEFAULT
from tests.oracle.values import recorded
from tests.unit.warmup.logs import EXAMPLE, floats, multi_inference, over_examples, predict

Copy = Callable[[str], Path]


@pytest.fixture
def copy(savedmodels: Path, tmp_path: Path) -> Copy:
    """A copy of one of `savedmodels`, to record requests for."""

    def copied(name: str) -> Path:
        target = tmp_path / name
        shutil.copytree(savedmodels / name, target)
        (target / "assets.extra").mkdir()
        return target

    return copied


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return open_registry(str(tmp_path / "registry"), create=True)


def log(model: Path, *logs: Any) -> Path:  # noqa: ANN401 - messages
    serialized = [each if isinstance(each, bytes) else each.SerializeToString() for each in logs]
    (model / files.PREDICTION_LOGS).write_bytes(b"".join(map(records.framed, serialized)))
    return model


def lines(model: Path, *bodies: object) -> Path:
    (model / files.JSON_LINES).write_text("\n".join(map(json.dumps, bodies)))
    return model


def compiled(model: Path) -> Plan:
    return SubprocessCompiler().compile(model)


def refusal(model: Path) -> str:
    with pytest.raises(ModelRefused) as error:
        compiled(model)
    said = str(error.value)
    assert said.startswith(f"{model} does not warm up: assets.extra/")
    assert "deploy warmup record" in error.value.hint
    return said.removeprefix(f"{model} does not warm up: assets.extra/")


def serve(registry: Registry, **settings: Any) -> ModelServer:  # noqa: ANN401 - of any type
    made = ServingSettings(threads=Threads(1, 1), **settings)
    return ModelServer.over(registry, made, SubprocessCompiler())


def published(registry: Registry, model: Path) -> Registry:
    Publisher(registry, SubprocessCompiler()).publish(model, "m")
    return registry


def counted(server: ModelServer) -> int:
    body = json.dumps({"signature_name": "increment", "inputs": {"by": 0}}).encode()
    return int(json.loads(server.predict(Asked("m", 1), body))["outputs"])


INCREMENT = {"signature_name": "increment", "inputs": {"by": 5}}


def test_all_kinds_of_logs_become_arrays_in_the_plan(copy: Copy) -> None:
    model = log(
        copy("estimator"),
        predict(x=floats(1, 2).reshape(2, 1)),
        over_examples("classify", "classify", EXAMPLE),
        over_examples("regress", "regress_x2", b"", context=EXAMPLE),
        multi_inference(("regress", "regress"), ("classify", "classify")),
        b"",
    )
    plan = compiled(model)
    assert [
        ("record 1", DEFAULT, [[1], [2]]),
        ("record 2", "classify", [EXAMPLE]),
        ("record 3", "regress_x2", [EXAMPLE]),
        ("record 4", "regress", [EXAMPLE]),
        ("record 4", "classify", [EXAMPLE]),
    ] == [
        (request.source.partition(", ")[2], request.signature, array.tolist())
        for request in plan.recorded
        for array in unpack(request).values()
    ]
    assert plan == Plan.from_json(json.loads(json.dumps(plan.to_json())))


def test_a_recorded_request_answers_for_a_signature_that_refuses_made_up_input(
    copy: Copy,
) -> None:
    bodies = [
        {"signature_name": name, "examples": [{"x": 1.0}]} for name in ("classify", "regress")
    ]
    plan = compiled(lines(copy("estimator"), *bodies))
    assert ["one_row", "regress_x2"] == [warning.split()[0] for warning in plan.warnings]


@pytest.mark.parametrize(
    ("graph", "logged", "reason"),
    [
        ("estimator", predict("nope"), 'FAILED_PRECONDITION: Serving signature key "nope" not'),
        (
            "estimator",
            predict(x=np.array([[1.0]])),
            "INVALID_ARGUMENT: input 'x' is of type float, not float64",
        ),
        (
            "estimator",
            over_examples("classify", "classify", b""),
            r"INVALID_ARGUMENT: Name: <unknown>, Feature: x \(data type: float\) is required",
        ),
        ("estimator", b"malformed", "INVALID_ARGUMENT: Failed to parse warmup record: malformed"),
        (
            "dense",
            predict(x=floats(1)),
            r"INVALID_ARGUMENT: In\[0\] .*ndims.*node",
        ),
    ],
)
def test_a_log_that_the_model_does_not_answer_refuses_the_publish(
    copy: Copy,
    graph: str,
    logged: Any,  # noqa: ANN401 - a message
    reason: str,
) -> None:
    said = refusal(log(copy(graph), b"", logged))
    assert re.match(f"tf_serving_warmup_requests, record 2: {reason}", said, re.DOTALL), said


def test_a_line_that_the_model_does_not_answer_refuses_the_publish(copy: Copy) -> None:
    good = {"instances": [[1.0]]}
    bad = {"signature_name": "regress", "examples": [{"y": 1.0}]}
    said = refusal(lines(copy("estimator"), good, bad))
    assert said.startswith("warmup.jsonl, line 2: INVALID_ARGUMENT: Name: <unknown>, Feature: x ")


def test_an_answer_that_classify_could_not_give_refuses_the_publish(copy: Copy) -> None:
    """The graph answers, with one label for what were two examples."""
    bodies = {"signature_name": "one_row", "examples": [{"x": 1.0}, {"x": 2.0}]}
    assert "warmup.jsonl, line 1: INVALID_ARGUMENT: Expected scores output batch size of 2." in (
        refusal(lines(copy("estimator"), bodies))
    )


def test_who_wants_no_warm_up_is_not_held_up_by_its_files(copy: Copy) -> None:
    model = copy("half_plus_two")
    (model / files.PREDICTION_LOGS).write_bytes(b"nothing of the kind")
    plan = SubprocessCompiler(warm_up=False).compile(model)
    assert (True, ()) == (plan.single_threaded_executor, plan.recorded)


def test_nothing_of_a_refused_version_is_kept(copy: Copy, registry: Registry) -> None:
    model = copy("half_plus_two")
    (model / files.PREDICTION_LOGS).write_bytes(b"nothing of the kind")
    with pytest.raises(ModelRefused, match="Please verify your warmup data is in TFRecord format"):
        published(registry, model)
    assert [] == registry.versions("m")


def test_an_input_with_a_default_may_be_left_out_of_a_log(copy: Copy) -> None:
    (request,) = compiled(log(copy("defaults"), predict(x=floats(1, 2)))).recorded
    assert {"x": [1, 2], "factor": 3} == {
        name: array.tolist() for name, array in unpack(request).items()
    }


def test_a_signature_without_inputs_can_be_recorded_in_a_log(copy: Copy) -> None:
    plan = compiled(log(copy("counter_v1"), predict("incr_counter")))
    assert ["incr_counter"] == [request.signature for request in plan.recorded]
    assert "incr_counter changes" not in " ".join(plan.warnings)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 5),
        ({"warm_up_iterations": 0}, 5),
        ({"warm_up_iterations": 3}, 15),
        ({"warm_up": False, "warm_up_iterations": 3}, 0),
    ],
)
def test_a_load_runs_what_was_recorded(
    copy: Copy, registry: Registry, settings: dict[str, Any], expected: int
) -> None:
    server = serve(published(registry, lines(copy("counter"), INCREMENT)), **settings)
    assert expected == counted(server)


def test_prometheus_sees_what_warming_up_took(copy: Copy, registry: Registry) -> None:
    published(registry, lines(copy("half_plus_two"), {"instances": [[1.0]]}))
    watching = Prometheus(lambda id: f"/models/{id.model}/{id.version}")
    server = ModelServer.over(registry, ServingSettings(), SubprocessCompiler(), watching)
    server.servables.get(ModelId("m", 1))
    page = watching.page(server).decode().splitlines()
    count = ':tensorflow:serving:model_warmup_latency_count{model_path="/models/m/1",status="OK"} 1'
    assert count in page


def test_a_version_whose_plan_is_lost_is_warmed_up_all_the_same(
    copy: Copy, registry: Registry, tmp_path: Path
) -> None:
    published(registry, lines(copy("counter"), INCREMENT))
    (plan,) = (tmp_path / "registry").rglob("plan.json")
    plan.unlink()
    assert 5 == counted(serve(registry))


def test_a_cold_start_runs_what_was_recorded_and_reads_neither_protobuf_nor_the_files(
    copy: Copy, registry: Registry, tmp_path: Path
) -> None:
    increment = predict("increment", by=np.array(7, np.int64))
    published(registry, lines(log(copy("counter"), increment), INCREMENT))
    registry.commit(registry.propose_promote(ModelId("m", 1), "stable"))
    code = """if True:
        import sys
        from modelserver import handler
        at_start = set(sys.modules)
        from tests.functional.test_warmup import counted
        print(counted(handler._start.server()))
        kinds = ("google.protobuf", "google_crc32c", "modelserver.warmup.files")
        print([name for name in kinds if name in at_start])
    """
    child = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "REGISTRY_URL": str(tmp_path / "registry"), "TMPDIR": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ["12", "[]"] == child.stdout.splitlines()[-2:]


def test_what_was_recorded_is_let_go_of_once_it_ran(copy: Copy, registry: Registry) -> None:
    server = serve(published(registry, lines(copy("half_plus_two"), {"instances": [[1.0]]})))
    assert () == server.servables.get(ModelId("m", 1)).plan.recorded


def test_a_warm_up_that_fails_fails_the_load(copy: Copy, registry: Registry) -> None:
    id = ModelId("m", 1)
    published(registry, lines(copy("estimator"), {"instances": [[1.0]]}))
    plan = registry.artifacts.plan(id)
    assert plan
    example = RecordedArray("DT_STRING", (1,), ("",))
    broken = RecordedRequest("here", "regress", {"inputs": example})
    registry.artifacts.put_plan(id, replace(plan, recorded=(*plan.recorded, broken)))
    with pytest.raises(ModelUnavailable, match=r"m:1 does not warm up: here: .*Feature: x"):
        serve(registry).servables.get(id)
    assert serve(registry, warm_up=False).servables.get(id)


def test_the_faster_executor_has_to_run_what_was_recorded(
    savedmodels: Path, plans: Mapping[str, Plan]
) -> None:
    directory, plan = savedmodels / "parse_example", plans["parse_example"]
    assert trial.single_threaded_too(directory, plan, {})
    empty = RecordedArray("DT_STRING", (1,), ("",))
    recorded = RecordedRequest("here", DEFAULT, {"example": empty})
    assert not trial.single_threaded_too(directory, replace(plan, recorded=(recorded,)), {})


def test_tensors_in_logs_mean_what_tensorflow_means_by_them(tmp_path: Path) -> None:
    run_child("tests.oracle.protos", tmp_path / "protos.json")
    message = protos.types()["PredictRequest"]().inputs["x"]
    expected = json.loads((tmp_path / "protos.json").read_text())
    assert len(expected) > 40
    for name, (serialized, value) in expected.items():
        message.Clear()
        message.MergeFromString(bytes.fromhex(serialized))
        assert value == recorded({"x": tensors.array_of(message)}), name
