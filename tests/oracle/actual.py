"""
What this project's runtime answers to the cases, in a process with its own thread pool.

    python -m tests.oracle.actual ROOT PLANS THREADS RESULT
"""

import json
import sys
from pathlib import Path

from modelregistry.plan import Plan
from modelserver.runtime import SavedModel, Threads
from tests.oracle.cases import CASES
from tests.oracle.values import Value, recorded


def main(root: Path, plans: Path, threads: int, result: Path) -> None:
    answers = {}
    for name in CASES:
        plan = Plan.from_json(json.loads((plans / f"{name}.json").read_text())["plan"])
        answers[name] = _answers(root / name, plan, Threads(intra_op=threads))
    result.write_text(json.dumps(answers))


def _answers(directory: Path, plan: Plan, threads: Threads) -> list[dict[str, Value]]:
    model = SavedModel.load(directory, plan, threads)
    return [recorded(model.run(signature, inputs)) for signature, inputs in CASES[directory.name]]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
