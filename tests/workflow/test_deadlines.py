"""The calendar: days of the cohort's zone, across clock changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from grading.workflow.deadlines import calendar, days_late, hold_until
from grading.workflow.plan import PRESETS

LONDON = ZoneInfo("Europe/London")


def test_windows_are_local_days_across_a_clock_change() -> None:
    # The clocks go back on 25 October 2026.
    days = calendar(date(2026, 10, 1), LONDON, PRESETS["certification"])
    assert days.opens_at == datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
    assert days.due_at == datetime(2026, 10, 29, 23, 59, tzinfo=UTC)
    assert days.closes_at == days.due_at + timedelta(hours=1)
    assert days.peers_due_at == datetime(2026, 11, 5, 23, 59, tzinfo=UTC)
    assert days.results_at == datetime(2026, 11, 19, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("submitted", "late"),
    [
        (datetime(2026, 10, 24, 22, 59, tzinfo=UTC), 0),
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), 1),
        (datetime(2026, 10, 25, 23, 59, tzinfo=UTC), 1),
        (datetime(2026, 10, 26, 0, 0, tzinfo=UTC), 2),
    ],
)
def test_one_day_late_is_a_calendar_day_even_of_25_hours(submitted: datetime, late: int) -> None:
    due = datetime(2026, 10, 24, 22, 59, tzinfo=UTC)
    assert days_late(submitted, due, LONDON) == late


def test_a_hold_is_as_long_as_its_idle_time_but_never_past_its_cap() -> None:
    start = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
    assert hold_until(start, start, idle_hours=2, cap_hours=24) == start + timedelta(hours=2)
    late = start + timedelta(hours=23)
    assert hold_until(late, start, idle_hours=2, cap_hours=24) == start + timedelta(hours=24)
