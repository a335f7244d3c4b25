"""
Publishing and loading models of 1 MB, 100 MB and 1 GB: how fast, and in how much memory.

Beside each its floor on the same disk, from the page cache: for a publish the files copied,
fsynced and digested once, without the compile, which is a figure of its own; for a load the
files digested once and TensorFlow's own load. Processes of their own, on all CPUs, in turn.

S3 is moto in a process of its own, beside one PutObject of the same bytes and one GetObject
and a digest: what that server can do. 1 GB is left out there, since moto keeps all in memory.
"""

import tempfile
from pathlib import Path

from .cases import make
from .endpoints import Aws, aws
from .processes import said
from .report import Row

SIZES = ("1MB", "100MB", "1000MB")
QUICK = ("1MB", "100MB")
_SHOWN = {"1MB": "1 MB", "100MB": "100 MB", "1000MB": "1 GB"}

Run = dict[str, float]


def rows(quick: bool) -> list[Row]:
    sizes, rounds = (QUICK, 1) if quick else (SIZES, 5)
    runs = {size: _on_disk(size, rounds) for size in sizes}
    found = [row for size in sizes for row in _rates(_SHOWN[size], runs[size], "copy and digest")]
    found += _memory(_SHOWN[sizes[-1]], runs[sizes[-1]], runs[sizes[0]])
    if not quick:
        with aws() as made:
            for size in ("1MB", "100MB"):
                figures = _in_s3(size, rounds, made)
                found += _rates(f"{_SHOWN[size]}, S3", figures, "one request and digest")
    return found


def _on_disk(size: str, rounds: int) -> dict[str, list[Run]]:
    """By way; the first of each, which reads the model from the disk, does not count."""
    model = make(size)
    runs: dict[str, list[Run]] = {}
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory() as place:
            for way in ("publish", "copied", "load", "loaded"):
                where = Path(place, "copy" if way == "copied" else "registry")
                run = said("bench.transfer", way, model, where, pinned=False)
                if number:
                    runs.setdefault(way, []).append(run)
    return runs


def _in_s3(size: str, rounds: int, made: Aws) -> dict[str, list[Run]]:
    """As on disk; what is loaded comes through an empty cache."""
    model = make(size)
    runs: dict[str, list[Run]] = {}
    for number in range(rounds + 1):
        url = made.registry(f"{size}-{number}")
        with tempfile.TemporaryDirectory() as cache:
            there = {**made.variables, "XDG_CACHE_HOME": cache}
            for way in ("publish", "put", "load", "got"):
                run = said("bench.transfer", way, model, url, environment=there, pinned=False)
                if number:
                    runs.setdefault(_FLOORS.get(way, way), []).append(run)
    return runs


_FLOORS = {"put": "copied", "got": "loaded"}


def _rates(size: str, runs: dict[str, list[Run]], floor: str) -> list[Row]:
    def rates(way: str) -> tuple[float, ...]:
        return tuple(r["bytes"] / (r["seconds"] - r.get("compiling", 0)) for r in runs[way])

    compiling = tuple(run["compiling"] for run in runs["publish"])
    whole = tuple(run["seconds"] for run in runs["publish"])
    return [
        Row(
            f"publish {size}, but for the compile", "MB/s", floor, rates("publish"), rates("copied")
        ),
        Row(f"publish {size}", "s", "its compile alone", whole, compiling),
        Row(
            f"load {size}",
            "MB/s",
            "digest and TensorFlow's load",
            rates("load"),
            rates("loaded"),
            0.9,
        ),
    ]


def _memory(size: str, runs: dict[str, list[Run]], small: dict[str, list[Run]]) -> list[Row]:
    """Flat where nothing of the model need be kept, and the model once where it is loaded."""

    def of(found: dict[str, list[Run]], way: str, *names: str) -> tuple[float, ...]:
        return tuple(run[names[0]] - sum(run[n] for n in names[1:]) for run in found[way])

    model = of(runs, "load", "bytes")
    floor = of(runs, "loaded", "peak", "before")
    return [
        Row(
            f"peak memory, publish {size}",
            "MB",
            "publish 1 MB",
            of(runs, "publish", "peak"),
            of(small, "publish", "peak"),
            2.0,
        ),
        Row(
            f"peak memory, its compiler, {size}",
            "MB",
            "the model's bytes",
            of(runs, "publish", "children"),
            model,
        ),
        Row(
            f"peak memory, load {size}, above the library's",
            "MB",
            "the model's bytes",
            of(runs, "load", "peak", "before"),
            model,
            1.1,
        ),
        Row(
            f"peak memory, load {size}, above the library's",
            "MB",
            "TensorFlow's load",
            of(runs, "load", "peak", "before"),
            floor,
        ),
    ]
