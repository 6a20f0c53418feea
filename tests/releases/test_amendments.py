"""Inputs that change after their result: what they would change is asked, and amended or left."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.ledger import verifying
from grading.models import (
    Allocation,
    AuditEntry,
    ConflictOfInterest,
    Extension,
    Grade,
    Job,
    Person,
    RecordEntry,
    Score,
    StruckReading,
)
from grading.people.consequences import Decided, Decision, Undecided, Unsigned
from grading.readings import eligibility
from grading.releases import amendments, recomputing
from grading.workflow.calendar import ExtensionKind
from tests import factories, stories
from tests.database import NOW

Act = Callable[[], Any]
DAY = timedelta(days=1)


def late_result(session: Session, **plan: Any) -> stories.Released:
    """A result of 67 that came out as 57, because the work was two days late."""
    cast = factories.a_cast(
        session,
        now=NOW,
        learners=1,
        submitted=False,
        **{
            "peer_readings": 0,
            "peers_needed": 0,
            "late_days": 5,
            "late_points": 5.0,
            "late_points_most": 25.0,
            "grace_hours": 0.0,
            "step_up": "off",
        }
        | plan,
    )
    now = cast.cohort.due_at + 2 * DAY
    factories.a_submission(session, cast.cohort, cast.learners[0], now=now)
    now = cast.cohort.closes_at
    factories.run_upkeep(session, cast.cohort, now=now)
    item = session.scalars(select(Allocation)).one()
    factories.rate(session, item, {"question": 2, "method": 2}, now=now)
    now = stories.release(session, cast, now=now)
    grade = session.scalars(select(Grade)).one()
    assert item.rater is not None
    return stories.Released(cast, grade.submission, grade, item.rater, now + DAY)


def grant(session: Session, told: stories.Released, days: int = 3, **given: Any) -> Extension:
    return amendments.grant_time(
        session,
        told.cast.coordinator,
        told.cast.cohort,
        told.learner,
        kind=ExtensionKind.EXTENSION,
        days=days,
        reason="In hospital.",
        now=told.now,
        **given,
    )


AMEND = Decided(otherwise=Decision(amend=True))


def test_more_time_asks_about_a_result_that_lost_points_for_being_late(session: Session) -> None:
    told = late_result(session)
    assert (told.grade.value, told.grade.detail["late"]) == ("57", {"days": 2, "points": 10.0})
    with pytest.raises(Undecided) as asked, session.begin_nested():
        grant(session, told)
    [would] = asked.value.consequences
    assert would.who == told.learner.name
    assert (would.before["value"], would.before["days"], would.before["points"]) == ("57", 2, 10.0)
    assert (would.after["value"], would.after["days"], would.after["points"]) == ("67", 0, 0.0)
    assert session.scalars(select(Extension)).all() == []


def test_amended_with_the_time_a_result_is_a_new_grade_a_mail_and_a_line_of_the_record(
    act: Act,
) -> None:
    with act() as session:
        told = late_result(session)
        grant(session, told, decided=AMEND)
        learner = told.learner.id
    with act() as session:
        grades = session.scalars(select(Grade).order_by(Grade.number)).all()
        assert [(grade.value, grade.amended_for) for grade in grades] == [
            ("57", None),
            ("67", "lateness"),
        ]
        assert "late" not in grades[1].detail
        lines = session.scalars(
            select(RecordEntry.grade_id).where(RecordEntry.grade_id.is_not(None))
        )
        assert grades[1].id in set(lines)
        mails = [job.payload for job in session.scalars(select(Job)) if job.topic == "mail"]
        assert [mail["template"] for mail in mails if mail.get("person") == learner].count(
            "result_amended"
        ) == 1
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []


def test_a_result_that_stays_needs_a_reason_and_the_reason_is_kept_where_no_scorer_reads(
    act: Act,
) -> None:
    with act() as session:
        told = late_result(session)
        with pytest.raises(Undecided) as asked, session.begin_nested():
            grant(session, told, decided=Decided(otherwise=Decision(amend=False, because=" ")))
        assert [fault.template for fault in asked.value.faults] == ["Say why it stays as it is."]
        why = "The time is for the next attempt."
        grant(session, told, decided=Decided(otherwise=Decision(amend=False, because=why)))
        cohort = told.cast.cohort.id
    with act() as session:
        assert session.scalars(select(Grade.value)).all() == ["57"]
        entry = session.scalars(select(AuditEntry).filter_by(action="consequence:leave")).one()
        assert entry.chain == f"calendar:{cohort}"
        assert why in str(entry.aside)


@pytest.mark.parametrize("days", [1, 2, 3])
def test_what_is_asked_is_what_the_dates_then_say(session: Session, days: int) -> None:
    told = late_result(session)
    with pytest.raises(Undecided) as asked, session.begin_nested():
        grant(session, told, days)
    [would] = asked.value.consequences
    assert (would.after["days"], would.after["points"]) == (
        max(2 - days, 0),
        max(10 - 5.0 * days, 0),
    )


def test_time_that_changes_no_result_asks_nothing(session: Session) -> None:
    told = late_result(session, late_points=0.0)
    assert grant(session, told).days == 3
    assert session.scalars(select(Grade.value)).all() == [told.grade.value]


def test_a_decision_on_another_change_does_not_hold(session: Session) -> None:
    """What was looked at is what is decided: one day more would have been another result."""
    told = late_result(session)
    with pytest.raises(Undecided) as asked, session.begin_nested():
        grant(session, told, 1)
    key = asked.value.consequences[0].key
    with pytest.raises(Undecided), session.begin_nested():
        grant(session, told, 2, decided=Decided({key: Decision(amend=True)}))
    grant(session, told, 1, decided=Decided({key: Decision(amend=True)}))
    assert sorted(session.scalars(select(Grade.value))) == ["57", "62"]


def test_where_the_plan_asks_for_a_signature_nothing_is_amended_without(session: Session) -> None:
    told = late_result(session, step_up="either")
    with pytest.raises(Unsigned) as wanted, session.begin_nested():
        grant(session, told, decided=AMEND)
    [line] = wanted.value.records
    assert (line["value"], line["person"]) == ("67", told.learner.id)
    assert session.scalars(select(Grade.value)).all() == ["57"]


@pytest.mark.parametrize("decision", [Decision(amend=True), Decision(False, "It stays.")])
def test_each_grade_recomputes_by_the_dates_of_its_time(
    app: Flask, session: Session, decision: Decision
) -> None:
    """What was released before the time was granted was right then, and is no difference now."""
    told = late_result(session)
    grant(session, told, decided=Decided(otherwise=decision))
    for grade in session.scalars(select(Grade)):
        late = [
            check
            for check in recomputing.recompute(
                session, grade, notary=app.extensions["grading"].notary
            )
            if "late" in check.what or check.what == "value"
        ]
        assert [check.agrees for check in late] == [True, True]


def two_readings(session: Session, **plan: Any) -> tuple[stories.Released, Person]:
    """A result of two readings, 1 and 3 on each criterion, and the rater who gave the higher ones."""
    cast = factories.a_cast(
        session,
        now=NOW,
        learners=1,
        **{
            "peer_readings": 0,
            "peers_needed": 0,
            "professional_readings": 2,
            "tolerance_levels": 3,
            "tolerance_total": 100.0,
            "tolerance_cut": False,
            "step_up": "off",
        }
        | plan,
    )
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    low, high = session.scalars(select(Allocation)).all()
    factories.rate(session, low, stories.BELOW, now=now)
    factories.rate(session, high, stories.BETTER, now=now)
    now = stories.release(session, cast, now=now)
    grade = session.scalars(select(Grade)).one()
    assert low.rater is not None
    assert high.rater is not None
    return stories.Released(cast, grade.submission, grade, low.rater, now + DAY), high.rater


def keep_apart(session: Session, told: stories.Released, rater: Person, **given: Any) -> Any:
    return amendments.declare_conflict(
        session,
        told.cast.coordinator,
        told.cast.cohort,
        rater=rater,
        learner=told.learner,
        reason="They are cousins.",
        now=told.now,
        **given,
    )


def test_a_conflict_asks_about_the_result_that_rests_on_the_raters_reading(act: Act) -> None:
    with act() as session:
        told, cousin = two_readings(session)
        assert told.grade.value == "67"
        with pytest.raises(Undecided) as asked, session.begin_nested():
            keep_apart(session, told, cousin)
        [would] = asked.value.consequences
        assert (would.before["value"], would.before["professionals"]) == ("67", 2)
        assert (would.after["value"], would.after["professionals"]) == ("33", 1)
        # To ask has changed nothing.
        assert session.scalars(select(StruckReading)).all() == []
        assert session.scalars(select(Score.number)).all() == [1]
        keep_apart(session, told, cousin, decided=AMEND)
    with act() as session:
        grades = session.scalars(select(Grade).order_by(Grade.number)).all()
        assert [(grade.value, grade.amended_for) for grade in grades] == [
            ("67", None),
            ("33", "conflict"),
        ]
        struck = session.scalars(select(StruckReading)).one()
        assert (
            struck.allocation.rater_id == session.scalars(select(ConflictOfInterest.rater_id)).one()
        )
        assert "cousins" not in struck.fault
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []


def test_a_result_that_rests_on_that_one_reading_can_only_stay_and_says_why(
    session: Session,
) -> None:
    told = late_result(session)
    with pytest.raises(Undecided) as asked, session.begin_nested():
        keep_apart(session, told, told.reader, decided=AMEND)
    assert "Somebody has to read the project first" in str(asked.value.faults[0])
    why = Decided(otherwise=Decision(amend=False, because="It is read again after an appeal."))
    keep_apart(session, told, told.reader, decided=why)
    assert session.scalars(select(Grade.value)).all() == ["57"]


def test_a_work_still_in_grading_is_read_by_somebody_else(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, peer_readings=0, peers_needed=0)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    item = session.scalars(select(Allocation)).one()
    factories.rate(session, item, stories.BETTER, now=now)
    now += stories.MINUTES
    factories.run_upkeep(session, cast.cohort, now=now)
    work, rater = cast.submissions[0], item.rater
    assert (work.state, rater is not None) == ("resolved", True)
    assert rater is not None
    told: dict[str, Any] = {
        "rater": rater,
        "learner": work.learner,
        "reason": "Cousins.",
        "now": now,
    }
    with pytest.raises(Undecided), session.begin_nested():
        amendments.declare_conflict(session, cast.coordinator, cast.cohort, **told)
    amendments.declare_conflict(session, cast.coordinator, cast.cohort, decided=AMEND, **told)
    factories.run_upkeep(session, cast.cohort, now=now)
    others = session.scalars(select(Allocation).where(Allocation.id != item.id)).all()
    assert work.state != "resolved"
    assert [other.state for other in others] == ["open"]
    assert eligibility.readable(session, rater, [work.id]) == set()
    assert len(others) == 1
