"""A model that is published and a request for it, asked for in each way in turn."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelserver.compiler import SubprocessCompiler

from .processes import Run, Way, run

CHECKOUT = Path(__file__).parents[1]
MODELS = Path(__file__).with_name("models.made")


class Case:
    """One model and one request, for each way to answer it."""

    def __init__(self, place: Path, model: str, shape: tuple[int, ...]) -> None:
        self.place = place
        self.directory = MODELS / model / "1"
        self.registry = place / "registry"
        self.body = place / "body.json"
        values = np.random.default_rng(5).random(shape, np.float32)
        np.save(place / "array.npy", values)
        self.body.write_text(json.dumps({"instances": values.tolist()}), "utf-8")
        registry = open_registry(str(self.registry), create=True)
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
                "REGISTRY_URL": str(self.registry),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
                "TMPDIR": str(place),
            },
        )
        self.plain = Way("plain", quiet)
        self.floor = Way(
            "floor",
            {**quiet, "PLAN": str(place / "plan.json"), "ARRAY": str(place / "array.npy")},
        )

    def in_turn(
        self, rounds: int, requests: int = 0, *, ahead: bool = True
    ) -> dict[str, list[Run]]:
        """Each way `rounds` times; one more `ahead`, which reads what is on disk."""
        runs: dict[str, list[Run]] = {}
        for number in range(0 if ahead else 1, rounds + 1):
            for way in (self.here, self.plain, self.floor):
                done = run(way, self.body, requests)
                if number:
                    runs.setdefault(way.name, []).append(done)
        require_equal(*(predictions(runs[name][0].answer) for name in ("here", "plain")))
        return runs


def make(model: str) -> Path:
    """The directory of a SavedModel of `bench.models`, made if it is not there."""
    subprocess.run(
        [sys.executable, "-m", "bench.models", str(MODELS), model],
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        cwd=CHECKOUT,
    )
    return MODELS / model / "1"


@contextmanager
def case(model: str, shape: tuple[int, ...]) -> Iterator[Case]:
    """The case in a directory that lasts as long as the `with`. Makes the model if need be."""
    make(model)
    with tempfile.TemporaryDirectory() as place:
        yield Case(Path(place), model, shape)


def require_equal(ours: np.ndarray, theirs: np.ndarray) -> None:
    """
    Both answer the same, as float32: nothing is measured otherwise.

    The last bits may differ where oneDNN splits the work over other numbers of threads.
    """
    ours, theirs = ours.astype(np.float32), theirs.astype(np.float32)
    if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=1e-5, atol=1e-7):
        raise SystemExit("the answers differ: nothing is measured")


def predictions(body: str | bytes) -> np.ndarray:
    """What an answer in row format says."""
    return np.array(json.loads(body)["predictions"], np.float64)
