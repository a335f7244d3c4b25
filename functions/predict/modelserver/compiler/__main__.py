"""
The process in which a SavedModel is tried out; a crash of TensorFlow ends only this.

    python -m modelserver.compiler DIRECTORY RESULT LIFELINE RECORDED TAG...

RESULT is a file, written and then perhaps written again: `{"plan": …}` or
`{"refused": message, "hint": hint}`. LIFELINE is an inherited pipe's descriptor:
when its other end closes the parent is gone, and so are we, with RESULT's directory.
RECORDED is `recorded` to run what the model has recorded, and put it into the plan.
"""

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelregistry.errors import ModelRefused
from modelregistry.plan import COMPILER, Plan
from modelserver.errors import BadWarmup
from modelserver.runtime import library
from modelserver.warmup import files

from . import effects, export, metagraph, trial


def compile_model(
    directory: Path, tags: Sequence[str], result: Path, *, warm_up: bool = True
) -> None:
    """
    Write to `result` the plan of the SavedModel in `directory`.

    Raises ModelRefused, and, where what it has recorded is to `warm_up`, BadWarmup.
    """
    warnings: list[str] = []
    size = export.disk_bytes(directory)
    graph = export.meta_graph(directory, tags)
    signatures = metagraph.signatures(directory, graph, warnings)
    export.check_files(directory, graph)
    plan = Plan(
        compiler=COMPILER,
        tensorflow=library.version(),
        tags=tuple(tags),
        signatures=signatures,
        signature_def=metagraph.metadata(graph),
        single_threaded_executor=False,
        disk_bytes=size,
        memory_bytes=0,
    )
    changing = effects.of_signatures(graph, plan)
    defaults = metagraph.defaults(graph)
    requests = files.requests(directory, signatures, defaults) if warm_up else iter(())
    plan, trials = trial.try_out(directory, plan, changing, requests, warnings)
    plan = replace(plan, warnings=tuple(warnings))
    _write(result, {"plan": plan.to_json()})
    # From here on there is a plan: whatever the other executor does, even a crash, costs
    # no more than the faster setting.
    if trial.single_threaded_too(directory, plan, trials):
        _write(result, {"plan": replace(plan, single_threaded_executor=True).to_json()})


def main(arguments: Sequence[str]) -> None:
    directory, result, lifeline, recorded, *tags = arguments
    lost = int(lifeline), Path(result).parent
    threading.Thread(target=_die_with_parent, args=lost, daemon=True).start()
    try:
        warm_up = recorded == "recorded"
        compile_model(Path(directory), tags, Path(result), warm_up=warm_up)
    except ModelRefused as refusal:
        _write(Path(result), {"refused": str(refusal), "hint": refusal.hint})
    except BadWarmup as error:
        message = f"{directory} does not warm up: {error}"
        hint = "remove that file, or record it again: deploy warmup record"
        _write(Path(result), {"refused": message, "hint": hint})
    # Nothing of the graph needs taking apart: the process ends here.
    os._exit(0)


def _die_with_parent(lifeline: int, left_behind: Path) -> None:
    os.read(lifeline, 1)
    shutil.rmtree(left_behind, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _write(result: Path, document: dict[str, Any]) -> None:
    """Whole or not at all: the parent reads it after a crash, too."""
    beside = result.with_suffix(".new")
    beside.write_text(json.dumps(document), "utf-8")
    beside.replace(result)


if __name__ == "__main__":
    main(sys.argv[1:])
