"""A URL becomes a registry, or a sentence that says why not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelregistry.aws.patience import IMPATIENT, Patience
from modelregistry.errors import InvalidInput, NotFound, Unavailable
from modelregistry.names import ModelId
from modelregistry.opening import base_path, canonical, directory_of, open_registry
from modelregistry.progress import UNWATCHED
from tests.aws import aws
from tests.fakes import publish_all
from tests.support.slow import slow


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


@pytest.mark.parametrize(
    ("url", "full"),
    [
        ("/srv/registry/", "file:///srv/registry"),
        ("file:/srv/a%20b", "file:///srv/a%20b"),
        ("s3://bucket/a/?table=aliases", "s3://bucket/a?table=aliases"),
        ("S3://bucket?region=eu-west-1&table=x.y", "s3://bucket?table=x.y&region=eu-west-1"),
    ],
)
def test_every_registry_has_one_url_in_full(url: str, full: str) -> None:
    assert canonical(url) == full
    assert canonical(full) == full


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("/srv/registry", "/srv/registry/models/m"),
        ("file:///srv/a%20b", "/srv/a b/models/m"),
        ("s3://bucket?table=aliases", "s3://bucket/m"),
        ("s3://bucket/a/b%20c?table=aliases&region=eu-west-1", "s3://bucket/a/b c/m"),
    ],
)
def test_every_registry_has_a_base_path_for_each_model(url: str, place: str) -> None:
    assert place == base_path(url, "m")


@pytest.mark.parametrize(
    "url",
    ["s3://bucket/models", "s3:bucket", "s3:/b/a?table=aliases", "s3:///a?table=aliases", "s3://"],
)
def test_what_is_no_url_of_a_registry_on_aws_is_refused(url: str) -> None:
    for use in (canonical, open_registry):
        with pytest.raises(InvalidInput) as caught:
            use(url)
        assert "table=NAME" in caught.value.hint


def test_a_registry_on_aws_is_no_directory() -> None:
    with pytest.raises(InvalidInput, match="is not a registry URL"):
        directory_of("s3://bucket/models?table=aliases")


def test_a_registry_on_aws_is_published_to_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with aws() as made:
        registry = open_registry(made.url)
        assert registry.url == made.url
        assert registry.models() == []
        publish_all(registry, tmp_path, {"m": 2})
        registry.commit(registry.propose_promote(ModelId("m", 2), "stable"))
        registry.aliases.close()
        again = open_registry(f"{made.url}&region={made.region}", create=True)
        assert again.resolve("m") == ModelId("m", 2)
        assert again.versions("m") == [1, 2]
        with again.artifacts.fetch(ModelId("m", 2), UNWATCHED) as version:
            assert version.directory.is_relative_to(tmp_path / "cache" / "lambda-serving")
        again.aliases.close()


@pytest.mark.parametrize("create", [True, False])
def test_a_bucket_or_table_that_is_not_there_is_named_and_not_made(
    tmp_path: Path, create: bool
) -> None:
    with aws() as made:
        no_table = open_registry(f"s3://{made.bucket}/models?table=nowhere", create=create)
        with pytest.raises(NotFound, match="table nowhere is not there"):
            no_table.resolve("m")
        no_bucket = open_registry(f"s3://nowhere/models?table={made.table}", create=create)
        with pytest.raises(NotFound, match="nowhere"):
            no_bucket.versions("m")
        assert made.dynamodb.list_tables()["TableNames"].count("nowhere") == 0


def test_opening_a_registry_on_aws_asks_nothing_of_it() -> None:
    with aws() as made:
        made.stop()
        registry = open_registry(made.url, patience=IMPATIENT)
        with pytest.raises(Unavailable, match="cannot reach"):
            registry.resolve("m")


def test_a_bucket_that_hangs_is_looked_into_no_longer_than_the_table_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the default is `highest` a warm container lists the versions again and again."""
    with aws() as made, slow(made.endpoint, b"list-type=2", 3) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        patience = Patience(connect=0.2, read=0.2, limit=0.5)
        with pytest.raises(Unavailable, match="got no answer in time"):
            open_registry(made.url, patience=patience).versions("m")
