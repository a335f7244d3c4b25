"""
What publishing finds out about a SavedModel, and what it refuses to publish.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from modelregistry.errors import ModelRefused, Unavailable
from modelregistry.plan import COMPILER, Plan, Signature, TensorSpec
from modelserver.compiler import SubprocessCompiler
from modelserver.runtime import library
from tests.oracle.cases import DEFAULT

# The broken model → what its refusal says, sentence and hint.
REFUSALS = {
    "missing_op": "does not load: Op type not registered 'OpFromElsewhere'",
    "no_variables": "variables .* are missing: .* variables/variables.index",
    "no_shard": "variables/variables.data-00000-of-00001 .* is missing",
    "short_shard": "does not load: ",
    "damaged_index": "does not load: ",
    "uninitialized_reference": "cannot run: Attempting to use uninitialized value w",
    "uninitialized_resource": "cannot run: .*(Could not find|Error while reading) .*variable",
    "no_init_op": "cannot run: .*[Tt]able not initialized",
    "no_signatures": "no_signatures has no signature that can be called",
    "only_sparse": "no signature .* 'sparse' is a coo_sparse tensor",
    "other_tags": r"matching supplied tags: \{ serve \} .*: serve,gpu",
    "damaged_pb": "saved_model.pb of .* cannot be read",
    "empty_pb": r"supplied tags: \{ serve \} .* no graph at all",
    "no_pb": "saved_model.pb is not there",
    "session_bundle": "export.meta is a session bundle",
    "tflite": "a TensorFlow Lite file is not one, and not served",
    "only_variables": "saved_model.pb is not there",
    "parent": r"one level down, as in .*parent/3",
    "asset_above": r"'../../secret.txt' of .* lies outside its assets/",
    "asset_elsewhere": r"'/etc/passwd' of .* lies outside its assets/",
    "asset_missing": r"asset 'lookup_table.txt' of .* is missing",
    "dangling_link": "assets/note in .* is a link that leads nowhere",
    "looping_link": "assets/back in .* is a link that leads back",
    "named_pipe": "assets/pipe in .* is a named pipe",
    "socket_file": "door in .* is a socket",
}


def compiled_by(directory: Path) -> list[int]:
    """The processes that have the directory and the compiler on their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has gone
        if b"modelserver.compiler" in words and bytes(directory) in words:
            found.append(int(process.name))
    return found


def wait_until(wanted: bool, directory: Path) -> None:
    deadline = time.monotonic() + 10
    while bool(compiled_by(directory)) != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_plan_says_all_that_a_cold_start_needs(savedmodels: Path) -> None:
    directory = savedmodels / "half_plus_two"
    plan = SubprocessCompiler().compile(directory)
    assert plan.signatures == {
        DEFAULT: Signature(
            method_name="tensorflow/serving/predict",
            inputs={"x": TensorSpec("serving_default_x:0", "DT_FLOAT", (-1, 1))},
            outputs={"y": TensorSpec("StatefulPartitionedCall:0", "DT_FLOAT", (-1, 1))},
            warmup={"x": (1, 1)},
        )
    }
    assert (COMPILER, library.version(), ("serve",)) == (plan.compiler, plan.tensorflow, plan.tags)
    assert plan.single_threaded_executor
    assert plan.warnings == ()
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) == plan.disk_bytes
    assert 0 < plan.memory_bytes < 2**30


def test_a_plan_survives_being_stored(plans: dict[str, Plan]) -> None:
    for plan in plans.values():
        assert plan == Plan.from_json(json.loads(json.dumps(plan.to_json())))


def test_metadata_is_tensorflow_servings_with_all_defaults_printed(
    plans: dict[str, Plan],
) -> None:
    shape = {
        "dim": [{"size": "-1", "name": ""}, {"size": "1", "name": ""}],
        "unknown_rank": False,
    }
    assert plans["half_plus_two"].signature_def == {
        "__saved_model_init_op": {
            "inputs": {},
            "outputs": {
                "__saved_model_init_op": {
                    "dtype": "DT_INVALID",
                    "tensor_shape": {"dim": [], "unknown_rank": True},
                    "name": "NoOp",
                }
            },
            "method_name": "",
            "defaults": {},
        },
        DEFAULT: {
            "inputs": {
                "x": {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": "serving_default_x:0"}
            },
            "outputs": {
                "y": {
                    "dtype": "DT_FLOAT",
                    "tensor_shape": shape,
                    "name": "StatefulPartitionedCall:0",
                }
            },
            "method_name": "tensorflow/serving/predict",
            "defaults": {},
        },
    }


def test_every_signature_is_listed_but_the_init_op(plans: dict[str, Plan]) -> None:
    assert {DEFAULT, "doubled", "constant"} == set(plans["signatures"].signatures)


def test_a_signature_that_is_not_of_plain_tensors_is_left_out_with_a_warning(
    plans: dict[str, Plan],
) -> None:
    plan = plans["sparse"]
    assert [DEFAULT] == list(plan.signatures)
    assert {DEFAULT, "sparse"} == set(plan.signature_def)
    assert ("sparse cannot be called: 'sparse' is a coo_sparse tensor, not a plain one",) == (
        plan.warnings
    )


def test_refusing_made_up_input_is_a_warning(plans: dict[str, Plan]) -> None:
    plan = plans["parse_example"]
    assert plan.signatures[DEFAULT].warmup is None
    (warning,) = plan.warnings
    assert warning.startswith("serving_default refused made-up input")
    assert "Feature: x (data type: float) is required" in warning


@pytest.mark.parametrize(
    ("graph", "expected"),
    [("unknown_rank", (1,)), ("ranks", (1, 1, 1)), ("two_inputs", (1, 3))],
)
def test_made_up_input_has_one_of_whatever_may_be_any_number(
    plans: dict[str, Plan], graph: str, expected: tuple[int, ...]
) -> None:
    assert expected in (plans[graph].signatures[DEFAULT].warmup or {}).values()


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ("half_plus_two", True),
        ("lookup_table", True),
        ("random", True),  # other numbers each time, and that is no reason
        ("counter", True),
        ("parse_example", True),  # refused alike by both executors
        ("tf1_variables", False),
        ("tf1_loop", False),
    ],
)
def test_the_plan_knows_whether_the_faster_executor_may_run_it(
    plans: dict[str, Plan], graph: str, expected: bool
) -> None:
    assert expected == plans[graph].single_threaded_executor


