"""Cold starts: from the start of a process to its first answer."""

from .cases import case
from .report import Row


def rows(quick: bool) -> list[Row]:
    with case("small", (1, 784)) as small:
        runs = small.in_turn(3 if quick else 20)
    starts = {name: tuple(one.start for one in found) for name, found in runs.items()}
    figure = "cold start, warm page cache"
    return [
        Row(figure, "s", "plain handler", starts["here"], starts["plain"], 0.20),
        Row(figure, "s", "floor", starts["here"], starts["floor"], 1.5),
    ]
