"""Whatever happens to the bytes of a registry on disk, `verify` names it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelregistry.deletion import propose_delete
from modelregistry.errors import Damaged
from modelregistry.names import ModelId
from modelregistry.opening import open_registry
from modelregistry.progress import UNWATCHED
from modelregistry.registry import Registry
from modelregistry.verification import verify, verify_aliases, verify_all
from tests.fakes import contents, fetched, publish_all


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "registry"


@pytest.fixture
def registry(root: Path, tmp_path: Path) -> Iterator[Registry]:
    """Models `m` with versions 1 and 2, `stable` to 1 and then to 2, and `n` with version 1."""
    found = open_registry(str(root), create=True)
    publish_all(found, tmp_path, {"m": 2, "n": 1})
    for version in (1, 2):
        found.commit(found.propose_promote(ModelId("m", version), "stable"))
    yield found
    found.aliases.close()


def found_in(registry: Registry) -> list[tuple[str, str]]:
    return [(finding.kind, finding.where) for finding in verify_all(registry, UNWATCHED)]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def become_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def test_a_sound_registry_has_no_findings(registry: Registry) -> None:
    assert found_in(registry) == []


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (flip, "damaged"),
        (cut, "damaged"),
        (Path.unlink, "missing"),
        (become_a_directory, "missing"),
    ],
)
@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
def test_harm_to_any_file_is_named(
    registry: Registry, root: Path, harm: Callable[[Path], None], kind: str, name: str
) -> None:
    harm(root / "models" / "m" / "1" / name)
    assert found_in(registry) == [(kind, f"m:1 {name}")]
    with pytest.raises(Damaged, match=f"m:1 {name} is {kind}"):
        fetched(registry.artifacts, ModelId("m", 1))
    fetched(registry.artifacts, ModelId("m", 2))


def test_a_flip_in_any_stored_file_is_seen(registry: Registry, root: Path) -> None:
    for name in contents(root / "models"):
        path = root / "models" / name
        before = path.read_bytes()
        flip(path)
        assert [kind for kind, _ in found_in(registry)] == ["damaged"], name
        path.write_bytes(before)
    assert found_in(registry) == []


def test_a_lost_directory_is_named_by_each_of_its_files(registry: Registry, root: Path) -> None:
    shutil.rmtree(root / "models" / "m" / "1" / "variables")
    assert found_in(registry) == [
        ("missing", "m:1 variables/variables.data-00000-of-00001"),
        ("missing", "m:1 variables/variables.index"),
    ]


def test_an_added_file_is_named(registry: Registry, root: Path) -> None:
    (root / "models" / "m" / "1" / "variables" / "backup~").write_bytes(b"x")
    assert found_in(registry) == [("orphaned", "m:1 variables/backup~")]


def test_an_added_link_is_named(registry: Registry, root: Path) -> None:
    (root / "models" / "m" / "1" / "link").symlink_to("/etc/passwd")
    assert found_in(registry) == [("orphaned", "m:1")]


def test_a_lost_version_that_an_alias_needs_is_named(registry: Registry, root: Path) -> None:
    shutil.rmtree(root / "models" / "m" / "2")
    assert found_in(registry) == [("missing", "m:2")]
    assert "alias 'stable' points to it" in verify_aliases(registry, "m")[0].what


def test_a_lost_model_that_an_alias_needs_is_named(registry: Registry, root: Path) -> None:
    shutil.rmtree(root / "models" / "m")
    assert found_in(registry) == [("missing", "m:2")]


def test_a_lost_manifest_makes_a_version_leftovers(registry: Registry, root: Path) -> None:
    (root / "models" / "n" / "1" / "manifest.json").unlink()
    assert found_in(registry) == [("orphaned", "n/1")]


def test_bytes_of_a_deleted_version_are_named_until_they_are_gone(registry: Registry) -> None:
    registry.commit(propose_delete(registry, "m", [1], force=True).proposal)
    assert found_in(registry) == [("orphaned", "m:1")]
    registry.artifacts.remove(ModelId("m", 1))
    assert found_in(registry) == []


def test_a_version_can_be_verified_alone(registry: Registry, root: Path) -> None:
    flip(root / "models" / "m" / "1" / "saved_model.pb")
    assert verify(registry, [ModelId("m", 2), ModelId("n", 1)], UNWATCHED) == []
    assert len(verify(registry, [ModelId("m", 1), ModelId("n", 1)], UNWATCHED)) == 1


def test_verifying_changes_nothing(registry: Registry, root: Path) -> None:
    (root / "models" / "m" / "stray").mkdir()
    flip(root / "models" / "m" / "1" / "saved_model.pb")
    before = contents(root / "models")
    assert len(found_in(registry)) == 2
    assert contents(root / "models") == before
