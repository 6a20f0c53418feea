"""Appeals: a result is read again, blind, by somebody fresh, and decided with a reason."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    Exposure,
    Grade,
    Person,
    Score,
    StruckReading,
    Submission,
)
from grading.queries import members, releasing
from grading.services import allocations, audit, outbox, releases, settling
from grading.services.anonymity import naming_faults
from grading.services.transitions import move
from grading.workflow.allocation import MACHINE as ITEM_MACHINE
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.appeal import PENDING, AppealState
from grading.workflow.deadlines import working_days_after
from grading.workflow.submission import SubmissionState

SHORTEST_REASON, LONGEST_REASON = 20, 5_000


def window(cohort: Cohort, grade: Grade) -> tuple[datetime, datetime]:
    """Say from when until when a released result can be appealed."""
    plan = cohort.plan
    return (
        grade.released_at + timedelta(hours=plan.appeal_wait_hours),
        grade.released_at + timedelta(days=plan.appeal_days),
    )


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


def pending(session: Session, submission: Submission) -> Appeal | None:
    """Find the appeal of a work that is not decided yet."""
    return session.scalar(
        select(Appeal).where(Appeal.submission_id == submission.id, Appeal.state.in_(PENDING))
    )


def text_faults(where: str, text: str, *learners: Person) -> list[Fault]:
    """Say what is wrong with what a learner wrote to a reader who must not know them."""
    text = text.strip()
    if len(text) < SHORTEST_REASON:
        return [
            Fault(
                where,
                "Say what you mean in at least %(n)s characters: the reader has only your words.",
                {"n": SHORTEST_REASON},
            )
        ]
    if len(text) > LONGEST_REASON:
        return [Fault(where, "Use at most %(n)s characters.", {"n": LONGEST_REASON})]
    return naming_faults(where, text, *learners)


def criteria_faults(submission: Submission, criteria: list[str]) -> list[Fault]:
    known = {criterion.code for criterion in submission.cohort.rubric_version.rubric.criteria}
    if not criteria or not set(criteria) <= known:
        return [Fault("criteria", "Choose the criteria you mean.")]
    return []


def make(
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
        Not theirs, not released, outside the window, no token left, or one is pending.
    """
    if not members.has(session, submission, learner.id):
        raise NotFound("There is no such project.")
    cohort = submission.cohort
    grade = _grade(session, submission, learner.id)
    if submission.state != SubmissionState.RELEASED or grade is None:
        raise Refused("There is no result yet.")
    if pending(session, submission) is not None:
        raise Refused("Your appeal is being looked at.")
    opens, ends = window(cohort, grade)
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
        *text_faults("reason", reason, *members.people(session, submission)),
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
    session.add(appeal)
    session.flush()
    audit.record(
        session,
        learner,
        "appeal:make",
        appeal,
        now=now,
        after={"submission": submission.id, "grade": grade.id, "criteria": criteria},
    )
    _call_reader(session, appeal, now)
    return appeal


def _grade(session: Session, submission: Submission, person_id: str) -> Grade | None:
    return session.scalar(
        select(Grade)
        .where(Grade.submission_id == submission.id, Grade.person_id == person_id)
        .order_by(Grade.number.desc())
        .limit(1)
    )


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


def call_again(session: Session, appeal: Appeal, *, now: datetime) -> None:
    """Open the re-mark again that was handed back or left alone."""
    if appeal.allocation is not None:
        appeal.allocation.replaced = True
    _call_reader(session, appeal, now)


def _cancel_reading(session: Session, appeal: Appeal, actor: Person | None, now: datetime) -> None:
    item = appeal.allocation
    if item is not None and ITEM_MACHINE.allows(item.state, "cancel"):
        move(session, item, "cancel", actor=actor, now=now, ended_at=now)


def withdraw(session: Session, actor: Person, appeal: Appeal, *, now: datetime) -> None:
    """Take an appeal back before somebody has read the work again; the token is returned.

    Raises
    ------
    NotFound, IllegalTransition
    """
    if appeal.learner_id != actor.id:
        raise NotFound("There is no such appeal.")
    move(session, appeal, "withdraw", actor=actor, now=now)
    _cancel_reading(session, appeal, actor, now)


def end_by_case(session: Session, appeal: Appeal, *, now: datetime) -> None:
    """End an appeal whose result a misconduct case took away."""
    move(session, appeal, "end", actor=None, now=now)
    _cancel_reading(session, appeal, None, now)


def remark(session: Session, appeal: Appeal, *, now: datetime) -> None:
    """Note that the re-mark is sealed, and compute what the readings amount to with it."""
    item = appeal.allocation
    if item is None or item.state != AllocationState.SEALED:
        raise Refused("The project has not been read again yet.")
    score = settling.rescore(session, appeal.submission, now=now)
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
        outbox.needs(session, item.rater, now=now)


def go_on_unblind(session: Session, actor: Person, appeal: Appeal, *, now: datetime) -> None:
    """Decide without a fresh reading, where nobody is left who could give one; it is marked so.

    Raises
    ------
    Refused
        Somebody may still read it, or has it.
    """
    item = appeal.allocation
    if item is None or item.state != AllocationState.OPEN:
        raise Refused("Somebody has this appeal to read.")
    if item.id not in {one.id for one in releasing.stranded_items(session, item.cohort)}:
        raise Refused("There are people left who have not read this project. One of them reads it.")
    _not_involved(session, actor, appeal)
    move(session, item, "cancel", actor=actor, now=now, ended_at=now)
    score = settling.rescore(session, appeal.submission, now=now)
    move(session, appeal, "remark", actor=actor, now=now, blind=False, score_id=score.id)


