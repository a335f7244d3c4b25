"""Warm requests to the Lambda handler: an event in, an answer out, beside the plain handler's."""

from statistics import median

from .cases import case
from .processes import Run
from .report import Row

SHAPES = {
    "1 x 784": ("small", (1, 784), 1000, 0.15),
    "128 x 784": ("small", (128, 784), 100, 0.10),
    "1 x 224 x 224 x 3": ("image", (1, 224, 224, 3), 100, 0.10),
}
OVERHEAD = 150e-6  # what an answer may take beside the run, for 1 x 784


def rows(quick: bool) -> list[Row]:
    found: list[Row] = []
    for name, (model, shape, requests, target) in SHAPES.items():
        with case(model, shape) as one:
            runs = one.in_turn(*(1, requests // 10) if quick else (5, requests), ahead=not quick)
        warm = {way: _seconds(of_it) for way, of_it in runs.items()}
        figure = f"warm request, {name} floats"
        alone = warm["floor"]
        found += [
            Row(figure, "ms", "plain handler", warm["here"], warm["plain"], target),
            Row(figure, "ms", "TF_SessionRun alone", warm["here"], alone),
        ]
        if name == "1 x 784":
            ran = median(alone)
            over = tuple(seconds - ran for seconds in warm["here"])
            figure = f"overhead over TF_SessionRun, {name} floats"
            found.append(Row(figure, "ms", "TF_SessionRun alone", over, alone, limit=OVERHEAD))
    return found


def _seconds(runs: list[Run]) -> tuple[float, ...]:
    return tuple(seconds for one in runs for seconds in one.warm)
