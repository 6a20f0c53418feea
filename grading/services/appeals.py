"""Appeals: a result is read again, blind, by somebody fresh, and decided with a reason."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased, selectinload

from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.measurement.resolution import composite_of
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
from grading.queries import disputes, members, releasing
from grading.queries.ratings import scales
from grading.services import (
    adjusting,
    allocations,
    audit,
    grades,
    outbox,
    results,
)
from grading.services.anonymity import naming_faults
from grading.services.transitions import move
from grading.workflow.allocation import MACHINE as ITEM_MACHINE
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.appeal import PENDING, AppealState
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import end_of_day, working_days_after
from grading.workflow.submission import SubmissionState

SHORTEST_REASON, LONGEST_REASON = 20, 5_000


def window(cohort: Cohort, grade: Grade) -> tuple[datetime, datetime]:
    """Say from when until when a released result can be appealed: to the end of the last day."""
    plan = cohort.plan
    return (
        grade.released_at + timedelta(hours=plan.appeal_wait_hours),
        end_of_day(grade.released_at, plan.appeal_days, cohort.zone),
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


def one_at_a_time(session: Session, learner: Person) -> None:
    """Let what one learner asks for take turns, so that two tabs cannot ask twice."""
    session.execute(
        select(Person.id).where(Person.id == learner.id).with_for_update(key_share=True)
    )


def in_turn(session: Session, appeal: Appeal) -> None:
    """Wait for whoever decides at the same moment, and then see what they decided."""
    session.flush()
    session.refresh(appeal, with_for_update={"key_share": True})


def pending(session: Session, submission: Submission) -> Appeal | None:
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
        Not theirs, not released, taken away by a case, outside the window, no token left, or one is
        pending.
    """
    if not members.has(session, submission, learner.id):
        raise NotFound("There is no such project.")
    one_at_a_time(session, learner)
    cohort = submission.cohort
    grade = _grade(session, submission, learner.id)
    if submission.state != SubmissionState.RELEASED or grade is None:
        raise Refused("There is no result yet.")
    if cohort.state != CohortState.OPEN:
        raise Refused("The cohort has ended.")
    if disputes.upheld_case(session, submission) is not None:
        raise Refused("This result does not count any more, so it cannot be appealed.")
    if pending(session, submission) is not None:
        raise Refused("An appeal of this result is being looked at.")
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
    outbox.mail(
        session,
        "appeal_received",
        learner.id,
        key=f"appeal-made:{appeal.id}",
        now=now,
        appeal=appeal.id,
    )
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
        outbox.needs(session, item.rater, now=now)


def go_on_unblind(session: Session, actor: Person, appeal: Appeal, *, now: datetime) -> None:
    """Decide without a fresh reading, where nobody is left who could give one; it is marked so.

    Raises
    ------
    Refused
        Somebody may still read it, or has it.
    NotFound
        The actor gave one of the readings in question, or has a conflict of interest.
    """
    item = appeal.allocation
    if item is None or item.state != AllocationState.OPEN:
        raise Refused("Somebody has this appeal to read.")
    if item.id not in {one.id for one in releasing.stranded_items(session, item.cohort)}:
        raise Refused("There are people left who have not read this project. One of them reads it.")
    if _involved(session, actor, appeal):
        raise NotFound("There is no such appeal.")
    move(session, item, "cancel", actor=actor, now=now, ended_at=now)
    score = adjusting.rescore(session, appeal.submission, now=now)
    move(session, appeal, "remark", actor=actor, now=now, blind=False, score_id=score.id)


def _involved(session: Session, actor: Person, appeal: Appeal) -> bool:
    """Whether somebody gave one of the readings in question, or must not meet one of its learners."""
    return disputes.gave_reading(
        session, appeal.submission_id, actor.id, apart_from=appeal.allocation_id
    ) or disputes.conflicted(session, appeal.submission, actor.id)


