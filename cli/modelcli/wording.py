"""Moments, sizes and counts as people write and read them; moments in local time."""

import re
from datetime import datetime, timedelta

from modelregistry import clock
from modelregistry.errors import InvalidInput

_RELATIVE = re.compile(r"(\d{1,9})\s*([smhdw])(\s+ago)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def read_moment(text: str, now: datetime) -> datetime:
    """
    `2026-11-22 09:30`, any other ISO 8601, or `10m`, `2h`, `3d` before `now`.

    A time without a zone is local. Raises InvalidInput.
    """
    try:
        if found := _RELATIVE.fullmatch(text.strip()):
            return now - timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"{text!r} is not a time",
            hint="write 2026-11-22T09:30 (local time), 2026-11-22T09:30Z, or how long ago: 2h",
        ) from error


def shown(moment: datetime) -> str:
    """The moment as `read_moment` reads it back: `2026-11-22 09:30:00`."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def shown_stamp(stamp: str) -> str:
    """The same for the time in a manifest."""
    return shown(clock.read_stamp(stamp))


def age(moment: datetime, now: datetime) -> str:
    """
    How long ago, in its largest unit.

    >>> from datetime import UTC
    >>> age(datetime(2026, 11, 22, 9, 30, tzinfo=UTC), datetime(2026, 11, 22, 11, 59, tzinfo=UTC))
    '2h ago'
    """
    seconds = max(0, int((now - moment).total_seconds()))
    for unit in "dhm":
        if seconds >= _SECONDS[unit]:
            return f"{seconds // _SECONDS[unit]}{unit} ago"
    return f"{seconds}s ago"


def count(number: int, what: str) -> str:
    """
    >>> count(1, "file"), count(2, "file")
    ('1 file', '2 files')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def size(total: int) -> str:
    """
    Bytes in decimal units, as disks and S3 count them.

    >>> size(3_345_678)
    '3.3 MB'
    """
    if total < 1000:
        return f"{total} B"
    value = float(total)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
