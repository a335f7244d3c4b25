"""A manifest says which bytes a version is, and nothing that is not a plain file is one."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.errors import Damaged, ModelRefused
from modelregistry.manifest import (
    MANIFEST,
    PART,
    FileEntry,
    Manifest,
    hash_files,
    hash_stream,
    scan,
)
from modelregistry.names import MAX_VERSION, ModelId
from modelregistry.progress import UNWATCHED
from modelregistry.sealed import seal
from tests.fakes import contents, savedmodel

digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
paths = st.lists(st.from_regex(r"[a-z]{1,5}", fullmatch=True), min_size=1, max_size=3).map("/".join)
entries = st.builds(
    FileEntry, paths, st.integers(0, 2**63), digests, st.lists(digests, max_size=3).map(tuple)
)
manifests = st.builds(
    Manifest,
    st.builds(ModelId, st.just("m"), st.integers(1, MAX_VERSION)),
    st.lists(entries, max_size=3).map(tuple),
    st.text(),
    st.text(),
    st.text(),
)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def manifest(source: Path) -> Manifest:
    return Manifest(ModelId("m", 1), hash_files(source), "ann", "2026-11-22T09:30:00.000000Z", "")


@given(manifests)
def test_a_manifest_is_read_back_equal(written: Manifest) -> None:
    assert Manifest.from_bytes(written.to_bytes(), "it") == written


def test_a_manifest_is_readable_json_with_its_schema(tmp_path: Path) -> None:
    document = json.loads(manifest(savedmodel(tmp_path)).to_bytes())
    assert list(document) == [
        *("schema", "model", "version", "files", "by", "at", "message", "sha256")
    ]
    assert document["schema"] == 1
    assert list(document["files"][0]) == ["path", "size", "sha256", "parts"]


def test_every_file_is_listed_by_path_with_its_digest(tmp_path: Path) -> None:
    source = savedmodel(
        tmp_path, files={"assets/a": b"", ".hidden": b"x", "assets.extra/b c": b"y"}
    )
    assert hash_files(source) == tuple(
        FileEntry(name, len(data), sha256(data))
        for name, data in sorted(contents(source).items(), key=lambda item: Path(item[0]))
    )


def test_the_size_is_that_of_all_files(tmp_path: Path) -> None:
    source = savedmodel(tmp_path)
    assert manifest(source).size == sum(map(len, contents(source).values()))


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (0, []),
        (1, []),
        (PART - 1, []),
        (PART, []),
        (PART + 1, [PART, 1]),
        (2 * PART - 1, [PART, PART - 1]),
        (2 * PART, [PART, PART]),
        (2 * PART + 1, [PART, PART, 1]),
    ],
)
def test_a_file_above_one_part_has_the_digest_of_each(size: int, parts: list[int]) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    starts = [sum(parts[:n]) for n in range(len(parts))]
    found = hash_stream("f", BytesIO(data), progress=UNWATCHED)
    assert found == FileEntry(
        "f",
        size,
        sha256(data),
        tuple(
            sha256(data[start : start + part]) for start, part in zip(starts, parts, strict=True)
        ),
    )


@pytest.mark.parametrize("target", ["saved_model.pb", "/etc/passwd", "nowhere", ".."])
def test_a_link_is_refused_with_the_way_out(tmp_path: Path, target: str) -> None:
    source = savedmodel(tmp_path / "source")
    (source / "assets").mkdir()
    (source / "assets" / "link").symlink_to(target)
    with pytest.raises(ModelRefused, match=f"assets/link is a link to {target}") as caught:
        hash_files(source)
    assert "cp -rL" in caught.value.hint


def test_a_link_to_a_directory_is_refused(tmp_path: Path) -> None:
    source = savedmodel(tmp_path / "source")
    (source / "assets").symlink_to(tmp_path)
    with pytest.raises(ModelRefused, match="assets is a link"):
        hash_files(source)


def test_a_source_that_is_itself_a_link_is_followed(tmp_path: Path) -> None:
    source = savedmodel(tmp_path / "source")
    (tmp_path / "latest").symlink_to(source)
    assert hash_files(tmp_path / "latest") == hash_files(source)


def test_a_named_pipe_is_refused_and_not_read(tmp_path: Path) -> None:
    source = savedmodel(tmp_path)
    os.mkfifo(source / "pipe")
    with pytest.raises(ModelRefused, match="pipe is neither a file nor a directory"):
        hash_files(source)


def test_a_socket_is_refused(tmp_path: Path) -> None:
    source = savedmodel(tmp_path)
    os.mknod(source / "socket", stat.S_IFSOCK)
    with pytest.raises(ModelRefused, match="socket is neither a file nor a directory"):
        hash_files(source)


@pytest.mark.parametrize(
    "name", [b"a\\b", b"a\nb", b"a\x1bb", b"\x7f", b"\xff", "a\u202eb".encode()]
)
def test_a_name_that_cannot_be_stored_everywhere_is_refused(tmp_path: Path, name: bytes) -> None:
    source = savedmodel(tmp_path)
    Path(source, os.fsdecode(name)).write_bytes(b"")
    with pytest.raises(ModelRefused, match="has a character"):
        hash_files(source)


@pytest.mark.parametrize(
    "name", ["manifest.json", "manifest.json/x", "compiled", "compiled/1/plan.json", "compiled/x"]
)
def test_a_name_that_the_registry_keeps_for_itself_is_refused(tmp_path: Path, name: str) -> None:
    source = savedmodel(tmp_path, files={name: b"{}"})
    with pytest.raises(ModelRefused, match="keeps for itself"):
        hash_files(source)


@pytest.mark.parametrize("name", ["assets/manifest.json", "compiled.txt", "assets/compiled/1"])
def test_such_a_name_further_down_is_any_other_file(tmp_path: Path, name: str) -> None:
    source = savedmodel(tmp_path, files={name: b"{}"})
    assert name in {file.path for file in hash_files(source)}


def test_a_copy_of_a_published_version_is_the_same_files(tmp_path: Path) -> None:
    source = savedmodel(tmp_path / "source")
    copy = savedmodel(
        tmp_path / "copy",
        files={MANIFEST: manifest(source).to_bytes(), "compiled/1/plan.json": b"{}"},
    )
    assert hash_files(copy) == hash_files(source)


def test_a_directory_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    source = savedmodel(tmp_path / "source")
    (source / "variables").chmod(0)
    with within(source), nobody(), pytest.raises(PermissionError, match="variables"):
        list(scan(Path()))


@contextmanager
def nobody() -> Iterator[None]:
    """Not root, who may read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@contextmanager
