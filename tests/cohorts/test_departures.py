"""Whoever leaves a cohort is waited for by nobody: their work, and what they hold, go on without them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import departures, groups, parts, submissions
from grading.cohorts.queries import group_members, participants
from grading.ledger import verifying
from grading.models import (
    Allocation,
    CredentialRecord,
    Grade,
    Job,
    Membership,
    Person,
    Submission,
)
from grading.people import accounts
from grading.readings import reviews
from grading.readings.queries import staffing_facts
from grading.releases import releases
from grading.releases.queries import candidates
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.cohort import Role
from grading.workflow.submission import CURRENT_STATEMENT, SubmissionState
from tests import factories
from tests.database import NOW

DAY = timedelta(days=1)
ELEVEN = timedelta(minutes=11)
SOUND = {"question": 2, "method": 3}


def part_of(session: Session, person: Person, role: Role) -> Membership:
    return session.scalars(
        select(Membership).where(Membership.person_id == person.id, Membership.role == role)
    ).one()


def leave(session: Session, cast: factories.Cast, person: Person, role: Role, now: Any) -> None:
    departures.end_part(
        session, cast.coordinator, part_of(session, person, role), reason="left", now=now
    )
    session.flush()


def held_by(session: Session, person: Person) -> set[str]:
    return set(session.scalars(select(Allocation.state).where(Allocation.rater_id == person.id)))


def read_all(session: Session, cast: factories.Cast, now: Any) -> Any:
    for _ in range(3):
        for item in session.scalars(
            select(Allocation).where(Allocation.state == AllocationState.ALLOCATED)
        ).all():
            factories.rate(session, item, SOUND, now=now)
        now += ELEVEN
        factories.run_upkeep(session, cast.cohort, now=now)
    return now


@pytest.mark.parametrize("handed_in_and", ["before the draw", "given out", "read"])
def test_a_learner_whose_part_ended_is_neither_read_nor_released_nor_mailed(
    session: Session, handed_in_and: str
) -> None:
    cast = factories.a_cast(session, now=NOW, learners=5, sign_offs=1)
    work, learner, now = cast.submissions[0], cast.learners[0], cast.cohort.due_at
    if handed_in_and == "before the draw":
        leave(session, cast, learner, Role.LEARNER, now)
    factories.run_upkeep(session, cast.cohort, now=now)
    if handed_in_and == "read":
        now = read_all(session, cast, now)
    if handed_in_and != "before the draw":
        leave(session, cast, learner, Role.LEARNER, now)
    assert work.state == SubmissionState.WITHDRAWN
    outstanding = session.scalars(
        select(Allocation.id).where(
            Allocation.submission_id == work.id,
            Allocation.state.in_(("open", "allocated", "begun", "finished")),
        )
    )
    assert outstanding.all() == []
    now = read_all(session, cast, now)
    listed = candidates.candidates(session, cast.cohort, now=now)
    assert work.id not in {item.submission_id for item in listed}
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
    )
    releases.carry_out(session, release, now=now + ELEVEN)
    graded = set(session.scalars(select(Grade.person_id)))
    assert graded == {person.id for person in cast.learners[1:]}
    assert learner.id not in set(session.scalars(select(CredentialRecord.person_id)))
    mails = session.scalars(select(Job).where(Job.topic == "mail")).all()
    assert not [
        job
        for job in mails
        if job.payload.get("person") == learner.id and "result" in job.payload["template"]
    ]
    session.commit()
    assert not any(report.faults for report in verifying.verify(session))


def test_a_released_result_stays_when_the_part_ends(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=4, sign_offs=1)
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
    now = read_all(session, cast, cast.cohort.due_at)
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
    )
    releases.carry_out(session, release, now=now + ELEVEN)
    leave(session, cast, cast.learners[0], Role.LEARNER, now + DAY)
    assert cast.submissions[0].state == SubmissionState.RELEASED


def test_a_draft_never_handed_in_waits_for_whoever_is_enrolled_again(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, submitted=False)
    learner = cast.learners[0]
    draft = submissions.start(session, learner, cast.cohort, now=NOW)
    leave(session, cast, learner, Role.LEARNER, NOW)
    assert draft.state == SubmissionState.DRAFT
    parts.enrol(session, cast.coordinator, cast.cohort, learner, Role.LEARNER, now=NOW + DAY)
    assert submissions.start(session, learner, cast.cohort, now=NOW + DAY) is draft


def test_a_group_goes_on_without_who_left(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=3, submitted=False, group_size=3)
    first, second = cast.learners[:2]
    work = submissions.start(session, first, cast.cohort, now=NOW)
    session.flush()
    groups.place(session, cast.coordinator, work, second, now=NOW)
    submissions.save_draft(
        session, first, work, title="Two", text="We counted.", links=[], version=None, now=NOW
    )
    submissions.submit(session, first, work, statement=CURRENT_STATEMENT, version=None, now=NOW)
    leave(session, cast, first, Role.LEARNER, NOW + DAY)
    session.refresh(work)
    assert work.state != SubmissionState.WITHDRAWN
    assert group_members.people(session, work) == [second]
    leave(session, cast, second, Role.LEARNER, NOW + DAY)
    assert work.state == SubmissionState.WITHDRAWN


def test_a_grader_who_leaves_hands_back_at_once_what_they_hold(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=6, graders=3)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    leaver = cast.graders[0]
    begun = session.scalars(
        select(Allocation).where(Allocation.rater_id == leaver.id).order_by(Allocation.id)
    ).first()
    assert begun is not None
    reviews.save_draft(session, leaver, begun, reviews.Sheet({"question": 1}), version=0, now=now)
    leave(session, cast, leaver, Role.GRADER, now)
    assert held_by(session, leaver) == {AllocationState.LAPSED}
    # A draft of theirs keeps nobody waiting.
    assert begun.covers_until == now
    factories.run_upkeep(session, cast.cohort, now=now)
    assert session.scalars(
        select(Allocation.id).where(
            Allocation.submission_id == begun.submission_id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state.in_((AllocationState.OPEN, AllocationState.ALLOCATED)),
        )
    ).all()


def test_who_keeps_another_part_keeps_what_it_may_read(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=6, graders=3)
    grader, now = cast.graders[0], cast.cohort.due_at
    parts.enrol(session, None, cast.cohort, grader, Role.LEAD, now=NOW)
    factories.run_upkeep(session, cast.cohort, now=now)
    leave(session, cast, grader, Role.GRADER, now)
    assert held_by(session, grader) == {AllocationState.ALLOCATED}
    leave(session, cast, grader, Role.LEAD, now)
    assert held_by(session, grader) == {AllocationState.LAPSED}


def test_a_learner_who_leaves_hands_back_their_reviews(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=5)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    leaver = cast.learners[0]
    assert held_by(session, leaver) == {AllocationState.ALLOCATED}
    leave(session, cast, leaver, Role.LEARNER, now)
    assert AllocationState.ALLOCATED not in held_by(session, leaver)


def test_a_closed_account_hands_back_at_once_and_takes_part_in_nothing(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=6, graders=3)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    closed, learner = cast.graders[0], cast.learners[0]
    before = staffing_facts.people(session, cast.cohort)
    for person in (closed, learner):
        departures.close_account(session, cast.administrator, person, reason="gone", now=now)
    session.flush()
    assert held_by(session, closed) == held_by(session, learner) == {AllocationState.LAPSED}
    assert not participants.has_role(session, cast.cohort, closed, Role.GRADER)
    assert closed not in participants.graders(session, cast.cohort)
    assert closed not in participants.with_roles(session, cast.cohort, Role.GRADER)
    after = staffing_facts.people(session, cast.cohort)
    assert before.graders - after.graders == {closed.id}
    # Their own work goes on, and what was theirs to do comes back with the account.
    assert cast.submissions[0].state == SubmissionState.SUBMITTED
    accounts.reactivate(session, cast.administrator, closed, now=now)
    session.flush()
    assert participants.has_role(session, cast.cohort, closed, Role.GRADER)


def test_an_account_closed_elsewhere_is_found_by_the_upkeep(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=6, graders=3)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    closed = cast.graders[0]
    accounts.deactivate(session, cast.administrator, closed, reason="gone", now=now)
    factories.run_upkeep(session, cast.cohort, now=now)
    assert held_by(session, closed) == {AllocationState.LAPSED}


def test_the_page_says_what_ending_a_part_does(
    app: Any, act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=2)
        app.extensions["clock"].now = NOW + DAY
        place = f"/setup/cohorts/{cast.cohort.id}/members"
        parts = {
            role: part_of(session, person, role).id
            for role, person in ((Role.LEARNER, cast.learners[0]), (Role.GRADER, cast.graders[0]))
        }
        office, work = cast.administrator.id, cast.submissions[0].id
    client = sign_in(office)
    root = next(
        rule.rule.split("/cohorts/")[0]
        for rule in app.url_map.iter_rules()
        if rule.endpoint == "admin.end_member"
    )
    place = place.replace("/setup", root)
    words = "taken out of grading"
    assert words in client.get(f"{place}/{parts[Role.LEARNER]}/end").text
    assert words not in client.get(f"{place}/{parts[Role.GRADER]}/end").text
    ended = client.post(f"{place}/{parts[Role.LEARNER]}/end", data={"reason": "moved away"})
    assert ended.status_code == 303
    with act() as session:
        assert session.get_one(Submission, work).state == SubmissionState.WITHDRAWN
