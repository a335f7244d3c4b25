"""The table of a run: Markdown for people, JSON for programs, with what it was measured on."""

import json
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from statistics import median, quantiles

PACKAGES = ("tensorflow-cpu", "numpy", "fastapi", "mangum", "pydantic", "boto3")
# What a sample is multiplied by to be shown, and what is then written behind it.
UNITS = {
    "s": (1.0, "s"),
    "ms": (1000.0, "ms"),
    "us": (1e6, "µs"),
    "MB": (1e-6, "MB"),
    "bytes": (1.0, "bytes"),
    "requests/s": (1.0, "/s"),
    "MB/s": (1e-6, "MB/s"),
    "": (1.0, ""),
}
_MORE_IS_BETTER = {"requests/s", "MB/s"}


@dataclass(frozen=True)
class Row:
    """
    One figure: `here` beside `other`, samples of one `unit`, measured in turn.

    Samples are in seconds, bytes, or units per second; `unit` is how they are shown.
    `target` is the largest ratio of their medians that we want to see, or the smallest
    for a rate. `limit` is one for the median of `here` alone, in the samples' unit.
    """

    figure: str
    unit: str
    other_name: str
    here: tuple[float, ...]
    other: tuple[float, ...]
    target: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float:
        return median(self.here) / median(self.other)

    @property
    def met(self) -> bool | None:
        """Whether target and limit are kept; None where there is neither."""
        sign = -1 if self.unit in _MORE_IS_BETTER else 1
        pairs = (self.ratio, self.target), (median(self.here), self.limit)
        kept = [sign * value <= sign * most for value, most in pairs if most is not None]
        return all(kept) if kept else None


def markdown(rows: Sequence[Row]) -> str:
    lines = [
        "| figure | here | beside | ratio | target | met |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for figure, group in groupby(rows, key=lambda row: row.figure):
        name = figure
        for row in group:
            lines.append(
                f"| {name} | {_spread(row.here, row.unit)} |"
                f" {row.other_name}: {_spread(row.other, row.unit)} | {row.ratio:.2f} |"
                f" {', '.join(_targets(row))} | {_MARKS[row.met]} |"
            )
            name = ""
    return "\n".join(lines) + "\n"


def machine() -> dict[str, object]:
    """Of which machine and which versions the figures are."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": cpu,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def write(rows: Sequence[Row], place: Path) -> None:
    """`place`.md and `place`.json."""
    about = machine()
    heading = f"{about['date']}, {about['cpu']}, Python {about['python']}; median (quartiles)\n\n"
    place.with_suffix(".md").write_text(heading + markdown(rows), "utf-8")
    found = [{**asdict(row), "ratio": row.ratio, "met": row.met} for row in rows]
    place.with_suffix(".json").write_text(json.dumps({**about, "rows": found}, indent=1), "utf-8")


_MARKS = {True: "yes", False: "**no**", None: ""}


def _targets(row: Row) -> Iterator[str]:
    sign = "≥" if row.unit in _MORE_IS_BETTER else "≤"
    if row.target is not None:
        yield f"{sign} {row.target:g} x"
    if row.limit is not None:
        scale, shown = UNITS[row.unit]
        yield f"{sign} {row.limit * scale:g} {shown}".rstrip()


def _spread(samples: Sequence[float], unit: str) -> str:
    scale, shown = UNITS[unit]
    several = samples if len(samples) > 1 else (*samples, *samples)
    low, middle, high = (q * scale for q in quantiles(several, n=4, method="inclusive"))
    digits = 0 if abs(middle) >= 100 else 2 if abs(middle) < 10 else 1
    figure = f"{middle:,.{digits}f} {shown}".rstrip()
    return f"{figure} ({low:,.{digits}f} to {high:,.{digits}f})"
