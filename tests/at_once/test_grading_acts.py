"""What graders, leads, instructors and learners share: each act is done once, however many press."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cohorts import groups, submissions
from grading.disputes import appeals, decisions, explanations, misconduct
from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    CredentialRecord,
    Explanation,
    Grade,
    MisconductCase,
    Person,
    Quarantine,
    QueuePause,
    Release,
    ReleaseItem,
    ShareLink,
    Submission,
    SubmissionMember,
)
from grading.readings import anchors, holds, monitoring, reviews
from grading.records import records, sharing
from grading.releases import releases
from grading.scores import quarantines
from tests import factories, stories
from tests.at_once.together import SharedAct, faults_of, the
from tests.database import NOW

pytestmark = pytest.mark.usefixtures("any_database")
SHEET = reviews.Sheet({"question": 2, "method": 2})


def test_a_learner_in_ten_tabs_hands_in_one_project(app: Flask, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=2, submitted=False, group_size=3)
        cohort_id, (first_id, second_id) = cast.cohort.id, [one.id for one in cast.learners]
    now = NOW + timedelta(days=1)

    def work(session: Session) -> Submission:
        return the(session, Submission)

    def person(session: Session, person_id: str) -> Person:
        return session.get_one(Person, person_id)

    def part(session: Session) -> SubmissionMember:
        return the(session, SubmissionMember, person_id=second_id)

    shared = [
        SharedAct("submission:start", lambda session, _: submissions.start(
            session, person(session, first_id), session.get_one(Cohort, cohort_id), now=now)),
        SharedAct("member:invite", lambda session, _: groups.invite(
            session, person(session, first_id), work(session),
            email="learner.birch@example.org", now=now)),
        SharedAct("member:join", lambda session, _: groups.accept(
            session, person(session, second_id), part(session), now=now)),
        SharedAct("submission:submit_together", lambda session, _: stories.hand_in(
            session, person(session, first_id), work(session), now)),
        SharedAct("submission:take_back", lambda session, _: submissions.take_back(
            session, person(session, first_id), work(session), now=now)),
        SharedAct("member:leave", lambda session, _: groups.leave(
            session, person(session, second_id), work(session), now=now)),
    ]  # fmt: skip
    assert faults_of(app, shared) == []


def test_a_press_of_finish_that_is_sent_ten_times_counts_once_and_is_no_error(
    app: Flask, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=1, peer_readings=0, peers_needed=0)
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        item = session.scalars(select(Allocation)).one()
        item = holds.claim(session, cast.graders[0], cast.cohort, now=now) or item
        item_id, rater_id = item.id, cast.graders[0].id

    def finish(session: Session, _: int) -> None:
        rater, item = session.get_one(Person, rater_id), session.get_one(Allocation, item_id)
        reviews.finish(session, rater, item, SHEET, version=0, now=now)

    def undo(session: Session, _: int) -> None:
        rater, item = session.get_one(Person, rater_id), session.get_one(Allocation, item_id)
        reviews.undo(session, rater, item, now=now)

    def decline(session: Session, _: int) -> None:
        rater, item = session.get_one(Person, rater_id), session.get_one(Allocation, item_id)
        reviews.decline(session, rater, item, reason="outside_field", note="", now=now)

    assert faults_of(app, [SharedAct("item:finish", finish)], refusals=0) == []
    assert faults_of(app, [SharedAct("item:undo", undo), SharedAct("item:decline", decline)]) == []


def test_a_release_is_proposed_signed_and_stopped_once(app: Flask, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, peer_readings=0, peers_needed=0, sign_offs=2)
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        for item in session.scalars(select(Allocation)).all():
            factories.rate(session, item, {"question": 2, "method": 3}, now=now)
        now += stories.MINUTES
        factories.run_upkeep(session, cast.cohort, now=now)
        cohort_id = cast.cohort.id
        signers = [cast.instructor.id, cast.second_instructor.id]

    def propose(session: Session, number: int) -> None:
        actor = session.get_one(Person, signers[number % 2])
        cohort = session.get_one(Cohort, cohort_id)
        releases.propose(session, actor, cohort, overrides={}, failed_gates=[], now=now)

    def sign(session: Session, number: int) -> None:
        release = the(session, Release)
        actor = session.get_one(Person, signers[number % 2])
        releases.sign(session, actor, release, now=now)

    def stop(session: Session, number: int) -> None:
        actor = session.get_one(Person, signers[number % 2])
        releases.stop(session, actor, the(session, Release), reason="Too early", now=now)

    shared = [
        SharedAct("release:propose", propose),
        SharedAct("release:schedule", sign),
        SharedAct("release:stop", stop),
    ]
    assert faults_of(app, shared) == []
    with act() as session:
        assert session.scalar(select(func.count()).select_from(ReleaseItem)) == 4


def test_leads_answer_pause_and_set_aside_once(app: Flask, act: Callable[[], Any]) -> None:
    with act() as session:
        told = stories.results(session, learners=3, graders=2)[0]
        cohort_id, lead_id, reader_id = told.cast.cohort.id, told.cast.lead.id, told.reader.id
        work_id, now = told.work.id, told.now
        anchors.consent(session, told.learner, told.work, given=True, now=now)

    def who(session: Session) -> tuple[Person, Cohort, Person]:
        return (
            session.get_one(Person, lead_id),
            session.get_one(Cohort, cohort_id),
            session.get_one(Person, reader_id),
        )

    shared = [
        SharedAct("queue:pause", lambda session, _: monitoring.pause(
            session, *who(session), reason="Please ring me.", now=now)),
        SharedAct("queue:resume", lambda session, _: monitoring.resume(
            session, who(session)[0], the(session, QueuePause), answer="All is well.", now=now)),
        SharedAct("quarantine:impose", lambda session, _: quarantines.impose(
            session, *who(session), criterion="method", since=NOW, reason="Drifted", now=now)),
        SharedAct("quarantine:lift", lambda session, _: quarantines.lift(
            session, who(session)[0], the(session, Quarantine), reason="It was us.", now=now)),
        SharedAct("anchor:propose", lambda session, _: anchors.propose(
            session, who(session)[0], session.get_one(Submission, work_id), now=now)),
    ]  # fmt: skip
    assert faults_of(app, shared) == []


def test_disputes_are_made_taken_and_decided_once(app: Flask, act: Callable[[], Any]) -> None:
    with act() as session:
        told = stories.results(session, learners=2, appeal_tokens=3)
        first, second = told
        now = first.now
        work_id, learner_id, grade_id = first.work.id, first.learner.id, first.grade.id
        other_id, other_learner_id = second.work.id, second.learner.id
        leads = [first.cast.instructor.id, first.cast.second_instructor.id]
        grader_id = first.fresh.id

    def person(session: Session, person_id: str) -> Person:
        return session.get_one(Person, person_id)

    def lodge(session: Session, learner_id: str, work_id: str) -> None:
        appeals.lodge_appeal(
            session, person(session, learner_id), session.get_one(Submission, work_id),
            criteria=["method"], reason=stories.REASON, now=now,
        )  # fmt: skip

    def case(session: Session) -> MisconductCase:
        return the(session, MisconductCase)

    shared = [
        SharedAct("explanation:ask", lambda session, _: explanations.request_explanation(
            session, person(session, learner_id), session.get_one(Submission, work_id),
            session.get_one(Grade, grade_id), criteria=["method"],
            question="What would the next level look like?", now=now)),
        SharedAct("explanation:answer", lambda session, number: explanations.answer_question(
            session, person(session, leads[number % 2]), the(session, Explanation),
            text=stories.ANSWER, now=now)),
        SharedAct("appeal:make", lambda session, _: lodge(session, learner_id, work_id)),
        SharedAct("appeal:withdraw", lambda session, _: appeals.withdraw_appeal(
            session, person(session, learner_id), the(session, Appeal), now=now)),
        SharedAct("misconduct_case:open", lambda session, _: misconduct.report_suspicion(
            session, person(session, grader_id), session.get_one(Submission, other_id),
            kind="copying", text="A page stands in a book as well.", source="A book", now=now)),
        SharedAct("misconduct_case:hear", lambda session, number: misconduct.put_to_learner(
            session, person(session, leads[number % 2]), case(session),
            allegation="A page of it stands in a book as well.", now=now)),
        SharedAct("misconduct_case:answer", lambda session, _: misconduct.answer_suspicion(
            session, person(session, other_learner_id), case(session),
            text="I wrote that book myself.", now=now)),
        SharedAct("misconduct_case:propose", lambda session, number: misconduct.propose_outcome(
            session, person(session, leads[number % 2]), case(session), upheld=False,
            reason="The book cites the learner.", now=now)),
        SharedAct("misconduct_case:dismiss", lambda session, number: misconduct.second_outcome(
            session, person(session, leads[number % 2]), case(session), agree=True, now=now)),
    ]  # fmt: skip
    assert faults_of(app, shared) == []


def test_an_appeal_is_read_and_decided_once(app: Flask, act: Callable[[], Any]) -> None:
    with act() as session:
        told = stories.a_result(session)
        stories.appeal_in(session, told, "remarked")
        decider_id, now = told.fresh.id, told.now

    def decide(session: Session, _: int) -> None:
        actor = session.get_one(Person, decider_id)
        decisions.decide_appeal(
            session, actor, the(session, Appeal), answer=stories.ANSWER, now=now
        )

    assert faults_of(app, [SharedAct("appeal:uphold", decide)]) == []
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Grade)) == 2


def test_a_record_is_begun_and_shared_once(app: Flask, act: Callable[[], Any]) -> None:
    with act() as session:
        told = stories.a_result(session)
        learner_id, now = told.learner.id, told.now

    def learner(session: Session) -> Person:
        return session.get_one(Person, learner_id)

    shared = [
        SharedAct("record:share", lambda session, _: records.share(
            session, learner(session), the(session, CredentialRecord), now=now)),
        SharedAct("record:unshare", lambda session, _: records.unshare(
            session, learner(session), the(session, CredentialRecord), now=now)),
    ]  # fmt: skip
    assert faults_of(app, shared) == []
    with act() as session:
        record = the(session, CredentialRecord)
        records.share(session, learner(session), record, now=now)
        sharing.make_link(session, learner(session), record, label="Work", now=now)
    withdraw = SharedAct("share_link:withdraw", lambda session, _: sharing.withdraw_link(
        session, learner(session), the(session, ShareLink), now=now))  # fmt: skip
    assert faults_of(app, [withdraw]) == []
