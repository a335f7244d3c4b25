"""Progress of long work: bytes, speed and the time that is left, on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from modelregistry.progress import UNWATCHED, Progress


@contextmanager
def watched(label: str = "") -> Iterator[Progress]:
    """Show what happens inside, if a person is looking. It leaves no trace on the screen."""
    if not sys.stderr.isatty():
        yield UNWATCHED
        return
    from .livebars import Bars  # noqa: PLC0415 - only a person pays for it

    shown = Bars(label)
    try:
        yield shown
    finally:
        shown.stop()
