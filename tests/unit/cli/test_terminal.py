"""What a person at a terminal sees, and is asked."""

import errno
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.cli.deploying import Deploy

DEPLOY = Path(sys.executable).with_name("deploy")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Screen:
    code: int
    raw: str

    @property
    def text(self) -> str:
        return ESCAPE.sub("", self.raw).replace("\r\n", "\n")


def at_terminal(
    deploy: Deploy, *arguments: str, columns: int = 80, typed: str = "", **environment: str
) -> Screen:
    """Run `deploy` with a terminal of so many columns as stdin, stdout and stderr."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(
        [DEPLOY, *arguments],
        env={**kept, "TERM": "xterm", **deploy.environment, **environment},
        cwd=deploy.work,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as child:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = _read_all(ours)
        code = child.wait(timeout=60)
    os.close(ours)
    return Screen(code, shown)


def _read_all(terminal: int) -> str:
    """Everything until the last process lets go of the terminal."""
    data = b""
    try:
        while chunk := os.read(terminal, 65536):
            data += chunk
    except OSError as error:
        if error.errno != errno.EIO:  # how Linux says that the other end is closed
            raise
    return data.decode()


@pytest.fixture
def live(deploy: Deploy) -> Deploy:
    deploy.published({"sample": 2})
    deploy.ok("promote", "sample", "1", "-m", "a message of several words that takes some room")
    return deploy


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_a_table_fits_the_terminal(live: Deploy, columns: int) -> None:
    shown = at_terminal(live, "history", "sample", columns=columns).text
    assert max(map(len, shown.splitlines())) <= columns
    assert "message" in shown


def test_a_terminal_that_is_too_narrow_loses_nothing(live: Deploy) -> None:
    words = at_terminal(live, "history", "sample", columns=40).text.split()
    for expected in ("promote", "stable:", "unset", "room", "MESSAGE"):
        assert expected in words


def test_no_color_means_no_colour(live: Deploy) -> None:
    assert COLOUR.search(at_terminal(live, "promote", "sample", "9").raw)
    assert not COLOUR.search(at_terminal(live, "promote", "sample", "9", NO_COLOR="1").raw)


@pytest.mark.parametrize(
    ("typed", "code", "left"), [("n\n", 1, [1, 2]), ("\x04", 130, [1, 2]), ("y\n", 0, [])]
)
def test_whoever_can_be_asked_is_asked_before_several_versions_go(
    live: Deploy, typed: str, code: int, left: list[int]
) -> None:
    live.ok("alias", "unset", "sample", "stable")
    screen = at_terminal(live, "delete", "sample", "--force", typed=typed)
    assert "Delete 2 versions of sample: 1, 2 (" in screen.text
    assert screen.code == code
    assert live.registry().versions("sample") == left


def test_work_is_shown_while_it_lasts_and_leaves_no_trace(live: Deploy) -> None:
    screen = at_terminal(live, "verify")
    assert "verifying sample:1" in screen.text
    assert screen.raw.endswith("\x1b[2K2 versions, 2.4 kB verified: all sound\r\n")
    assert screen.code == 0
