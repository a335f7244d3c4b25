"""
Models of every kind that TensorFlow Serving is tested with, published and asked.

A kind is a graph of tests/oracle/graphs.py; what cannot be served is in test_compiler.py.
"""

import base64
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelregistry.errors import ModelRefused
from modelregistry.opening import open_registry
from modelregistry.plan import Plan
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from modelserver.asked import Asked
from modelserver.compiler import SubprocessCompiler
from modelserver.errors import InvalidRequest, PredictionFailed
from modelserver.runtime import Threads
from modelserver.server import ModelServer
from modelserver.settings import ServingSettings
from tests.oracle.cases import DEFAULT

EXAMPLE = {"b64": base64.b64encode(b"\n\x0f\n\r\n\x01x\x12\x08\x12\x06\n\x04\0\0\x80?").decode()}

# Files beside the graph that mean something to TensorFlow Serving, and nothing here.
EXTRAS = {
    "assets.extra/saved_model_config.pb": b"\x0a\x02\x08\x01",
    "assets.extra/mlmd_uuid": b"test_mlmd_uuid",
    "batching_params.pbtxt": b"max_batch_size { value: 4 }",
    "fingerprint.pb": b"whatever",
}


class Compiled:
    """Knows the plans of `savedmodels`; a copy of one, by its name, has the same plan."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self._plans = plans

    def compile(self, directory: Path) -> Plan:
        return self._plans[directory.name]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return open_registry(str(tmp_path / "registry"), create=True)


@pytest.fixture
def server(registry: Registry, savedmodels: Path, plans: Mapping[str, Plan]) -> ModelServer:
    publisher = Publisher(registry, Compiled(plans))
    for name in ("counter_v1", "counter", "defaults", "devices", "estimator", "two_inputs"):
        publisher.publish(savedmodels / name, name)
    return serve(registry)


def serve(registry: Registry) -> ModelServer:
    return ModelServer.over(registry, ServingSettings(threads=Threads(1, 1)), SubprocessCompiler())


def ask(server: ModelServer, model: str, version: int = 1, **body: Any) -> Any:  # noqa: ANN401 - JSON is
    return json.loads(server.predict(Asked(model, version), json.dumps(body).encode()))


def test_a_graph_without_variables_answers(server: ModelServer) -> None:
    answer = ask(server, "two_inputs", inputs={"a": [[1, 2, 3]], "b": [1, 2, 3]})
    assert [[1, 4, 9]] == answer["outputs"]["squares"]


def test_a_graph_that_was_placed_on_a_gpu_runs_on_the_cpu(server: ModelServer) -> None:
    assert {"predictions": [2.5, 4.5]} == ask(server, "devices", instances=[1, 5])


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("classify", {"classes": [["low", "high"]], "scores": [[2.5, -1.5]]}),
        ("regress", [[2.5]]),
        ("regress_x2", [[3.0]]),
    ],
)
def test_predict_takes_serialized_examples_for_classify_and_regress_signatures(
    server: ModelServer, signature: str, expected: object
) -> None:
    answer = ask(server, "estimator", signature_name=signature, inputs=[EXAMPLE])
    assert {"outputs": expected} == answer


def test_an_example_that_the_graph_refuses_is_its_own_error(server: ModelServer) -> None:
    with pytest.raises(PredictionFailed, match=r"Feature: x .* is required") as refusal:
        ask(server, "estimator", signature_name="regress", inputs=[""])
    assert 3 == refusal.value.code


def test_a_signature_without_inputs_cannot_be_called(server: ModelServer) -> None:
    for name in ("get_counter", "incr_counter", "reset_counter"):
        with pytest.raises(InvalidRequest) as error:
            ask(server, "counter_v1", signature_name=name, instances=[1])
        assert f"Failed to get input map for signature: {name}" == str(error.value)


@pytest.mark.parametrize("name", ["counter_v1", "counter"])
def test_a_counter_begins_where_it_was_saved_and_counts(server: ModelServer, name: str) -> None:
    signature, given = {
        "counter_v1": ("incr_counter_by", "delta"),
        "counter": ("increment", "by"),
    }[name]
    asked = [
        ask(server, name, signature_name=signature, inputs={given: by})["outputs"]
        for by in (1, 10, -3)
    ]
    assert [1, 11, 8] == asked


def test_publishing_tells_of_signatures_that_nobody_can_call_and_that_change_the_model(
    plans: Mapping[str, Plan],
) -> None:
    plan = plans["counter_v1"]
    for name in ("get_counter", "incr_counter", "reset_counter"):
        assert f"{name} has no inputs, so that nothing can call it over REST" in plan.warnings
    unwarmed = {name for name, found in plan.signatures.items() if found.warmup is None}
    assert {"incr_counter", "incr_counter_by", "reset_counter"} == unwarmed
    assert "incr_counter_by changes what the model keeps, so it is not warmed up" in plan.warnings


@pytest.mark.parametrize("graph", ["random", "lookup_table", "tf1_loop", "tf1_variables"])
def test_what_only_reads_is_warmed_up(plans: Mapping[str, Plan], graph: str) -> None:
    assert all(found.warmup is not None for found in plans[graph].signatures.values())


def test_both_formats_demand_inputs_that_have_a_default(server: ModelServer) -> None:
    given = {"x": [1.0, 2.0], "factor": 2.0}
    assert {"outputs": [2.0, 4.0]} == ask(server, "defaults", inputs=given)
    with pytest.raises(InvalidRequest, match="Missing named input: factor in 'inputs' object"):
        ask(server, "defaults", inputs={"x": [1.0]})
    with pytest.raises(InvalidRequest, match="keys must be equal to: factor,x"):
        ask(server, "defaults", instances=[{"x": 1.0}])


def test_the_metadata_shows_the_defaults(plans: Mapping[str, Plan]) -> None:
    defaults = plans["defaults"].signature_def[DEFAULT]["defaults"]
    assert {"factor": [3.0]} == {name: value["float_val"] for name, value in defaults.items()}


def test_files_that_mean_nothing_here_do_no_harm(
    registry: Registry, savedmodels: Path, tmp_path: Path
) -> None:
    source = tmp_path / "half_plus_two"
    shutil.copytree(savedmodels / "half_plus_two", source)
    for name, data in EXTRAS.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_bytes(data)
    Publisher(registry, SubprocessCompiler()).publish(source, "m")
    assert {"predictions": [[2.5]]} == ask(serve(registry), "m", instances=[[1.0]])


@pytest.mark.parametrize(
    ("tags", "expected"),
    [(("serve",), 7.0), (("train",), 3.0), (("gpu", "serve"), 10.0), (("serve", "gpu"), 10.0)],
)
def test_tags_choose_the_graph_that_is_served(
    registry: Registry, savedmodels: Path, tags: tuple[str, ...], expected: float
) -> None:
    Publisher(registry, SubprocessCompiler(tags=tags)).publish(savedmodels / "two_graphs", "m")
    assert {"predictions": [expected]} == ask(serve(registry), "m", instances=[5])


@pytest.mark.parametrize("tags", [("gpu",), ("train", "serve"), ("serve", "gpu", "tpu")])
def test_tags_have_to_be_exactly_those_of_a_graph(savedmodels: Path, tags: tuple[str, ...]) -> None:
    with pytest.raises(ModelRefused) as refusal:
        SubprocessCompiler(tags=tags).compile(savedmodels / "two_graphs")
    wanted = f"Could not find meta graph def matching supplied tags: {{ {' '.join(tags)} }}"
    assert str(refusal.value).endswith(wanted)
    assert "its graphs have: train; serve,gpu; serve" == refusal.value.hint
