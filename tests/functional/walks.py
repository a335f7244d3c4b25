"""
Pages whose commands are run as printed, in order, and print what they say.

`...` stands for anything. Where and when it ran and by whom is taken out of both.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path

from .terminal import environment

_VARYING = (
    (re.compile(r"file:///\S+/registry"), "URL"),
    (re.compile(r"chosen by \S+deploy.toml"), "chosen by FILE"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?"), "TIME"),
    (re.compile(r"\d+s ago"), "AGO"),
    (re.compile(r"[\w.-]+@[\w.-]+"), "USER"),
    (re.compile(r"at \.\.\. \("), "at TIME ("),
    # How many requests a version had, and which share of all.
    (re.compile(r"^( +\w+ +\d+ +[\d.]+ +)[\d.]+ +\d+$", re.MULTILINE), r"\1COUNTED"),
)


def commands(console: str) -> Iterator[tuple[str, str]]:
    """Each `$ command` of a console block, and the lines below it."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def typed(words: Sequence[str], checkout: Path) -> str:
    """What a terminal of 120 columns shows of `words`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words,
        cwd=checkout,
        env=environment() | {"PATH": path, "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout


def must_print(expected: str, command: str, printed: str) -> None:
    fits = OutputChecker().check_output(
        _plain(expected), _plain(printed), ELLIPSIS | NORMALIZE_WHITESPACE
    )
    assert fits, f"$ {command}\n{printed}\nis not what the page says:\n{expected}"


def _plain(text: str) -> str:
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text
