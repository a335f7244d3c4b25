"""
What looking at the alias table costs requests, at 100 of them a second.

Beside a TTL of a second, at which one in a hundred looks, one of an hour, at which none does.
Requests come whether the last one was answered or not, and are timed from when they were
due. The Lambda handler looks on the request path: the requests that paid are a figure of
their own. The local server has a thread for it. DynamoDB is moto, on the other core.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from statistics import quantiles

import numpy as np

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.publishing import Publisher
from modelserver.compiler import SubprocessCompiler

from .cases import Case, case
from .endpoints import aws
from .processes import CORE, confined, said
from .report import Row
from .serving import peers
from .steadily import steadily

RATE, SECONDS, ROUNDS = 100, 5, 3
TTLS = {"1 s": "1", "an hour": "3600"}
# What two measurements of the same thing may differ by.
_UNAFFECTED = 1.1

Samples = dict[str, list[float]]


def rows(quick: bool) -> list[Row]:
    """A quick run has the handler over SQLite alone."""
    rounds = 1 if quick else ROUNDS
    with case("small", (1, 784)) as one, ExitStack() as stack:
        found = _handler("SQLite", one, {"REGISTRY_URL": str(one.registry)}, rounds)
        if not quick:
            found += _handler("DynamoDB", one, stack.enter_context(_in_aws(one)), rounds)
            found += _server(one, rounds)
    return found


def _handler(table: str, one: Case, environment: Mapping[str, str], rounds: int) -> list[Row]:
    middles: Samples = {ttl: [] for ttl in TTLS}
    tails: Samples = {ttl: [] for ttl in TTLS}
    paid: list[float] = []
    others: list[float] = []
    looks: list[float] = []
    for _ in range(rounds):
        for ttl, seconds in TTLS.items():
            there = {**one.here.environment, **environment, "ALIAS_TTL": seconds}
            answers = said("bench.paced", one.body, str(RATE), str(SECONDS), environment=there)
            _add([answer[0] for answer in answers], middles[ttl], tails[ttl])
            if ttl == "1 s":
                paid += [answer[0] for answer in answers if answer[1]]
                others += [answer[0] for answer in answers if not answer[1]]
                looks += [answer[1] for answer in answers if answer[1]]
    where = f"handler at {RATE} requests/s, {table}"
    return [
        *_unaffected(where, middles, tails),
        Row(f"{where}, who looks", "ms", "who does not", tuple(paid), tuple(others)),
        Row(f"{where}, its looks", "", "the rest", tuple(looks), (1.0,), 1),
    ]


def _server(one: Case, rounds: int) -> list[Row]:
    middles: Samples = {ttl: [] for ttl in TTLS}
    tails: Samples = {ttl: [] for ttl in TTLS}
    everywhere = os.sched_getaffinity(0)
    values = np.load(one.place / "array.npy")
    with confined(everywhere - {CORE} or everywhere):
        for _ in range(rounds):
            for ttl, seconds in TTLS.items():
                (server,) = peers(one, ("here",))
                server.command = [*server.command, "--alias-ttl", seconds]
                try:
                    server.start(values)
                    answers = steadily(server.port, server.request(values), RATE, SECONDS)
                finally:
                    server.stop()
                _add([answer.seconds for answer in answers], middles[ttl], tails[ttl])
    return _unaffected(f"local server at {RATE} requests/s, SQLite", middles, tails)


def _add(seconds: list[float], middles: list[float], tails: list[float]) -> None:
    cuts = quantiles(seconds, n=20, method="inclusive")
    middles.append(cuts[9])
    tails.append(cuts[18])


def _unaffected(where: str, middles: Samples, tails: Samples) -> list[Row]:
    name = "TTL of an hour"
    return [
        Row(f"{where}, {what}, TTL of 1 s", "ms", name, *_pair(samples), _UNAFFECTED)
        for what, samples in (("p50", middles), ("p95", tails))
    ]


def _pair(samples: Samples) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(samples["1 s"]), tuple(samples["an hour"])


@contextmanager
def _in_aws(one: Case) -> Iterator[Mapping[str, str]]:
    """The environment of a registry there that holds the case's model."""
    with aws() as made:
        url = made.registry("aliascheck")
        registry = open_registry(url)
        Publisher(registry, SubprocessCompiler()).publish(one.directory, "sample")
        registry.commit(registry.propose_promote(ModelId("sample", 1), "stable"))
        yield {**made.variables, "REGISTRY_URL": url}
