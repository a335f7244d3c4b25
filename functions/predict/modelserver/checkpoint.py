"""
What a checkpoint's `variables.index` says of the files that hold the values.

It is a sorted string table as LevelDB writes it (`tensorflow/core/lib/io/format.cc`,
`table_builder.cc`): blocks, then a footer with the place of the block that lists the
blocks. Its entries are a header under the key '', and for each tensor a
BundleEntryProto (`tensor_bundle.proto`) with shard, offset and size.
"""

from collections.abc import Iterator
from pathlib import Path

_MAGIC = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
_FOOTER = 48
_SNAPPY = 1
# Field numbers of BundleHeaderProto and BundleEntryProto.
_NUM_SHARDS, _SHARD, _OFFSET, _SIZE = 1, 3, 4, 5


def incomplete(directory: Path) -> str:
    """
    What of a SavedModel's variables is not there yet, as a sentence; '' if nothing is missing.

    A model without variables has no index. Raises OSError.
    """
    index = directory / "variables" / "variables.index"
    if not index.exists():
        return ""
    try:
        needed = shard_sizes(index.read_bytes())
    except (ValueError, IndexError):
        return "variables/variables.index is damaged, or not there to its end"
    for name, size in needed.items():
        shard = index.with_name(name)
        there = shard.stat().st_size if shard.exists() else None
        if there is None:
            return f"variables/{name} is missing, which variables.index names"
        if there < size:
            return f"variables/{name} has {there:,} of {size:,} bytes"
    return ""


def shard_sizes(index: bytes) -> dict[str, int]:
    """
    How long each file of values has to be at least, by its name.

    Raises ValueError or IndexError where `index` is no whole table.
    """
    if len(index) < _FOOTER or index[-len(_MAGIC) :] != _MAGIC:
        raise ValueError("it has no footer")
    footer = index[-_FOOTER:]
    _, at = _varint(footer, 0)  # offset and size of the block of meta blocks, of which it has none
    _, at = _varint(footer, at)
    count = 1
    sizes: dict[int, int] = {}
    for _, handle in _entries(_block(index, footer, at)):
        for key, value in _entries(_block(index, handle, 0)):
            fields = _integers(value)
            if not key:
                count = fields.get(_NUM_SHARDS, 0)
            else:
                shard = fields.get(_SHARD, 0)
                end = fields.get(_OFFSET, 0) + fields.get(_SIZE, 0)
                sizes[shard] = max(sizes.get(shard, 0), end)
    return {
        f"variables.data-{shard:05d}-of-{count:05d}": sizes.get(shard, 0) for shard in range(count)
    }


def _block(index: bytes, handle: bytes, at: int) -> bytes:
    offset, at = _varint(handle, at)
    size, _ = _varint(handle, at)
    block, kind = index[offset : offset + size], index[offset + size]
    return _inflated(block) if kind == _SNAPPY else block


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each entry. Of a key only what differs from the one before is written."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        unshared, at = _varint(block, at)
        size, at = _varint(block, at)
        key = key[:shared] + block[at : at + unshared]
        at += unshared
        yield key, block[at : at + size]
        at += size
    if at != end:
        raise ValueError("a block ends inside an entry")


def _integers(message: bytes) -> dict[int, int]:
    """The integer fields of a protobuf message by number; the last of each."""
    found, at = {}, 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            found[number], at = _varint(message, at)
        elif kind == 2:
            size, at = _varint(message, at)
            at += size
        elif kind in {1, 5}:
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(f"field {number} is of no kind that is in use")
    return found


def _inflated(block: bytes) -> bytes:
    """Snappy: a length, then literals and copies of what is there already."""
    _, at = _varint(block, 0)
    out = bytearray()
    while at < len(block):
        tag, at = block[at], at + 1
        if tag & 3 == 0:
            size = (tag >> 2) + 1
            if size > 60:
                extra = size - 60
                size = int.from_bytes(block[at : at + extra], "little") + 1
                at += extra
            out += block[at : at + size]
            at += size
            continue
        if tag & 3 == 1:
            size, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | block[at]
            at += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            size, offset = (tag >> 2) + 1, int.from_bytes(block[at : at + width], "little")
            at += width
        for _ in range(size):
            out.append(out[-offset])
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
