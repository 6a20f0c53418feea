"""The calendar: days of the cohort's zone, across clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from grading.workflow.deadlines import (
    appeal_window,
    calendar,
    day_begins,
    days_late,
    end_of_day,
    has_begun,
    hold_until,
    instant,
    last_day_over,
    local_day,
    open_since,
    shifted,
)
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


# Where the clocks go back to midnight, the minutes before it or after it come twice.
HAVANA = ZoneInfo("America/Havana")
AZORES = ZoneInfo("Atlantic/Azores")


@pytest.mark.parametrize(
    ("zone", "day", "at", "utc"),
    [
        # Half past midnight comes twice in Havana: at 4:30 and at 5:30 UTC.
        (HAVANA, date(2026, 11, 1), time(0, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        # Half past one comes twice in London.
        (LONDON, date(2026, 10, 25), time(1, 30), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        # The Azores go from 1am back to midnight.
        (AZORES, date(2026, 10, 25), time(0, 30), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        # Half past one is skipped in London in spring: nobody is cut short by that.
        (LONDON, date(2026, 3, 29), time(1, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (LONDON, date(2026, 6, 1), time(23, 59), datetime(2026, 6, 1, 22, 59, tzinfo=UTC)),
    ],
)
def test_a_time_that_comes_twice_is_the_later_one(
    zone: ZoneInfo, day: date, at: time, utc: datetime
) -> None:
    assert instant(day, at, zone) == utc


def test_a_deadline_that_is_moved_to_a_night_of_two_midnights_ends_with_the_second() -> None:
    due = datetime(2026, 10, 23, 0, 30, tzinfo=AZORES).astimezone(UTC)
    assert shifted(due, 2, AZORES) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert shifted(due, 0, AZORES) == due
    # A day begins once, at the first of its midnights.
    assert day_begins(date(2026, 10, 25), AZORES) == datetime(2026, 10, 25, 0, 0, tzinfo=UTC)


def test_an_appeal_ends_at_the_end_of_its_last_day_in_the_cohorts_zone() -> None:
    plan = PRESETS["certification"]
    released = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
    opens, ends = appeal_window(released, plan, LONDON)
    assert opens == released + timedelta(hours=plan.appeal_wait_hours)
    local = ends.astimezone(LONDON)
    assert (local.hour, local.minute) == (23, 59)
    assert (local.date() - released.date()).days == plan.appeal_days


@pytest.mark.parametrize("zone", [LONDON, HAVANA, ZoneInfo("Pacific/Auckland")])
@pytest.mark.parametrize("minute", [0, 1, 719, 1438, 1439])
@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 25), date(2026, 11, 2)])
def test_what_is_still_open_since_agrees_with_its_end(
    zone: ZoneInfo, minute: int, day: date
) -> None:
    """A query that asks by start and a page that asks by end find the same."""
    now = day_begins(day, zone) + timedelta(minutes=minute, seconds=30)
    since = open_since(now, 14, zone)
    assert end_of_day(since, 14, zone) >= now
    assert end_of_day(since - timedelta(microseconds=1), 14, zone) < now


def test_a_day_of_no_zone_has_begun_where_it_is_earliest_and_is_over_where_it_is_latest() -> None:
    # Tuesday morning in Auckland is Monday evening in London.
    auckland = datetime(2026, 12, 1, 8, 0, tzinfo=ZoneInfo("Pacific/Auckland"))
    assert auckland.astimezone(UTC).date() == date(2026, 11, 30)
    assert has_begun(date(2026, 12, 1), auckland)
    assert not has_begun(date(2026, 12, 2), auckland)
    assert local_day(auckland, LONDON) == date(2026, 11, 30)
    assert last_day_over(auckland) == date(2026, 11, 29)
    honolulu = datetime(2026, 11, 30, 23, 0, tzinfo=ZoneInfo("Pacific/Honolulu"))
    assert last_day_over(honolulu) == date(2026, 11, 29)