def within(directory: Path) -> Iterator[None]:
    """The working directory: whoever is there need not be allowed to walk the way to it."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "..", "a/../../b", MANIFEST, "compiled/1/x"])
def test_a_manifest_whose_files_are_elsewhere_is_damaged(path: str) -> None:
    entry = FileEntry(path, 0, sha256(b""))
    written = Manifest(ModelId("m", 1), (entry,), "", "", "")
    with pytest.raises(Damaged, match="the manifest of m:1"):
        Manifest.from_bytes(written.to_bytes(), "the manifest of m:1")


@pytest.mark.parametrize("id", [ModelId("../m", 1), ModelId("m", 0), ModelId("m", -1)])
def test_a_manifest_of_no_possible_version_is_damaged(id: ModelId) -> None:
    written = replace(Manifest(ModelId("m", 1), (), "", "", ""), id=id)
    with pytest.raises(Damaged):
        Manifest.from_bytes(written.to_bytes(), "it")


@pytest.mark.parametrize(
    "document", [{}, {"model": "m"}, {"model": 1, "version": 1}, {"model": "m", "version": None}]
)
def test_another_sealed_document_is_no_manifest(document: dict[str, object]) -> None:
    with pytest.raises(Damaged, match="is not a manifest"):
        Manifest.from_bytes(seal(document), "it")
