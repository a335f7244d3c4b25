"""A models.config into a registry and out of it, whatever the registry is kept in."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from modelregistry.aliases.state import Policy
from modelregistry.configuration import ModelConfig, export, propose
from modelregistry.errors import Conflict, Refused
from modelregistry.names import ModelId
from modelregistry.opening import base_path
from modelregistry.registry import Registry
from tests.fakes import FakeClock, publish_all

from .registries import REGISTRIES


def place_of(registry: Registry) -> Callable[[str], str]:
    if registry.url == "memory:":
        return "/memory/{}".format
    return partial(base_path, registry.url)


@pytest.mark.parametrize("kind", REGISTRIES)
def test_a_file_is_applied_exported_and_refused_alike(kind: str, tmp_path: Path) -> None:
    with REGISTRIES[kind](tmp_path, FakeClock()) as registry:
        publish_all(registry, tmp_path, {"m": 3, "other": 1})
        place = place_of(registry)
        wanted = ModelConfig("m", place("m"), Policy("specific", versions=(1, 2)), {"old": 1})
        (proposal,) = propose(registry, [wanted], place).changes
        registry.commit(registry.propose_promote(ModelId("m", 3), "stable"))
        with pytest.raises(Conflict, match="ann@laptop did 'promote'"):
            registry.commit(proposal)

        plan = propose(registry, [wanted], place)
        assert [["old: unset → 1", "stable: 3 → unset"], ("other",)] == [
            plan.changes[0].differences()[:2],
            plan.left,
        ]
        registry.commit(plan.changes[0])
        assert ModelId("m", 2) == registry.resolve("m")
        assert ((wanted,), ()) == (
            export(registry, place).configs,
            propose(registry, [wanted], place).changes,
        )

        with pytest.raises(Refused, match="outside of this registry"):
            propose(registry, [ModelConfig("m", "s3://elsewhere/m")], place)
        with pytest.raises(Refused, match="m:9 is not published"):
            propose(registry, [ModelConfig("m", place("m"), labels={"old": 9})], place)
