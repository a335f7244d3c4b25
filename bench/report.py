"""The table of a run: Markdown for people, JSON for programs, with what it was measured on."""

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles

PACKAGES = ("tensorflow-cpu", "numpy", "fastapi", "mangum", "pydantic", "boto3")


@dataclass(frozen=True)
class Row:
    """
    One figure: `here` beside `other`, samples of one `unit`, measured in turn.

    `target` is the largest ratio of their medians that we want to see.
    """

    figure: str
    unit: str
    other_name: str
    here: tuple[float, ...]
    other: tuple[float, ...]
    target: float | None = None

    @property
    def ratio(self) -> float:
        return median(self.here) / median(self.other)


def markdown(rows: Sequence[Row]) -> str:
    lines = [
        "| figure | here | beside | ratio | target |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        target = "" if row.target is None else f"≤ {row.target:g}"
        lines.append(
            f"| {row.figure} | {_spread(row.here, row.unit)} |"
            f" {row.other_name}: {_spread(row.other, row.unit)} | {row.ratio:.2f} | {target} |"
        )
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
    document = {**about, "rows": [{**asdict(row), "ratio": row.ratio} for row in rows]}
    place.with_suffix(".json").write_text(json.dumps(document, indent=1), "utf-8")


def _spread(samples: Sequence[float], unit: str) -> str:
    scale, shown = {"s": (1, "s"), "ms": (1000, "ms"), "MB": (1e-6, "MB")}[unit]
    several = samples if len(samples) > 1 else (*samples, *samples)
    low, middle, high = (q * scale for q in quantiles(several, n=4, method="inclusive"))
    digits = 0 if middle >= 100 else 2 if middle < 10 else 1
    return f"{middle:.{digits}f} {shown} ({low:.{digits}f} to {high:.{digits}f})"
