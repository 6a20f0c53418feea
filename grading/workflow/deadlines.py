"""A cohort's calendar: days are days of the cohort's own time zone, instants are UTC."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from grading.errors import Fault
from grading.phrases import phrase
from grading.workflow.plan import GradingPlan

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


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def shifted(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Move an instant by days, to the same time of day in a zone."""
    local = at.astimezone(zone)
    return _instant(local.date() + timedelta(days=days), local.time(), zone)


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
    midnight = time(0, 0)
    return _instant(first, midnight, zone), _instant(last + timedelta(days=1), midnight, zone)


def end_of_day(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Give the last minute of the day that comes days after an instant, in a zone."""
    return _instant(at.astimezone(zone).date() + timedelta(days=days), LAST_MINUTE, zone)


def working_days_after(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Give the end of the n-th working day (Monday to Friday) after an instant, in a zone."""
    day = at.astimezone(zone).date()
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return _instant(day, LAST_MINUTE, zone)


def calendar(opens_on: date, zone: ZoneInfo, plan: GradingPlan) -> Calendar:
    """Lay the plan's windows from an opening day: 9am opens, 11:59pm closes, in the cohort's zone."""
    due_on = opens_on + timedelta(days=plan.submit_days)
    due_at = _instant(due_on, LAST_MINUTE, zone)
    return Calendar(
        opens_at=_instant(opens_on, MORNING, zone),
        due_at=due_at,
        closes_at=max(
            due_at + timedelta(hours=plan.grace_hours), shifted(due_at, plan.late_days, zone)
        ),
        peers_due_at=_instant(due_on + timedelta(days=plan.peer_days), LAST_MINUTE, zone),
        grading_due_at=_instant(due_on + timedelta(days=plan.grading_days), LAST_MINUTE, zone),
        results_at=_instant(due_on + timedelta(days=plan.results_day), MORNING, zone),
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
    late = (submitted_at.astimezone(zone).date() - due_at.astimezone(zone).date()).days
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
    day = at.astimezone(zone).date()
    start = at
    while True:
        opens, closes = _instant(day, MORNING, zone), _instant(day, EVENING, zone)
        start = max(start, opens)
        if day.weekday() < 5 and start < closes:
            if start + left <= closes:
                return start + left
            left -= closes - start
        day += timedelta(days=1)
