"""
Run while the image is built, by slim.py: libraries that need not look up what is their own.

A shared library leaves every pointer to a function or a table of its own to be looked up by
name when it is loaded, lest an executable replace it. In TensorFlow's two libraries that are
330,000 pointers, and reading their names is most of what opening them costs. `bind` writes
down what the look-up would find, wherever that is in the library itself.
"""

import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

# By machine (x86-64, aarch64): the relocations that store a symbol's address plus an addend,
# that store it alone, that store a function's for calls, and that store an own address.
_KINDS = {62: (1, 6, 7, 8), 183: (257, 1025, 1026, 1027)}

_LOAD, _DYNAMIC = 1, 2  # kinds of segments
_DYNSYM = 11  # a kind of section
_PLTRELSZ, _RELA, _RELASZ, _JMPREL, _RELACOUNT = 2, 7, 8, 23, 0x6FFFFFF9  # dynamic entries
_RELOCATION = struct.Struct("<QIIq")
_SYMBOL = struct.Struct("<IBBHQQ")


class Relocation(NamedTuple):
    """What to store at `place` when the library is loaded; `symbol` 0 is none."""

    place: int
    kind: int
    symbol: int
    addend: int


@dataclass(frozen=True)
class Symbol:
    name: bytes
    address: int
    own: bool  # defined here, for everybody, and no more than an address


def bind(libraries: Sequence[Path]) -> None:
    """
    Bind each library's references to its own symbols. In place.

    The libraries are in the order in which the loader looks through them: what an earlier one
    defines, too, is left to be looked up. None of them may define what an executable, the C
    library or a preloaded one does: that would win, and does not any more. Must be done before
    the section headers are cut off.

    Raises SystemExit for what is no 64-bit little-endian ELF library of a known machine.
    """
    defined: set[bytes] = set()
    for path in libraries:
        if not path.stat().st_size:  # which cannot be mapped
            raise SystemExit(f"{path} is no 64-bit little-endian ELF file")
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as image:
            library = Library(image, path)
            library.bind(besides=defined)
            defined |= {symbol.name for symbol in library.symbols if symbol.own}


class Library:
    """One ELF file, mapped into memory and writable."""

    def __init__(self, image: mmap.mmap, path: Path) -> None:
        if image[:6] != b"\x7fELF\x02\x01":
            raise SystemExit(f"{path} is no 64-bit little-endian ELF file")
        (machine,) = struct.unpack_from("<H", image, 18)
        if machine not in _KINDS:
            raise SystemExit(f"{path} is for machine {machine}, whose relocations are not known")
        self._kinds = _KINDS[machine]
        self._image = image
        self._segments = list(self._headers(32, 54, "<IIQQQQ"))
        self._dynamic = self._dynamic_entries()
        self.symbols = self._symbols()

    def pointers(self) -> Iterator[Relocation]:
        """What is stored when the library is loaded."""
        return self._relocations(_RELA, _RELASZ)

    def calls(self) -> Iterator[Relocation]:
        """What may be stored when a function is first called."""
        return self._relocations(_JMPREL, _PLTRELSZ)

    def bind(self, besides: set[bytes]) -> None:
        sums, addresses, _, relative = self._kinds
        bound, rest = [], []
        for one in self.pointers():
            symbol = self.symbols[one.symbol]
            if one.kind == relative:
                bound.append(one)
            elif one.kind in {sums, addresses} and symbol.own and symbol.name not in besides:
                addend = one.addend if one.kind == sums else 0
                bound.append(Relocation(one.place, relative, 0, symbol.address + addend))
            else:
                rest.append(one)
        # Own addresses come first, and their number is noted, for the loader's quick way. Of
        # the others those of one symbol follow each other: it remembers the last it looked up.
        bound.sort()
        rest.sort(key=lambda one: one.symbol)
        where = self._at(self._dynamic[_RELA][0])
        for one in (*bound, *rest):
            _RELOCATION.pack_into(self._image, where, one.place, one.kind, one.symbol, one.addend)
            where += _RELOCATION.size
        struct.pack_into("<Q", self._image, self._dynamic[_RELACOUNT][1], len(bound))
        self._bind_calls(besides)

    def _bind_calls(self, besides: set[bytes]) -> None:
        """
        A loader that leaves functions to their first call adds the library's address to
        what is stored for them, which sends the first call to the look-up; now to the function.
        """
        _, _, calls, _ = self._kinds
        for one in self.calls():
            symbol = self.symbols[one.symbol]
            if one.kind == calls and symbol.own and symbol.name not in besides:
                struct.pack_into("<Q", self._image, self._at(one.place), symbol.address)

    def _relocations(self, table: int, size: int) -> Iterator[Relocation]:
        start = self._at(self._dynamic[table][0])
        block = self._image[start : start + self._dynamic[size][0]]
        for place, kind, symbol, addend in _RELOCATION.iter_unpack(block):
            yield Relocation(place, kind, symbol, addend)

    def _symbols(self) -> list[Symbol]:
        sections = list(self._headers(40, 58, "<IIQQQQI"))
        table = next(section for section in sections if section[1] == _DYNSYM)
        names = sections[table[6]][4]
        block = self._image[table[4] : table[4] + table[5]]
        return [
            Symbol(
                self._image[names + name : self._image.find(b"\0", names + name)],
                address,
                # Global or weak; a function, data, or unsaid; in a section of this library.
                own=info >> 4 in {1, 2} and info & 15 in {0, 1, 2} and 0 < section < 0xFF00,
            )
            for name, info, _, section, address, _ in _SYMBOL.iter_unpack(block)
        ]

    def _dynamic_entries(self) -> dict[int, tuple[int, int]]:
        """The value of each dynamic entry, and where in the file it is."""
        _, _, start, _, _, size = next(one for one in self._segments if one[0] == _DYNAMIC)
        found = {}
        for where in range(start, start + size, 16):
            tag, value = struct.unpack_from("<QQ", self._image, where)
            found[tag] = value, where + 8
        return found

    def _headers(self, table: int, size: int, form: str) -> Iterator[tuple[int, ...]]:
        """Program or section headers: where the ELF header says where, and how many, they are."""
        (start,) = struct.unpack_from("<Q", self._image, table)
        length, count = struct.unpack_from("<HH", self._image, size)
        for number in range(count):
            yield struct.unpack_from(form, self._image, start + number * length)

    def _at(self, address: int) -> int:
        """Where in the file lies what is loaded at `address`."""
        for kind, _, offset, start, _, size in self._segments:
            if kind == _LOAD and start <= address < start + size:
                return offset + address - start
        raise SystemExit(f"nothing is loaded at {address:#x}")
