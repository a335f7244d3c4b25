"""What of the recorded requests gets into a plan."""

import numpy as np
import pytest

from modelserver.compiler import rehearsal
from modelserver.compiler.rehearsal import rehearse
from modelserver.errors import BadWarmup, PredictionFailed
from modelserver.runtime.tensors import Array
from modelserver.warmup.requests import Request
from tests.fakes import plan
from tests.unit.server.doubles import Doubler


class Picky(Doubler):
    """Refuses a negative number."""

    def run(self, signature_name: str, inputs: dict[str, Array]) -> dict[str, Array]:
        if (inputs["x"] < 0).any():
            raise PredictionFailed(9, "too small")
        return super().run(signature_name, inputs)


def request(line: int, *values: float) -> Request:
    array = np.array(values, np.float32)
    return Request(f"warmup.jsonl, line {line}", "serving_default", {"x": array})


def test_what_runs_is_kept_in_order() -> None:
    warnings: list[str] = []
    kept = rehearse(Picky(1), plan(), [request(1, 1), request(2, 3, 4)], warnings)
    assert [("warmup.jsonl, line 1", (1,)), ("warmup.jsonl, line 2", (2,))] == [
        (each.source, each.inputs["x"].shape) for each in kept
    ]
    assert [] == warnings


def test_the_first_that_fails_is_named_with_tensorflows_code() -> None:
    with pytest.raises(BadWarmup) as error:
        rehearse(Picky(1), plan(), [request(1, 1), request(2, -1), request(3, -1)], [])
    assert "warmup.jsonl, line 2: FAILED_PRECONDITION: too small" == str(error.value)


@pytest.mark.parametrize(
    ("requests", "kept", "warning"),
    [
        ([request(1, *range(8))], 1, ""),
        ([request(1, *range(9))], 0, "warmup.jsonl, line 1 is not run when"),
        ([request(1, 1), request(2, *range(9)), request(3, 1)], 1, "line 2 and 1 more are not run"),
    ],
)
def test_a_plan_takes_no_more_than_its_share(
    monkeypatch: pytest.MonkeyPatch, requests: list[Request], kept: int, warning: str
) -> None:
    monkeypatch.setattr(rehearsal, "MOST_BYTES", 32)
    warnings: list[str] = []
    assert kept == len(rehearse(Picky(1), plan(), requests, warnings))
    assert bool(warning) == bool(warnings)
    assert warning in " ".join(warnings)


def test_what_is_left_out_has_to_run_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "MOST_BYTES", 0)
    with pytest.raises(BadWarmup, match="line 2"):
        rehearse(Picky(1), plan(), [request(1, 1), request(2, -1)], [])
