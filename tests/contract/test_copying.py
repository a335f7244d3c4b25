"""What `copy` promises between any two registries: the same version, or none."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from modelregistry.aliases.state import Policy
from modelregistry.copying import Copier
from modelregistry.errors import VersionExists
from modelregistry.manifest import hash_files
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from modelregistry.verification import verify_all
from tests.fakes import FakeClock, FakeCompiler, publish_all, savedmodel

from .registries import REGISTRIES

ID = ModelId("m", 2)
PAIRS = [f"{source} to {target}" for source, target in product(REGISTRIES, repeat=2)]


@pytest.fixture(params=PAIRS)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Registry, Registry]]:
    """Versions 1 and 2 here; nothing there yet, where it is a minute later."""
    here, there = request.param.split(" to ")
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    with (
        REGISTRIES[here](tmp_path / "here", FakeClock()) as source,
        REGISTRIES[there](tmp_path / "there", later()) as target,
    ):
        publish_all(source, tmp_path / "exports", {"m": 2})
        yield source, target


def later() -> FakeClock:
    clock = FakeClock()
    clock.advance(60)
    return clock


def copier(source: Registry, target: Registry) -> Copier:
    return Copier(source, target, FakeCompiler)


def test_the_version_is_the_same_on_both_sides(pair: tuple[Registry, Registry]) -> None:
    source, target = pair
    copied = copier(source, target).copy(ID)
    assert (copied.outcome, copied.revision) == ("copied", None)
    assert target.artifacts.manifest(ID) == source.artifacts.manifest(ID)
    assert target.artifacts.plan(ID) == source.artifacts.plan(ID)
    with target.artifacts.fetch(ID, UNWATCHED) as version:
        assert hash_files(version.directory) == source.artifacts.manifest(ID).files
    assert target.versions("m") == [2]
    assert verify_all(target, UNWATCHED) == []


def test_copied_twice_is_copied_once(pair: tuple[Registry, Registry]) -> None:
    source, target = pair
    copier(source, target).copy(ID)
    again = copier(source, target).copy(ID)
    assert (again.outcome, again.uploaded, again.notes) == ("identical", 0, ())


def test_a_number_that_has_other_bytes_is_refused(
    pair: tuple[Registry, Registry], tmp_path: Path
) -> None:
    source, target = pair
    Publisher(target, FakeCompiler()).publish(savedmodel(tmp_path / "other", "other"), "m", 2)
    before = target.artifacts.manifest(ID)
    with pytest.raises(VersionExists, match=r"m:2 exists in .* with other bytes"):
        copier(source, target).copy(ID)
    assert target.artifacts.manifest(ID) == before


def test_the_policy_there_acts_and_says_where_the_version_came_from(
    pair: tuple[Registry, Registry],
) -> None:
    source, target = pair
    target.commit(target.propose_policy("m", Policy("latest")))
    copied = copier(source, target).copy(ID, message="passed")
    assert target.resolve("m") == ID
    newest = next(target.history("m"))
    assert newest == copied.revision
    assert newest.change.message == f"passed (copied from {source.url})"
