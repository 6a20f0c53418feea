"""“Explain”: a question about a result, answered by somebody who read the work; the score stays."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from grading.authorization.predicates import has_own_interest
from grading.cohorts.queries import calendars, group_members
from grading.disputes import appeals
from grading.disputes.appeals import criteria_faults, text_faults
from grading.errors import FaultsFound, NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import Allocation, Explanation, Grade, Membership, Person, Submission
from grading.models.conditions import takes_part
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.appeal import ExplanationState
from grading.workflow.deadlines import working_days_after


def questions_of(session: Session, submission: Submission) -> list[Explanation]:
    """List a work's questions, oldest first."""
    return list(
        session.scalars(
            select(Explanation)
            .where(Explanation.submission_id == submission.id)
            .order_by(Explanation.asked_at)
        )
    )


def _owner(session: Session, submission: Submission) -> Person | None:
    """Choose the professional reader who has the fewest questions to answer and is still here."""
    waiting = aliased(Explanation)
    load = (
        select(func.count())
        .select_from(waiting)
        .where(waiting.owner_id == Person.id, waiting.state == ExplanationState.OPEN)
        .correlate(Person)
        .scalar_subquery()
    )
    here = (
        select(Membership.id)
        .where(
            takes_part(cohort_id=submission.cohort_id, person_id=Person.id),
        )
        .exists()
    )
    return session.scalar(
        select(Person)
        .join(Allocation, Allocation.rater_id == Person.id)
        .where(
            Allocation.submission_id == submission.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state == AllocationState.SEALED,
            here,
        )
        .order_by(load, Allocation.sealed_at, Allocation.id)
        .limit(1)
    )


def request_explanation(
    session: Session,
    learner: Person,
    submission: Submission,
    grade: Grade,
    *,
    criteria: list[str],
    question: str,
    now: datetime,
) -> Explanation:
    """Ask a reader of the work to say more; one question at a time.

    Raises
    ------
    FaultsFound
        No criterion, or a question that is too short, too long or names somebody.
    Refused
        A question is open, or the result is older than the time in which one can appeal.
    """
    if grade.person_id != learner.id or grade.submission_id != submission.id:
        raise NotFound("There is no such project.")
    take_turns(session, learner)
    cohort = submission.cohort
    if any(one.state == ExplanationState.OPEN for one in questions_of(session, submission)):
        raise Refused("Your question is being answered. You can ask another one after that.")
    _opens, ends = appeals.appeal_window(cohort, grade)
    if now > ends:
        raise Refused("The time to ask is over.")
    faults = [
        *criteria_faults(submission, criteria),
        *text_faults("reason", question, *group_members.people(session, submission)),
    ]
    if faults:
        raise FaultsFound(faults)
    owner = _owner(session, submission)
    explanation = Explanation(
        cohort_id=cohort.id,
        submission=submission,
        grade_id=grade.id,
        learner_id=learner.id,
        owner=owner,
        criteria=criteria,
        question=question.strip(),
        asked_at=now,
        answer_by=working_days_after(now, cohort.plan.explain_days, cohort.zone),
    )
    audit.add(
        session,
        learner,
        "explanation:ask",
        explanation,
        now=now,
        after={"submission": submission.id, "owner": owner.id if owner else None},
    )
    if owner is not None:
        outbox.needs(session, owner, zone=submission.cohort.zone, now=now)
    return explanation


def may_take_question(session: Session, explanation: Explanation, *, now: datetime) -> bool:
    """Whether a question waits for anybody who adjudicates.

    It has no owner, its day is over, or its owner has left or is away.
    """
    if explanation.owner_id is None or explanation.answer_by < now:
        return True
    if explanation.owner_id in calendars.absent(session, explanation.submission.cohort, now):
        return True
    here = session.scalar(
        select(Membership.id).where(
            takes_part(cohort_id=explanation.cohort_id, person_id=explanation.owner_id),
        )
    )
    return here is None


def answer_question(
    session: Session, actor: Person, explanation: Explanation, *, text: str, now: datetime
) -> None:
    """Answer a question; the learner is told, and reads who it was only as “Grader A”.

    Raises
    ------
    NotFound
        It is about the actor's own project.
    FaultsFound
        The answer is too short, or names who writes it.
    IllegalTransition
        It is answered already.
    """
    take_turns(session, explanation)
    if has_own_interest(session, actor.id, [explanation.submission.id]):
        raise NotFound("There is no such question.")
    if faults := text_faults("answer", text, actor):
        raise FaultsFound(faults)
    explanation.answer = text.strip()
    move(
        session,
        explanation,
        "answer",
        actor=actor,
        now=now,
        answered_at=now,
        answered_by_id=actor.id,
    )
    outbox.mail(
        session,
        "explanation_answered",
        explanation.learner_id,
        key=f"explanation:{explanation.id}",
        now=now,
        explanation=explanation.id,
    )


def withdraw_question(
    session: Session, learner: Person, explanation: Explanation, *, now: datetime
) -> None:
    """Take a question back."""
    take_turns(session, explanation)
    if explanation.learner_id != learner.id:
        raise NotFound("There is no such question.")
    move(session, explanation, "withdraw", actor=learner, now=now)
