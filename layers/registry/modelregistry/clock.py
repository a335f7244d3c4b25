"""
The time of a change: UTC, to the microsecond, as ISO 8601 text that sorts.

>>> stamp(datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
'2026-11-22T09:30:00.000000Z'
"""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_stamp(text: str) -> datetime:
    """
    The moment that `stamp` wrote. Raises ValueError for other text.

    Not by `strptime`: its first use costs a cold start 10 ms.
    """
    moment = datetime.fromisoformat(text)
    if stamp(moment) != text:
        raise ValueError(f"{text!r} does not match the format of a stamp")
    return moment.astimezone(UTC)
