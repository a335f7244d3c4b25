"""Copying where something is amiss: a plan that is gone, a number that is, a rival."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelregistry.aliases.state import Policy
from modelregistry.artifacts.store import Stored
from modelregistry.copying import Copier, Copy
from modelregistry.deletion import execute, propose_delete
from modelregistry.errors import Damaged, InvalidInput, NotFound, RegistryError, VersionExists
from modelregistry.manifest import Manifest
from modelregistry.names import ModelId
from modelregistry.plan import Compiler, Plan
from modelregistry.progress import Progress
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from tests.fakes import FakeCompiler, MemoryArtifacts, memory_registry, plan, savedmodel

ID = ModelId("m", 1)
PLAN = "m/1/compiled/1/plan.json"
WEIGHTS = "m/1/variables/variables.data-00000-of-00001"


class Meanwhile(MemoryArtifacts):
    """A store in which something happens just before a version comes in, or just after."""

    def __init__(self, cache: Path) -> None:
        super().__init__(cache)
        self.before: Callable[[], object] = int
        self.after: Callable[[], object] = int

    def put(self, manifest: Manifest, plan: Plan, source: Path, progress: Progress) -> Stored:
        before, self.before = self.before, int
        before()
        stored = super().put(manifest, plan, source, progress)
        after, self.after = self.after, int
        after()
        return stored


@pytest.fixture
def source(tmp_path: Path) -> Registry:
    registry = memory_registry(tmp_path / "here")
    registry.url = "memory:here"
    Publisher(registry, FakeCompiler()).publish(savedmodel(tmp_path / "one"), "m", message="first")
    return registry


@pytest.fixture
def arriving(tmp_path: Path) -> Meanwhile:
    return Meanwhile(tmp_path / "there")


@pytest.fixture
def target(arriving: Meanwhile, tmp_path: Path) -> Registry:
    registry = memory_registry(tmp_path, who="bob@build")
    registry.artifacts, registry.url = arriving, "memory:there"
    return registry


def objects(registry: Registry) -> dict[str, bytes]:
    assert isinstance(registry.artifacts, MemoryArtifacts)
    return registry.artifacts.objects


def no_compiler() -> Compiler:
    raise AssertionError("nothing is to be compiled")


def copy(source: Registry, target: Registry, *, dry_run: bool = False) -> Copy:
    return Copier(source, target, no_compiler).copy(ID, dry_run=dry_run)


def retire(registry: Registry) -> None:
    execute(registry, propose_delete(registry, "m", force=True))


def test_the_author_and_the_time_are_those_of_the_first_publish(
    source: Registry, target: Registry
) -> None:
    copy(source, target)
    manifest = target.artifacts.manifest(ID)
    assert (manifest.by, manifest.message) == ("ann@laptop", "first")
    assert objects(target) == objects(source)


def test_a_dry_run_changes_nothing_and_reads_no_files(source: Registry, target: Registry) -> None:
    objects(source)[WEIGHTS] = b"damaged, which a dry run does not see"
    assert copy(source, target, dry_run=True).outcome == "checked"
    assert objects(target) == {}


def test_a_plan_that_is_missing_is_compiled_again(source: Registry, target: Registry) -> None:
    del objects(source)[PLAN]
    compiler = FakeCompiler()
    copied = Copier(source, target, lambda: compiler).copy(ID)
    assert copied.notes == ("compiled its plan again",)
    assert len(compiler.compiled) == 1
    assert target.artifacts.plan(ID) == plan()


def test_without_a_compiler_a_missing_plan_is_told_and_nothing_is_copied(
    source: Registry, target: Registry
) -> None:
    del objects(source)[PLAN]

    def missing() -> Compiler:
        raise InvalidInput("no TensorFlow here")

    with pytest.raises(InvalidInput, match="no TensorFlow here"):
        Copier(source, target, missing).copy(ID)
    assert objects(target) == {}


def test_copying_again_brings_a_plan_that_was_lost_there(
    source: Registry, target: Registry
) -> None:
    copy(source, target)
    objects(target)[PLAN] = b"{}"
    assert copy(source, target).notes == ("brought its plan again",)
    assert objects(target) == objects(source)


def test_a_plan_that_neither_side_has_is_compiled_again(source: Registry, target: Registry) -> None:
    copy(source, target)
    del objects(source)[PLAN], objects(target)[PLAN]
    Copier(source, target, FakeCompiler).copy(ID)
    assert target.artifacts.plan(ID) == plan()


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda there: there.pop("m/1/manifest.json"), NotFound, "m:1 is not published, in m"),
        (lambda there: there.update({"m/1/manifest.json": b"{}"}), Damaged, ", in memory:here"),
        (lambda there: there.update({WEIGHTS: b"?"}), Damaged, ", in memory:here"),
    ],
)
def test_what_the_source_lacks_is_told_of_the_source(
    source: Registry,
    target: Registry,
    spoil: Callable[[dict[str, bytes]], object],
    error: type[RegistryError],
    says: str,
) -> None:
    spoil(objects(source))
    with pytest.raises(error, match=says):
        copy(source, target)
    assert objects(target) == {}


def test_a_damaged_version_there_is_told_of_the_target(source: Registry, target: Registry) -> None:
    copy(source, target)
    objects(target)["m/1/manifest.json"] = b"{}"
    with pytest.raises(Damaged, match=", in memory:there"):
        copy(source, target)


def test_a_version_that_was_deleted_in_the_source_is_not_copied(
    source: Registry, target: Registry
) -> None:
    retire(source)
    with pytest.raises(NotFound, match="m:1 was deleted and never comes back, in memory:here"):
        copy(source, target)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_number_that_was_deleted_there_never_comes_back(
    source: Registry, target: Registry, *, dry_run: bool
) -> None:
    copy(source, target)
    retire(target)
    with pytest.raises(VersionExists, match="m:1 was deleted in memory:there"):
        copy(source, target, dry_run=dry_run)
    assert objects(target) == {}


def test_a_number_that_is_deleted_there_meanwhile_is_withdrawn(
    source: Registry, target: Registry, arriving: Meanwhile
) -> None:
    arriving.after = lambda: retire(target)
    with pytest.raises(VersionExists, match="was deleted in memory:there while"):
        copy(source, target)
    assert objects(target) == {}


def test_a_rival_who_brings_the_same_files_first_is_no_trouble(
    source: Registry, target: Registry, arriving: Meanwhile
) -> None:
    arriving.before = lambda: copy(source, target)
    assert copy(source, target).outcome == "identical"
    assert objects(target) == objects(source)


def test_a_rival_who_brings_other_files_first_wins(
    source: Registry, target: Registry, arriving: Meanwhile, tmp_path: Path
) -> None:
    other = savedmodel(tmp_path / "other", "other")
    arriving.before = lambda: Publisher(target, FakeCompiler()).publish(other, "m", 1)
    with pytest.raises(VersionExists, match="with other bytes"):
        copy(source, target)
    assert target.artifacts.manifest(ID).by == "bob@build"


def test_a_policy_that_a_killed_copy_left_undone_acts_at_the_next(
    source: Registry, target: Registry, arriving: Meanwhile
) -> None:
    target.commit(target.propose_policy("m", Policy("latest")))

    def killed() -> None:
        raise KeyboardInterrupt

    arriving.after = killed
    with pytest.raises(KeyboardInterrupt):
        copy(source, target)
    assert target.state("m").aliases == {}
    copied = copy(source, target)
    assert (copied.outcome, target.resolve("m")) == ("identical", ID)
