"""A cohort's calendar: days are days of the cohort's own time zone, instants are UTC.

Every date that a rule, a page and a mail speak of is worked out here, once. Where the clocks go back, a
time of day comes twice: what ends then ends at the later of the two.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from grading.errors import Fault
from grading.phrases import phrase
from grading.workflow.plan import GradingPlan

# How far clocks are ahead of UTC, and behind it, where they are most.
EASTERNMOST, WESTERNMOST = timedelta(hours=14), timedelta(hours=-12)
# Where a day that belongs to no zone, such as that of a completion, is put among instants.
NO_ZONE = ZoneInfo("UTC")
MORNING = time(9, 0)
LAST_MINUTE = time(23, 59)
EVENING = time(17, 0)


@dataclass(frozen=True)
class Calendar:
    """The instants a cohort turns on, all aware UTC.

    Attributes
    ----------
    opens_at, due_at, closes_at : datetime
        Drafting starts; the deadline; the end of the grace after it.
    peers_due_at, grading_due_at, results_at : datetime
        Peer reviews, professional readings and results.
    """

    opens_at: datetime
    due_at: datetime
    closes_at: datetime
    peers_due_at: datetime
    grading_due_at: datetime
    results_at: datetime


# What each instant is called, in the order they come.
LABELS = {
    "opens_at": phrase("Opens"),
    "due_at": phrase("Deadline"),
    "closes_at": phrase("Grace ends"),
    "peers_due_at": phrase("Peer reviews by"),
    "grading_due_at": phrase("Grading ends"),
    "results_at": phrase("Results"),
}
# The grace may outlast the peers' window (late work is taken that long), so it is in no chain with it.
_CHAIN = ("opens_at", "due_at", "peers_due_at", "grading_due_at", "results_at")


def contradictions(calendar: Calendar) -> list[Fault]:
    """Name every pair of instants that are the wrong way round, at the later one's field."""
    pairs = [(first, second) for i, second in enumerate(_CHAIN) for first in _CHAIN[:i]]
    pairs.append(("due_at", "closes_at"))
    return [
        Fault(later, "This must not come before “%(earlier)s”.", {"earlier": LABELS[earlier]})
        for earlier, later in pairs
        if getattr(calendar, later) < getattr(calendar, earlier)
        or (earlier == "opens_at" and getattr(calendar, later) == getattr(calendar, earlier))
    ]


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Give the UTC instant of a time of day in a zone: the later one where it comes twice, or is skipped."""
    return max(
        datetime.combine(day, at.replace(fold=fold), tzinfo=zone).astimezone(UTC) for fold in (0, 1)
    )


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """Give the day that it is in a zone at an instant."""
    return at.astimezone(zone).date()


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """Give the UTC instant at which a day begins in a zone: the first midnight where it comes twice."""
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)


def has_begun(day: date, now: datetime) -> bool:
    """Whether a day that belongs to no zone has begun somewhere on earth."""
    return day <= (now.astimezone(UTC) + EASTERNMOST).date()


def last_day_over(now: datetime) -> date:
    """Give the newest day that is over everywhere on earth."""
    return (now.astimezone(UTC) + WESTERNMOST).date() - timedelta(days=1)


def own_zone(name: str | None, otherwise: ZoneInfo) -> ZoneInfo:
    """Give the zone that a person chose, or the one for who chose none."""
    return ZoneInfo(name) if name else otherwise


def shifted(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Move an instant by days, to the same time of day in a zone."""
    if not days:
        return at
    local = at.astimezone(zone)
    return instant(local.date() + timedelta(days=days), local.time(), zone)


def extended(calendar: Calendar, days: int, zone: ZoneInfo) -> Calendar:
    """Move what one learner has to do by days; when the cohort opens and is graded stays.

    Their result can come no earlier than their own deadline allows.
    """
    if not days:
        return calendar
    return replace(
        calendar,
        due_at=shifted(calendar.due_at, days, zone),
        closes_at=shifted(calendar.closes_at, days, zone),
        peers_due_at=shifted(calendar.peers_due_at, days, zone),
        results_at=shifted(calendar.results_at, days, zone),
    )


def whole_days(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give the instants at which the first of some days begins and the last of them is over."""
    return day_begins(first, zone), day_begins(last + timedelta(days=1), zone)


def end_of_day(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Give the last minute of the day that comes days after an instant, in a zone."""
    return instant(local_day(at, zone) + timedelta(days=days), LAST_MINUTE, zone)


def open_since(now: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Give the first instant of which the `end_of_day`, so many days after it, has not passed."""
    passed = now > end_of_day(now, 0, zone)
    return day_begins(local_day(now, zone) - timedelta(days=days - passed), zone)


def appeal_window(
    released_at: datetime, plan: GradingPlan, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """Say from when until when a released result can be appealed: to the end of the last day."""
    return (
        released_at + timedelta(hours=plan.appeal_wait_hours),
        end_of_day(released_at, plan.appeal_days, zone),
    )


def working_days_after(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Give the end of the n-th working day (Monday to Friday) after an instant, in a zone."""
    day = local_day(at, zone)
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return instant(day, LAST_MINUTE, zone)


def calendar(opens_on: date, zone: ZoneInfo, plan: GradingPlan) -> Calendar:
    """Lay the plan's windows from an opening day: 9am opens, 11:59pm closes, in the cohort's zone."""
    due_on = opens_on + timedelta(days=plan.submit_days)
    due_at = instant(due_on, LAST_MINUTE, zone)
    return Calendar(
        opens_at=instant(opens_on, MORNING, zone),
        due_at=due_at,
        closes_at=max(
            due_at + timedelta(hours=plan.grace_hours), shifted(due_at, plan.late_days, zone)
        ),
        peers_due_at=instant(due_on + timedelta(days=plan.peer_days), LAST_MINUTE, zone),
        grading_due_at=instant(due_on + timedelta(days=plan.grading_days), LAST_MINUTE, zone),
        results_at=instant(due_on + timedelta(days=plan.results_day), MORNING, zone),
    )


def hold_until(
    now: datetime, held_since: datetime, *, idle_hours: float, cap_hours: float
) -> datetime:
    """Say when a hold ends that was used just now: idle time after it, the cap at most."""
    return min(now + timedelta(hours=idle_hours), held_since + timedelta(hours=cap_hours))


def days_late(
    submitted_at: datetime, due_at: datetime, zone: ZoneInfo, grace: timedelta = timedelta(0)
) -> int:
    """Count calendar days in the cohort's zone, so that a clock change is no day.

    What comes within the grace is not late.
    """
    if submitted_at <= due_at + grace:
        return 0
    late = (local_day(submitted_at, zone) - local_day(due_at, zone)).days
    return max(late, 0)


def working_hours_after(at: datetime, hours: float, zone: ZoneInfo) -> datetime:
    """Give the instant so many working hours later: Monday to Friday, 9am to 5pm, in a zone.

    Examples
    --------
    >>> friday = datetime(2026, 11, 27, 15, tzinfo=UTC)
    >>> working_hours_after(friday, 4, ZoneInfo("UTC")).isoformat()
    '2026-11-30T11:00:00+00:00'
    """
    left = timedelta(hours=hours)
    day = local_day(at, zone)
    start = at
    while True:
        opens, closes = instant(day, MORNING, zone), instant(day, EVENING, zone)
        start = max(start, opens)
        if day.weekday() < 5 and start < closes:
            if start + left <= closes:
                return start + left
            left -= closes - start
        day += timedelta(days=1)
