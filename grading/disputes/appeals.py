"""Appeals: a result is read again, blind, by somebody fresh, and decided with a reason."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.authorization.predicates import has_own_interest
from grading.cohorts.anonymity import naming_faults
from grading.cohorts.queries import group_members
from grading.disputes.queries import dispute_queue
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Appeal,
    Cohort,
    Grade,
    Person,
    Submission,
)
from grading.readings import allocations
from grading.releases import grades
from grading.releases.queries import candidates
from grading.scores import adjusting
from grading.workflow import deadlines
from grading.workflow.allocation import MACHINE as ITEM_MACHINE
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.appeal import PENDING, AppealState
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import working_days_after
from grading.workflow.submission import SubmissionState

SHORTEST_REASON, LONGEST_REASON = 20, 5_000


def appeal_window(cohort: Cohort, grade: Grade) -> tuple[datetime, datetime]:
    """Say from when until when a released result can be appealed."""
    return deadlines.appeal_window(grade.released_at, cohort.plan, cohort.zone)


def tokens_left(session: Session, cohort: Cohort, learner_id: str) -> int:
    """Count the appeals a learner still has: one that is upheld or withdrawn gives its token back."""
    spent = session.scalar(
        select(func.count())
        .select_from(Appeal)
        .where(
            Appeal.cohort_id == cohort.id,
            Appeal.learner_id == learner_id,
            Appeal.state.not_in((AppealState.UPHELD, AppealState.WITHDRAWN)),
        )
    )
    return max(cohort.plan.appeal_tokens - (spent or 0), 0)


def pending_appeal(session: Session, submission: Submission) -> Appeal | None:
    """Find the appeal of a work that is not decided yet."""
    return session.scalar(
        select(Appeal).where(Appeal.submission_id == submission.id, Appeal.state.in_(PENDING))
    )


def text_faults(where: str, text: str, *writers: Person) -> list[Fault]:
    """Say what is wrong with what learners and a reader write to each other, who must not be known."""
    text = text.strip()
    if len(text) < SHORTEST_REASON:
        return [
            Fault(
                where,
                "Say what you mean in at least %(n)s characters: only your words arrive.",
                {"n": SHORTEST_REASON},
            )
        ]
    if len(text) > LONGEST_REASON:
        return [Fault(where, "Use at most %(n)s characters.", {"n": LONGEST_REASON})]
    return naming_faults(where, text, *writers)


def criteria_faults(submission: Submission, criteria: list[str]) -> list[Fault]:
    """Say whether criteria of the work's own rubric are chosen."""
    known = {criterion.code for criterion in submission.cohort.rubric_version.rubric.criteria}
    if not criteria or not set(criteria) <= known:
        return [Fault("criteria", "Choose the criteria you mean.")]
    return []


def lodge_appeal(
    session: Session,
    learner: Person,
    submission: Submission,
    *,
    criteria: list[str],
    reason: str,
    now: datetime,
) -> Appeal:
    """Appeal a released result; a fresh reader is called at once.

    Raises
    ------
    FaultsFound
        No criterion chosen, or a reason that is too short, too long or names somebody.
    Refused
        Not theirs, not released, taken away by a case, outside the window, no token left, or one is
        pending.
    """
    if not group_members.has(session, submission, learner.id):
        raise NotFound("There is no such project.")
    take_turns(session, learner)
    cohort = submission.cohort
    grade = grades.grade_in_force(session, submission, learner.id)
    if submission.state != SubmissionState.RELEASED or grade is None:
        raise Refused("There is no result yet.")
    if cohort.state != CohortState.OPEN:
        raise Refused("The cohort has ended.")
    if dispute_queue.upheld_case(session, submission) is not None:
        raise Refused("This result does not count any more, so it cannot be appealed.")
    if pending_appeal(session, submission) is not None:
        raise Refused("An appeal of this result is being looked at.")
    opens, ends = appeal_window(cohort, grade)
    if now < opens:
        raise Refused(
            "You can appeal from %(hours)g hours after the result on.",
            hours=cohort.plan.appeal_wait_hours,
        )
    if now > ends:
        raise Refused("The time to appeal is over.")
    if not tokens_left(session, cohort, learner.id):
        raise Refused("You have used your appeals. One that is upheld is given back.")
    faults = [
        *criteria_faults(submission, criteria),
        *text_faults("reason", reason, *group_members.people(session, submission)),
    ]
    if faults:
        raise FaultsFound(faults)
    appeal = Appeal(
        cohort_id=cohort.id,
        submission=submission,
        grade=grade,
        learner_id=learner.id,
        criteria=criteria,
        reason=reason.strip(),
        made_at=now,
        decide_by=working_days_after(now, cohort.plan.appeal_decide_days, cohort.zone),
    )
    audit.add(
        session,
        learner,
        "appeal:make",
        appeal,
        now=now,
        after={"submission": submission.id, "grade": grade.id, "criteria": criteria},
    )
    _call_reader(session, appeal, now)
    outbox.mail(
        session,
        "appeal_received",
        learner.id,
        key=f"appeal-made:{appeal.id}",
        now=now,
        appeal=appeal.id,
    )
    return appeal


