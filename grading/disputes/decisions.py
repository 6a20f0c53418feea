"""Deciding an appeal: who may, what the readings come to, a faulty one struck, a reason, a signature."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, selectinload

from grading.authorization.predicates import has_own_interest
from grading.disputes import appeals
from grading.disputes.queries import dispute_queue
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.measurement.scoring.scale import composite_of
from grading.models import (
    Allocation,
    Appeal,
    Challenge,
    Exposure,
    Grade,
    Person,
    Score,
    StruckReading,
)
from grading.people import approvals
from grading.people.approvals import Answer
from grading.readings.queries.ratings import scales, struck
from grading.releases import amendments, grades, results
from grading.releases.results import ReleaseLine
from grading.scores import adjusting
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.appeal import AppealState
from grading.workflow.approval import Action, text_digest
from grading.workflow.release import Amended


def may_decide_appeal(session: Session, actor: Person, appeal: Appeal, *, now: datetime) -> bool:
    """Whether a person decides this appeal.

    Whoever gave the re-mark does; where there is none, or its reader let the day to decide pass, anybody
    who gave none of the readings in question. Pages ask these others for their permission.
    """
    if appeal.state != AppealState.REMARKED:
        return False
    if has_own_interest(session, actor.id, [appeal.submission.id]):
        return False
    if is_remarker(appeal, actor):
        return True
    if appeal.blind and now <= appeal.decide_by:
        return False
    return not appeals.is_involved(session, actor, appeal)


def is_remarker(appeal: Appeal, person: Person) -> bool:
    """Whether a person read the project again for this appeal."""
    return (
        appeal.blind
        and appeal.allocation is not None
        and appeal.allocation.rater_id == person.id
        and appeal.allocation.state == AllocationState.SEALED
    )


def strike_reading(
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
    take_turns(session, appeal)
    if not may_decide_appeal(session, actor, appeal, now=now):
        raise Refused("This appeal is not yours to decide.")
    if reading.submission_id != appeal.submission_id or reading.state != AllocationState.SEALED:
        raise NotFound("There is no such reading.")
    if reading.id == appeal.allocation_id:
        raise Refused("The reading made for this appeal stays.")
    faults = appeals.criteria_faults(appeal.submission, criteria)
    if not fault.strip():
        faults.append(Fault("fault", "Say what was wrong with the reading."))
    if faults:
        raise FaultsFound(faults)
    if session.get(StruckReading, reading.id) is not None:
        return
    amendments.strike_reading(
        session, actor, reading, fault=fault.strip(), criteria=criteria, now=now
    )
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


def doubtful_siblings(session: Session, struck_reading: StruckReading) -> list[Sibling]:
    """List what else a struck reading's rater gave in the cohort: each is as doubtful on its criteria.

    What was given is not among it, so that whoever looks can still be asked to read these works.
    """
    reading = struck_reading.allocation
    other = aliased(Allocation)
    beside = (
        select(other.id)
        .where(
            other.submission_id == Allocation.submission_id,
            other.pool == Pool.PROFESSIONAL,
            other.state == AllocationState.SEALED,
            other.id != Allocation.id,
            ~struck(other),
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
            ~struck(),
        )
        .order_by(Allocation.sealed_at, Allocation.id)
        .limit(500)
    )
    return [Sibling(item, alone=not accompanied) for item, accompanied in rows]


@dataclass(frozen=True)
class CriterionLine:
    """A criterion in an appeal: the level that was released, the re-mark's, and both together."""

    code: str
    title: str
    before: float
    remark: int | None
    after: float | None