@pytest.mark.parametrize("name", REFUSALS)
def test_a_broken_model_is_refused_with_the_reason(broken: Path, name: str) -> None:
    with pytest.raises(ModelRefused) as refusal:
        SubprocessCompiler().compile(broken / name)
    said = f"{refusal.value} {refusal.value.hint}"
    assert re.search(REFUSALS[name], said, re.DOTALL), said


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="nothing is not a directory"):
        SubprocessCompiler().compile(tmp_path / "nothing")


def test_the_text_form_compiles_too(broken: Path, plans: dict[str, Plan]) -> None:
    plan = SubprocessCompiler().compile(broken / "as_text")
    assert plans["half_plus_two"].signatures == plan.signatures


def test_tags_choose_the_graph(broken: Path) -> None:
    plan = SubprocessCompiler(tags=["gpu", "serve"]).compile(broken / "other_tags")
    assert ("gpu", "serve") == plan.tags


def test_a_model_that_never_answers_is_refused_and_its_process_killed(savedmodels: Path) -> None:
    with pytest.raises(ModelRefused, match=r"endless did not load and run within 1\.5 s"):
        SubprocessCompiler(timeout=1.5).compile(savedmodels / "endless")
    assert compiled_by(savedmodels / "endless") == []


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
def test_a_model_that_crashes_tensorflow_is_refused(savedmodels: Path, name: str) -> None:
    directory = savedmodels / "endless"

    def crash() -> None:
        wait_until(True, directory)
        time.sleep(0.5)
        os.kill(compiled_by(directory)[0], signal.Signals[name])

    thread = threading.Thread(target=crash)
    thread.start()
    with pytest.raises(ModelRefused, match=rf"endless crashed TensorFlow \({name}\)"):
        SubprocessCompiler(timeout=20).compile(directory)
    thread.join()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_neither_process_nor_file_outlives_a_parent_that_is_killed(
    savedmodels: Path, tmp_path: Path, name: str
) -> None:
    directory = savedmodels / "endless"
    script = """if True:
        import sys
        from pathlib import Path
        from modelserver.compiler import SubprocessCompiler
        SubprocessCompiler().compile(Path(sys.argv[1]))
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(directory)],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    wait_until(True, directory)
    time.sleep(1)  # by now it is inside TensorFlow
    parent.send_signal(signal.Signals[name])
    assert parent.wait(10) != 0
    wait_until(False, directory)
    assert list(tmp_path.iterdir()) == []


def test_a_crash_of_the_faster_executor_costs_no_more_than_its_use(
    savedmodels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "from modelserver.compiler import trial\n"
        "trial.single_threaded_too = lambda *_: os.abort()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    plan = SubprocessCompiler().compile(savedmodels / "half_plus_two")
    assert plan.signatures
    assert not plan.single_threaded_executor


def test_what_tensorflow_logs_stays_out_of_the_parents_output(
    savedmodels: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    SubprocessCompiler().compile(savedmodels / "half_plus_two")
    assert ("", "") == tuple(capfd.readouterr())


def test_a_compiler_that_fails_itself_does_not_blame_the_model(
    savedmodels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('no Python today')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"compiler failed on .* \(exit code 1\)") as refusal:
        SubprocessCompiler().compile(savedmodels / "half_plus_two")
    assert "no Python today" in refusal.value.hint


def test_without_tensorflow_it_says_what_to_install(
    savedmodels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(Unavailable) as refusal:
        SubprocessCompiler().compile(savedmodels / "half_plus_two")
    assert refusal.value.hint == "pip install 'lambda-serving[serve]'"


def test_a_module_of_the_users_directory_is_not_taken_for_tensorflow(
    savedmodels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    assert SubprocessCompiler().compile(savedmodels / "half_plus_two").signatures
