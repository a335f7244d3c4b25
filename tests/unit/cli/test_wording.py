from datetime import UTC, datetime, timedelta

import pytest

from modelcli.wording import age, read_moment, shown, size
from modelregistry.errors import InvalidInput

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
        ("2h ago", timedelta(hours=2)),
    ],
)
def test_how_long_ago_is_a_time(text: str, before: timedelta) -> None:
    assert read_moment(text, NOW) == NOW - before


@pytest.mark.parametrize(
    "text", ["2026-11-22T08:00:00Z", "2026-11-22T10:00+02:00", "20261122T080000Z"]
)
def test_iso_8601_with_a_zone_is_that_instant(text: str) -> None:
    assert read_moment(text, NOW) == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-22T08:00", "2026-11-22 08:00:00"])
def test_iso_8601_without_a_zone_is_local_time(text: str) -> None:
    assert read_moment(text, NOW) == datetime(2026, 11, 22, 8, 0).astimezone()


def test_what_is_shown_can_be_typed_back() -> None:
    assert read_moment(shown(NOW), NOW) == NOW


@pytest.mark.parametrize("text", ["", "yesterday", "10", "-2h", "2y", "999999999w", "2026-13-01"])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a time"):
        read_moment(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0s ago"), (59, "59s ago"), (61, "1m ago"), (7200, "2h ago"), (86400 * 9, "9d ago")],
)
def test_an_age_is_in_its_largest_unit(seconds: int, expected: str) -> None:
    assert age(NOW, NOW + timedelta(seconds=seconds)) == expected


def test_a_moment_that_another_clock_puts_into_the_future_is_now() -> None:
    assert age(NOW + timedelta(seconds=5), NOW) == "0s ago"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_999, "1.0 MB"),
        (3_345_678, "3.3 MB"),
        (2_500_000_000, "2.5 GB"),
        (4_200_000_000_000, "4.2 TB"),
    ],
)
def test_sizes_are_in_decimal_units(count: int, expected: str) -> None:
    assert size(count) == expected
