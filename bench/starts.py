"""Cold starts: from the start of a process, or of a container's runtime, to its first answer."""

import os
import sys

from infra.local.engine import Refused

from . import containers
from .cases import Case, case, predictions, require_equal
from .containers import HERE, PLAIN, Start
from .events import predict_event
from .report import Row


def rows(quick: bool) -> list[Row]:
    with case("small", (1, 784)) as small:
        found = _processes(small, quick=quick)
        if not quick:  # images take minutes to build
            found += _containers(small, 10)
    return found


def _processes(small: Case, *, quick: bool) -> list[Row]:
    runs = small.in_turn(2 if quick else 20, ahead=not quick)
    starts = {name: tuple(one.start for one in found) for name, found in runs.items()}
    figure = "cold start, warm page cache"
    return [
        Row(figure, "s", "plain handler", starts["here"], starts["plain"], 0.20),
        Row(figure, "s", "floor", starts["here"], starts["floor"], 1.5),
    ]


def _containers(small: Case, rounds: int) -> list[Row]:
    if os.geteuid():
        print("bench: no cold starts in containers: they need root", file=sys.stderr)
        return []
    try:
        containers.build()
    except Refused as refused:
        print(f"bench: no cold starts in containers: {refused}", file=sys.stderr)
        return []
    warm = _in_turn(small, rounds, cold=False)
    cold = _in_turn(small, max(3, rounds // 2), cold=True)
    read = [tuple(float(one.read) for one in starts) for starts in cold]
    figure = "cold start in the container"
    return [
        _row(f"{figure}, warm page cache", warm, 0.20),
        _row(f"{figure}, cold page cache", cold, 0.25),
        Row(
            f"{figure}, cold page cache: read from disk",
            "MB",
            "plain handler",
            read[0],
            read[1],
            0.25,
        ),
    ]


def _row(figure: str, starts: tuple[list[Start], list[Start]], target: float) -> Row:
    here, plain = (tuple(one.seconds for one in found) for found in starts)
    return Row(figure, "s", "plain handler", here, plain, target)


def _in_turn(small: Case, rounds: int, *, cold: bool) -> tuple[list[Start], list[Start]]:
    """Starts of both images; one more of each before, which reads what is on disk."""
    event = predict_event(small.body.read_text("utf-8"))
    here: list[Start] = []
    plain: list[Start] = []
    for number in range(rounds + (not cold)):
        for image, starts in ((HERE, here), (PLAIN, plain)):
            done = containers.first_request(image, small, event, cold=cold)
            if number or cold:
                starts.append(done)
    require_equal(*(predictions(starts[0].body) for starts in (here, plain)))
    return here, plain
