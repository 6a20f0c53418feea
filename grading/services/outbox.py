"""What is to happen after an act: written in its transaction, carried out by a worker."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import Job, Person

# When people are told what waits for them, in their own zone.
MORNING = time(8, 0)


def post(
    session: Session,
    topic: str,
    payload: dict[str, Any],
    *,
    key: str,
    now: datetime,
    run_at: datetime | None = None,
) -> Job:
    """Ask for a job once: a key that is known gives the job that has it."""
    job = session.scalar(select(Job).where(Job.key == key))
    if job is None:
        job = Job(topic=topic, key=key, payload=payload, run_at=run_at or now, created_at=now)
        session.add(job)
        session.flush()
    return job


def mail(
    session: Session,
    template: str,
    person_id: str,
    *,
    key: str,
    now: datetime,
    run_at: datetime | None = None,
    **context: Any,
) -> None:
    """Ask for one mail to one person; ``context`` goes into the template ``mail/NAME.txt``."""
    post(
        session,
        "mail",
        {"template": template, "person": person_id, "context": context},
        key=f"mail:{key}",
        now=now,
        run_at=run_at,
    )


def needs(session: Session, person: Person, *, now: datetime) -> None:
    """Have a person told what waits for them: one mail a day, in their morning, of all that waits then.

    Asking again the same day asks for the same mail. When it is written and nothing waits any more,
    none is sent.
    """
    zone = ZoneInfo(person.time_zone) if person.time_zone else ZoneInfo("UTC")
    local = now.astimezone(zone)
    day = local.date() if local.hour < MORNING.hour else local.date() + timedelta(days=1)
    at = datetime.combine(day, MORNING, tzinfo=zone).astimezone(UTC)
    post(
        session,
        "mail",
        {"template": "digest", "person": person.id, "context": {}},
        key=f"mail:digest:{person.id}:{day.isoformat()}",
        now=now,
        run_at=at,
    )
