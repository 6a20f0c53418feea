"""Appeals over the product of their states and acts; what they change, and what stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.db import db, transaction
from grading.disputes import appeals, decisions
from grading.errors import FaultsFound, GradingError, IllegalTransition, NotFound, Refused
from grading.ledger import verifying
from grading.models import (
    Allocation,
    Appeal,
    ConflictOfInterest,
    CredentialRecord,
    Exposure,
    Grade,
    Job,
    Person,
    Score,
    StruckReading,
    Submission,
)
from grading.readings import exposures
from grading.releases import results
from grading.workflow.allocation import Pool
from tests import factories, stories
from tests.database import NOW
from tests.stories import ANSWER, BELOW, BETTER, REASON, Released

STATES = ("open", "remarked", "upheld", "dismissed", "withdrawn")
# What each act comes to in each state: the state it leads to, or the error that refuses it.
EXPECTED: dict[str, dict[str, Any]] = {
    "make": {
        "open": Refused,
        "remarked": Refused,
        # The new result has a night to sleep on as well.
        "upheld": Refused,
        "dismissed": Refused,
        "withdrawn": "open",
    },
    "withdraw": {
        "open": "withdrawn",
        "remarked": IllegalTransition,
        "upheld": IllegalTransition,
        "dismissed": IllegalTransition,
        "withdrawn": IllegalTransition,
    },
    "remark": {
        "open": Refused,
        "remarked": IllegalTransition,
        "upheld": IllegalTransition,
        "dismissed": IllegalTransition,
        "withdrawn": Refused,
    },
    "go_on_unblind": dict.fromkeys(STATES, Refused),
    "strike": {
        "open": Refused,
        "remarked": "remarked",
        "upheld": Refused,
        "dismissed": Refused,
        "withdrawn": Refused,
    },
    "decide": {
        "open": Refused,
        "remarked": "upheld",
        "upheld": Refused,
        "dismissed": Refused,
        "withdrawn": Refused,
    },
    "end_by_case": {
        "open": "withdrawn",
        "remarked": "withdrawn",
        "upheld": IllegalTransition,
        "dismissed": IllegalTransition,
        "withdrawn": IllegalTransition,
    },
}


def do(session: Session, told: Released, appeal: Appeal, act: str) -> Appeal:
    if act == "make":
        return stories.an_appeal(session, told)
    if act == "withdraw":
        appeals.withdraw_appeal(session, told.learner, appeal, now=told.now)
    elif act == "remark":
        appeals.note_remark(session, appeal, now=told.now)
    elif act == "go_on_unblind":
        appeals.go_on_unblind(session, told.cast.instructor, appeal, now=told.now)
    elif act == "strike":
        strike(session, told, appeal)
    elif act == "decide":
        decisions.decide_appeal(session, told.fresh, appeal, answer=ANSWER, now=told.now)
    else:
        appeals.end_appeal_by_case(session, appeal, now=told.now)
    return appeal


def first_reading(session: Session, told: Released) -> Allocation:
    return session.scalars(
        select(Allocation).where(
            Allocation.submission_id == told.work.id, Allocation.rater_id == told.reader.id
        )
    ).one()


def strike(session: Session, told: Released, appeal: Appeal, **changes: Any) -> None:
    given = {"fault": "Another project was read.", "criteria": ["method"]} | changes
    decisions.strike_reading(
        session, told.fresh, appeal, first_reading(session, told), now=told.now, **given
    )


@pytest.mark.parametrize("act", EXPECTED)
@pytest.mark.parametrize("state", STATES)
def test_every_act_in_every_state(session: Session, state: str, act: str) -> None:
    told = stories.a_result(session)
    appeal = stories.appeal_in(session, told, state)
    expected = EXPECTED[act][state]
    if isinstance(expected, str):
        assert do(session, told, appeal, act).state == expected
    else:
        with pytest.raises(expected):
            do(session, told, appeal, act)
        assert appeal.state == state


def test_the_table_is_whole() -> None:
    assert all(set(row) == set(STATES) for row in EXPECTED.values())


def test_an_upheld_appeal_keeps_all_four_values(any_database: str, act: Callable[[], Any]) -> None:
    """Released 33, re-mark 100: the mean is 67, the record is issued anew, and one mail goes out."""
    with act() as session:
        told = stories.a_result(session)
        before = session.scalars(select(CredentialRecord)).one().public_id
        appeal = stories.appeal_in(session, told, "upheld")
        outcome = decisions.outcome_of(session, appeal)
        assert (outcome.before, outcome.released) == ("33", "67")
        assert outcome.remark == pytest.approx(100.0)
        assert outcome.joined == pytest.approx(200 / 3)
        assert [(line.before, line.remark, line.after) for line in outcome.lines] == [
            (1, 3, 2.0),
            (1, 3, 2.0),
        ]
        grades = list(session.scalars(select(Grade).order_by(Grade.number)))
        assert [(grade.value, grade.amended_for) for grade in grades] == [
            ("33", None),
            ("67", "appeal"),
        ]
        assert session.scalar(select(func.count()).select_from(Score)) == 2
        states = dict(
            session.execute(select(CredentialRecord.public_id, CredentialRecord.state)).all()
        )
        assert states.pop(before) == "replaced"
        assert list(states.values()) == ["valid"]
        mails = [
            job.payload["template"] for job in session.scalars(select(Job)) if job.topic == "mail"
        ]
        assert mails.count("result_amended") == 1
        assert mails.count("appeal_decided") == 0
        assert mails.count("appeal_received") == 1
        assert appeals.tokens_left(session, told.cast.cohort, told.learner.id) == 1
    with act() as session:
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []


def test_a_lower_re_mark_leaves_the_result(session: Session) -> None:
    told = stories.a_result(session, levels=BETTER)
    appeal = stories.appeal_in(session, told, "dismissed", **BELOW)
    outcome = decisions.outcome_of(session, appeal)
    assert (outcome.before, outcome.value, outcome.released) == ("100", 67.0, "100")
    assert outcome.lower
    assert session.scalar(select(func.count()).select_from(Grade)) == 1
    assert appeals.tokens_left(session, told.cast.cohort, told.learner.id) == 0


def test_the_result_falls_only_where_the_plan_says_so(session: Session) -> None:
    told = stories.a_result(session, levels=BETTER, appeal_may_lower=True)
    appeal = stories.appeal_in(session, told, "dismissed", **BELOW)
    assert decisions.outcome_of(session, appeal).released == "67"
    # Whoever lost by appealing was not right to appeal: the token is spent.
    assert appeals.tokens_left(session, told.cast.cohort, told.learner.id) == 0


def test_the_window_opens_after_a_night_and_ends_with_a_day(session: Session) -> None:
    told = stories.a_result(session)
    opens, ends = appeals.appeal_window(told.cast.cohort, told.grade)
    assert opens - told.grade.released_at == timedelta(hours=24)
    local = ends.astimezone(told.cast.cohort.zone)
    assert (local.hour, local.minute) == (23, 59)
    assert (
        local.date() - told.grade.released_at.astimezone(told.cast.cohort.zone).date()
    ).days == 10
    for moment in (opens - timedelta(seconds=1), ends + timedelta(seconds=1)):
        told.now = moment
        with pytest.raises(Refused):
            stories.an_appeal(session, told)
    told.now = ends
    assert stories.an_appeal(session, told).state == "open"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"criteria": []}, "criteria"),
        ({"criteria": ["beauty"]}, "criteria"),
        ({"reason": "Wrong."}, "reason"),
        ({"reason": "x" * 5_001}, "reason"),
        ({"reason": "I am Alder, and the table was overlooked."}, "reason"),
        ({"reason": "Write to me at one@example.org about the table."}, "reason"),
    ],
)
def test_what_is_wrong_with_an_appeal_is_named(
    session: Session, changes: dict[str, Any], where: str
) -> None:
    told = stories.a_result(session)
    given = {"criteria": ["method"], "reason": REASON} | changes
    with pytest.raises(FaultsFound) as caught:
        appeals.lodge_appeal(session, told.learner, told.work, now=told.now, **given)
    assert {fault.where for fault in caught.value.faults} == {where}


def test_a_decision_does_not_name_who_gives_it(session: Session) -> None:
    told = stories.a_result(session)
    appeal = stories.appeal_in(session, told, "remarked")
    name = told.fresh.name.split()[1]
    with pytest.raises(FaultsFound):
        decisions.decide_appeal(
            session, told.fresh, appeal, answer=f"I, {name}, looked at every table.", now=told.now
        )


def test_nobody_appeals_for_another(session: Session) -> None:
    told = stories.a_result(session)
    with pytest.raises(NotFound):
        appeals.lodge_appeal(
            session, told.reader, told.work, criteria=["method"], reason=REASON, now=told.now
        )


def test_no_reader_of_the_work_decides(session: Session) -> None:
    """The first reader cannot even when the day to decide is over; the lead then can."""
    told = stories.a_result(session)
    appeal = stories.appeal_in(session, told, "remarked")
    overdue = appeal.decide_by + timedelta(minutes=1)
    for person in (told.reader, told.learner):
        for now in (told.now, overdue):
            assert not decisions.may_decide_appeal(session, person, appeal, now=now)
    assert decisions.may_decide_appeal(session, told.fresh, appeal, now=told.now)
    assert not decisions.may_decide_appeal(session, told.cast.lead, appeal, now=told.now)
    assert decisions.may_decide_appeal(session, told.cast.lead, appeal, now=overdue)
    session.add(
        ConflictOfInterest(
            cohort_id=told.work.cohort_id,
            rater_id=told.cast.lead.id,
            learner_id=told.learner.id,
            reason="Cousins.",
            created_at=NOW,
        )
    )
    session.flush()
    assert not decisions.may_decide_appeal(session, told.cast.lead, appeal, now=overdue)


def test_where_nobody_fresh_is_left_it_is_decided_not_blind(session: Session) -> None:
    told = stories.a_result(session, graders=1)
    appeal = stories.an_appeal(session, told)
    staff = (told.cast.instructor, told.cast.second_instructor, told.cast.lead)
    with pytest.raises(Refused, match="people left"):
        appeals.go_on_unblind(session, told.cast.lead, appeal, now=told.now)
    for person in staff:
        exposures.expose(session, person, told.work, now=told.now)
    session.flush()
    with pytest.raises(NotFound):
        appeals.go_on_unblind(session, told.reader, appeal, now=told.now)
    appeals.go_on_unblind(session, told.cast.lead, appeal, now=told.now)
    assert (appeal.state, appeal.blind) == ("remarked", False)
    assert not decisions.may_decide_appeal(session, told.reader, appeal, now=told.now)
    decisions.decide_appeal(session, told.cast.lead, appeal, answer=ANSWER, now=told.now)
    outcome = decisions.outcome_of(session, appeal)
    assert (appeal.state, outcome.remark, outcome.released) == ("dismissed", None, "33")


def test_a_struck_reading_counts_no_more_and_its_siblings_are_listed(session: Session) -> None:
    """Of three works of one reader, one also has another's reading: the other two rest on it alone."""
    told = stories.results(session, learners=4, graders=1)
    cast = told[0].cast
    cast.graders.append(
        factories.a_member(session, cast.cohort, "Grader Flint", factories.Role.GRADER, now=NOW)
    )
    stories.appeal_in(session, told[1], "upheld")
    appeal = stories.appeal_in(session, told[0], "remarked")
    sheets = session.scalar(select(func.count()).select_from(Allocation))
    strike(session, told[0], appeal)
    strike(session, told[0], appeal)
    assert decisions.outcome_of(session, appeal).joined == pytest.approx(100.0)
    struck = session.scalars(select(StruckReading)).one()
    assert struck.criteria == ["method"]
    found = {
        one.reading.submission_id: one.alone for one in decisions.doubtful_siblings(session, struck)
    }
    assert found == {
        told[1].work.id: False,
        told[2].work.id: True,
        told[3].work.id: True,
    }
    assert session.scalar(select(func.count()).select_from(Allocation)) == sheets


