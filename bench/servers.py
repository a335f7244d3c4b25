"""
The local server over HTTP, beside every peer: its start, one request at a time, and under load.

All of a server's processes are pinned to one core, and the load has the other. The servers are up
together and asked in turn; who is not asked is stopped by a signal, so that it takes nothing.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median, quantiles

import numpy as np

from .cases import case, require_equal
from .load import load
from .processes import CORE, confined
from .report import Row
from .serving import Server, peers

HERE = "here"
AHEAD = 2.0  # by which we want to be ahead of every peer
_WARMING = 0.5


@dataclass(frozen=True)
class Cell:
    """What is asked for: a request's shape, over so many connections."""

    shape: tuple[int, ...]
    connections: int

    @property
    def request(self) -> str:
        return " x ".join(map(str, self.shape))

    @property
    def figure(self) -> str:
        several = "s" if self.connections > 1 else ""
        return f"local server, {self.request}, {self.connections} connection{several}"


@dataclass
class Seen:
    """What a server did in each round."""

    starts: list[float] = field(default_factory=list)
    rates: dict[Cell, list[float]] = field(default_factory=dict)
    middles: dict[Cell, list[float]] = field(default_factory=dict)
    tails: dict[Cell, list[float]] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)


SMALL = tuple(Cell((1, 784), connections) for connections in (1, 8, 64))
BATCH = tuple(Cell((128, 784), connections) for connections in (1, 8))
IMAGE = (Cell((1, 224, 224, 3), 1),)


def rows(quick: bool) -> list[Row]:
    names = ("plain",) if quick else ("plain", "flask", "litserve", "bentoml", "mlserver")
    rounds, seconds = (1, 0.6) if quick else (5, 3.0)
    starts = 1 if quick else 3
    everywhere = os.sched_getaffinity(0)
    with confined(everywhere - {CORE} or everywhere):
        found = _measured(
            "small", (*SMALL, *BATCH), names, starts=starts, rounds=rounds, seconds=seconds
        )
        lines = _of_the_starts(found)
        for cell in (*SMALL, *BATCH):
            lines += _of_a_cell(found, cell)
        lines += _of_the_memory(found)
        if not quick:
            lines += _of_a_cell(
                _measured("image", IMAGE, names, starts=0, rounds=rounds, seconds=seconds), *IMAGE
            )
    return lines


def _measured(
    model: str,
    cells: Sequence[Cell],
    names: Sequence[str],
    *,
    starts: int,
    rounds: int,
    seconds: float,
) -> dict[str, Seen]:
    with case(model, cells[0].shape) as one, ExitStack() as stack:
        servers = peers(one, (HERE, *names))
        seen = {server.name: Seen() for server in servers}
        if starts != 1:  # one more, which reads what is on disk, and does not count
            for server in servers:
                server.start(_values(cells[0].shape))
                server.stop()
        for _ in range(starts):
            for server in servers:
                _alone(server, cells[0], seen[server.name])
        for server in servers:
            stack.callback(server.stop)
            server.start(_values(cells[0].shape))
            server.pause()
        bodies = _bodies(servers, cells)
        for _ in range(rounds):
            for server in servers:
                server.resume()
                for cell in cells:
                    _load(server, cell, bodies[server.name, cell], seconds, seen[server.name])
                server.pause()
    return seen


def _alone(server: Server, cell: Cell, seen: Seen) -> None:
    """Start and memory, while no other server is up whose pages could be shared."""
    values = _values(cell.shape)
    seen.starts.append(server.start(values))
    try:
        load(server.port, server.request(values), server.ask(values), 8, _WARMING)
        seen.memory.append(server.memory())
    finally:
        server.stop()


def _values(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(5).random(shape, np.float32)


def _bodies(servers: Sequence[Server], cells: Sequence[Cell]) -> dict[tuple[str, Cell], bytes]:
    """What each server answers; nothing is measured unless all of them answer the same."""
    bodies = {}
    for server in servers:
        server.resume()
        for cell in cells:
            bodies[server.name, cell] = server.ask(_values(cell.shape))
        server.pause()
    ours, *others = servers
    for other in others:
        for cell in cells:
            require_equal(
                ours.predictions(bodies[ours.name, cell]),
                other.predictions(bodies[other.name, cell]),
            )
    return bodies


def _load(server: Server, cell: Cell, expected: bytes, seconds: float, seen: Seen) -> None:
    request = server.request(_values(cell.shape))
    load(server.port, request, expected, cell.connections, min(_WARMING, seconds))
    done = load(server.port, request, expected, cell.connections, seconds)
    seen.rates.setdefault(cell, []).append(done.rate)
    seen.middles.setdefault(cell, []).append(median(done.seconds))
    seen.tails.setdefault(cell, []).append(quantiles(done.seconds, n=100, method="inclusive")[-1])


def _beside(
    found: dict[str, Seen],
    figure: str,
    unit: str,
    samples: Callable[[Seen], Sequence[float]],
    target: float | None = None,
) -> list[Row]:
    ours = tuple(samples(found[HERE]))
    return [
        Row(figure, unit, name, ours, tuple(samples(seen)), target)
        for name, seen in found.items()
        if name != HERE
    ]


def _of_the_starts(found: dict[str, Seen]) -> list[Row]:
    return _beside(found, "local server, start to first answer", "s", lambda seen: seen.starts)


def _of_the_memory(found: dict[str, Seen]) -> list[Row]:
    figure = "local server, memory of all its processes after load"
    return _beside(found, figure, "MB", lambda seen: seen.memory)


def _of_a_cell(found: dict[str, Seen], cell: Cell) -> list[Row]:
    if cell.connections == 1:
        figure = f"warm request over HTTP, {cell.request} floats"
        middles = _beside(found, figure, "ms", lambda seen: seen.middles[cell], 1 / AHEAD)
        if cell not in SMALL:
            return middles
    else:
        middles = []
    rates = _beside(found, cell.figure, "requests/s", lambda seen: seen.rates[cell], AHEAD)
    tails = _beside(found, f"{cell.figure}, p99", "ms", lambda seen: seen.tails[cell], 1 / AHEAD)
    return middles + rates + tails
