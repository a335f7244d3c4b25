"""The table says which targets are met, and of which samples its figures are."""

import json
from pathlib import Path

import pytest

from bench import report
from bench.report import Row


def _row(**given: object) -> Row:
    facts = {"figure": "start", "unit": "s", "other_name": "plain", "here": (1.0,), "other": (4.0,)}
    return Row(**{**facts, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "met"),
    [
        ({}, None),
        ({"target": 0.25}, True),
        ({"target": 0.24}, False),
        ({"target": 0.25, "limit": 0.9}, False),
        ({"limit": 1.0}, True),
        ({"unit": "requests/s", "target": 0.25}, True),
        ({"unit": "requests/s", "target": 2.0}, False),
        ({"unit": "requests/s", "limit": 1.1}, False),
    ],
)
def test_a_target_is_the_most_of_a_time_and_the_least_of_a_rate(
    given: dict[str, object], met: bool | None
) -> None:
    assert met == _row(**given).met


def test_a_row_shows_medians_with_their_quartiles_in_its_unit() -> None:
    row = _row(unit="ms", here=(0.001, 0.002, 0.003, 0.004, 0.005), limit=0.002)
    line = report.markdown([row]).splitlines()[2]
    assert line == (
        "| start | 3.00 ms (2.00 to 4.00) | plain: 4,000 ms (4,000 to 4,000) | 0.00 |"
        " ≤ 2 ms | **no** |"
    )


def test_rows_of_one_figure_name_it_once() -> None:
    first, second = report.markdown([_row(), _row(other_name="floor")]).splitlines()[2:]
    assert ("| start |", "|  |") == (first[:9], second[:4])


def test_json_has_the_samples_the_ratio_and_the_mark(tmp_path: Path) -> None:
    place = tmp_path / "results"
    report.write([_row(target=0.3)], place)
    (row,) = json.loads(place.with_suffix(".json").read_text())["rows"]
    assert ([1.0], [4.0], 0.25, True) == (row["here"], row["other"], row["ratio"], row["met"])
