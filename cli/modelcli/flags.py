"""
The words of a command line, as TensorFlow's own flag parser takes them.

`--a_flag` is `--a-flag`, with its value behind `=` or, as everywhere in `deploy`, in the
next word. A boolean is true by itself and false by `=false`; it never takes the next word.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from modelregistry.errors import InvalidInput

from .upstream import FLAGS, Flag, Kind

_SINGLE = re.compile(r"-[A-Za-z]\w")  # -rest_api_port, and no negative number
_TRUTHS = {"true": "true", "1": "true", "false": "false", "0": "false"}
_NUMBERS = {"int": ("a whole number", int), "float": ("a number", float)}


@dataclass(frozen=True)
class Words:
    """
    `arguments` are what Typer is to read. `given` are the options that were named, with
    hyphens; `ignored` those flags of TensorFlow Serving that mean nothing here.
    """

    arguments: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    ignored: tuple[Flag, ...] = ()


def read(words: Sequence[str], known: Collection[str], truths: Collection[str]) -> Words:
    """
    Read the words after a command with the options `known`, some of which, `truths`,
    are booleans; both are spelled with hyphens.

    Raises InvalidInput for an unknown flag, and for a value that cannot be one.
    """
    arguments: list[str] = []
    given: set[str] = set()
    ignored: dict[str, Flag] = {}
    rest = iter(words)
    for word in rest:
        if word == "--":
            arguments += [word, *rest]
        elif _SINGLE.match(word):
            raise _unknown(word, known)
        elif not word.startswith("--"):
            arguments.append(word)
        else:
            written, equals, value = word.partition("=")
            name = written[2:].replace("_", "-")
            flag = FLAGS.get(name.replace("-", "_"))
            given.add(name)
            if name in truths:
                arguments.append(f"--{name}={_truth(written, value if equals else 'true')}")
            elif name in known:
                arguments.append(word)
            elif flag and flag.ignored:
                _check(written, flag.kind, value if equals else None, rest)
                ignored[flag.name] = flag
            else:
                raise _unknown(written, known)
    return Words(tuple(arguments), frozenset(given), tuple(ignored.values()))


def _truth(written: str, value: str) -> str:
    if value.lower() not in _TRUTHS:
        raise InvalidInput(
            f"{written} is {value!r}, it must be true or false",
            hint=f"{written} by itself is true; the value stands behind =",
        )
    return _TRUTHS[value.lower()]


def _check(written: str, kind: Kind, value: str | None, rest: Iterator[str]) -> None:
    """Take the value of a flag that is ignored, from `rest` if need be: a typing error is one."""
    if kind == "bool":
        _truth(written, "true" if value is None else value)
        return
    if value is None:
        value = next(rest, None)
        if value is None or value.startswith("--"):  # or another flag would go unheard
            raise InvalidInput(f"{written} needs a value")
    if kind in _NUMBERS:
        wanted, number = _NUMBERS[kind]
        try:
            number(value)
        except ValueError:
            raise InvalidInput(f"{written} is {value!r}, it must be {wanted}") from None


def _unknown(written: str, known: Collection[str]) -> InvalidInput:
    written = written.partition("=")[0]
    name = written.lstrip("-").replace("_", "-")
    flags = {flag.replace("_", "-") for flag in FLAGS}
    likely = get_close_matches(name, sorted({*known, *flags}), n=1)
    # In the spelling of who asks, which for most flags is TensorFlow Serving's.
    meant = [f"--{m.replace('-', '_') if '_' in written else m}" for m in likely]
    return InvalidInput(
        f"there is no flag {written}",
        hint=f"did you mean {meant[0]}?" if meant else "deploy serve --help lists them",
    )
