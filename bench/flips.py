"""
How long the old version still answers after a promotion has returned, under load.

The local server over SQLite has three clients that ask all the time. The Lambda handler, over
DynamoDB and S3 (moto, on the other core), is asked 200 times a second. Versions go to and fro
between two that are loaded, and then on to ones that are not. An answer that fails is counted;
the handler's ends the run.
"""

import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry

from .cases import Case, case
from .compiled import Compiled
from .endpoints import aws
from .processes import CORE, confined, said
from .report import Row
from .serving import peers
from .steadily import clients

TTL, FLIPS = 1.0, 12
LATE = 0.05
_CLIENTS, _PACE, _RATE = 3, 0.002, 200
# From a flip to the next one, so that it comes at any moment between two looks.
_BETWEEN = 1.5, 2.5
_START = 4.0  # until the handler's process answers


@dataclass(frozen=True)
class Flip:
    """A promotion from `old`: when it `began`, and when it returned, by CLOCK_MONOTONIC."""

    began: float
    at: float
    old: int


Seen = Sequence[tuple[str, float]]  # the version that answered, and when


def rows(quick: bool) -> list[Row]:
    """A quick run has a few flips of the local server to a loaded version."""
    found = []
    with case("small", (1, 784)) as one:
        registry = open_registry(str(one.registry))
        compiled = Compiled.of(registry, ModelId("sample", 1))
        _publish(registry, one, 2 if quick else FLIPS + 2, compiled)
        found += _of_server(one, registry, "resident", _to_and_fro(2 if quick else FLIPS))
        if not quick:
            found += _of_server(one, registry, "not resident", _onwards())
            with _in_aws(one, compiled) as (far, environment):
                found += _of_handler(one, far, environment, "resident", _to_and_fro(FLIPS))
                found += _of_handler(one, far, environment, "not resident", _onwards())
    return found


def _to_and_fro(count: int) -> list[int]:
    """The first two load what the others flip between, and do not count."""
    return list(islice(cycle([2, 1]), count + 2))


def _onwards() -> list[int]:
    return [2, 1, *range(3, FLIPS + 3)]


def _of_server(one: Case, registry: Registry, how: str, versions: Sequence[int]) -> list[Row]:
    values = np.load(one.place / "array.npy")
    everywhere = os.sched_getaffinity(0)
    _promote(registry, 1)
    with confined(everywhere - {CORE} or everywhere):
        (server,) = peers(one, ("here",))
        server.command = [*server.command, "--alias-ttl", str(TTL)]
        try:
            server.start(values)
            with clients(server.port, server.request(values), _CLIENTS, _PACE) as asking:
                flips = _flips(registry, versions)
        finally:
            server.stop()
    seen = [(answer.version, answer.at) for client in asking for answer in client.answers]
    failed = sum(client.failed for client in asking)
    return _figures(f"local server, SQLite, {how}", flips[2:], seen, failed)


def _of_handler(
    one: Case, registry: Registry, environment: Mapping[str, str], how: str, versions: Sequence[int]
) -> list[Row]:
    there = {**one.here.environment, **environment, "ALIAS_TTL": str(TTL)}
    seconds = _START + len(versions) * _BETWEEN[1]
    _promote(registry, 1)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            said, "bench.paced", one.body, str(_RATE), str(seconds), environment=there
        )
        time.sleep(_START)
        flips = _flips(registry, versions)
        seen = [(version, at) for _, _, version, at in running.result()]
    return _figures(f"Lambda handler, DynamoDB, {how}", flips[2:], seen)


def _flips(registry: Registry, versions: Sequence[int]) -> list[Flip]:
    between = random.Random(5)
    found = []
    for version in versions:
        old, began = registry.resolve("sample").version, time.monotonic()
        _promote(registry, version)
        found.append(Flip(began, time.monotonic(), old))
        time.sleep(between.uniform(*_BETWEEN))
    return found


def _figures(where: str, flips: Sequence[Flip], seen: Seen, failed: int | None = None) -> list[Row]:
    """`failed` is None where a failure ends the run."""
    lasted = tuple(late_answers(flips, seen))
    figure, limit = f"flip, {where}: last old answer", None if "not" in where else TTL + LATE
    longest, asked = f"{figure}, the longest of {len(flips)}", (float(len(seen)),)
    found = [
        Row(figure, "ms", "TTL", lasted, (TTL,)),
        Row(longest, "ms", "TTL", (max(lasted),), (TTL,), limit=limit),
    ]
    if failed is not None:
        lost = (float(failed),)
        found.append(Row(f"flip, {where}: failed", "", "requests", lost, asked, limit=0))
    return found


def late_answers(flips: Sequence[Flip], seen: Seen) -> Iterator[float]:
    """For each flip, the seconds from it to the last answer of the old version; 0 if none came."""
    ends = [*(flip.began for flip in flips[1:]), float("inf")]
    for flip, end in zip(flips, ends, strict=True):
        late = [at for version, at in seen if version == str(flip.old) and flip.at < at < end]
        yield max(late, default=flip.at) - flip.at


def _promote(registry: Registry, version: int) -> None:
    registry.commit(registry.propose_promote(ModelId("sample", version), "stable"))


def _publish(registry: Registry, one: Case, count: int, compiled: Compiled) -> None:
    """The case's model as versions up to `count`."""
    for version in range(len(registry.versions("sample")) + 1, count + 1):
        Publisher(registry, compiled).publish(one.directory, "sample", version)


@contextmanager
def _in_aws(one: Case, compiled: Compiled) -> Iterator[tuple[Registry, Mapping[str, str]]]:
    with aws() as made:
        url = made.registry("flips")
        registry = open_registry(url)
        _publish(registry, one, FLIPS + 2, compiled)
        _promote(registry, 1)
        yield registry, {**made.variables, "REGISTRY_URL": url}
