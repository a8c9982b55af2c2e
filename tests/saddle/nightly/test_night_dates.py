"""Which nights are due: tonight's, those that were missed, and those that were begun and not finished."""

from __future__ import annotations

import pytest

from saddle.errors import UserError
from saddle.nightly.dates import dates_between, due_dates, end_of, parse_date


def test_skipped_nights_stay_skipped() -> None:
    assert due_dates(["2026-01-01"], ["2026-01-01"], "2026-01-05", "skip") == ["2026-01-05"]


def test_missed_nights_are_caught_up_in_their_order() -> None:
    due = due_dates(["2026-01-01", "2026-01-02"], ["2026-01-01"], "2026-01-04", "catch_up")
    assert due == ["2026-01-02", "2026-01-03", "2026-01-04"]


def test_the_first_night_misses_none() -> None:
    assert due_dates([], [], "2026-01-04", "catch_up") == ["2026-01-04"]


def test_a_night_that_is_asked_for_again_is_due_alone() -> None:
    nights = ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert due_dates(nights, nights, "2026-01-02", "catch_up") == ["2026-01-02"]


def test_dates_pass_month_and_leap_day() -> None:
    assert dates_between("2028-02-28", "2028-03-01") == ["2028-02-29"]
    assert dates_between("2026-01-01", "2026-01-01") == []


def test_a_date_ends_in_its_time_zone() -> None:
    assert end_of("2026-03-28", "Europe/Berlin") == "2026-03-29T00:00:00+01:00"
    assert end_of("2026-03-29", "Europe/Berlin") == "2026-03-30T00:00:00+02:00"


def test_a_moment_has_its_date_in_the_time_zone() -> None:
    assert parse_date("@1767223800", "UTC") == "2025-12-31"  # 23:30
    assert parse_date("@1767223800", "Europe/Berlin") == "2026-01-01"


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "2999-01-01", "@", "@noon", "@nan", "@1e30", "@4e9"])
def test_what_is_no_date_of_a_night_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--date"):
        parse_date(text, "UTC")