def test_a_fault_is_named_and_the_re_mark_stays(session: Session) -> None:
    told = stories.a_result(session)
    appeal = stories.appeal_in(session, told, "remarked")
    with pytest.raises(FaultsFound) as caught:
        strike(session, told, appeal, fault=" ", criteria=[])
    assert {fault.where for fault in caught.value.faults} == {"fault", "criteria"}
    assert appeal.allocation is not None
    with pytest.raises(Refused):
        decisions.strike_reading(
            session,
            told.fresh,
            appeal,
            appeal.allocation,
            fault="Mine.",
            criteria=["method"],
            now=told.now,
        )


def test_peers_that_read_it_do_not_stop_an_appeal(session: Session) -> None:
    """A result with peer reviews is scored anew from its professional readings."""
    cast = factories.a_cast(session, now=NOW, learners=4, graders=4)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    for item in session.scalars(select(Allocation)).all():
        factories.rate(session, item, BELOW, now=now)
    now = stories.release(session, cast, now=now)
    grade = session.scalars(select(Grade)).first()
    assert grade is not None
    reader = session.scalars(
        select(Allocation).where(
            Allocation.submission_id == grade.submission_id, Allocation.pool == Pool.PROFESSIONAL
        )
    ).one()
    assert reader.rater is not None
    told = Released(cast, grade.submission, grade, reader.rater, now + timedelta(hours=25))
    appeal = stories.appeal_in(session, told, "upheld")
    assert decisions.outcome_of(session, appeal).released == "67"


