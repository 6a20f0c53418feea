"""What the clock demands of a cohort; each step is safe to repeat and does one batch of work.

A step takes ``(session, cohort, run)`` and says how much it did; a caller runs it, each time in a
transaction of its own, until it says 0.
"""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from grading.cohorts import departures
from grading.cohorts.queries import calendars
from grading.disputes import appeals, replacements
from grading.ledger.transitions import move
from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    MisconductCase,
    Person,
    Submission,
    SubmissionMember,
)
from grading.office import reminders
from grading.office.upkeep_run import BATCH, UpkeepRun
from grading.readings import absences, allocations, clearing, holds, monitoring, reviews
from grading.readings.queries import standings
from grading.scores import adjusting, routing, settling, statistics
from grading.workflow.allocation import (
    ATTEMPTED,
    HELD,
    OUTSTANDING,
    THIRD_READINGS,
    AllocationState,
    Pool,
)
from grading.workflow.appeal import AppealState
from grading.workflow.cohort import CohortState
from grading.workflow.group import GIVE_TIME
from grading.workflow.misconduct import MisconductState
from grading.workflow.submission import SubmissionState

# Charts are of every sheet there is, so they are not drawn anew for each.
LOOK_EVERY = timedelta(hours=1)


UpkeepStep = Callable[[Session, Cohort, UpkeepRun], int]


def allocate_when_due(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Do the batch at the deadline."""
    if cohort.allocated_at is not None or run.now < cohort.due_at:
        return 0
    allocations.allocate(session, cohort, seed=run.seed, now=run.now)
    return 1


def lapse_holds(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """End holds that ran out, and what people hold who left the cohort."""
    # What the batch gave a grader has no hold; whoever did not begin it by the end gives it up.
    unbegun: list[ColumnElement[bool]] = []
    if run.now >= cohort.grading_due_at:
        unbegun.append(
            and_(
                Allocation.pool == Pool.PROFESSIONAL,
                Allocation.state == AllocationState.ALLOCATED,
                Allocation.hold_until.is_(None),
            )
        )
    return run.each(
        session,
        select(Allocation).where(
            Allocation.cohort_id == cohort.id,
            Allocation.state.in_(HELD),
            or_(Allocation.hold_until < run.now, departures.holder_has_left(), *unbegun),
        ),
        Allocation.id,
        lambda allocation: holds.lapse(session, allocation, now=run.now),
    )


def call_back(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Cancel what is still to be read of works taken back and not submitted again by the end."""
    if run.now < cohort.closes_at:
        return 0
    return run.each(
        session,
        select(Allocation)
        .join(Submission, Submission.id == Allocation.submission_id)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.state.in_((AllocationState.OPEN, *HELD)),
            Submission.state == SubmissionState.DRAFT,
            Submission.due_at.is_(None),
            Submission.id.not_in(
                select(SubmissionMember.submission_id).where(
                    SubmissionMember.person_id.in_(
                        calendars.still_extended(session, cohort, cohort.closes_at, run.now)
                    ),
                    SubmissionMember.state.in_(GIVE_TIME),
                )
            ),
        ),
        Allocation.id,
        lambda allocation: move(
            session, allocation, "cancel", actor=None, now=run.now, ended_at=run.now
        ),
    )


def seal_finished(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Seal sheets whose undo has run out."""
    return run.each(
        session,
        select(Allocation)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.state == AllocationState.FINISHED,
            Allocation.undo_until < run.now,
        )
        .order_by(Allocation.finished_at, Allocation.id),
        Allocation.id,
        lambda allocation: reviews.seal(session, allocation, now=run.now),
    )


def close_peer_reviews(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """End peer reviews at their deadline. A work short of peers becomes a professional's.

    A finished review whose undo still runs is left to be sealed.
    """
    if run.now < cohort.peers_due_at:
        return 0

    def close(allocation: Allocation) -> None:
        if allocation.state != AllocationState.LAPSED:
            holds.lapse(session, allocation, now=run.now)
        allocation.covers_until = run.now

    closed = run.each(
        session,
        select(Allocation).where(
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PEER,
            Allocation.purpose.not_in(ATTEMPTED),
            Allocation.rater_id.not_in(
                calendars.still_extended(session, cohort, cohort.peers_due_at, run.now)
            ),
            or_(
                Allocation.state.in_(HELD),
                and_(
                    Allocation.state == AllocationState.LAPSED,
                    Allocation.covers_until > run.now,
                ),
            ),
        ),
        Allocation.id,
        close,
    )
    return closed or replacements.missing_peers(session, cohort, now=run.now)


def repair(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Give late submitters their readers, and replace what was declined or lapsed."""
    if cohort.allocated_at is None:
        return 0
    rng = np.random.default_rng(run.seed)
    late = session.scalars(
        select(Submission)
        .join(Person, Person.id == Submission.learner_id)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.state == SubmissionState.SUBMITTED,
            Submission.allocated_at.is_(None),
        )
        .order_by(Person.email)
        .limit(BATCH)
    ).all()
    if late:
        allocations.want_late(session, late, cohort, rng, seed=run.seed, now=run.now)
        return len(late)
    return replacements.lost_readers(session, cohort, rng, now=run.now)