def may_decide(session: Session, actor: Person, appeal: Appeal, *, now: datetime) -> bool:
    """Whether a person decides this appeal.

    Whoever gave the re-mark does; where there is none, or its reader let the day to decide pass, anybody
    who gave none of the readings in question. Pages ask these others for their permission.
    """
    if appeal.state != AppealState.REMARKED:
        return False
    if members.took_part(session, appeal.submission, actor.id):
        return False
        return False
    if is_remarker(appeal, actor):
        return True
    if appeal.blind and now <= appeal.decide_by:
        return False
    return not _involved(session, actor, appeal)


def is_remarker(appeal: Appeal, person: Person) -> bool:
    """Whether a person read the project again for this appeal."""
    return (
        appeal.blind
        and appeal.allocation is not None
        and appeal.allocation.rater_id == person.id
        and appeal.allocation.state == AllocationState.SEALED
    )


def strike(
    session: Session,
    actor: Person,
    appeal: Appeal,
    reading: Allocation,
    *,
    fault: str,
    criteria: list[str],
    now: datetime,
) -> None:
    """Let a reading no longer count, for a recorded fault; its sheet and ratings stay.

    Parameters
    ----------
    criteria : list of str
        The criteria the fault touches. The reading is struck as a whole.

    Raises
    ------
    FaultsFound
        No fault given, or no criterion.
    Refused
        Not to be decided by this person, or no other reading would be left.
    """
    in_turn(session, appeal)
    if not may_decide(session, actor, appeal, now=now):
        raise Refused("This appeal is not yours to decide.")
    if reading.submission_id != appeal.submission_id or reading.state != AllocationState.SEALED:
        raise NotFound("There is no such reading.")
    if reading.id == appeal.allocation_id:
        raise Refused("The reading made for this appeal stays.")
    faults = criteria_faults(appeal.submission, criteria)
    if not fault.strip():
        faults.append(Fault("fault", "Say what was wrong with the reading."))
    if faults:
        raise FaultsFound(faults)
    if session.get(StruckReading, reading.id) is not None:
        return
    session.add(
        StruckReading(
            allocation_id=reading.id,
            fault=fault.strip(),
            criteria=criteria,
            by_id=actor.id,
            at=now,
        )
    )
    session.flush()
    score = adjusting.rescore(session, appeal.submission, now=now)
    appeal.score_id = score.id
    # The fault itself is kept with the reading; the chain outlives the right to forget.
    audit.record(
        session,
        actor,
        "item:strike",
        reading,
        now=now,
        after={
            "appeal": appeal.id,
            "criteria": criteria,
            "score": score.id,
            "composite": score.composite,
        },
    )


@dataclass(frozen=True)
class Sibling:
    """Another work of a reader whose reading was struck; ``alone`` when no other grader's counts there."""

    reading: Allocation
    alone: bool


def siblings(session: Session, struck: StruckReading) -> list[Sibling]:
    """List what else a struck reading's rater gave in the cohort: each is as doubtful on its criteria.

    What was given is not among it, so that whoever looks can still be asked to read these works.
    """
    reading = struck.allocation
    other = aliased(Allocation)
    beside = (
        select(other.id)
        .where(
            other.submission_id == Allocation.submission_id,
            other.pool == Pool.PROFESSIONAL,
            other.state == AllocationState.SEALED,
            other.id != Allocation.id,
            other.id.not_in(select(StruckReading.allocation_id)),
        )
        .exists()
    )
    rows = session.execute(
        select(Allocation, beside)
        .options(selectinload(Allocation.submission))
        .where(
            Allocation.cohort_id == reading.cohort_id,
            Allocation.rater_id == reading.rater_id,
            Allocation.pool == reading.pool,
            Allocation.state == AllocationState.SEALED,
            Allocation.id != reading.id,
            Allocation.id.not_in(select(StruckReading.allocation_id)),
        )
        .order_by(Allocation.sealed_at, Allocation.id)
        .limit(500)
    )
    return [Sibling(item, alone=not accompanied) for item, accompanied in rows]


