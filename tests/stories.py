"""Stories that several tests begin with: a released result, and what is disputed about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import groups, submissions
from grading.disputes import appeals, decisions, explanations, misconduct
from grading.models import (
    Allocation,
    Appeal,
    Entitlement,
    Explanation,
    Grade,
    MisconductCase,
    Person,
    Submission,
)
from grading.models.codes import case_code
from grading.people.approvals import Answer
from grading.readings import holds, reviews
from grading.releases import releases
from grading.workflow.allocation import AllocationState
from grading.workflow.approval import Proof, StepUp
from grading.workflow.submission import CURRENT_STATEMENT
from tests import factories
from tests.database import NOW
from tests.kept import kept

BELOW = {"question": 1, "method": 1}
BETTER = {"question": 3, "method": 3}
REASON = "The second table was overlooked."
ANSWER = "The second table answers what the rubric asks at this level."
MINUTES = timedelta(minutes=11)
WORDS = {"title": "Together", "text": "We counted.", "links": []}


@dataclass
class Released:
    """A work with its result, its reader, and the instant a day and an hour after."""

    cast: factories.Cast
    work: Submission
    grade: Grade
    reader: Person
    now: datetime
    appeal: int = 0

    @property
    def learner(self) -> Person:
        return self.work.learner

    @property
    def fresh(self) -> Person:
        """A grader who had not read it before this appeal."""
        others = [person for person in self.cast.graders if person.id != self.reader.id]
        return others[self.appeal]


def release(session: Session, cast: factories.Cast, *, now: datetime) -> datetime:
    """Settle and release what is sealed; gives the instant of release."""
    now += MINUTES
    factories.run_upkeep(session, cast.cohort, now=now)
    given: Any = {"overrides": {}, "failed_gates": [], "now": now}
    if cast.cohort.plan.step_up != StepUp.OFF:
        challenge = releases.lay_before(session, cast.instructor, cast.cohort, **given)
        given["answer"] = Answer(challenge, Proof.PASSWORD)
    proposed = releases.propose(session, cast.instructor, cast.cohort, **given)
    now += MINUTES
    releases.carry_out(session, proposed, now=now)
    session.flush()
    return now


def a_result(session: Session, **choices: Any) -> Released:
    """One learner's released result: read by one grader, without peers."""
    return results(session, learners=1, **choices)[0]


@kept
def settled(session: Session, **choices: Any) -> tuple[factories.Cast, datetime]:
    """A cohort whose works were all read alike and have their scores; and the instant of it."""
    cast = factories.a_cast(session, now=NOW, **choices)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    for item in session.scalars(select(Allocation)).all():
        if item.state == AllocationState.ALLOCATED:
            factories.rate(session, item, {"question": 2, "method": 2}, now=now)
    session.flush()
    now += MINUTES
    factories.run_upkeep(session, cast.cohort, now=now)
    return cast, now


@kept
def results(
    session: Session,
    *,
    learners: int,
    graders: int = 3,
    levels: dict[str, int] | None = None,
    wait: timedelta = timedelta(hours=25),
    entitlement: str | None = None,
    **plan: Any,
) -> list[Released]:
    """Released results of a cohort: each read by one grader, without peers.

    With an entitlement named, the program asks for one and every learner has it.
    """
    cast = factories.a_cast(
        session,
        now=NOW,
        learners=learners,
        graders=graders,
        **{"peer_readings": 0, "peers_needed": 0} | plan,
    )
    if entitlement is not None:
        cast.cohort.program.entitlement_required = True
        for learner in cast.learners:
            session.add(
                Entitlement(
                    program_id=cast.cohort.program_id,
                    person_id=learner.id,
                    state=entitlement,
                    note="",
                    recorded_at=NOW,
                )
            )
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    for item in session.scalars(select(Allocation)).all():
        factories.rate(session, item, levels or BELOW, now=now)
    now = release(session, cast, now=now)
    rows = session.execute(
        select(Grade, Person)
        .join(Allocation, Allocation.submission_id == Grade.submission_id)
        .join(Person, Person.id == Allocation.rater_id)
        .order_by(Grade.submission_id)
    )
    return [Released(cast, grade.submission, grade, reader, now + wait) for grade, reader in rows]


