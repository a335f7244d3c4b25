"""A URL becomes a registry, or a sentence that says why not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelregistry.errors import InvalidInput, NotFound, Unavailable
from modelregistry.names import ModelId
from modelregistry.opening import directory_of, open_registry
from tests.fakes import publish_all


@pytest.mark.parametrize(
    "url",
    [
        "/srv/registry",
        "file:///srv/registry",
        "file://localhost/srv/registry",
        "file:/srv/registry",
        "file:///srv/registry/",
        "FILE:///srv/registry",
    ],
)
def test_every_way_to_write_a_directory_names_it(url: str) -> None:
    assert directory_of(url) == Path("/srv/registry")


def test_escapes_are_read_in_a_url_and_not_in_a_path() -> None:
    assert directory_of("file:///srv/a%20b%3F") == Path("/srv/a b?")
    assert directory_of("/srv/a%20b?#") == Path("/srv/a%20b?#")


def test_a_relative_path_begins_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert directory_of("registry") == tmp_path / "registry"
    assert directory_of("./a/registry") == tmp_path / "a" / "registry"


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert directory_of("~/registry") == tmp_path / "registry"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file://",
        "file://host/srv/registry",
        "ftp://host/registry",
        "http://host/registry",
        "file:///srv/registry?mode=ro",
        "file:///srv/registry#1",
        "~nobody-of-this-name/registry",
        "/srv/a\0b",
        "file:///srv/a%00b",
    ],
)
def test_what_is_no_registry_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        open_registry(url, create=True)


def test_a_registry_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no registry at") as caught:
        open_registry(str(tmp_path / "registry"))
    assert "deploy publish" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_registry_is_made_once_and_found_again(tmp_path: Path) -> None:
    url = (tmp_path / "deep" / "with space").as_uri()
    made = open_registry(url, create=True)
    publish_all(made, tmp_path, {"m": 1})
    made.commit(made.propose_promote(ModelId("m", 1), "stable"))
    made.aliases.close()
    for create in (False, True):
        found = open_registry(url, create=create)
        assert found.url == url
        assert found.resolve("m") == ModelId("m", 1)
        found.aliases.close()


def test_an_empty_registry_has_no_models(tmp_path: Path) -> None:
    registry = open_registry(str(tmp_path / "registry"), create=True)
    assert registry.models() == []
    with pytest.raises(NotFound, match="no model 'm'") as caught:
        registry.resolve("m")
    assert caught.value.hint == "publish one: deploy publish PATH"
    registry.aliases.close()


def file_in_the_way(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def file_above(path: Path) -> Path:
    path.write_bytes(b"")
    return path / "registry"


@pytest.mark.parametrize("place", [file_in_the_way, file_above])
def test_a_place_where_no_registry_can_be_is_named(
    tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    root = place(tmp_path / "file")
    with pytest.raises(Unavailable, match=f"cannot make a registry at {root}"):
        open_registry(str(root), create=True)
    with pytest.raises(NotFound):
        open_registry(str(root))
