"""What a process keeps in memory after 1,000 requests."""

from .cases import case
from .report import Row


def rows(quick: bool) -> list[Row]:
    with case("small", (1, 784)) as small:
        runs = small.in_turn(1 if quick else 5, 1000)
    here, plain = (tuple(float(one.resident) for one in runs[name]) for name in ("here", "plain"))
    return [
        Row("memory after 1,000 requests, small model", "MB", "plain handler", here, plain, 0.65)
    ]
