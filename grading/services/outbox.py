"""What is to happen after an act: written in its transaction, carried out by a worker."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.models import Job, JobState, Person
from grading.services import audit

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


def post_new(
    session: Session, topic: str, jobs: Iterable[tuple[str, dict[str, Any]]], *, now: datetime
) -> None:
    """Ask for many jobs at once, (key, payload) each, whose keys nobody can have used before."""
    session.add_all(
        Job(topic=topic, key=key, payload=payload, run_at=now, created_at=now)
        for key, payload in jobs
    )


def retry(session: Session, actor: Person | None, job: Job, *, now: datetime) -> None:
    """Try a failed job again; raises `Refused` for any other."""
    if job.state != JobState.FAILED:
        raise Refused("The job is %(state)s, not failed.", state=job.state)
    job.state, job.run_at, job.attempts, job.ended_at = JobState.WAITING, now, 0, None
    audit.record(session, actor, "job:retry", job, now=now, after={"topic": job.topic})


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
