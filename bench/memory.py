"""What a process keeps in memory after 1,000 requests."""

from pathlib import Path

from .cases import Case, case
from .processes import Run
from .report import Row

REQUESTS = 1000
BESIDE_PLAIN, OVER_THE_MODEL = 0.65, 1.1


def rows(quick: bool) -> list[Row]:
    """A quick run has no large model: making and publishing it takes a minute by itself."""
    rounds = 1 if quick else 5
    with case("small", (1, 784)) as small:
        runs = small.in_turn(rounds, REQUESTS, ahead=not quick)
    found = [_beside_plain("small model", runs, BESIDE_PLAIN)]
    if not quick:
        runtime = tuple(float(one.resident) for one in runs["here"])
        with case("large", (1, 784)) as large:
            runs = large.in_turn(3, REQUESTS)
            found += [_beside_plain("500 MB model", runs), _over_the_model(large, runs, runtime)]
    return found


def _beside_plain(model: str, runs: dict[str, list[Run]], target: float | None = None) -> Row:
    here, plain = (tuple(float(one.resident) for one in runs[name]) for name in ("here", "plain"))
    figure = f"memory after {REQUESTS:,} requests, {model}"
    return Row(figure, "MB", "plain handler", here, plain, target)


def _over_the_model(large: Case, runs: dict[str, list[Run]], runtime: tuple[float, ...]) -> Row:
    """What the large model takes beyond a process with the small one, beside its size on disk."""
    own = min(runtime)
    over = tuple(one.resident - own for one in runs["here"])
    size = float(sum(path.stat().st_size for path in _files(large.directory)))
    figure = "memory of the 500 MB model, above the runtime's own"
    return Row(figure, "MB", "the model's size", over, (size,), OVER_THE_MODEL)


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]
