"""Times are text that sorts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelregistry.clock import read_stamp, stamp, utc_now

# Offsets, not zones: an hour that a zone's clocks skip is equal to no other moment.
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9999, 12, 30),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=offsets,
)


@given(moments)
def test_a_moment_is_read_back_equal(moment: datetime) -> None:
    assert read_stamp(stamp(moment)) == moment


@given(moments, moments)
def test_stamps_sort_as_their_moments_do(one: datetime, other: datetime) -> None:
    assert (stamp(one) < stamp(other)) == (one < other)


def test_every_zone_is_written_as_utc() -> None:
    moment = datetime(2026, 11, 22, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    assert stamp(moment) == "2026-11-22T09:30:00.000000Z"


@pytest.mark.parametrize("text", ["", "now", "2026-11-22", "2026-11-22T09:30:00.000000+01:00"])
def test_other_text_is_no_stamp(text: str) -> None:
    with pytest.raises(ValueError, match=r"match|format"):
        read_stamp(text)


def test_now_is_utc() -> None:
    assert utc_now().tzinfo == UTC
