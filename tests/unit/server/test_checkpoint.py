from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelserver.checkpoint import incomplete, shard_sizes

from .checkpoints import index

names = st.text(st.sampled_from("abc/_"), min_size=1, max_size=12)


@given(
    shards=st.integers(1, 3),
    tensors=st.dictionaries(
        names, st.tuples(st.integers(0, 2), st.integers(0, 2**40), st.integers(0, 2**33))
    ),
    per_block=st.integers(1, 5),
    restart=st.integers(1, 4),
    snappy=st.booleans(),
)
def test_each_file_has_to_reach_to_the_end_of_its_last_tensor(
    shards: int,
    tensors: dict[str, tuple[int, int, int]],
    per_block: int,
    restart: int,
    snappy: bool,
) -> None:
    written = {name: (shard % shards, at, size) for name, (shard, at, size) in tensors.items()}
    expected = {
        f"variables.data-{shard:05d}-of-{shards:05d}": max(
            (at + size for of, at, size in written.values() if of == shard), default=0
        )
        for shard in range(shards)
    }
    table = index(shards, written, per_block=per_block, restart=restart, snappy=snappy)
    assert expected == shard_sizes(table)


@given(st.data())
def test_an_index_that_is_not_there_to_its_end_is_no_index(data: st.DataObject) -> None:
    table = index(1, {f"tensor_{n}": (0, n, 1) for n in range(20)})
    end = data.draw(st.integers(0, len(table) - 1))
    with pytest.raises((ValueError, IndexError)):
        shard_sizes(table[:end])


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """Two shards with 30 and 5 bytes of values, all there."""
    variables = tmp_path / "variables"
    variables.mkdir()
    table = index(2, {"a": (0, 0, 10), "b": (0, 10, 20), "c": (1, 0, 5)})
    (variables / "variables.index").write_bytes(table)
    (variables / "variables.data-00000-of-00002").write_bytes(bytes(30))
    (variables / "variables.data-00001-of-00002").write_bytes(bytes(5))
    return tmp_path


def test_what_is_all_there_is_complete(version: Path) -> None:
    assert "" == incomplete(version)


def test_a_model_without_variables_misses_none(tmp_path: Path) -> None:
    assert "" == incomplete(tmp_path)


def test_a_missing_shard_is_named(version: Path) -> None:
    (version / "variables" / "variables.data-00001-of-00002").unlink()
    expected = "variables/variables.data-00001-of-00002 is missing, which variables.index names"
    assert expected == incomplete(version)


def test_a_short_shard_is_named_with_what_it_has(version: Path) -> None:
    (version / "variables" / "variables.data-00000-of-00002").write_bytes(bytes(29))
    assert "variables/variables.data-00000-of-00002 has 29 of 30 bytes" == incomplete(version)


@pytest.mark.parametrize("table", [b"", b"half", bytes(200)])
def test_a_damaged_index_is_told(version: Path, table: bytes) -> None:
    (version / "variables" / "variables.index").write_bytes(table)
    expected = "variables/variables.index is damaged, or not there to its end"
    assert expected == incomplete(version)
