"""Statistics kept for pages: computed by a worker when ratings changed, or when somebody asks."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.ledger import outbox
from grading.models import Allocation, Cohort, CohortStatistics, Job, JobState
from grading.models.statistics import KINDS
from grading.readings.queries.ratings import fingerprint
from grading.scores.queries import kept_statistics
from grading.scores.queries.agreement import ENOUGH
from grading.workflow.allocation import OF_ANCHORS, AllocationState

TOPIC = "statistics"
# Every sheet changes them a little; a page a few minutes old misleads nobody, and says how old it is.
EVERY = timedelta(minutes=10)


def compute(session: Session, cohort: Cohort, *, now: datetime) -> int:
    """Compute what is older than the ratings, and keep it; says how many kinds were."""
    state = fingerprint(session, cohort)
    kept = kept_statistics.kept(session, cohort)
    done = 0
    for kind in KINDS:
        record = kept.get(kind)
        if record is not None and record.fingerprint == state:
            continue
        result = kept_statistics.BUILDERS[kind](session, cohort)
        if record is None:
            record = CohortStatistics(cohort_id=cohort.id, kind=kind)
            session.add(record)
        record.result, record.fingerprint, record.computed_at = result, state, now
        done += 1
    return done


def ask(session: Session, cohort: Cohort, *, now: datetime, again: bool = True) -> bool:
    """Ask a worker to compute what is older than the ratings; says whether anything was asked.

    With ``again`` also what has failed before.
    """
    state = fingerprint(session, cohort)
    kept = kept_statistics.kept(session, cohort)
    if all(kind in kept and kept[kind].fingerprint == state for kind in KINDS):
        return False
    key = f"{TOPIC}:{cohort.id}:{state}"
    job = session.scalar(select(Job).where(Job.key == key))
    if job is not None and (job.state == JobState.DONE or (again and job.state == JobState.FAILED)):
        # The same state of the ratings as once before: what was computed since has replaced it.
        job.state, job.run_at, job.attempts, job.ended_at = JobState.WAITING, now, 0, None
        return True
    outbox.post(session, TOPIC, {"cohort": cohort.id}, key=key, now=now)
    return job is None


def asked(session: Session, cohort: Cohort) -> bool:
    """Whether a worker is to compute them, or does."""
    return (
        session.scalar(
            select(Job.id)
            .where(
                Job.topic == TOPIC,
                Job.key.startswith(f"{TOPIC}:{cohort.id}:"),
                Job.state.not_in((JobState.DONE, JobState.FAILED)),
            )
            .limit(1)
        )
        is not None
    )


def keep_up(session: Session, cohort: Cohort, *, now: datetime) -> int:
    """Ask for them when a sheet was sealed since, at most every ten minutes, once there is enough to show."""
    sealed, works = session.execute(
        select(
            func.max(Allocation.sealed_at), func.count(Allocation.submission_id.distinct())
        ).where(
            Allocation.cohort_id == cohort.id,
            Allocation.state == AllocationState.SEALED,
            Allocation.purpose.not_in(OF_ANCHORS),
        )
    ).one()
    if sealed is None or works < ENOUGH:
        return 0
    last = session.scalar(
        select(func.max(CohortStatistics.computed_at)).where(
            CohortStatistics.cohort_id == cohort.id
        )
    )
    if last is not None and now < last + EVERY:
        return 0
    if asked(session, cohort):
        return 0
    return int(ask(session, cohort, now=now, again=False))
