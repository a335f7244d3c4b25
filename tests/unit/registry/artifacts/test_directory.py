"""What the directory store promises beyond every other: its layout, and the disk it is on."""

import json
import shutil
from pathlib import Path

import pytest

from modelregistry.artifacts.directory import DirectoryArtifacts
from modelregistry.errors import Unavailable, VersionExists
from modelregistry.manifest import Manifest, hash_files
from modelregistry.names import ModelId
from modelregistry.progress import UNWATCHED
from tests.fakes import contents, plan, savedmodel

ID = ModelId("m", 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "registry"


@pytest.fixture
def store(root: Path) -> DirectoryArtifacts:
    return DirectoryArtifacts(root)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return savedmodel(tmp_path / "source", files={"assets/words.txt": b"a\n"})


def put(store: DirectoryArtifacts, source: Path, id: ModelId = ID) -> None:
    manifest = Manifest(id, hash_files(source), "ann", "2026-11-22T09:30:00.000000Z", "")
    store.put(manifest, plan(), source, UNWATCHED)


def test_reading_makes_nothing(store: DirectoryArtifacts, root: Path) -> None:
    assert (store.models(), store.versions("m"), store.plan(ID)) == ([], [], None)
    assert not root.exists()


def test_a_version_lies_as_tensorflow_serving_reads_it(
    store: DirectoryArtifacts, root: Path, source: Path
) -> None:
    put(store, source)
    stored = contents(root)
    manifest = stored.pop("models/m/1/manifest.json")
    assert json.loads(manifest)["version"] == 1
    assert json.loads(stored.pop("models/m/1/compiled/1/plan.json"))["plan"]["compiler"] == 1
    assert stored == {f"models/m/1/{name}": data for name, data in contents(source).items()}


@pytest.mark.parametrize("name", ["01", "0", "-1", "latest", "1.5", "tmp", str(2**63)])
def test_a_directory_that_is_no_version_is_none(
    store: DirectoryArtifacts, root: Path, source: Path, name: str
) -> None:
    put(store, source)
    (root / "models" / "m" / "1").rename(root / "models" / "m" / name)
    assert store.versions("m") == []
    assert [finding.where for finding in store.strays()] == [f"m/{name}"]


def test_a_number_that_something_else_occupies_is_taken(
    store: DirectoryArtifacts, root: Path, source: Path
) -> None:
    occupant = root / "models" / "m" / "1" / "notes.txt"
    occupant.parent.mkdir(parents=True)
    occupant.write_bytes(b"by hand")
    with pytest.raises(VersionExists):
        put(store, source)
    assert contents(root) == {"models/m/1/notes.txt": b"by hand"}
    assert [finding.where for finding in store.strays()] == ["m/1"]


@pytest.mark.parametrize("name", ["m", "m/1"])
def test_a_file_where_a_directory_should_be_is_named_and_stays(
    store: DirectoryArtifacts, root: Path, source: Path, name: str
) -> None:
    occupant = root / "models" / name
    occupant.parent.mkdir(parents=True)
    occupant.write_bytes(b"by hand")
    with pytest.raises((VersionExists, Unavailable)):
        put(store, source)
    assert contents(root) == {f"models/{name}": b"by hand"}
    assert store.versions("m") == []
    assert store.models() == []
    assert [finding.where for finding in store.strays()] == [name]


def test_leftovers_are_named_swept_and_swept_by_the_next_put(
    store: DirectoryArtifacts, root: Path, source: Path
) -> None:
    def leave() -> None:
        left = root / "staging" / "0123"
        left.mkdir(parents=True)
        (left / "saved_model.pb").write_bytes(b"half")
        left.with_suffix(".lock").touch()

    leave()
    assert [finding.where for finding in store.strays()] == ["staging/0123"]
    store.sweep()
    assert store.strays() == []
    leave()
    put(store, source)
    assert store.strays() == []
    assert contents(root / "staging") == {}


def test_fetching_copies_nothing(store: DirectoryArtifacts, root: Path, source: Path) -> None:
    put(store, source)
    with store.fetch(ID, UNWATCHED) as version:
        assert version.directory == root / "models" / "m" / "1"


@pytest.mark.parametrize("name", ["my model", ".m.bak", "m copy"])
def test_a_directory_that_cannot_be_a_model_is_a_stray_and_hides_no_model(
    store: DirectoryArtifacts, root: Path, source: Path, name: str
) -> None:
    put(store, source)
    shutil.copytree(root / "models" / "m", root / "models" / name)
    assert store.models() == ["m"]
    assert [finding.where for finding in store.strays()] == [name]


@pytest.mark.parametrize("link", ["models/loop", "models/m/7", "models/m/7/manifest.json"])
def test_a_link_to_itself_hides_nothing(
    store: DirectoryArtifacts, root: Path, source: Path, link: str
) -> None:
    put(store, source)
    place = root / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(place.name)
    assert (["m"], [1]) == (list(store.models()), list(store.versions("m")))


def test_folders_that_nobody_may_write_to_are_removed_all_the_same(
    store: DirectoryArtifacts, root: Path, source: Path
) -> None:
    put(store, source)
    (root / "models/m/1/variables").chmod(0o555)
    store.remove(ID)
    assert contents(root) == {}
    assert store.strays() == []


def test_a_leftover_without_its_lock_is_found_and_swept(
    store: DirectoryArtifacts, root: Path, source: Path
) -> None:
    put(store, source)
    (root / "staging" / "0123").mkdir()
    assert store.leftovers() == ["staging/0123"]
    store.sweep()
    assert store.leftovers() == []


def test_one_damaged_file_hides_no_other(
    store: DirectoryArtifacts, root: Path, source: Path
) -> None:
    put(store, source)
    place = root / "models/m/1"
    (place / "saved_model.pb").unlink()
    (place / "saved_model.pb").symlink_to("saved_model.pb")  # nobody can open that
    (place / "variables/variables.index").unlink()
    found = {(finding.kind, finding.where) for finding in store.verify(ID, UNWATCHED)}
    assert ("damaged", "m:1 saved_model.pb") in found
    assert ("missing", "m:1 variables/variables.index") in found
