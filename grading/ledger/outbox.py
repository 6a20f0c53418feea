"""What is to happen after an act: written in its transaction, carried out by a worker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from grading.batches import batches, scalars_in
from grading.errors import Refused
from grading.ledger import audit
from grading.ledger.turns import take_turns
from grading.models import Job, JobState, Person
from grading.models.codes import new_job_id
from grading.workflow.deadlines import instant, local_day, own_zone

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
) -> None:
    """Ask for a job once: where a key is known, that job is enough."""
    _ask(session, [_job(topic, payload, key, now, run_at)])


def _job(
    topic: str, payload: dict[str, Any], key: str, now: datetime, run_at: datetime | None = None
) -> dict[str, Any]:
    """Give the columns of a job."""
    return {
        "id": new_job_id(),
        "topic": topic,
        "key": key,
        "payload": payload,
        "run_at": run_at or now,
        "created_at": now,
    }


def _ask(session: Session, jobs: Iterable[dict[str, Any]]) -> None:
    """Write jobs but those whose key stands, or is written at this moment: two acts may ask for the same.

    In the order of their keys, so that two who ask for several wait the same way round.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Job).on_conflict_do_nothing(index_elements=[Job.key])
    session.flush()
    for batch in batches(sorted(jobs, key=itemgetter("key"))):
        session.execute(statement, batch)


def post_new(
    session: Session, topic: str, jobs: Iterable[tuple[str, dict[str, Any]]], *, now: datetime
) -> None:
    """Ask for many jobs at once, (key, payload) each, as `post` does for one."""
    _ask(session, (_job(topic, payload, key, now) for key, payload in jobs))


def retry(session: Session, actor: Person | None, job: Job, *, now: datetime) -> None:
    """Try a failed job again; raises `Refused` for any other."""
    take_turns(session, job)
    if job.state != JobState.FAILED:
        raise Refused("The job is %(state)s, not failed.", state=job.state)
    job.state, job.run_at, job.attempts, job.ended_at = JobState.WAITING, now, 0, None
    audit.record(session, actor, "job:retry", job, now=now, after={"topic": job.topic})


@dataclass(frozen=True)
class Backlog:
    """How many jobs are due and not begun, since when the oldest of them is, and how many failed."""

    due: int
    due_since: datetime | None
    failed: int


def backlog(session: Session, *, now: datetime) -> Backlog:
    """Count what waits for a worker, and what waits for somebody to look at it."""
    due = case((Job.state == JobState.WAITING, Job.run_at))
    counted = session.execute(
        select(
            func.count(due),
            func.min(due),
            func.count(case((Job.state == JobState.FAILED, Job.id))),
        ).where((Job.state == JobState.FAILED) | (Job.run_at <= now))
    ).one()
    return Backlog(*counted)


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
        letter(template, person_id, **context),
        key=f"mail:{key}",
        now=now,
        run_at=run_at,
    )


def letter(template: str, person_id: str, **context: Any) -> dict[str, Any]:
    """Give the payload of a mail's job."""
    return {"template": template, "person": person_id, "context": context}


def needs(session: Session, person: Person, *, zone: ZoneInfo, now: datetime) -> None:
    """Have a person told what waits for them: one mail a day, in their morning, of all that waits then.

    Asking again the same day asks for the same mail. When it is written and nothing waits any more,
    or they want no such mail, none is sent.
    """
    tell(session, [person], zone=zone, now=now)


def morning_of(person: Person, now: datetime, zone: ZoneInfo) -> datetime:
    """Give a person's next morning, aware, in their own zone; ``zone`` is for those who chose none."""
    own = own_zone(person.time_zone, zone)
    day = local_day(now, own)
    if now.astimezone(own).time() >= MORNING:
        day += timedelta(days=1)
    return instant(day, MORNING, own).astimezone(own)


def tell(
    session: Session,
    people: Sequence[Person],
    *,
    now: datetime,
    zone: ZoneInfo,
    most: int | None = None,
) -> int:
    """Have several people told what waits for them, as `needs` does.

    Parameters
    ----------
    zone : ZoneInfo
        For those who chose none.
    most : int, optional
        Ask for no more new mails than this now.

    Returns
    -------
    int
        How many mails are new.
    """
    wanted = {}
    for person in people:
        if person.active and person.digest:
            at = morning_of(person, now, zone)
            wanted[f"mail:digest:{person.id}:{at.date().isoformat()}"] = (person, at)
    for key in scalars_in(session, select(Job.key), Job.key, list(wanted)):
        del wanted[key]
    fresh = list(wanted.items())[:most]
    _ask(
        session,
        (
            _job(
                "mail",
                letter("digest", person.id, morning=at.isoformat(), zone=str(at.tzinfo)),
                key,
                now,
                at.astimezone(UTC),
            )
            for key, (person, at) in fresh
        ),
    )
    return len(fresh)
