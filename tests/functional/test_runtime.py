"""
A loaded SavedModel: what a run gives, what it refuses, when its memory goes.
"""

import gc
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modelregistry.plan import Plan, TensorSpec
from modelserver.errors import InvalidRequest, ModelUnavailable, PredictionFailed
from modelserver.runtime import SavedModel, Threads
from modelserver.runtime.tensors import Array
from tests.oracle.cases import DEFAULT, strings

THREADS = Threads(intra_op=1, inter_op=1)
X = np.array([[1.0], [2.0]], np.float32)


def load(savedmodels: Path, plans: dict[str, Plan], name: str) -> SavedModel:
    return SavedModel.load(savedmodels / name, plans[name], THREADS)


@pytest.fixture
def half_plus_two(savedmodels: Path, plans: dict[str, Plan]) -> SavedModel:
    return load(savedmodels, plans, "half_plus_two")


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def test_outputs_come_in_the_plans_order(savedmodels: Path, plans: dict[str, Plan]) -> None:
    model = load(savedmodels, plans, "two_inputs")
    inputs: dict[str, Array] = {"a": np.ones((1, 3), np.int32), "b": np.ones(3)}
    assert list(plans["two_inputs"].signatures[DEFAULT].outputs) == list(model.run(DEFAULT, inputs))


def test_an_unknown_signature_is_named(half_plus_two: SavedModel) -> None:
    with pytest.raises(InvalidRequest, match='"nope" not found in signature def'):
        half_plus_two.run("nope", {"x": X})


@pytest.mark.parametrize("inputs", [{}, {"z": X}, {"x": X, "z": X}])
def test_missing_and_extra_inputs_are_refused_by_name(
    half_plus_two: SavedModel, inputs: dict[str, Array]
) -> None:
    with pytest.raises(InvalidRequest, match="inputs are x; given were"):
        half_plus_two.run(DEFAULT, inputs)


@pytest.mark.parametrize("dtype", ["float64", ">f4", "int32", "object"])
def test_another_dtype_than_the_signatures_is_refused(
    half_plus_two: SavedModel, dtype: str
) -> None:
    with pytest.raises(InvalidRequest, match="'x' is of type float, not"):
        half_plus_two.run(DEFAULT, {"x": X.astype(dtype)})


def test_a_string_tensor_takes_bytes_alone(savedmodels: Path, plans: dict[str, Plan]) -> None:
    model = load(savedmodels, plans, "strings")
    with pytest.raises(InvalidRequest, match="holds bytes, not str"):
        model.run(DEFAULT, {"text": np.array(["text"], object)})


def test_what_the_graph_refuses_has_tensorflows_code_and_text(
    savedmodels: Path, plans: dict[str, Plan]
) -> None:
    model = load(savedmodels, plans, "dense")
    with pytest.raises(PredictionFailed, match="Matrix size-incompatible") as refusal:
        model.run(DEFAULT, {"x": np.ones((2, 3), np.float32)})
    assert refusal.value.code == 3


def test_shapes_are_for_the_graph_to_refuse(half_plus_two: SavedModel) -> None:
    # Declared [-1, 1]; TensorFlow Serving answers this, too.
    np.testing.assert_array_equal(half_plus_two.run(DEFAULT, {"x": X[0, 0]})["y"], 2.5)


def test_one_tensor_under_two_names_is_fed_and_fetched_once(
    savedmodels: Path, plans: dict[str, Plan]
) -> None:
    model = load(savedmodels, plans, "passthrough")
    x = np.array([1.0, np.nan], np.float32)
    outputs = model.run(DEFAULT, {"x": x, "also_x": x.copy()})
    assert x.tobytes() == outputs["input"].tobytes()
    assert (x * 2).tobytes() == outputs["y"].tobytes() == outputs["also_y"].tobytes()
    outputs["y"][:] = outputs["input"][:] = 0
    assert (x * 2).tobytes() == outputs["also_y"].tobytes(), "no two outputs share memory"
    with pytest.raises(InvalidRequest, match="another name of an input with another value"):
        model.run(DEFAULT, {"x": x, "also_x": x + 1})


def test_a_directory_without_a_model_is_unavailable_with_the_reason(
    tmp_path: Path, plans: dict[str, Plan]
) -> None:
    with pytest.raises(ModelUnavailable, match="Could not find SavedModel"):
        SavedModel.load(tmp_path, plans["half_plus_two"], THREADS)


def test_a_plan_of_another_graph_is_refused_at_load(
    savedmodels: Path, plans: dict[str, Plan]
) -> None:
    plan = plans["half_plus_two"]
    signature = plan.signatures[DEFAULT]
    spec = TensorSpec("serving_default_x:7", "DT_FLOAT", None)
    stale = replace(plan, signatures={DEFAULT: replace(signature, inputs={"x": spec})})
    with pytest.raises(ModelUnavailable, match="no tensor 'serving_default_x:7'"):
        SavedModel.load(savedmodels / "half_plus_two", stale, THREADS)


def test_warming_up_runs_whatever_accepted_made_up_input(
    savedmodels: Path, plans: dict[str, Plan]
) -> None:
    model = load(savedmodels, plans, "counter")
    model.warm_up()
    load(savedmodels, plans, "parse_example").warm_up()  # nothing to run, nothing to fail
    (count,) = model.run("increment", {"by": np.array(1)}).values()
    np.testing.assert_array_equal(count, 1)  # it had added the zero that was made up


def test_closing_waits_for_runs_and_refuses_later_ones(
    savedmodels: Path, plans: dict[str, Plan]
) -> None:
    model = load(savedmodels, plans, "dense")
    inputs = {"x": np.ones((2000, 784), np.float32)}
    started = threading.Barrier(5)

    def run() -> Array:
        started.wait()
        return model.run(DEFAULT, inputs)["probabilities"]

    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(run) for _ in range(4)]
        started.wait()
        model.close()
        model.close()
    outcomes = [run.exception() for run in runs]
    assert all(error is None or isinstance(error, ModelUnavailable) for error in outcomes)
    with pytest.raises(ModelUnavailable, match="unloaded"):
        model.run(DEFAULT, inputs)


def test_concurrent_runs_do_not_mix_their_answers(half_plus_two: SavedModel) -> None:
    def ask(number: int) -> float:
        x = np.full((3, 1), number, np.float32)
        return float(half_plus_two.run(DEFAULT, {"x": x})["y"][2, 0])

    with ThreadPoolExecutor(8) as pool:
        assert [n / 2 + 2 for n in range(500)] == list(pool.map(ask, range(500)))


def test_running_on_long_strings_leaks_nothing(savedmodels: Path, plans: dict[str, Plan]) -> None:
    model = load(savedmodels, plans, "strings")
    inputs = {"text": strings(b"x" * 10_000, b"y" * 100, b"z")}

    def run(times: int) -> None:
        for _ in range(times):
            model.run(DEFAULT, inputs)

    run(1000)  # buffers and pools settle
    before = resident_mib()
    run(20_000)  # 200 MB of strings each way
    assert resident_mib() - before < 16


def test_loading_again_and_again_leaks_no_sessions(
    savedmodels: Path, plans: dict[str, Plan]
) -> None:
    def load_and_run(times: int) -> None:
        for _ in range(times):
            load(savedmodels, plans, "dense").run(DEFAULT, {"x": np.ones((1, 784), np.float32)})
        gc.collect()

    load_and_run(5)
    before = resident_mib()
    load_and_run(40)  # each has 1.6 MB of weights
    assert resident_mib() - before < 16