def a_group(
    session: Session, cast: factories.Cast, *who: int, now: datetime = NOW + timedelta(days=1)
) -> Submission:
    """A draft of several learners: the first begins it, the others come in by its code."""
    first = submissions.start(session, cast.learners[who[0]], cast.cohort, now=now)
    for index in who[1:]:
        groups.join(session, cast.learners[index], cast.cohort, code=str(first.join_code), now=now)
    return first


def hand_in(session: Session, person: Person, work: Submission, now: datetime) -> None:
    submissions.save_draft(session, person, work, **WORDS, version=None, now=now)
    submissions.submit(session, person, work, statement=CURRENT_STATEMENT, version=None, now=now)


@kept
def a_group_result(session: Session, **plan: Any) -> tuple[factories.Cast, Submission, datetime]:
    """The work of two with its result, read by one grader; and the instant of release."""
    cast = factories.a_cast(
        session,
        now=NOW,
        group_size=3,
        learners=2,
        submitted=False,
        **{"peer_readings": 0, "peers_needed": 0} | plan,
    )
    work = a_group(session, cast, 0, 1)
    hand_in(session, cast.learners[0], work, NOW + timedelta(days=1))
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    for item in session.scalars(select(Allocation)).all():
        factories.rate(session, item, {"question": 2, "method": 2}, now=now)
    return cast, work, release(session, cast, now=now)


def an_appeal(session: Session, told: Released) -> Appeal:
    return appeals.lodge_appeal(
        session, told.learner, told.work, criteria=["method"], reason=REASON, now=told.now
    )


def read_again(
    session: Session, told: Released, appeal: Appeal, levels: dict[str, int]
) -> Allocation:
    """Let a fresh grader read for an appeal, and seal it."""
    assert appeal.allocation is not None
    item = holds.claim_case(session, told.fresh, appeal.allocation, now=told.now)
    factories.rate(session, item, levels, now=told.now)
    reviews.seal(session, item, now=told.now + MINUTES)
    assert item.state == AllocationState.SEALED
    return item


def appeal_in(session: Session, told: Released, state: str, **levels: int) -> Appeal:
    """An appeal in a state, brought there by the services."""
    appeal = an_appeal(session, told)
    if state == "withdrawn":
        appeals.withdraw_appeal(session, told.learner, appeal, now=told.now)
    elif state != "open":
        given = levels or (BELOW if state == "dismissed" else BETTER)
        read_again(session, told, appeal, given)
        appeals.note_remark(session, appeal, now=told.now)
        if state != "remarked":
            decisions.decide_appeal(session, told.fresh, appeal, answer=ANSWER, now=told.now)
    session.flush()
    assert appeal.state == state
    return appeal


def question_in(session: Session, told: Released, state: str) -> Explanation:
    """A question about a result in a state."""
    question = explanations.request_explanation(
        session,
        told.learner,
        told.work,
        told.grade,
        criteria=["method"],
        question="What would the next level look like?",
        now=told.now,
    )
    if state == "answered":
        assert question.owner is not None
        explanations.answer_question(session, question.owner, question, text=ANSWER, now=told.now)
    elif state == "withdrawn":
        explanations.withdraw_question(session, told.learner, question, now=told.now)
    session.flush()
    assert question.state == state
    return question


def case_in(
    session: Session, cast: factories.Cast, work: Submission, state: str, *, now: datetime
) -> MisconductCase:
    """A misconduct case in a state: reported by a grader, decided by the two instructors."""
    first, second = cast.instructor, cast.second_instructor
    case = misconduct.report_suspicion(
        session,
        cast.graders[-1],
        work,
        kind="copying",
        text="A page stands in a book as well.",
        source="A book",
        now=now,
    )
    if state != "open":
        misconduct.put_to_learner(
            session, first, case, allegation="A page of it stands in a book as well.", now=now
        )
    if state not in ("open", "hearing"):
        misconduct.answer_suspicion(
            session, work.learner, case, text="I wrote that book myself.", now=now
        )
    if state in ("proposed", "upheld", "dismissed"):
        misconduct.propose_outcome(
            session,
            first,
            case,
            upheld=state != "dismissed",
            reason="The page is word for word the same.",
            now=now,
        )
    if state in ("upheld", "dismissed"):
        misconduct.second_outcome(session, second, case, agree=True, now=now)
    session.flush()
    assert case.state == state
    return case


def staff_code(work: Submission) -> str:
    """The code by which staff know a work."""
    return case_code(work.id)
