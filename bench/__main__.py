"""
Cold start, warm requests and memory, here and as everyone does it.

    python -m bench [--quick]

One run, one machine: the ways take turns, each process pinned to one core. Their answers are
compared before anything is measured. Writes bench/results.md and .json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelserver.compiler import SubprocessCompiler

from . import report
from .processes import Run, Way, run
from .report import Row

RESULTS = Path(__file__).with_name("results")
CACHE = Path(__file__).with_name("models.made")
SHAPES = {
    "1 x 784 floats": ("small", (1, 784)),
    "128 x 784 floats": ("small", (128, 784)),
    "1 x 224 x 224 x 3 floats": ("image", (1, 224, 224, 3)),
}


class Case:
    """One model and one request, for each way to answer it."""

    def __init__(self, place: Path, model: str, shape: tuple[int, ...]) -> None:
        self.directory = CACHE / model / "1"
        self.body = place / "body.json"
        values = np.random.default_rng(5).random(shape, np.float32)
        np.save(place / "array.npy", values)
        self.body.write_text(json.dumps({"instances": values.tolist()}), "utf-8")
        registry = open_registry(str(place / "registry"), create=True)
        Publisher(registry, SubprocessCompiler()).publish(self.directory, "sample")
        registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
        plan = registry.artifacts.plan(ModelId("sample", 1))
        if plan is None:
            raise SystemExit(f"{model} has no plan")
        (place / "plan.json").write_text(json.dumps(plan.to_json()), "utf-8")
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "MODEL": str(self.directory)}
        self.here = Way(
            "here",
            {
                "REGISTRY_URL": str(place / "registry"),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
                "TMPDIR": str(place),
            },
        )
        self.plain = Way("plain", quiet)
        self.floor = Way(
            "floor",
            {**quiet, "PLAN": str(place / "plan.json"), "ARRAY": str(place / "array.npy")},
        )

    def in_turn(self, rounds: int, requests: int = 0) -> dict[str, list[Run]]:
        """Each way `rounds` times; one more before, which reads what is on disk."""
        runs: dict[str, list[Run]] = {}
        for number in range(rounds + 1):
            for way in (self.here, self.plain, self.floor):
                done = run(way, self.body, requests)
                if number:
                    runs.setdefault(way.name, []).append(done)
        _compare(runs["here"][0].answer, runs["plain"][0].answer)
        return runs


def _compare(here: str, plain: str) -> None:
    """Both answer the same, to the last bit of a float32."""
    ours, theirs = (
        np.array(json.loads(text)["predictions"], np.float64).astype(np.float32)
        for text in (here, plain)
    )
    if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=1e-5, atol=1e-7):
        raise SystemExit("the answers differ: nothing is measured")


def measured(quick: bool) -> list[Row]:
    rows: list[Row] = []
    for figure, (model, shape) in SHAPES.items():
        first = figure == next(iter(SHAPES))
        with tempfile.TemporaryDirectory() as place:
            case = Case(Path(place), model, shape)
            if first:
                rows += _starts(case, 3 if quick else 20)
            rows += _warm(case, figure, 0.15 if first else 0.10, 1 if quick else 5)
    return rows


def _starts(case: Case, rounds: int) -> list[Row]:
    runs = case.in_turn(rounds)
    starts = {name: tuple(one.start for one in found) for name, found in runs.items()}
    figure = "cold start, warm page cache"
    return [
        Row(figure, "s", "plain handler", starts["here"], starts["plain"], 0.20),
        Row(figure, "s", "floor", starts["here"], starts["floor"], 1.5),
    ]


def _warm(case: Case, figure: str, target: float, rounds: int) -> list[Row]:
    runs = case.in_turn(rounds, 1000 if figure.startswith("1 x 784") else 100)
    warm = {
        name: tuple(seconds for one in found for seconds in one.warm)
        for name, found in runs.items()
    }
    rows = [
        Row(f"warm request, {figure}", "ms", "plain handler", warm["here"], warm["plain"], target),
        Row(f"warm request, {figure}", "ms", "the run alone", warm["here"], warm["floor"]),
    ]
    if figure.startswith("1 x 784"):
        here, plain = (
            tuple(float(one.resident) for one in runs[name]) for name in ("here", "plain")
        )
        rows.append(Row("memory after 1,000 requests", "MB", "plain handler", here, plain, 0.65))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: two minutes")
    asked = parser.parse_args(arguments)
    subprocess.run(
        [sys.executable, "-m", "bench.models", str(CACHE), "small", "image"],
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        cwd=Path(__file__).parents[1],
    )
    rows = measured(asked.quick)
    report.write(rows, RESULTS)
    sys.stdout.write(RESULTS.with_suffix(".md").read_text("utf-8"))


if __name__ == "__main__":
    main()
