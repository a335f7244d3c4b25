"""
Publishing and loading models of 1 MB, 100 MB and 1 GB: how fast, and in how much memory.

Beside each its floor on the same disk, from the page cache: for a publish the files copied,
fsynced and digested once, without the compile, which is a figure of its own; for a load the
files digested once and TensorFlow's own load. Processes of their own, on all CPUs, in turn.

S3 is moto in a process of its own, on one core, beside one PutObject of the same bytes and one
GetObject and a digest. These rows have no target: moto reads a whole object for each part of
it that is asked for, and keeps all in memory, so that 1 GB is left out. `bench.s3_download`
measures downloads from a server that is no bottleneck.
"""

import tempfile
from pathlib import Path

from .cases import make
from .endpoints import Aws, aws
from .processes import said
from .report import Row

SIZES = {"1MB": "1 MB", "100MB": "100 MB", "1000MB": "1 GB"}
IN_S3 = ("1MB", "100MB")
_ROUNDS = 3
_FLOORS = {"put": "copied", "got": "loaded"}

Run = dict[str, float]
Runs = dict[str, list[Run]]


def rows(quick: bool) -> list[Row]:
    """None in a quick run: making and moving a gigabyte takes minutes."""
    if quick:
        return []
    runs = {size: _on_disk(size) for size in SIZES}
    found = [
        row for size, shown in SIZES.items() for row in _rates(shown, runs[size], "copy and digest")
    ]
    found += _memory(runs["1000MB"], runs["1MB"])
    with aws() as made:
        for size in IN_S3:
            figures = _in_s3(size, made)
            found += _rates(f"{SIZES[size]}, S3", figures, "one request and digest", None)
    return found


def _on_disk(size: str) -> Runs:
    """By way; the first of each, which reads the model from the disk, does not count."""
    model = make(size)
    runs: Runs = {}
    for number in range(_ROUNDS + 1):
        with tempfile.TemporaryDirectory() as place:
            for way in ("publish", "copied", "load", "loaded"):
                where = Path(place, "copy" if way == "copied" else "registry")
                run = said("bench.transfer", way, model, where, pinned=False)
                if number:
                    runs.setdefault(way, []).append(run)
    return runs


def _in_s3(size: str, made: Aws) -> Runs:
    """As on disk; what is loaded comes through an empty cache."""
    model = make(size)
    runs: Runs = {}
    for number in range(_ROUNDS + 1):
        url = made.registry(f"{size}-{number}")
        with tempfile.TemporaryDirectory() as cache:
            there = {**made.variables, "XDG_CACHE_HOME": cache}
            for way in ("publish", "put", "load", "got"):
                run = said("bench.transfer", way, model, url, environment=there, pinned=False)
                if number:
                    runs.setdefault(_FLOORS.get(way, way), []).append(run)
    return runs


def _rates(size: str, runs: Runs, floor: str, target: float | None = 0.9) -> list[Row]:
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
            target,
        ),
    ]


def _memory(large: Runs, small: Runs) -> list[Row]:
    """Flat where nothing of the model need be kept, and the model once where it is loaded."""

    def of(found: Runs, way: str, name: str, less: str = "") -> tuple[float, ...]:
        return tuple(run[name] - run.get(less, 0) for run in found[way])

    model, load = of(large, "load", "bytes"), of(large, "load", "peak", "before")
    publishing = of(large, "publish", "peak")
    compiling = of(large, "publish", "children")
    figure = "peak memory, load 1 GB, above the library's"
    return [
        Row("peak memory, publish 1 GB", "MB", "1 MB", publishing, of(small, "publish", "peak"), 2),
        Row("peak memory, its compiler, 1 GB", "MB", "the model's bytes", compiling, model, 1.5),
        Row(figure, "MB", "the model's bytes", load, model, 1.1),
        Row(figure, "MB", "TensorFlow's load", load, of(large, "loaded", "peak", "before"), 1.1),
    ]
