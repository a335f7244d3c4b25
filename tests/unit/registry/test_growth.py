"""What a registry asks for does not grow with what is in it."""

from collections import Counter
from pathlib import Path

from modelregistry.aliases.memory import MemoryAliasTable
from modelregistry.aliases.revision import Revision
from modelregistry.manifest import Manifest
from modelregistry.names import ModelId
from modelregistry.publishing import Publisher
from modelregistry.registry import Registry
from tests.fakes import FakeCompiler, MemoryArtifacts, savedmodel


class CountedTable(MemoryAliasTable):
    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    def newest(self, model: str) -> Revision | None:
        self.asked["newest"] += 1
        return super().newest(model)


class CountedArtifacts(MemoryArtifacts):
    def __init__(self, cache: Path) -> None:
        super().__init__(cache)
        self.asked: Counter[str] = Counter()

    def versions(self, model: str) -> list[int]:
        self.asked["versions"] += 1
        return super().versions(model)

    def manifest(self, id: ModelId) -> Manifest:
        self.asked["manifest"] += 1
        return super().manifest(id)


def grown(tmp_path: Path, versions: int) -> tuple[Registry, CountedTable, CountedArtifacts]:
    """A registry whose model `m` has so many versions, version 1 in place."""
    table, store = CountedTable(), CountedArtifacts(tmp_path / "cache")
    registry = Registry(store, table, url="memory:")
    for number in range(versions):
        source = savedmodel(tmp_path / str(number), str(number))
        Publisher(registry, FakeCompiler()).publish(source, "m")
    registry.commit(registry.propose_promote(ModelId("m", 1), "stable"))
    for counted in (table, store):
        counted.asked.clear()
    return registry, table, store


def test_resolving_an_alias_is_one_read(tmp_path: Path) -> None:
    registry, table, store = grown(tmp_path, 20)
    assert ModelId("m", 1) == registry.resolve("m")
    assert ({"newest": 1}, {}) == (table.asked, store.asked)


def test_promoting_reads_the_newest_revision_and_one_manifest(tmp_path: Path) -> None:
    registry, table, store = grown(tmp_path, 20)
    registry.commit(registry.propose_promote(ModelId("m", 20), "stable"))
    assert ({"newest": 1}, {"manifest": 1}) == (table.asked, store.asked)


def test_publishing_compares_with_a_few_versions_and_not_with_all(tmp_path: Path) -> None:
    registry, _, store = grown(tmp_path, 20)
    Publisher(registry, FakeCompiler()).publish(savedmodel(tmp_path / "new", "new"), "m")
    assert store.asked["manifest"] <= 11


def test_a_model_with_a_version_is_listed_without_a_look_at_its_log(tmp_path: Path) -> None:
    registry, table, _ = grown(tmp_path, 2)
    assert ["m"] == registry.models()
    assert {} == table.asked