def _not_involved(session: Session, actor: Person, appeal: Appeal) -> None:
    """Whoever gave one of the readings in question does not decide on it."""
    if members.took_part(session, appeal.submission, actor.id):
        raise NotFound("There is no such appeal.")
    if appeal.blind is False:
        return
    gave = session.scalar(
        select(Allocation.id).where(
            Allocation.submission_id == appeal.submission_id,
            Allocation.rater_id == actor.id,
            Allocation.id != appeal.allocation_id,
            Allocation.state == AllocationState.SEALED,
        )
    )
    if gave is not None:
        raise NotFound("There is no such appeal.")


def may_decide(session: Session, actor: Person, appeal: Appeal) -> bool:
    """Whether a person decides this appeal: who gave the re-mark, or, not blind, who took it on."""
    if appeal.state != AppealState.REMARKED:
        return False
    if appeal.blind:
        return appeal.allocation is not None and appeal.allocation.rater_id == actor.id
    return not members.took_part(session, appeal.submission, actor.id)


def strike(
    session: Session,
    actor: Person,
    appeal: Appeal,
    reading: Allocation,
    *,
    fault: str,
    now: datetime,
) -> None:
    """Let a reading no longer count, for a recorded fault; its sheet and ratings stay.

    Raises
    ------
    Refused
        Not to be decided by this person, no fault given, or no other reading would be left.
    """
    if not may_decide(session, actor, appeal):
        raise Refused("This appeal is not yours to decide.")
    if reading.submission_id != appeal.submission_id or reading.state != AllocationState.SEALED:
        raise NotFound("There is no such reading.")
    if reading.id == appeal.allocation_id:
        raise Refused("Your own reading stays.")
    if not fault.strip():
        raise FaultsFound([Fault("fault", "Say what was wrong with the reading.")])
    if session.get(StruckReading, reading.id) is not None:
        return
    session.add(
        StruckReading(allocation_id=reading.id, fault=fault.strip(), by_id=actor.id, at=now)
    )
    session.flush()
    score = settling.rescore(session, appeal.submission, now=now)
    appeal.score_id = score.id
    audit.record(
        session,
        actor,
        "item:strike",
        reading,
        now=now,
        after={"appeal": appeal.id, "score": score.id, "composite": score.composite},
        reason=fault.strip(),
    )


def siblings(session: Session, reading: Allocation) -> list[Allocation]:
    """List the other sealed readings of a struck reading's rater in the cohort: look at these too."""
    return list(
        session.scalars(
            select(Allocation)
            .where(
                Allocation.cohort_id == reading.cohort_id,
                Allocation.rater_id == reading.rater_id,
                Allocation.pool == reading.pool,
                Allocation.state == AllocationState.SEALED,
                Allocation.id != reading.id,
            )
            .order_by(Allocation.sealed_at, Allocation.id)
            .limit(200)
        )
    )


def decide(
    session: Session, actor: Person, appeal: Appeal, *, answer: str, now: datetime
) -> Grade | None:
    """Decide by what the readings amount to now, with a reason the learner reads.

    The released value moves when the rounded result is higher (or lower, where the plan lets an appeal
    lower it); otherwise it stays. Old grade, re-mark and score are kept either way.

    Returns
    -------
    Grade or None
        The appellant's grade that replaces the old one; None where it stays.

    Raises
    ------
    Refused
        The appeal is not this person's to decide.
    FaultsFound
        No reason.
    """
    if not may_decide(session, actor, appeal):
        raise Refused("This appeal is not yours to decide.")
    if len(answer.strip()) < SHORTEST_REASON:
        raise FaultsFound(
            [
                Fault(
                    "answer",
                    "Give the learner a reason of at least %(n)s characters.",
                    {"n": SHORTEST_REASON},
                )
            ]
        )
    score = session.get_one(Score, appeal.score_id)
    grade = _grade(session, appeal.submission, appeal.learner_id)
    assert grade is not None
    value, _band = releases.on_plan_scale(session, appeal.submission, score, appeal.learner_id)
    higher = value > float(grade.value)
    lower = value < float(grade.value) and appeal.submission.cohort.plan.appeal_may_lower
    upheld = higher or lower
    # What people write to each other is kept with the appeal; the chain outlives the right to forget.
    appeal.answer = answer.strip()
    move(
        session,
        appeal,
        "uphold" if upheld else "dismiss",
        actor=actor,
        now=now,
        decided_by_id=actor.id,
        decided_at=now,
        note={"value": value, "before": grade.value},
    )
    _expose(session, actor, appeal, now)
    amended = None
    if upheld:
        # What is found for one member is found for the work of all.
        for changed in releases.amend_all(
            session,
            appeal.submission,
            score,
            why="appeal",
            may_lower=appeal.submission.cohort.plan.appeal_may_lower,
            actor=actor,
            now=now,
        ):
            if changed.person_id == appeal.learner_id:
                appeal.amended = amended = changed
    else:
        outbox.mail(
            session,
            "appeal_decided",
            appeal.learner_id,
            key=f"appeal:{appeal.id}",
            now=now,
            cohort=appeal.cohort_id,
        )
    return amended


def _expose(session: Session, actor: Person, appeal: Appeal, now: datetime) -> None:
    if session.get(Exposure, (appeal.submission_id, actor.id)) is None:
        session.add(Exposure(submission_id=appeal.submission_id, person_id=actor.id, at=now))