def settle(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Settle works that no reading is outstanding for."""
    waiting = (
        select(Allocation.id)
        .where(
            Allocation.submission_id == Submission.id,
            or_(Allocation.state.in_(OUTSTANDING), settling.covering_lapse(run.now)),
        )
        .correlate(Submission)
        .exists()
    )
    sealed = (
        select(func.count())
        .select_from(Allocation)
        .where(
            Allocation.submission_id == Submission.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.purpose.not_in(THIRD_READINGS),
            Allocation.state == AllocationState.SEALED,
        )
        .correlate(Submission)
        .scalar_subquery()
    )
    return run.each(
        session,
        select(Submission)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.state.in_((SubmissionState.BEGUN, SubmissionState.DISCREPANT)),
            ~waiting,
            sealed >= Submission.professionals_wanted,
        )
        .order_by(Submission.submitted_at, Submission.id),
        Submission.id,
        lambda submission: settling.settle(session, submission, now=run.now),
    )


def pass_on_absent(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Give on what graders who are away have not begun."""
    away = calendars.absent(session, cohort, run.now)
    if not away:
        return 0
    items = absences.unbegun_of_absent(session, cohort, list(away), limit=BATCH)
    for item in items:
        assert item.rater_id is not None
        absences.pass_on(session, item, away[item.rater_id], now=run.now)
    return len(items)


def answer_appeals(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Bring appeals to whoever decides them, once the re-mark is sealed."""
    return run.each(
        session,
        select(Appeal)
        .join(Allocation, Allocation.id == Appeal.allocation_id)
        .where(
            Appeal.cohort_id == cohort.id,
            Appeal.state == AppealState.OPEN,
            Allocation.state == AllocationState.SEALED,
        ),
        Appeal.id,
        lambda appeal: appeals.note_remark(session, appeal, now=run.now),
    )


def close_hearings(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Go on with cases whose learner let the day to answer pass."""
    return run.each(
        session,
        select(MisconductCase).where(
            MisconductCase.cohort_id == cohort.id,
            MisconductCase.state == MisconductState.HEARING,
            MisconductCase.answer_by < run.now,
        ),
        MisconductCase.id,
        lambda case: move(session, case, "close_hearing", actor=None, now=run.now),
    )


def expire_standings(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Let standings end, and give on what their raters have not begun."""
    return clearing.expire(session, cohort, now=run.now)


def pass_on_uncleared(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Give on what graders who are paused, or not cleared any more, have not begun."""

    def give_on(allocation: Allocation) -> None:
        holds.lapse(session, allocation, now=run.now)
        allocation.covers_until = run.now

    return run.each(
        session,
        select(Allocation).where(
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state == AllocationState.ALLOCATED,
            Allocation.purpose.not_in(ATTEMPTED),
            ~standings.may_grade(Allocation.rater_id, cohort, run.now),
        ),
        Allocation.id,
        give_on,
    )


def look_after_raters(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Chart the professionals when something was sealed since the last look."""
    sealed = session.scalar(
        select(func.max(Allocation.sealed_at)).where(
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PROFESSIONAL,
        )
    )
    last = cohort.looked_at
    # A look that lies ahead was made by a clock that was wrong.
    if sealed is None or (
        last and last <= run.now and (sealed <= last or run.now < last + LOOK_EVERY)
    ):
        return 0
    cohort.looked_at = run.now
    return len(monitoring.look(session, cohort, now=run.now))


def route(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Send further readings where they prevent most wrong decisions."""
    return routing.route(session, cohort, now=run.now)


def confirm_groups(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Let groups' works be read that no member can object to any more."""
    return run.each(
        session,
        select(Submission)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.state == SubmissionState.CONTESTABLE,
            Submission.objections_until <= run.now,
        )
        .with_for_update(key_share=True, skip_locked=True),
        Submission.id,
        lambda submission: move(session, submission, "confirm", actor=None, now=run.now),
    )


def adjust(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Adjust scores for who read, where the plan asks for it and all readings are in."""
    if not adjusting.due(session, cohort, now=run.now):
        return 0
    return 1 + adjusting.adjust(session, None, cohort, now=run.now).works


def keep_statistics(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Ask a worker for the statistics that pages show, when ratings changed."""
    return statistics.keep_up(session, cohort, now=run.now)


STEPS: tuple[UpkeepStep, ...] = (
    confirm_groups,
    allocate_when_due,
    lapse_holds,
    call_back,
    expire_standings,
    pass_on_absent,
    pass_on_uncleared,
    seal_finished,
    answer_appeals,
    close_hearings,
    close_peer_reviews,
    repair,
    settle,
    look_after_raters,
    route,
    adjust,
    repair,
    keep_statistics,
    reminders.remind,
)


def perform(session: Session, cohort_id: str, step: UpkeepStep, run: UpkeepRun) -> int:
    """Do one step for a cohort, if nobody else is at it: two workers take turns by the cohort's row."""
    cohort = session.get_one(Cohort, cohort_id, with_for_update={"key_share": True})
    if cohort.state != CohortState.OPEN:
        return 0
    return step(session, cohort, run)