@dataclass(frozen=True)
class Line:
    """A criterion in an appeal: the level that was released, the re-mark's, and both together."""

    code: str
    title: str
    before: float
    remark: int | None
    after: float | None


@dataclass(frozen=True)
class Outcome:
    """The four values of an appeal, all kept.

    Attributes
    ----------
    before : str
        The value that was released and appealed.
    remark : float or None
        What the re-mark alone would give, of 100, unrounded; None where nobody read it again.
    joined : float or None
        What all readings that count give now, of 100, unrounded.
    value : float or None
        ``joined`` on the plan's scale, after what lateness costs and with the learner's own points: what a
        decision would release to them.
    released : str
        The value in force after the decision; before it, the old one.
    lines : tuple of Line
    """

    before: str
    remark: float | None
    joined: float | None
    value: float | None
    released: str
    lines: tuple[Line, ...]

    @property
    def higher(self) -> bool:
        return self.value is not None and self.value > float(self.before)

    @property
    def lower(self) -> bool:
        return self.value is not None and self.value < float(self.before)


def outcome(session: Session, appeal: Appeal) -> Outcome:
    """Lay the original, the re-mark, the decision and what is released side by side."""
    rubric = appeal.submission.cohort.rubric_version.rubric
    score = appeal.score
    given = disputes.levels(session, appeal.allocation_id) if appeal.blind else {}
    if appeal.state == AppealState.OPEN:
        given = {}
    remark = None
    if given:
        remark = composite_of(
            {
                criterion.code: float(criterion.levels[given[criterion.code]].points)
                for criterion in rubric.criteria
            },
            scales(rubric),
        )
    before = {item["code"]: item["level"] for item in appeal.grade.detail["criteria"]}
    return Outcome(
        before=appeal.grade.value,
        remark=remark,
        joined=score.composite if score else None,
        value=results.on_plan_scale(session, appeal.submission, score, appeal.learner_id)[0]
        if score
        else None,
        released=appeal.amended.value if appeal.amended else appeal.grade.value,
        lines=tuple(
            Line(
                criterion.code,
                criterion.title,
                before[criterion.code],
                given.get(criterion.code),
                score.criteria[criterion.code]["level"] if score else None,
            )
            for criterion in rubric.criteria
        ),
    )


def decide(
    session: Session, actor: Person, appeal: Appeal, *, answer: str, now: datetime
) -> Grade | None:
    """Decide by what the readings amount to now, with a reason the learner reads.

    A rounded result that is higher upholds the appeal. Otherwise it is dismissed, and the released value
    stays, or falls where the plan lets an appeal lower it. Old grade, re-mark and score are kept.

    Returns
    -------
    Grade or None
        The appellant's grade that replaces the old one; None where it stays.

    Raises
    ------
    Refused
        The appeal is not this person's to decide.
    FaultsFound
        No reason, or one that names who writes it.
    """
    in_turn(session, appeal)
    if not may_decide(session, actor, appeal, now=now):
        raise Refused("This appeal is not yours to decide.")
    if faults := text_faults("answer", answer, actor):
        raise FaultsFound(faults)
    score = session.get_one(Score, appeal.score_id)
    grade = _grade(session, appeal.submission, appeal.learner_id)
    assert grade is not None
    value, _band = results.on_plan_scale(session, appeal.submission, score, appeal.learner_id)
    may_lower = appeal.submission.cohort.plan.appeal_may_lower
    upheld = value > float(grade.value)
    lowered = value < float(grade.value) and may_lower
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
    if upheld or lowered:
        # What is found for one member is found for the work of all.
        for changed in grades.amend_all(
            session,
            appeal.submission,
            score,
            why="appeal",
            may_lower=may_lower,
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
            appeal=appeal.id,
        )
    return amended


def _expose(session: Session, actor: Person, appeal: Appeal, now: datetime) -> None:
    if session.get(Exposure, (appeal.submission_id, actor.id)) is None:
        session.add(Exposure(submission_id=appeal.submission_id, person_id=actor.id, at=now))
