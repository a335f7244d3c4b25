"""The models that the rules are about, published once for all of them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.plan import Plan
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from tests.functional.conftest import run_child
from tests.unit.server.lambdas import own_logging

from .doors import Doors

ALONE = ("kinds", "pair", "matrix", "trees", "counter", "loop")


class Compiled:
    """Knows the plans, which one child has made together."""

    def __init__(self, plans: Path) -> None:
        self._plans = plans

    def compile(self, directory: Path) -> Plan:
        text = (self._plans / f"{directory.name}.json").read_text()
        return Plan.from_json(json.loads(text)["plan"])


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """
    `line` has versions 1 to 3, `stable` is 1 and `canary` is 3; `top` has versions 1 and 2,
    and its default is the highest; `idle` has a version and no alias. The others have a
    version 1 that is `stable`.
    """
    home = tmp_path_factory.mktemp("conformance")
    run_child("tests.conformance.graphs", home / "graphs")
    run_child("tests.oracle.plans", home / "graphs", home / "plans")
    registry = open_registry(str(home / "registry"), create=True)
    publisher = Publisher(registry, Compiled(home / "plans"))
    for model, graph in [
        *(("line", f"line-{version}") for version in (1, 2, 3)),
        *(("top", f"line-{version}") for version in (1, 2)),
        ("idle", "line-1"),
        *((name, name) for name in ALONE),
    ]:
        publisher.publish(home / "graphs" / graph, model)
    for model, version, alias in [
        ("line", 1, "stable"),
        ("line", 3, "canary"),
        *((name, 1, "stable") for name in ALONE),
    ]:
        registry.commit(registry.propose_promote(ModelId(model, version), alias))
    registry.commit(registry.propose_default("top", "highest"))
    return registry


@pytest.fixture(scope="session")
def doors(registry: Registry) -> Iterator[Doors]:
    doors = Doors(registry)
    doors.load()
    with own_logging():
        yield doors
        doors.close()