@dataclass(frozen=True)
class AppealOutcome:
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
    lines : tuple of CriterionLine
    """

    before: str
    remark: float | None
    joined: float | None
    value: float | None
    released: str
    lines: tuple[CriterionLine, ...]

    @property
    def higher(self) -> bool:
        return self.value is not None and self.value > float(self.before)

    @property
    def lower(self) -> bool:
        return self.value is not None and self.value < float(self.before)


def outcome_of(session: Session, appeal: Appeal) -> AppealOutcome:
    """Lay the original, the re-mark, the decision and what is released side by side."""
    rubric = appeal.submission.cohort.rubric_version.rubric
    score = appeal.score
    remark_levels = dispute_queue.levels_of(session, appeal.allocation_id) if appeal.blind else {}
    if appeal.state == AppealState.OPEN:
        remark_levels = {}
    remark = None
    if remark_levels:
        remark = composite_of(
            {
                criterion.code: float(criterion.levels[remark_levels[criterion.code]].points)
                for criterion in rubric.criteria
            },
            scales(rubric),
        )
    before = {item["code"]: item["level"] for item in appeal.grade.detail["criteria"]}
    return AppealOutcome(
        before=appeal.grade.value,
        remark=remark,
        joined=score.composite if score else None,
        value=float(
            results.release_line(session, appeal.submission, score, appeal.learner_id).value
        )
        if score
        else None,
        released=appeal.amended.value if appeal.amended else appeal.grade.value,
        lines=tuple(
            CriterionLine(
                criterion.code,
                criterion.title,
                before[criterion.code],
                remark_levels.get(criterion.code),
                score.criteria[criterion.code]["level"] if score else None,
            )
            for criterion in rubric.criteria
        ),
    )


def grades_to_amend(session: Session, appeal: Appeal) -> list[tuple[Grade, ReleaseLine]]:
    """Say which grades a decision would replace, and by what; empty where every grade stays.

    What is found for one member is found for the work of all; but where the appellant's own result
    stays, so do the others'.
    """
    if appeal.score_id is None:
        return []
    score = session.get_one(Score, appeal.score_id)
    may_lower = appeal.submission.cohort.plan.appeal_may_lower
    found = grades.moved(session, appeal.submission, score, may_lower=may_lower)
    own = any(before.person_id == appeal.learner_id for before, _line in found)
    return found if own else []


def _signed_form(rows: Sequence[tuple[Grade, ReleaseLine]]) -> list[dict[str, str]]:
    return results.signed_form([line for _before, line in rows])


def _may_decide_so(
    session: Session, actor: Person, appeal: Appeal, answer: str, now: datetime
) -> None:
    take_turns(session, appeal)
    if not may_decide_appeal(session, actor, appeal, now=now):
        raise Refused("This appeal is not yours to decide.")
    if faults := appeals.text_faults("answer", answer, actor):
        raise FaultsFound(faults)


def lay_decision_before(
    session: Session, actor: Person, appeal: Appeal, *, answer: str, now: datetime
) -> Challenge:
    """Put before a person what their decision would release, for them to sign; raises as `decide_appeal`."""
    _may_decide_so(session, actor, appeal, answer, now)
    return approvals.lay_before(
        session,
        actor,
        Action.DECIDE_APPEAL,
        appeal.id,
        cohort_id=appeal.cohort_id,
        records=_signed_form(grades_to_amend(session, appeal)),
        note={"answer": text_digest(answer)},
        entered={"answer": answer.strip()},
        now=now,
    )


def decide_appeal(
    session: Session,
    actor: Person,
    appeal: Appeal,
    *,
    answer: str,
    now: datetime,
    signed: Answer | None = None,
) -> Grade | None:
    """Decide by what the readings amount to now, with a reason the learner reads.

    A rounded result that is higher upholds the appeal. Otherwise it is dismissed, and the released value
    stays, or falls where the plan lets an appeal lower it. Old grade, re-mark and score are kept.

    Parameters
    ----------
    signed : Answer, optional
        What shows that it is the actor, to what `lay_decision_before` put before them; needed where the
        plan asks for it and a grade changes.

    Returns
    -------
    Grade or None
        The appellant's grade that replaces the old one; None where it stays.

    Raises
    ------
    Refused
        The appeal is not this person's to decide, or the signature is none to this.
    ListChanged
        The decision would release something else than what was signed.
    FaultsFound
        No reason, or one that names who writes it.
    """
    _may_decide_so(session, actor, appeal, answer, now)
    rows = grades_to_amend(session, appeal)
    if rows or signed is not None:
        approvals.accept_where_asked(
            session,
            actor,
            signed,
            Action.DECIDE_APPEAL,
            appeal.id,
            cohort=appeal.submission.cohort,
            records=_signed_form(rows),
            note={"answer": text_digest(answer)},
            now=now,
        )
    score = session.get_one(Score, appeal.score_id)
    grade = grades.grade_in_force(session, appeal.submission, appeal.learner_id)
    assert grade is not None
    value = results.release_line(session, appeal.submission, score, appeal.learner_id).value
    # What people write to each other is kept with the appeal; the chain outlives the right to forget.
    appeal.answer = answer.strip()
    move(
        session,
        appeal,
        "uphold" if value > Decimal(grade.value) else "dismiss",
        actor=actor,
        now=now,
        decided_by_id=actor.id,
        decided_at=now,
        note={"value": float(value), "before": grade.value},
    )
    _expose(session, actor, appeal, now)
    amended = None
    for before, line in rows:
        made = grades.amend(
            session,
            appeal.submission,
            before,
            score,
            line,
            why=Amended.APPEAL,
            actor=actor,
            now=now,
        )
        if made.person_id == appeal.learner_id:
            appeal.amended = amended = made
    if not rows:
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
