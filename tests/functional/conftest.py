"""
SavedModels to serve, made once per session by full TensorFlow in child processes.
pytest's own process never imports it.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from modelregistry.plan import Plan

ROOT = Path(__file__).parents[2]

Answers = dict[str, list[dict[str, Any]]]  # graph → call → output → values.Value


def run_child(module: str, *arguments: object) -> None:
    """`python -m module arguments…` from the repository's root; its complaints if it fails."""
    child = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-4000:]


@pytest.fixture(scope="session")
def _expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Callable[[int], Answers]]:
    home = tmp_path_factory.mktemp("oracle")
    root = home / "savedmodels"

    @cache
    def answers(threads: int) -> Answers:
        file = home / f"expected-{threads}.json"
        run_child("tests.oracle.expected", root, threads, file)
        return dict(json.loads(file.read_text()))

    answers(1)  # makes the SavedModels on the way
    return root, answers


@pytest.fixture(scope="session")
def savedmodels(_expected: tuple[Path, Callable[[int], Answers]]) -> Path:
    """A SavedModel per directory: `savedmodels / "half_plus_two"`, …; tests/oracle/graphs.py."""
    return _expected[0]


@pytest.fixture(scope="session")
def expected(_expected: tuple[Path, Callable[[int], Answers]]) -> Callable[[int], Answers]:
    """TensorFlow's own answers to tests/oracle/cases.py with so many intra-op threads."""
    return _expected[1]


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SavedModels that answer differently: `sample / "1"` and `"2"`, `later / "3"`."""
    root = tmp_path_factory.mktemp("versions")
    run_child("tests.containers.models", root)
    return root


@pytest.fixture(scope="session")
def broken(savedmodels: Path) -> Path:
    """A directory per SavedModel that must be refused, as in tests/oracle/broken.py."""
    root = savedmodels.with_name("broken")
    run_child("tests.oracle.broken", savedmodels, root)
    return root


@pytest.fixture(scope="session")
def plan_files(savedmodels: Path) -> Path:
    """A directory with `NAME.json` for each of `savedmodels`, compiled in one process."""
    plans = savedmodels.with_name("plans")
    run_child("tests.oracle.plans", savedmodels, plans)
    return plans


@pytest.fixture(scope="session")
def plans(plan_files: Path) -> dict[str, Plan]:
    """The plan of each of `savedmodels` but the endless one, by name."""
    return {
        file.stem: Plan.from_json(json.loads(file.read_text())["plan"])
        for file in sorted(plan_files.glob("*.json"))
    }


@pytest.fixture(scope="session")
def actual(savedmodels: Path, plan_files: Path) -> Callable[[int], Answers]:
    """This project's answers to the same cases, in a process with so many intra-op threads."""

    @cache
    def answers(threads: int) -> Answers:
        file = savedmodels.with_name(f"actual-{threads}.json")
        run_child("tests.oracle.actual", savedmodels, plan_files, threads, file)
        return dict(json.loads(file.read_text()))

    return answers
