"""What is to happen after an act: written in its transaction, carried out by a worker."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import Job


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
