"""The dates of nights: which one it is now, and which were missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from saddle.errors import UserError


def date_now(timezone: str) -> str:
    """Today's date in a time zone."""
    return datetime.now(ZoneInfo(timezone)).date().isoformat()


def date_at(moment: float, timezone: str) -> str:
    """The date in a time zone at a moment in Unix seconds."""
    return datetime.fromtimestamp(moment, ZoneInfo(timezone)).date().isoformat()


def parse_date(text: str, timezone: str) -> str:
    """The date as `2026-11-29`, also of a moment such as `@1796000000`; raises `UserError` for none or a future one."""
    try:
        parsed = date_at(float(text[1:]), timezone) if text.startswith("@") else date.fromisoformat(text).isoformat()
    except (ValueError, OverflowError, OSError):
        raise UserError(f"--date {text} is not a date; write it as {date_now(timezone)}") from None
    if parsed > date_now(timezone):
        raise UserError(f"--date {text} is in the future; it is {date_now(timezone)} in {timezone}")
    return parsed


def dates_between(first: str, last: str) -> list[str]:
    """The dates after `first` and before `last`."""
    day, end = date.fromisoformat(first) + timedelta(1), date.fromisoformat(last)
    return [(day + timedelta(number)).isoformat() for number in range((end - day).days)]


def end_of(day: str, timezone: str) -> str:
    """The moment at which a date ends, in ISO 8601."""
    following = date.fromisoformat(day) + timedelta(1)
    return datetime(following.year, following.month, following.day, tzinfo=ZoneInfo(timezone)).isoformat()


def due_dates(begun: Sequence[str], finished: Sequence[str], wanted: str, missed: str) -> list[str]:
    """The nights to run for `wanted`, oldest first.

    With `missed: catch_up` also those before it that were begun and not finished, or never begun.
    """
    if missed == "skip" or not begun:
        return [wanted]
    earlier = [day for day in begun if day < wanted and day not in finished]
    absent = [day for day in dates_between(max(finished, default=min(begun)), wanted) if day not in begun]
    return [*sorted({*earlier, *absent}), wanted]