def test_whoever_decided_has_seen_the_scores(session: Session) -> None:
    told = stories.a_result(session)
    stories.appeal_in(session, told, "dismissed")
    assert session.get(Exposure, (told.work.id, told.fresh.id)) is not None


def at_once(app: Flask, acts: list[Callable[[Session], Any]]) -> list[str]:
    """Do several acts in threads of their own; gives what each came to."""

    def one(act: Callable[[Session], Any]) -> str:
        with app.app_context():
            try:
                with transaction() as session:
                    act(session)
                return "done"
            except GradingError as error:
                return type(error).__name__
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


def test_two_appeals_at_once_are_one(app: Flask, any_database: str, act: Callable[[], Any]) -> None:
    with act() as session:
        told = stories.a_result(session, appeal_tokens=2)
        work_id, now = told.work.id, told.now

    def make(session: Session) -> None:
        work = session.get_one(Submission, work_id)
        appeals.lodge_appeal(
            session, work.learner, work, criteria=["method"], reason=REASON, now=now
        )

    assert sorted(at_once(app, [make] * 4)) == ["Refused"] * 3 + ["done"]
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Appeal)) == 1


def test_two_deciders_at_once_are_one(
    app: Flask, any_database: str, act: Callable[[], Any]
) -> None:
    """The grader who read it again and a lead, whom the passed day lets in."""
    with act() as session:
        told = stories.a_result(session)
        appeal = stories.appeal_in(session, told, "remarked")
        appeal_id, now = appeal.id, appeal.decide_by + timedelta(minutes=1)
        people = [told.fresh.id, told.cast.lead.id, told.cast.instructor.id]

    def decide(person_id: str) -> Callable[[Session], Any]:
        return lambda session: decisions.decide_appeal(
            session,
            session.get_one(Person, person_id),
            session.get_one(Appeal, appeal_id),
            answer=ANSWER,
            now=now,
        )

    assert sorted(at_once(app, [decide(person) for person in people])) == [
        "Refused",
        "Refused",
        "done",
    ]
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Grade)) == 2
        assert session.get_one(Appeal, appeal_id).state == "upheld"
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []


def test_lateness_costs_the_same_after_an_appeal(session: Session) -> None:
    """Two days at 5 points: of the mean of 67, 57 would be released."""
    told = stories.a_result(session, late_days=3, late_points=5.0)
    told.work.submitted_at = told.cast.cohort.due_at + timedelta(days=2)
    appeal = stories.appeal_in(session, told, "remarked")
    assert results.points_lost(session, told.work) == (2, 10.0)
    assert decisions.outcome_of(session, appeal).value == 57.0
