import os
from pathlib import Path

import pytest

from modelregistry.errors import InvalidInput
from modelserver.directories.listing import base_directory, fingerprint, versions


def base(root: Path, *children: str) -> Path:
    for child in children:
        (root / child).mkdir(parents=True)
    return root


@pytest.mark.parametrize(
    ("children", "expected"),
    [
        (["non_numerical_child", "42", "17"], {17: "17", 42: "42"}),
        (["00017", "30"], {17: "00017", 30: "30"}),
        (["20170111173521"], {20170111173521: "20170111173521"}),
        (["0001", "001", "00001"], {1: "001"}),
        (["1", "2.denied", "tmp-3", "-4", "+5", "6 ", "0x7", "٨"], {1: "1"}),
        (["9223372036854775807", "9223372036854775808"], {2**63 - 1: "9223372036854775807"}),
        (["0" * 30 + "7"], {7: "0" * 30 + "7"}),
        (["0"], {0: "0"}),
        ([], {}),
    ],
)
def test_directories_whose_names_are_numbers_are_versions(
    tmp_path: Path, children: list[str], expected: dict[int, str]
) -> None:
    found = versions(base(tmp_path, *children))
    assert expected == {number: path.name for number, path in found.items()}


def test_a_file_is_no_version_and_a_link_to_a_directory_is_one(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("not a directory")
    base(tmp_path, "elsewhere")
    (tmp_path / "2").symlink_to("elsewhere")
    (tmp_path / "3").symlink_to("nowhere")
    assert {2: tmp_path / "2"} == versions(tmp_path)


def test_a_base_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        versions(tmp_path / "gone")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("/models/m", "/models/m"),
        ("file:///models/m", "/models/m"),
        ("file://localhost/models/a%20b", "/models/a b"),
    ],
)
def test_a_base_path_is_a_directory(written: str, expected: str) -> None:
    assert Path(expected) == base_directory(written, "m")


@pytest.mark.parametrize("written", ["s3://bucket/m", "gs://bucket/m", "file://host/m"])
def test_a_base_path_elsewhere_is_refused_and_says_what_to_do(written: str) -> None:
    with pytest.raises(InvalidInput, match="only directories are served in place") as caught:
        base_directory(written, "m")
    assert "deploy publish" in caught.value.hint
    assert "--registry" in caught.value.hint


def test_equal_fingerprints_mean_that_nothing_changed(tmp_path: Path) -> None:
    version = base(tmp_path, "1/variables") / "1"
    (version / "saved_model.pb").write_bytes(b"graph")
    assert fingerprint(version) == fingerprint(version)


def test_every_change_shows_in_the_fingerprint(tmp_path: Path) -> None:
    version = base(tmp_path, "1/variables") / "1"
    file = version / "variables" / "variables.index"
    file.write_bytes(b"index")
    there = file.stat()
    seen = {fingerprint(version)}

    file.write_bytes(b"index.")  # longer
    seen.add(fingerprint(version))
    file.write_bytes(b"other")
    os.utime(file, ns=(there.st_atime_ns, there.st_mtime_ns + 1))  # later
    seen.add(fingerprint(version))
    beside = file.with_name("beside")
    beside.write_bytes(b"index")
    os.utime(beside, ns=(there.st_atime_ns, there.st_mtime_ns))
    seen.add(fingerprint(version))
    beside.replace(file)  # another file of the same name, size and time
    seen.add(fingerprint(version))
    (version / "assets").mkdir()
    seen.add(fingerprint(version))
    assert 6 == len(seen)


def test_a_link_that_leads_elsewhere_now_shows_in_the_fingerprint(tmp_path: Path) -> None:
    base(tmp_path, "a", "b")
    link = tmp_path / "1"
    link.symlink_to("a")
    before = fingerprint(link)
    link.unlink()
    link.symlink_to("b")
    assert before != fingerprint(link)


def test_a_change_behind_a_link_shows_in_the_fingerprint(tmp_path: Path) -> None:
    base(tmp_path, "1", "elsewhere")
    (tmp_path / "elsewhere" / "weights").write_bytes(b"one")
    (tmp_path / "1" / "variables").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "1" / "saved_model.pb").symlink_to(tmp_path / "elsewhere" / "weights")
    before = fingerprint(tmp_path / "1")
    assert {"variables/", "variables/weights", "saved_model.pb"} <= {name for name, *_ in before}
    (tmp_path / "elsewhere" / "weights").write_bytes(b"other")
    after = fingerprint(tmp_path / "1")
    changed = {name for name, *_ in set(before) ^ set(after)}
    assert {"variables/weights", "saved_model.pb"} == changed


def test_links_that_lead_back_or_nowhere_are_not_followed(tmp_path: Path) -> None:
    version = base(tmp_path, "1/assets") / "1"
    (version / "assets" / "back").symlink_to(version)
    (version / "assets" / "nowhere").symlink_to("gone")
    names = [name for name, *_ in fingerprint(version)]
    assert [str(version), "assets/", "assets/back", "assets/nowhere"] == names
