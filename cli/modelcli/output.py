"""
What a person or a script sees: data on stdout, everything else on stderr.

Names, messages and paths are other people's text: they are never read as Rich's
markup, and what could steer a terminal is shown escaped. On a terminal a table
fits its width; anywhere else it is as wide as its contents.
"""

import json
import sys
from collections.abc import Container, Iterable, Sequence
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 100_000  # columns: wider than any row
_NARROWEST = 12  # columns that a cell which wraps keeps, if it has as many


def line(text: str = "") -> None:
    """A line of data."""
    typer.echo(plain(text))


def document(value: dict[str, Any]) -> None:
    """The JSON that a command prints instead of text, in ASCII: it fits every encoding."""
    typer.echo(json.dumps(value, indent=2))


def raw(data: bytes) -> None:
    """A document that somebody else wrote, as it is."""
    typer.echo(data, nl=not data.endswith(b"\n"))


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    wrap: Container[str] = (),
    indent: int = 0,
) -> None:
    """
    Rows of data below their headings, numbers to the right. No rows, no headings.

    Where a terminal is too narrow, the columns in `wrap` give way before the others.
    """
    kept = [list(row) for row in rows]
    if not kept:
        return
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for at, heading in enumerate(headings):
        numeric = all(isinstance(row[at], int) for row in kept)
        made.add_column(
            heading,
            justify="right" if numeric else "left",
            no_wrap=heading not in wrap,
            overflow="fold",
            min_width=_least_width(heading, [str(row[at]) for row in kept]),
        )
    for row in kept:
        made.add_row(*(Text(plain(str(cell))) for cell in row))
    _print_table(made, indent)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """What there is to say of one thing, a word before each."""
    for name, value in pairs:
        line(f"  {name:<10} {value}")


def title(text: str, rest: str = "") -> None:
    """The line above what is told about one thing."""
    _stdout().print(Text.assemble((plain(text), "bold"), plain(rest)), soft_wrap=True)


def note(text: str, label: str = "note") -> None:
    """What a person would like to know beside the data."""
    _stderr().print(_labelled(label, text, "cyan"), soft_wrap=True)


def warning(text: str) -> None:
    _stderr().print(_labelled("warning", text, "yellow"), soft_wrap=True)


def error(sentence: str, hint: str = "") -> None:
    console = _stderr()
    console.print(_labelled("error", sentence, "bold red"), soft_wrap=not sys.stderr.isatty())
    if hint:
        console.print(_labelled("hint", hint, "cyan"), soft_wrap=True)


def traceback(text: str) -> None:
    typer.echo(text, err=True, nl=False)


def some(versions: Sequence[int]) -> str:
    """The last ten of `versions`, for a line."""
    more = "… " if len(versions) > 10 else ""
    return more + " ".join(map(str, versions[-10:])) if versions else "none"


def plain(text: str) -> str:
    """`text` with every character escaped that is not printed as itself."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _labelled(label: str, text: str, style: str) -> Text:
    """Line breaks stay: TensorFlow's reasons have several lines."""
    return Text.assemble((f"{label}: ", style), "\n".join(map(plain, text.splitlines())))


def _least_width(heading: str, cells: Sequence[str]) -> int:
    return max(cell_len(heading), min(_NARROWEST, max(map(cell_len, cells))))


def _print_table(made: Table, indent: int) -> None:
    console = _stdout()
    room = console.width - indent
    unbounded = console.options.update(width=_UNBOUNDED)
    if Measurement.get(console, unbounded, made).minimum > room:
        # What cannot be squeezed that far is left to the terminal to wrap, not cut.
        room = _UNBOUNDED
    console.width = room
    with console.capture() as captured:
        console.print(made)
    for row in captured.get().splitlines():
        typer.echo((" " * indent + row).rstrip())


def _stdout() -> Console:
    width = None if sys.stdout.isatty() else _UNBOUNDED
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def _stderr() -> Console:
    return Console(file=sys.stderr, highlight=False, markup=False, emoji=False)
