"""A sealed document is read back equal, and whatever happened to it is seen."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.errors import Damaged
from modelregistry.sealed import seal, unseal

DOCUMENT: dict[str, Any] = {
    "model": "m",
    "files": [{"path": "saved_model.pb", "size": 12, "parts": []}],
    "message": "퀀 \x1f",  # one bit away from a lone surrogate, and an escape
    "ratio": 0.5,
    "nothing": None,
}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
names = st.text().filter(lambda name: name not in {"schema", "sha256"})


@given(st.dictionaries(names, values))
def test_a_document_is_read_back_equal(document: dict[str, Any]) -> None:
    assert unseal(seal(document), "it") == document


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_seen(bit: int) -> None:
    data = seal(DOCUMENT)
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        assert changed(bytes(flipped)) in {"seen", "says the same"}


def test_a_flip_that_is_not_seen_says_the_same() -> None:
    # `\\u001f` and `\\u001F` are one character: the only flip that goes unnoticed.
    data = seal(DOCUMENT)
    unseen = [
        (place, bit)
        for place in range(len(data))
        for bit in range(8)
        if changed(bytes([*data[:place], data[place] ^ 1 << bit, *data[place + 1 :]])) != "seen"
    ]
    assert unseen == [(data.index(b"u001f") + 4, 5)]


def changed(data: bytes) -> str:
    """What became of a changed document."""
    try:
        read = unseal(data, "the manifest of m:1")
    except Damaged as error:
        assert "the manifest of m:1" in str(error)  # noqa: PT017 - most flips end here
        return "seen"
    return "says the same" if read == DOCUMENT else "lost"


@pytest.mark.parametrize("length", range(0, len(seal(DOCUMENT)) - 1, 7))
def test_a_document_that_was_cut_is_seen(length: int) -> None:
    assert changed(seal(DOCUMENT)[:length]) == "seen"


@given(st.binary())
def test_other_bytes_are_no_document(data: bytes) -> None:
    with pytest.raises(Damaged):
        unseal(data, "it")


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "[]", "{}", '"x"', "1", "NaN", '{"schema": 1}', '{"sha256": ""}'),
        '{"schema": 1, "sha256": null}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"schema": 1, "sha256": "x", "a": "\\ud800"}',
        f'{{"schema": {"9" * 5000}}}',
    ],
    ids=lambda text: text[:20],
)
def test_other_json_is_no_document(text: str) -> None:
    with pytest.raises(Damaged):
        unseal(text.encode(), "it")


def test_a_member_that_was_changed_added_or_removed_is_seen() -> None:
    body = json.loads(seal(DOCUMENT))
    for other in (
        body | {"model": "n"},
        body | {"more": 1},
        {name: value for name, value in body.items() if name != "nothing"},
    ):
        assert changed(json.dumps(other).encode()) == "seen"


def test_the_layout_does_not_matter() -> None:
    body = json.loads(seal(DOCUMENT))
    assert unseal(json.dumps(body, sort_keys=True).encode(), "it") == DOCUMENT


def test_a_newer_schema_asks_for_an_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelregistry.sealed.SCHEMA", 2)
    newer = seal(DOCUMENT)
    monkeypatch.undo()
    with pytest.raises(Damaged, match="schema 2, this version reads 1") as caught:
        unseal(newer, "it")
    assert "upgrade" in caught.value.hint
