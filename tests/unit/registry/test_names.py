"""Names are checked once, and an accepted one is safe as a path, a key and a URL."""

import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from modelregistry.errors import InvalidInput
from modelregistry.names import (
    HIGHEST,
    MAX_VERSION,
    ModelId,
    Reference,
    alias_name,
    default_name,
    model_name,
    reference,
    version_directory,
    version_number,
)

LETTERS = string.ascii_letters + string.digits
models = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", fullmatch=True)
aliases = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True).filter(
    lambda name: name != HIGHEST
)
versions = st.integers(1, MAX_VERSION)
# Text near the border of what is allowed finds more than text from all of Unicode.
texts = st.one_of(st.text(), st.text(LETTERS + "./\\_-:@%\0\n ~é٣", max_size=140))


@given(texts)
@example("..")
@example("a/../../b")
@example("a\n")
@example("٣")
def test_no_accepted_name_can_leave_its_place(text: str) -> None:
    try:
        name = model_name(text)
    except InvalidInput:
        assume(False)
    assert name == text
    assert set(name) <= set(LETTERS + "._-")
    assert name[0] in LETTERS
    assert len(name) <= 128


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", ".hidden", "-flag", "_x", "a/b", "a\\b", "a b", "a\n", "\0", "a:1", "a@b"),
        *("a" * 129, "%2e%2e", "~", "$HOME", "é", "٣", "\N{CYRILLIC SMALL LETTER A}"),
    ],
)
def test_what_cannot_name_a_model_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        model_name(text)
    assert repr(text) in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["a", "9", "A.b-c_d", "a..b", "resnet-50.v2", "a" * 128])
def test_what_can_name_a_model_is_itself(text: str) -> None:
    assert model_name(text) == text


@pytest.mark.parametrize("text", ["", "a" * 65, "a/b", ".a", "stable\n", HIGHEST])
def test_what_cannot_name_an_alias_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        alias_name(text)


@given(aliases)
def test_every_alias_can_be_the_default(name: str) -> None:
    assert default_name(name) == alias_name(name) == name


def test_the_default_can_be_the_highest_version() -> None:
    assert default_name(HIGHEST) == HIGHEST


@given(versions)
def test_a_version_is_the_number_it_says(number: int) -> None:
    assert version_number(str(number)) == number


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "+1", "1.0", "1e3", " 1", "1\n", "1_0", "٣", "x", str(2**63), "9" * 99]
)
def test_what_is_no_version_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        version_number(text)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("1", 1),
        ("00017", 17),
        ("1732267800", 1732267800),
        ("0", None),
        ("latest", None),
        ("tmp-3", None),
        ("1.5", None),
        ("-1", None),
        ("", None),
        (str(MAX_VERSION), MAX_VERSION),
        (str(MAX_VERSION + 1), None),
    ],
)
def test_a_trainers_directories_are_read_as_tensorflow_serving_reads_them(
    name: str, version: int | None
) -> None:
    assert version_directory(name) == version


@given(models, versions, aliases)
def test_references_are_read_back_as_they_are_written(model: str, version: int, alias: str) -> None:
    assert reference(model) == Reference(model)
    assert reference(f"{model}:{version}") == Reference(model, version=version)
    assert reference(f"{model}@{alias}") == Reference(model, alias=alias)
    assert reference(str(ModelId(model, version))) == Reference(model, version=version)


@pytest.mark.parametrize(
    "text",
    ["", ":", "@", "m:", "m@", ":1", "@stable", "m:1@stable", "m@stable:1", "m:1:2", "m@a@b"],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        reference(text)
