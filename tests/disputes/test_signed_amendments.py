"""Whoever changes what was released signs exactly that: an appeal's decision, points, an upheld case."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.disputes import decisions, misconduct
from grading.errors import FaultsFound, ListChanged, Refused
from grading.jobs import privacy
from grading.jobs.worker import Task
from grading.ledger import verifying
from grading.models import (
    Allocation,
    Appeal,
    Approval,
    AuditEntry,
    Challenge,
    CredentialRecord,
    Grade,
    Person,
)
from grading.people import approvals, passkeys
from grading.releases import points, recomputing
from grading.workflow.allocation import AllocationState, Purpose
from grading.workflow.approval import ChangeKind, text_digest
from tests import factories, stories
from tests.authenticator import Authenticator
from tests.browser.test_groups import REASON as POINTS_REASON
from tests.database import NOW
from tests.people.test_approvals import PARTY, a_key
from tests.stories import ANSWER, BETTER, Released

pytestmark = pytest.mark.usefixtures("any_database")

Act = Callable[[], Any]


class Signer:
    """Somebody with a passkey."""

    def __init__(self, session: Session, person: Person, now: Any) -> None:
        self.key = Authenticator(origin=PARTY.origin)
        self.id = person.id
        a_key(session, person, self.key, now=now)

    def sign(self, session: Session, challenge: Challenge, now: Any) -> Any:
        person = session.get_one(Person, self.id)
        options = passkeys.assertion_options(session, person, challenge, PARTY)
        given = self.key.sign(options)
        return approvals.by_passkey(session, person, challenge, given, party=PARTY, now=now)


def recomputed(session: Session, grade: Grade, app: Flask) -> list[str]:
    """What does not agree when a grade is built again."""
    notary = app.extensions["grading"].notary
    return [
        f"{check.what}: kept {check.kept}, found {check.found}"
        for check in recomputing.recompute(session, grade, notary=notary)
        if not check.agrees
    ]


def sound(session: Session) -> None:
    assert approvals.verify(session).faults == ()
    assert [fault for report in verifying.verify(session) for fault in report.faults] == []


@pytest.fixture
def appealed(act: Act) -> Callable[..., tuple[Released, Signer]]:
    """A result that a re-mark would raise, in a plan with a step-up; the re-marker has a passkey."""

    def make(session: Session, levels: dict[str, int] | None = None) -> tuple[Released, Signer]:
        told = stories.a_result(session, step_up="passkey")
        stories.appeal_in(session, told, "remarked", **(levels or BETTER))
        return told, Signer(session, told.fresh, told.now)

    return make


def test_a_decision_that_changes_a_grade_is_signed_over_what_it_releases(
    appealed: Any, act: Act, app: Flask
) -> None:
    with act() as session:
        told, signer = appealed(session)
        appeal = session.scalars(select(Appeal)).one()
        given = {"answer": ANSWER, "now": told.now}
        with pytest.raises(Refused, match="show that it is them"):
            decisions.decide_appeal(session, told.fresh, appeal, **given)
        assert appeal.state == "remarked"
        with pytest.raises(FaultsFound):
            decisions.lay_decision_before(session, told.fresh, appeal, answer="", now=told.now)
        with pytest.raises(Refused, match="not yours"):
            decisions.lay_decision_before(session, told.reader, appeal, **given)
        challenge = decisions.lay_decision_before(session, told.fresh, appeal, **given)
        assert challenge.records == [
            {
                "submission": told.work.id,
                "person": told.learner.id,
                "score": appeal.score_id,
                "value": "67",
                "band": "Pass",
            }
        ]
        # The learner reads the answer; what is signed of it is its digest.
        assert challenge.note == {"answer": text_digest(ANSWER)}
        answer = signer.sign(session, challenge, told.now)
        amended = decisions.decide_appeal(session, told.fresh, appeal, **given, signed=answer)
        assert amended is not None
        assert (amended.value, appeal.state) == ("67", "upheld")
        session.flush()
        session.refresh(challenge)
        assert challenge.entered is None
        approval = session.scalars(select(Approval).filter_by(subject_id=appeal.id)).one()
        assert (approval.action, approval.proof) == ("appeal:decide", "passkey")
        assert ANSWER not in str([approval.note, approval.records])
        with pytest.raises(Refused):
            decisions.decide_appeal(session, told.fresh, appeal, **given, signed=answer)
    with act() as session:
        sound(session)
        grade = session.scalars(select(Grade).where(Grade.number == 2)).one()
        assert recomputed(session, grade, app) == []
        approval = session.scalars(select(Approval).filter_by(action="appeal:decide")).one()
        approval.records = [{**approval.records[0], "value": "99"}]
        session.flush()
        found = recomputed(session, grade, app)
        assert any("amendment that was signed" in one for one in found)
        assert any("the list, the reasons or the nonce" in one for one in found)


def test_an_amendment_that_nobody_signed_does_not_recompute(
    appealed: Any, act: Act, app: Flask
) -> None:
    with act() as session:
        told, signer = appealed(session)
        appeal = session.scalars(select(Appeal)).one()
        challenge = decisions.lay_decision_before(
            session, told.fresh, appeal, answer=ANSWER, now=told.now
        )
        decisions.decide_appeal(
            session,
            told.fresh,
            appeal,
            answer=ANSWER,
            signed=signer.sign(session, challenge, told.now),
            now=told.now,
        )
        session.flush()
        approval = session.scalars(select(Approval).filter_by(action="appeal:decide")).one()
        session.delete(approval)
    with act() as session:
        grade = session.scalars(select(Grade).where(Grade.number == 2)).one()
        [found] = recomputed(session, grade, app)
        assert found.startswith("amendment that was signed")
        assert found.endswith("found []")


def test_another_answer_or_another_result_than_was_shown_is_not_signed(
    appealed: Any, act: Act
) -> None:
    with act() as session:
        told, signer = appealed(session)
        appeal = session.scalars(select(Appeal)).one()
        challenge = decisions.lay_decision_before(
            session, told.fresh, appeal, answer=ANSWER, now=told.now
        )
        answer = signer.sign(session, challenge, told.now)
        with pytest.raises(Refused, match="changed since it was shown"):
            decisions.decide_appeal(
                session, told.fresh, appeal, answer=ANSWER + " So.", signed=answer, now=told.now
            )
        first = session.scalars(
            select(Allocation).where(
                Allocation.purpose != Purpose.APPEAL, Allocation.state == AllocationState.SEALED
            )
        ).one()
        decisions.strike_reading(
            session,
            told.fresh,
            appeal,
            first,
            fault="They read another file.",
            criteria=["method"],
            now=told.now,
        )
        with pytest.raises(ListChanged) as changed:
            decisions.decide_appeal(
                session, told.fresh, appeal, answer=ANSWER, signed=answer, now=told.now
            )
        [change] = changed.value.changes
        assert (change.kind, change.before, change.after) == (ChangeKind.VALUE, "67", "100")
        assert appeal.state == "remarked"
        assert (
            session.scalar(
                select(func.count()).select_from(Approval).where(Approval.action == "appeal:decide")
            )
            == 0
        )


def test_a_decision_that_leaves_every_grade_needs_no_signature(appealed: Any, act: Act) -> None:
    with act() as session:
        told, _signer = appealed(session, stories.BELOW)
        appeal = session.scalars(select(Appeal)).one()
        assert decisions.grades_to_amend(session, appeal) == []
        decisions.decide_appeal(session, told.fresh, appeal, answer=ANSWER, now=told.now)
        assert appeal.state == "dismissed"
        assert session.scalars(select(Approval.action)).all() == ["release:propose"]


def test_what_rises_for_another_member_alone_is_neither_signed_nor_released(act: Act) -> None:
    """An appeal moves the group's results when it moves the appellant's; theirs is at its most already."""
    with act() as session:
        cast, work, now = stories.a_group_result(session)
        alder, birch = cast.learners
        given: dict[str, Any] = {"points": 100.0, "reason": POINTS_REASON}
        points.set_points(session, cast.instructor, work, alder, **given, now=now)
        grade = session.scalars(select(Grade).filter_by(person_id=alder.id, number=2)).one()
        reader = session.scalars(select(Allocation.rater_id)).first()
        told = Released(
            cast, work, grade, session.get_one(Person, reader), now + timedelta(hours=25)
        )
        appeal = stories.appeal_in(session, told, "remarked", **BETTER)
        assert decisions.grades_to_amend(session, appeal) == []
        decisions.decide_appeal(session, told.fresh, appeal, answer=ANSWER, now=told.now)
        assert appeal.state == "dismissed"
        values = session.scalars(select(Grade.value).filter_by(person_id=birch.id)).all()
        assert values == ["67"]


def test_points_after_release_are_signed_over_one_members_result(act: Act, app: Flask) -> None:
    with act() as session:
        cast, work, now = stories.a_group_result(session, step_up="passkey")
        birch = cast.learners[1]
        now += timedelta(minutes=1)
        signer = Signer(session, cast.instructor, now)
        given = {"points": -10.0, "reason": POINTS_REASON, "now": now}
        with pytest.raises(Refused, match="show that it is them"):
            points.set_points(session, cast.instructor, work, birch, **given)
        challenge = points.lay_before(session, cast.instructor, work, birch, **given)
        [line] = challenge.records
        assert (line["person"], line["value"], line["band"]) == (birch.id, "57", "Not passed")
        assert POINTS_REASON not in str(challenge.note)
        answer = signer.sign(session, challenge, now)
        with pytest.raises(ListChanged):
            points.set_points(
                session, cast.instructor, work, birch, **given | {"points": -20.0}, signed=answer
            )
        amended = points.set_points(session, cast.instructor, work, birch, **given, signed=answer)
        assert amended is not None
        assert amended.value == "57"
        # The same person can do it again: each time is an act of its own.
        again = given | {"points": 0.0, "now": now + timedelta(minutes=1)}
        challenge = points.lay_before(session, cast.instructor, work, birch, **again)
        answer = signer.sign(session, challenge, again["now"])
        points.set_points(session, cast.instructor, work, birch, **again, signed=answer)
    with act() as session:
        sound(session)
        for grade in session.scalars(select(Grade)):
            assert recomputed(session, grade, app) == []


def test_points_before_release_change_nothing_yet_and_need_no_signature(act: Act) -> None:
    with act() as session:
        cast = factories.a_cast(
            session, now=NOW, group_size=3, learners=2, submitted=False, step_up="passkey"
        )
        start = NOW + timedelta(days=1)
        work = stories.a_group(session, cast, 0, 1, now=start)
        stories.hand_in(session, cast.learners[0], work, start)
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
        made = points.set_points(
            session,
            cast.instructor,
            work,
            cast.learners[1],
            points=5.0,
            reason=POINTS_REASON,
            now=cast.cohort.due_at,
        )
        assert made is None
        assert session.scalars(select(Approval)).all() == []


def test_the_second_signs_the_records_that_an_upheld_case_revokes(act: Act) -> None:
    with act() as session:
        told = stories.a_result(session, levels=BETTER, step_up="passkey")
        case = stories.case_in(session, told.cast, told.work, "proposed", now=told.now)
        second = told.cast.second_instructor
        signer = Signer(session, second, told.now)
        with pytest.raises(Refused, match="show that it is them"):
            misconduct.second_outcome(session, second, case, agree=True, now=told.now)
        with pytest.raises(Refused, match="Another person"):
            misconduct.lay_revocations_before(session, told.cast.instructor, case, now=told.now)
        challenge = misconduct.lay_revocations_before(session, second, case, now=told.now)
        assert [(one["submission"], one["value"]) for one in challenge.records] == [
            (told.work.id, "100")
        ]
        answer = signer.sign(session, challenge, told.now)
        misconduct.second_outcome(session, second, case, agree=True, signed=answer, now=told.now)
        session.flush()
        assert case.state == "upheld"
        assert session.scalars(select(CredentialRecord.state)).all() == ["revoked"]
        approval = session.scalars(select(Approval).filter_by(subject_id=case.id)).one()
        assert (approval.action, approval.person_id) == ("misconduct_case:uphold", second.id)
    with act() as session:
        sound(session)


def test_a_second_who_disagrees_signs_nothing(act: Act) -> None:
    with act() as session:
        told = stories.a_result(session, levels=BETTER, step_up="passkey")
        case = stories.case_in(session, told.cast, told.work, "proposed", now=told.now)
        second = told.cast.second_instructor
        misconduct.second_outcome(session, second, case, agree=False, now=told.now)
        assert case.state == "heard"
        assert misconduct.lines_to_revoke(session, case) == []


def test_a_case_before_release_revokes_nothing_and_needs_no_signature(act: Act) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, step_up="passkey")
        work = cast.submissions[0]
        case = stories.case_in(session, cast, work, "upheld", now=cast.cohort.due_at)
        assert (case.state, work.state) == ("upheld", "withheld")


def test_what_nobody_signed_goes_with_the_daily_round(appealed: Any, act: Act, app: Flask) -> None:
    with act() as session:
        told, _signer = appealed(session)
        appeal = session.scalars(select(Appeal)).one()
        decisions.lay_decision_before(session, told.fresh, appeal, answer=ANSWER, now=told.now)
        now = told.now
    for later, left in ((timedelta(minutes=10), 1), (timedelta(days=1), 0)):
        installed = app.extensions["grading"]
        with app.app_context():
            privacy.keep_periods(Task(app, installed, "x", "retention", {}, now + later))
        with act() as session:
            kept = session.scalars(select(Challenge).filter_by(action="appeal:decide")).all()
            assert [one.entered for one in kept] == [{"answer": ANSWER}] * left


def test_the_chain_names_each_signed_amendment(appealed: Any, act: Act) -> None:
    with act() as session:
        told, signer = appealed(session)
        appeal = session.scalars(select(Appeal)).one()
        challenge = decisions.lay_decision_before(
            session, told.fresh, appeal, answer=ANSWER, now=told.now
        )
        answer = signer.sign(session, challenge, told.now)
        decisions.decide_appeal(
            session, told.fresh, appeal, answer=ANSWER, signed=answer, now=told.now
        )
    with act() as session:
        actions = session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.actor_id == signer.id)
            .order_by(AuditEntry.number)
        ).all()
        assert actions.index("approval:give") < actions.index("appeal:uphold")
