"""A writer of `variables.index`, after LevelDB's table format, for one that reads it."""

from collections.abc import Mapping, Sequence

Places = Mapping[str, tuple[int, int, int]]  # tensor → shard, offset, size


def index(
    shards: int, tensors: Places, *, per_block: int = 3, snappy: bool = False, restart: int = 2
) -> bytes:
    """The index of a checkpoint with `tensors`, in blocks of so many entries."""
    entries = [(b"", field(1, shards) + field(2, 0))]
    for name, (shard, offset, size) in sorted(tensors.items()):
        shape = b"\x12\x02\x08\x07"  # a message, which has to be skipped
        numbers = field(3, shard) + field(4, offset) + field(5, size)
        entries.append((name.encode(), field(1, 1) + shape + numbers + b"\x35\1\2\3\4"))
    out, handles = b"", []
    for first in range(0, len(entries), per_block):
        group = entries[first : first + per_block]
        block, kind = packed(group, restart, snappy=snappy)
        handles.append((group[-1][0], varint(len(out)) + varint(len(block))))
        out += block + bytes([kind]) + b"crc!"
    places = []
    for group in ([], handles):  # of meta blocks there are none
        block, _ = packed(group, 1, snappy=False)
        places.append(varint(len(out)) + varint(len(block)))
        out += block + b"\0crc!"
    return out + b"".join(places).ljust(40, b"\0") + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"


def packed(
    entries: Sequence[tuple[bytes, bytes]], restart: int, *, snappy: bool
) -> tuple[bytes, int]:
    out, before, restarts = b"", b"", []
    for at, (key, value) in enumerate(entries):
        shared = 0
        if at % restart == 0:
            restarts.append(len(out))
        else:
            shared = next(
                (n for n in range(len(key)) if key[n : n + 1] != before[n : n + 1]), len(key)
            )
        own = key[shared:]
        out += varint(shared) + varint(len(own)) + varint(len(value)) + own + value
        before = key
    for place in restarts or [0]:
        out += place.to_bytes(4, "little")
    out += len(restarts or [0]).to_bytes(4, "little")
    return (squeezed(out), 1) if snappy else (out, 0)


def squeezed(data: bytes) -> bytes:
    """Snappy, with each kind of literal and copy that the data has an occasion for."""
    out, at = varint(len(data)), 0
    while at < len(data):
        length, offset = longest(data, at)
        if length >= 4:
            if length <= 11 and offset < 2048:
                out += bytes([1 | (length - 4) << 2 | offset >> 8 << 5, offset & 255])
            elif at % 2:
                out += bytes([2 | (length - 1) << 2]) + offset.to_bytes(2, "little")
            else:
                out += bytes([3 | (length - 1) << 2]) + offset.to_bytes(4, "little")
            at += length
            continue
        end = at + 1
        while end < len(data) and end - at < 300 and longest(data, end)[0] < 4:
            end += 1
        size = end - at - 1
        if size < 60:
            out += bytes([size << 2])
        else:
            width = 1 if size < 256 else 2
            out += bytes([(59 + width) << 2]) + size.to_bytes(width, "little")
        out += data[at:end]
        at = end
    return out


def longest(data: bytes, at: int) -> tuple[int, int]:
    """The longest piece of up to 64 bytes at `at` that is there before, and how far back."""
    best = 0, 0
    for start in range(max(0, at - 3000), at):
        length = 0
        while length < 64 and at + length < len(data) and data[start + length] == data[at + length]:
            length += 1
        if length > best[0]:
            best = length, at - start
    return best


def field(number: int, value: int) -> bytes:
    """An integer field of a protobuf message; one that is 0 is left out."""
    return varint(number << 3) + varint(value) if value else b""


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])