def _call_reader(session: Session, appeal: Appeal, now: datetime) -> None:
    appeal.allocation = allocations.give(
        session,
        appeal.submission,
        None,
        Pool.PROFESSIONAL,
        Purpose.APPEAL,
        codes=allocations.BlindCodes(session, appeal.cohort_id),
        now=now,
    )


def call_reader_again(session: Session, appeal: Appeal, *, now: datetime) -> None:
    """Open the re-mark again that was handed back or left alone."""
    if appeal.allocation is not None:
        appeal.allocation.replaced = True
    _call_reader(session, appeal, now)


def _cancel_reading(session: Session, appeal: Appeal, actor: Person | None, now: datetime) -> None:
    item = appeal.allocation
    if item is not None and ITEM_MACHINE.allows(item.state, "cancel"):
        move(session, item, "cancel", actor=actor, now=now, ended_at=now)


def withdraw_appeal(session: Session, actor: Person, appeal: Appeal, *, now: datetime) -> None:
    """Take an appeal back before somebody has read the work again; the token is returned.

    Raises
    ------
    NotFound, IllegalTransition
    """
    take_turns(session, appeal)
    if appeal.learner_id != actor.id:
        raise NotFound("There is no such appeal.")
    move(session, appeal, "withdraw", actor=actor, now=now)
    _cancel_reading(session, appeal, actor, now)


def end_appeal_by_case(session: Session, appeal: Appeal, *, now: datetime) -> None:
    """End an appeal whose result a misconduct case took away."""
    move(session, appeal, "end", actor=None, now=now)
    _cancel_reading(session, appeal, None, now)


def note_remark(session: Session, appeal: Appeal, *, now: datetime) -> None:
    """Note that the re-mark is sealed, and compute what the readings amount to with it."""
    item = appeal.allocation
    if item is None or item.state != AllocationState.SEALED:
        raise Refused("The project has not been read again yet.")
    score = adjusting.rescore(session, appeal.submission, now=now)
    move(
        session,
        appeal,
        "remark",
        actor=item.rater,
        now=now,
        score_id=score.id,
        note={"composite": score.composite, "ratings": score.rating_ids},
    )
    if item.rater is not None:
        outbox.needs(session, item.rater, zone=item.cohort.zone, now=now)


def go_on_unblind(session: Session, actor: Person, appeal: Appeal, *, now: datetime) -> None:
    """Decide without a fresh reading, where nobody is left who could give one; it is marked so.

    Raises
    ------
    Refused
        Somebody may still read it, or has it.
    NotFound
        The actor gave one of the readings in question, or has a conflict of interest.
    """
    take_turns(session, appeal)
    item = appeal.allocation
    if item is None or item.state != AllocationState.OPEN:
        raise Refused("Somebody has this appeal to read.")
    if item.id not in {one.id for one in candidates.stranded_items(session, item.cohort)}:
        raise Refused("There are people left who have not read this project. One of them reads it.")
    if is_involved(session, actor, appeal):
        raise NotFound("There is no such appeal.")
    move(session, item, "cancel", actor=actor, now=now, ended_at=now)
    score = adjusting.rescore(session, appeal.submission, now=now)
    move(session, appeal, "remark", actor=actor, now=now, blind=False, score_id=score.id)


def is_involved(session: Session, actor: Person, appeal: Appeal) -> bool:
    """Whether somebody gave one of the readings in question, had a part in the work, or knows an author."""
    return (
        has_own_interest(session, actor.id, [appeal.submission_id])
        or dispute_queue.gave_reading(
            session, appeal.submission_id, actor.id, apart_from=appeal.allocation_id
        )
        or dispute_queue.is_conflicted(session, appeal.submission, actor.id)
    )
