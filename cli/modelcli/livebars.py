"""Bars on a terminal: bytes, speed, time left; a spinner where the end is not known."""

from rich import progress as bars
from rich.console import Console


class Bars:
    """One bar at a time: the next `start` takes the place of the one before."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._console = Console(stderr=True)
        self._bar: bars.Progress | None = None
        self._task = bars.TaskID(0)

    def start(self, what: str, total: int) -> None:
        self.stop()
        columns = _columns(known=total > 0)
        self._bar = bars.Progress(*columns, console=self._console, transient=True)
        self._task = self._bar.add_task(f"{what} {self._label}".rstrip(), total=total or None)
        self._bar.start()

    def advance(self, count: int) -> None:
        if self._bar is not None:
            self._bar.advance(self._task, count)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _columns(*, known: bool) -> tuple[bars.ProgressColumn, ...]:
    what = bars.TextColumn("{task.description}", markup=False)
    if not known:
        return bars.SpinnerColumn(), what, bars.TimeElapsedColumn()
    return (
        what,
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
    )
