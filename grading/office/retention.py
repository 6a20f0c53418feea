"""Retention: what a cohort's plan says is kept no longer, from the cohort's end on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, delete, func, or_, select, update
from sqlalchemy.orm import Session, selectinload

from grading.ledger import audit
from grading.models import (
    Allocation,
    AnchorPaper,
    Cohort,
    DoomedFile,
    IdentityCheck,
    Job,
    JobState,
    Membership,
    Rating,
    RetentionRun,
    Review,
    Submission,
    SubmissionFile,
    SubmittedCopy,
)
from grading.office.erasure import doom_files
from grading.office.queries.erasures import NO_FILE
from grading.workflow.calibration import AnchorState
from grading.workflow.plan import GradingPlan
from grading.workflow.privacy import Kept

BATCH = 200
# So many files that were removed from a draft can be put back.
MOST_REMOVED = 5
_FIELDS: Mapping[Kept, str] = {
    Kept.WORKS: "keep_works_days",
    Kept.WORDS: "keep_words_days",
    Kept.MAILS: "keep_mails_days",
    Kept.IDENTITY: "keep_identity_days",
}


@dataclass(frozen=True)
class Due:
    """One period of one cohort.

    Attributes
    ----------
    at : datetime
        When it is over.
    left : int
        How many records still hold what the period is about.
    applied_at : datetime or None
        When something was last taken away for it.
    """

    cohort: Cohort
    kind: Kept
    at: datetime
    left: int
    applied_at: datetime | None


def forget_removed(session: Session, submission: Submission, *, now: datetime) -> Sequence[str]:
    """Let go of files that were removed before the latest few, unless a handed-in copy names them.

    Returns
    -------
    sequence of str
        Keys in the store that wait to be deleted; the daily job deletes what is left of them.
    """
    handed_in = [file_id for copy in submission.copies for file_id in copy.files]
    removed = (
        select(SubmissionFile.id)
        .where(
            SubmissionFile.submission_id == submission.id,
            SubmissionFile.removed_at.is_not(None),
            SubmissionFile.id.not_in(handed_in),
        )
        .order_by(SubmissionFile.removed_at.desc(), SubmissionFile.position.desc())
        .offset(MOST_REMOVED)
    )
    gone = session.scalars(removed).all()
    if not gone:
        return []
    kept_by = select(SubmissionFile.id).where(SubmissionFile.id.in_(gone))
    doom_files(session, kept_by, now=now)
    session.execute(delete(SubmissionFile).where(SubmissionFile.id.in_(gone)))
    session.expire(submission, ["files"])
    return doomed(session)


def period(plan: GradingPlan, kind: Kept) -> timedelta:
    """Give how long a plan keeps something after the end of its cohort."""
    return timedelta(days=getattr(plan, _FIELDS[kind]))


def dues(session: Session) -> list[Due]:
    """List the periods of every cohort that has ended, soonest first; a fixed number of queries."""
    cohorts = session.scalars(
        select(Cohort)
        .options(selectinload(Cohort.plans), selectinload(Cohort.program))
        .where(Cohort.ended_at.is_not(None))
    ).all()
    runs = {
        (run.cohort_id, run.kind): run.applied_at for run in session.scalars(select(RetentionRun))
    }
    left = {kind: _left(session, kind) for kind in Kept}
    found = [
        Due(
            cohort,
            kind,
            cohort.ended_at + period(cohort.plan, kind),
            left[kind].get(cohort.id, 0),
            runs.get((cohort.id, kind)),
        )
        for cohort in cohorts
        if cohort.ended_at is not None
        for kind in Kept
    ]
    return sorted(found, key=lambda due: (due.at, due.cohort.name, due.kind))


def _holding(kind: Kept) -> ColumnElement[bool]:
    """Give the condition of the records that still hold something, joined to their cohort."""
    if kind is Kept.WORKS:
        used = AnchorPaper.state != AnchorState.WITHDRAWN
        return and_(
            or_(
                Submission.title != "",
                Submission.text != "",
                Submission.id.in_(
                    select(SubmissionFile.submission_id).where(SubmissionFile.key != NO_FILE)
                ),
            ),
            # Their learners let them train graders, and can take that back.
            Submission.id.not_in(select(AnchorPaper.source_id).where(used)),
            Submission.id.not_in(select(AnchorPaper.submission_id).where(used)),
        )
    if kind is Kept.WORDS:
        return or_(
            Allocation.id.in_(
                select(Review.allocation_id).where(
                    or_(Review.comment != "", func.length(cast(Review.comments, String)) > 2)
                )
            ),
            Allocation.id.in_(select(Rating.allocation_id).where(Rating.comment != "")),
        )
    if kind is Kept.MAILS:
        return and_(
            Job.topic.in_(("mail", "password_mail")),
            Job.state.in_((JobState.DONE, JobState.FAILED)),
            Job.created_at <= Cohort.ended_at,
            Job.payload["person"].as_string() == Membership.person_id,
        )
    return and_(IdentityCheck.submission_id == Submission.id, IdentityCheck.name != "")


def _left(session: Session, kind: Kept) -> dict[str, int]:
    """Count, by cohort that has ended, what is still held."""
    what: Any
    if kind is Kept.MAILS:
        statement = (
            select(Cohort.id, func.count(Job.id.distinct()))
            .join(Membership, Membership.cohort_id == Cohort.id)
            .join(Job, _holding(kind))
        )
    else:
        what = Allocation if kind is Kept.WORDS else Submission
        counted = IdentityCheck.id if kind is Kept.IDENTITY else what.id
        statement = select(Cohort.id, func.count(counted)).join(what, what.cohort_id == Cohort.id)
        if kind is Kept.IDENTITY:
            statement = statement.join(IdentityCheck, _holding(kind))
        else:
            statement = statement.where(_holding(kind))
    rows = session.execute(statement.where(Cohort.ended_at.is_not(None)).group_by(Cohort.id)).all()
    return dict(rows)


def due_now(session: Session, *, now: datetime) -> list[tuple[str, Kept]]:
    """List which cohort has which period over with something left to take away."""
    return [(due.cohort.id, due.kind) for due in dues(session) if due.at <= now and due.left]


def apply(session: Session, cohort_id: str, kind: Kept, *, now: datetime) -> int:
    """Take one batch away; 0 when nothing is left. Run again, it goes on.

    Returns
    -------
    int
        How many records lost what they held.
    """
    cohort = session.get_one(Cohort, cohort_id, with_for_update={"key_share": True})
    if cohort.ended_at is None or now < cohort.ended_at + period(cohort.plan, kind):
        return 0
    count = _TAKE[kind](session, cohort, now)
    if not count:
        return 0
    run = session.get(RetentionRun, (cohort_id, str(kind)))
    if run is None:
        run = RetentionRun(cohort_id=cohort_id, kind=kind, applied_at=now, count=0)
        session.add(run)
    run.count, run.applied_at = run.count + count, now
    audit.record(
        session, None, "retention:apply", cohort, now=now, after={"kind": kind, "count": count}
    )
    return count


def _take_works(session: Session, cohort: Cohort, now: datetime) -> int:
    works = session.scalars(
        select(Submission.id)
        .where(Submission.cohort_id == cohort.id, _holding(Kept.WORKS))
        .limit(BATCH)
    ).all()
    doom_files(
        session,
        select(SubmissionFile.id).where(SubmissionFile.submission_id.in_(works)),
        now=now,
    )
    nothing = {"title": "", "text": "", "links": []}
    session.execute(
        update(Submission)
        .where(Submission.id.in_(works))
        .values(**nothing, version=Submission.version + 1)
    )
    session.execute(
        update(SubmittedCopy).where(SubmittedCopy.submission_id.in_(works)).values(**nothing)
    )
    session.execute(
        update(SubmissionFile)
        .where(SubmissionFile.submission_id.in_(works))
        .values(name=NO_FILE, key=NO_FILE)
    )
    return len(works)


def _take_words(session: Session, cohort: Cohort, _now: datetime) -> int:
    sheets = session.scalars(
        select(Allocation.id)
        .where(Allocation.cohort_id == cohort.id, _holding(Kept.WORDS))
        .limit(BATCH)
    ).all()
    session.execute(
        update(Review)
        .where(Review.allocation_id.in_(sheets))
        .values(comments={}, comment="", version=Review.version + 1)
    )
    session.execute(update(Rating).where(Rating.allocation_id.in_(sheets)).values(comment=""))
    return len(sheets)


def _take_mails(session: Session, cohort: Cohort, _now: datetime) -> int:
    jobs: Sequence[str] = session.scalars(
        select(Job.id)
        .distinct()
        .join(Membership, Job.payload["person"].as_string() == Membership.person_id)
        .join(Cohort, Cohort.id == Membership.cohort_id)
        .where(Cohort.id == cohort.id, _holding(Kept.MAILS))
        .limit(BATCH)
    ).all()
    session.execute(
        delete(Job).where(Job.id.in_(jobs)).execution_options(synchronize_session=False)
    )
    return len(jobs)


def _take_identity(session: Session, cohort: Cohort, _now: datetime) -> int:
    checks = session.scalars(
        select(IdentityCheck.id)
        .join(Submission, _holding(Kept.IDENTITY))
        .where(Submission.cohort_id == cohort.id)
        .limit(BATCH)
    ).all()
    session.execute(update(IdentityCheck).where(IdentityCheck.id.in_(checks)).values(name=""))
    return len(checks)


_TAKE = {
    Kept.WORKS: _take_works,
    Kept.WORDS: _take_words,
    Kept.MAILS: _take_mails,
    Kept.IDENTITY: _take_identity,
}


def doomed(session: Session, *, most: int = BATCH) -> Sequence[str]:
    """List files that are to be deleted from the store."""
    return session.scalars(
        select(DoomedFile.key).order_by(DoomedFile.since, DoomedFile.key).limit(most)
    ).all()


def forget_doomed(session: Session, keys: Sequence[str]) -> None:
    """Note that files are deleted."""
    session.execute(delete(DoomedFile).where(DoomedFile.key.in_(keys)))
