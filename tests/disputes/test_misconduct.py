"""Misconduct: reported by whoever sees the work, heard, decided by two; nothing is automatic."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cohorts import retakes, submissions, withdrawals
from grading.disputes import appeals, misconduct
from grading.errors import FaultsFound, IllegalTransition, NotFound, Refused
from grading.ledger import verifying
from grading.models import (
    Allocation,
    ConflictOfInterest,
    CredentialRecord,
    Evidence,
    Exposure,
    Grade,
    Job,
    MisconductCase,
    Person,
    Rating,
    Submission,
)
from grading.readings import reviews
from grading.releases.queries import candidates
from grading.workflow.allocation import Pool
from grading.workflow.misconduct import PENDING
from grading.workflow.release import Hindrance
from tests import factories, stories
from tests.database import NOW
from tests.disputes.test_appeals import at_once
from tests.stories import BELOW

STATES = ("open", "hearing", "heard", "proposed", "upheld", "dismissed")
TEXT = "A page stands in a book as well."
ILLEGAL, NO = IllegalTransition, Refused
EXPECTED: dict[str, dict[str, Any]] = {
    # Another report joins the case; a new one is opened where the last was dismissed.
    "report": {
        "open": "open",
        "hearing": "hearing",
        "heard": "heard",
        "proposed": "proposed",
        "upheld": NO,
        "dismissed": "open",
    },
    "add_evidence": {
        "open": "open",
        "hearing": "hearing",
        "heard": "heard",
        "proposed": "proposed",
        "upheld": NO,
        "dismissed": NO,
    },
    "hear": {"open": "hearing"} | dict.fromkeys(STATES[1:], ILLEGAL),
    "answer": dict.fromkeys(STATES, ILLEGAL) | {"hearing": "heard"},
    "propose_upheld": dict.fromkeys(STATES, ILLEGAL) | {"open": NO, "heard": "proposed"},
    "propose_dismissed": dict.fromkeys(STATES, ILLEGAL) | {"open": "proposed", "heard": "proposed"},
    "agree": dict.fromkeys(STATES, ILLEGAL) | {"proposed": "upheld"},
    "disagree": dict.fromkeys(STATES, ILLEGAL) | {"proposed": "heard"},
}


def do(session: Session, cast: factories.Cast, case: MisconductCase, act: str, now: Any) -> str:
    first, second = cast.instructor, cast.second_instructor
    if act == "report":
        return misconduct.report_suspicion(
            session, cast.lead, case.submission, kind="copying", text=TEXT, source="", now=now
        ).state
    if act == "add_evidence":
        misconduct.add_evidence(session, cast.lead, case, text=TEXT, source="", now=now)
    elif act == "hear":
        misconduct.put_to_learner(session, first, case, allegation=TEXT, now=now)
    elif act == "answer":
        misconduct.answer_suspicion(session, case.submission.learner, case, text=TEXT, now=now)
    elif act.startswith("propose"):
        misconduct.propose_outcome(
            session, first, case, upheld=act == "propose_upheld", reason=TEXT, now=now
        )
    else:
        misconduct.second_outcome(session, second, case, agree=act == "agree", now=now)
    return case.state


@pytest.mark.parametrize("act", EXPECTED)
@pytest.mark.parametrize("state", STATES)
def test_every_act_in_every_state(session: Session, state: str, act: str) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1)
    now = cast.cohort.opens_at + timedelta(days=2)
    case = stories.case_in(session, cast, cast.submissions[0], state, now=now)
    expected = EXPECTED[act][state]
    if isinstance(expected, str):
        assert do(session, cast, case, act, now) == expected
    else:
        with pytest.raises(expected):
            do(session, cast, case, act, now)


def test_the_table_is_whole() -> None:
    assert all(set(row) == set(STATES) for row in EXPECTED.values())


@pytest.mark.parametrize("state", STATES)
def test_a_pending_case_holds_the_release_back_and_an_upheld_one_the_result(
    session: Session, state: str
) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, peer_readings=0, peers_needed=0)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    for item in session.scalars(select(Allocation)).all():
        factories.rate(session, item, BELOW, now=now)
    now += stories.MINUTES
    factories.run_upkeep(session, cast.cohort, now=now)
    case = stories.case_in(session, cast, cast.submissions[0], state, now=now)
    found = candidates.candidates(session, cast.cohort, now=now)
    if state == "upheld":
        assert found == []
        assert case.submission.state == "withheld"
        assert session.scalar(select(func.count()).select_from(Rating)) == 2
    else:
        held = (Hindrance.MISCONDUCT,) if state in PENDING else ()
        assert [item.hindrances for item in found] == [held]


@pytest.mark.parametrize("away", [submissions.take_back, withdrawals.withdraw])
def test_whoever_takes_the_work_back_is_held_all_the_same(session: Session, away: Any) -> None:
    """It could be handed in, or come back, and be released: so it is held whatever its state."""
    cast = factories.a_cast(session, now=NOW, learners=1)
    now = cast.cohort.opens_at + timedelta(days=2)
    work = cast.submissions[0]
    case = stories.case_in(session, cast, work, "proposed", now=now)
    away(session, work.learner, work, now=now)
    misconduct.second_outcome(session, cast.second_instructor, case, agree=True, now=now)
    assert work.state == "withheld"
    with pytest.raises((Refused, IllegalTransition)):
        withdrawals.come_back(session, work.learner, work, now=now)


def test_an_upheld_case_after_release_revokes_and_ends_the_appeal(
    any_database: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        told = stories.a_result(session)
        appeal = stories.appeal_in(session, told, "open")
        stories.case_in(session, told.cast, told.work, "upheld", now=told.now)
        record = session.scalars(select(CredentialRecord)).one()
        assert (record.state, told.work.state, appeal.state) == ("revoked", "released", "withdrawn")
        assert session.scalar(select(func.count()).select_from(Grade)) == 1
        assert session.scalar(select(func.count()).select_from(Rating)) == 2
        with pytest.raises(Refused, match="does not count"):
            stories.an_appeal(session, told)
        mails = [
            job.payload["template"] for job in session.scalars(select(Job)) if job.topic == "mail"
        ]
        assert (mails.count("misconduct_hearing"), mails.count("misconduct_decided")) == (1, 1)
    with act() as session:
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []


def test_a_dismissed_case_changes_nothing(session: Session) -> None:
    told = stories.a_result(session)
    stories.case_in(session, told.cast, told.work, "dismissed", now=told.now)
    assert session.scalars(select(CredentialRecord)).one().state == "valid"
    assert stories.an_appeal(session, told).state == "open"


def test_a_record_of_another_work_stays(session: Session) -> None:
    """An upheld case about an attempt that was never released touches no record."""
    told = stories.a_result(session)
    second = retakes.retake(session, told.learner, told.work, now=told.now)
    submissions.submit(
        session,
        told.learner,
        second,
        statement=factories.CURRENT_STATEMENT,
        version=None,
        now=told.now,
    )
    stories.case_in(session, told.cast, second, "upheld", now=told.now)
    assert second.state == "withheld"
    assert session.scalars(select(CredentialRecord)).one().state == "valid"


def test_who_decides(session: Session) -> None:
    """Neither the learner, nor who reported or gave evidence, nor who must not meet them; never one alone."""
    cast = factories.a_cast(session, now=NOW, learners=1)
    now = cast.cohort.opens_at + timedelta(days=2)
    work = cast.submissions[0]
    case = stories.case_in(session, cast, work, "heard", now=now)
    decide = {"upheld": True, "reason": TEXT, "now": now}
    with pytest.raises(NotFound):
        misconduct.propose_outcome(session, work.learner, case, **decide)
    with pytest.raises(Refused, match="others decide"):
        misconduct.propose_outcome(session, cast.graders[-1], case, **decide)
    misconduct.add_evidence(session, cast.lead, case, text=TEXT, source="", now=now)
    with pytest.raises(Refused, match="others decide"):
        misconduct.propose_outcome(session, cast.lead, case, **decide)
    session.add(
        ConflictOfInterest(
            cohort_id=work.cohort_id,
            rater_id=cast.second_instructor.id,
            learner_id=work.learner_id,
            reason="Cousins.",
            created_at=NOW,
        )
    )
    session.flush()
    with pytest.raises(Refused, match="others decide"):
        misconduct.propose_outcome(session, cast.second_instructor, case, **decide)
    misconduct.propose_outcome(session, cast.instructor, case, **decide)
    with pytest.raises(Refused, match="Another person"):
        misconduct.second_outcome(session, cast.instructor, case, agree=True, now=now)
    with pytest.raises(Refused, match="gives no evidence"):
        misconduct.add_evidence(session, cast.instructor, case, text=TEXT, source="", now=now)
    assert session.get(Exposure, (work.id, cast.instructor.id)) is not None


def test_whoever_reads_it_for_a_score_finishes_first(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    item = session.scalars(select(Allocation).where(Allocation.pool == Pool.PROFESSIONAL)).one()
    assert item.rater is not None
    case = misconduct.report_suspicion(
        session, cast.lead, item.submission, kind="copying", text=TEXT, source="", now=now
    )
    with pytest.raises(Refused, match="reading this project"):
        misconduct.put_to_learner(session, item.rater, case, allegation=TEXT, now=now)


def test_the_learner_does_not_learn_who_reported(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1)
    now = cast.cohort.opens_at + timedelta(days=2)
    case = stories.case_in(session, cast, cast.submissions[0], "open", now=now)
    name = cast.graders[-1].name.split()[1]
    with pytest.raises(FaultsFound):
        misconduct.put_to_learner(
            session, cast.instructor, case, allegation=f"{name} saw a page in a book.", now=now
        )
    assert case.allegation is None


def test_one_does_not_report_oneself_nor_what_was_taken_back(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1)
    now = cast.cohort.opens_at + timedelta(days=2)
    work = cast.submissions[0]
    given = {"kind": "copying", "text": TEXT, "source": "", "now": now}
    with pytest.raises(Refused, match="your own"):
        misconduct.report_suspicion(session, work.learner, work, **given)
    with pytest.raises(FaultsFound):
        misconduct.report_suspicion(session, cast.lead, work, **(given | {"kind": "dullness"}))
    with pytest.raises(FaultsFound):
        misconduct.report_suspicion(session, cast.lead, work, **(given | {"text": "Bad."}))
    submissions.take_back(session, work.learner, work, now=now)
    with pytest.raises(Refused, match="not handed in"):
        misconduct.report_suspicion(session, cast.lead, work, **given)
    withdrawals.withdraw(session, work.learner, work, now=now)
    with pytest.raises(Refused, match="took this project back"):
        misconduct.report_suspicion(session, cast.lead, work, **given)


def test_silence_ends_a_hearing_on_its_day(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1)
    now = cast.cohort.opens_at + timedelta(days=2)
    case = stories.case_in(session, cast, cast.submissions[0], "hearing", now=now)
    assert case.answer_by is not None
    factories.run_upkeep(session, cast.cohort, now=case.answer_by)
    assert case.state == "hearing"
    factories.run_upkeep(session, cast.cohort, now=case.answer_by + timedelta(minutes=1))
    assert (case.state, case.answer) == ("heard", None)


def test_evidence_is_bound_to_the_copy_seen(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1)
    now = cast.cohort.opens_at + timedelta(days=2)
    work = cast.submissions[0]
    stories.case_in(session, cast, work, "open", now=now)
    assert session.scalars(select(Evidence.digest)).one() == work.copies[0].digest


def test_grading_goes_on_while_a_case_is_open(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, peer_readings=0, peers_needed=0)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    stories.case_in(session, cast, cast.submissions[0], "open", now=now)
    item = session.scalars(select(Allocation)).one()
    factories.rate(session, item, BELOW, now=now)
    reviews.seal(session, item, now=now + stories.MINUTES)
    factories.run_upkeep(session, cast.cohort, now=now + stories.MINUTES)
    assert cast.submissions[0].state == "resolved"


def test_reports_at_once_are_one_case(
    app: Flask, any_database: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=1, graders=4)
        now = cast.cohort.opens_at + timedelta(days=2)
        work_id = cast.submissions[0].id
        people = [person.id for person in cast.graders]

    def report(person_id: str) -> Callable[[Session], Any]:
        return lambda session: misconduct.report_suspicion(
            session,
            session.get_one(Person, person_id),
            session.get_one(Submission, work_id),
            kind="copying",
            text=TEXT,
            source="",
            now=now,
        )

    assert at_once(app, [report(person) for person in people]) == ["done"] * 4
    with act() as session:
        case = session.scalars(select(MisconductCase)).one()
        assert {one.by_id for one in case.evidence} == set(people)


def test_two_seconds_at_once_are_one(app: Flask, any_database: str, act: Callable[[], Any]) -> None:
    """One agrees, one does not: whoever comes first is the second, and the other is told."""
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=1)
        now = cast.cohort.opens_at + timedelta(days=2)
        case = stories.case_in(session, cast, cast.submissions[0], "proposed", now=now)
        case_id = case.id
        people = [(cast.second_instructor.id, True), (cast.lead.id, False)]

    def second(person_id: str, agree: bool) -> Callable[[Session], Any]:
        return lambda session: misconduct.second_outcome(
            session,
            session.get_one(Person, person_id),
            session.get_one(MisconductCase, case_id),
            agree=agree,
            now=now,
        )

    assert sorted(at_once(app, [second(*one) for one in people])) == ["IllegalTransition", "done"]
    with act() as session:
        case = session.get_one(MisconductCase, case_id)
        assert case.state in ("upheld", "heard")
        assert (case.submission.state == "withheld") == (case.state == "upheld")
        assert appeals.pending_appeal(session, case.submission) is None
