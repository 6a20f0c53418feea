"""Release and record: nothing before, everything once, stoppable until the delay has ended."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cohorts import withdrawals
from grading.errors import FaultsFound, IllegalTransition, NotFound, Refused
from grading.models import Allocation, AuditEntry, CredentialRecord, Grade, Job, Submission
from grading.records import records, revocations, sharing
from grading.releases import releases
from grading.releases.queries import candidates
from grading.releases.results import NOT_LATE, Lateness, ReleaseLine, signed_form
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.approval import Statement
from tests import factories
from tests.database import NOW

ELEVEN = timedelta(minutes=11)


@pytest.fixture
def graded(any_database: str) -> Callable[..., Any]:
    """A cohort whose works are all resolved, and the instant of that."""

    def make(session: Session, **plan: Any) -> tuple[factories.Cast, Any]:
        cast = factories.a_cast(session, now=NOW, **plan)
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        for item in session.scalars(select(Allocation)).all():
            if item.state == AllocationState.ALLOCATED:
                factories.rate(session, item, {"question": 2, "method": 2}, now=now)
        session.flush()
        now += ELEVEN
        factories.run_upkeep(session, cast.cohort, now=now)
        return cast, now

    return make


def propose(session: Session, cast: factories.Cast, now: Any, **more: Any) -> Any:
    given = {"overrides": {}, "failed_gates": []} | more
    return releases.propose(session, cast.instructor, cast.cohort, now=now, **given)


def test_two_sign_then_the_delay_then_each_once(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, now = graded(session, sign_offs=2)
        release = propose(session, cast, now)
        assert release.state == "proposed"
        with pytest.raises(Refused, match="Another person"):
            releases.sign(session, cast.instructor, release, now=now)
        releases.sign(session, cast.second_instructor, release, now=now)
        assert (release.state, release.release_at) == ("scheduled", now + timedelta(minutes=10))
        with pytest.raises(Refused, match="later"):
            releases.carry_out(session, release, now=now + timedelta(minutes=9))
        assert session.scalar(select(Grade.id)) is None
        later = now + timedelta(minutes=10)
        assert releases.carry_out(session, release, now=later) == 4
        assert releases.carry_out(session, release, now=later) == 0
        grades = session.scalars(select(Grade)).all()
        assert {(grade.value, grade.band, grade.passed) for grade in grades} == {
            ("67", "Pass", True)
        }
        mails = session.scalar(
            select(func.count()).select_from(Job).where(Job.key.startswith("mail:result:"))
        )
        assert mails == 4
        payloads = session.scalars(select(Job.payload).where(Job.key.startswith("mail:result:")))
        assert all(set(payload["context"]) == {"cohort"} for payload in payloads)


def test_a_stopped_release_sends_nothing(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, now = graded(session, sign_offs=1)
        release = propose(session, cast, now)
        releases.stop(session, cast.second_instructor, release, reason="a typing error", now=now)
        with pytest.raises(IllegalTransition):
            releases.carry_out(session, release, now=now + ELEVEN)
        assert session.scalar(select(Grade.id)) is None
        assert not session.scalars(select(Job).where(Job.key.startswith("mail:result:"))).all()
        assert all(item.ready for item in candidates.candidates(session, cast.cohort, now=now))


def test_a_second_release_finds_nothing_ready(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, now = graded(session, sign_offs=1)
        release = propose(session, cast, now)
        with pytest.raises(Refused, match="No result is ready"):
            propose(session, cast, now)
        found = candidates.candidates(session, cast.cohort, now=now)
        assert {item.hindrances for item in found} == {("in_another_release",)}
        releases.carry_out(session, release, now=now + ELEVEN)
        assert candidates.candidates(session, cast.cohort, now=now) == []


def test_what_changed_in_the_meantime_is_left_out(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, now = graded(session, sign_offs=1)
        release = propose(session, cast, now)
        gone = session.scalars(select(Submission)).first()
        withdrawals.withdraw(session, gone.learner, gone, now=now)
        assert releases.carry_out(session, release, now=now + ELEVEN) == 3
        session.commit()
        entry = session.scalars(select(AuditEntry).filter_by(action="release:carry_out")).one()
        assert gone.id in entry.after
        assert session.scalar(select(Grade.id).where(Grade.submission_id == gone.id)) is None


def test_a_gate_that_is_not_met_needs_a_reason(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, now = graded(session, sign_offs=1)
        with pytest.raises(FaultsFound) as caught:
            propose(
                session, cast, now, failed_gates=["kappa:total"], overrides={"kappa:total": " "}
            )
        assert [fault.where for fault in caught.value.faults] == ["kappa:total"]
        release = propose(
            session, cast, now, failed_gates=["kappa:total"], overrides={"kappa:total": "few pairs"}
        )
        assert release.overrides == [{"gate": "kappa:total", "reason": "few pairs"}]


def test_a_learner_who_owes_reviews_waits_and_loses_nothing(
    any_database: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, sign_offs=1)
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        owing = cast.learners[0]
        for item in session.scalars(select(Allocation)).all():
            if item.pool == Pool.PEER and item.rater_id == owing.id:
                continue
            factories.rate(session, item, {"question": 2, "method": 2}, now=now)
        session.flush()
        late = cast.cohort.peers_due_at + timedelta(minutes=1)
        factories.run_upkeep(session, cast.cohort, now=late)
        work = cast.submissions[0].id
        found = {
            item.submission_id: item
            for item in candidates.candidates(session, cast.cohort, now=late)
        }
        assert found[work].hindrances == ("reviews_owed",)
        assert found[work].composite == pytest.approx(200 / 3)
        week_after = cast.cohort.results_at + timedelta(days=7)
        found = {
            item.submission_id: item
            for item in candidates.candidates(session, cast.cohort, now=week_after)
        }
        assert found[work].ready


def test_the_record_is_complete_with_all_courses_and_a_passed_capstone(
    graded: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast, now = graded(session, sign_offs=1)
        releases.carry_out(session, propose(session, cast, now), now=now + ELEVEN)
        learner = cast.learners[0]
        record = session.scalars(select(CredentialRecord).filter_by(person_id=learner.id)).one()
        assert record.completed_at == now + ELEVEN
        assert [entry.title for entry in record.entries] == [
            "Measuring", "Cleaning", "Modelling", "A city's bicycles",
        ]  # fmt: skip
        detail = record.entries[-1].detail
        assert detail["rubric"]["digest"] == cast.cohort.rubric_version.digest
        assert detail["plan"]["digest"] == cast.cohort.plan_version.digest
        assert detail["raters"] == {"professional": 1, "peer": 0}
        assert detail["method"] == "mean-of-professional-readings/1"
        assert [item["code"] for item in detail["criteria"]] == ["question", "method"]


def test_a_record_is_hidden_shared_hidden_and_revoked(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, now = graded(session, sign_offs=1)
        releases.carry_out(session, propose(session, cast, now), now=now + ELEVEN)
        learner, other = cast.learners[:2]
        record = session.scalars(select(CredentialRecord).filter_by(person_id=learner.id)).one()
        for unknown in (record.public_id, "nothing"):
            with pytest.raises(NotFound):
                sharing.find(session, unknown)
        with pytest.raises(NotFound):
            records.share(session, other, record, now=now)
        records.share(session, learner, record, now=now)
        assert sharing.find(session, record.public_id).record is record
        with pytest.raises(Refused, match="reason"):
            revocations.revoke_record(session, cast.instructor, record, reason=" ", now=now)
        with pytest.raises(Refused, match="own record"):
            revocations.revoke_record(session, learner, record, reason="x", now=now)
        revocations.revoke_record(session, cast.instructor, record, reason="copied", now=now)
        assert sharing.find(session, record.public_id).record.state == "revoked"
        records.unshare(session, learner, record, now=now)
        with pytest.raises(NotFound):
            sharing.find(session, record.public_id)
        with pytest.raises(Refused):
            records.share(session, learner, record, now=now)


def test_what_is_signed_of_a_line_has_the_same_bytes_as_ever() -> None:
    line = ReleaseLine("W1", "P1", "S1", Decimal("60"), "Pass", Lateness(2, 10.0), 1.5)
    failed = ReleaseLine("W2", "P2", "S2", Decimal("59"), None, NOT_LATE, 0.0)
    statement = Statement("release:propose", "R1", "P9", "nonce", signed_form([line, failed]), {})
    expected = (
        '["capstone-grading/approval/1","release:propose","R1","P9","nonce",'
        '[{"band":"Pass","person":"P1","score":"S1","submission":"W1","value":"60"},'
        '{"band":"Not passed","person":"P2","score":"S2","submission":"W2","value":"59"}],{}]'
    )
    assert statement.challenge == hashlib.sha256(expected.encode()).digest()
