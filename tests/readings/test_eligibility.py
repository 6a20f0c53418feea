"""Who may read what: each barrier, asked everywhere, about this project and not about another one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from grading.cohorts import conflicts, submissions
from grading.disputes import appeals
from grading.errors import Refused
from grading.models import (
    Absence,
    Allocation,
    Appeal,
    Membership,
    Person,
    Submission,
    SubmissionMember,
)
from grading.office import needs
from grading.readings import (
    absences,
    allocations,
    check_items,
    eligibility,
    exposures,
    holds,
    reviews,
)
from grading.readings.eligibility import Barrier, may_read
from grading.readings.queries import calibration_progress
from grading.releases.queries import candidates
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.group import MemberState
from tests import factories, stories
from tests.database import NOW

DAY = timedelta(days=1)


def give(
    session: Session, work: Submission, rater: Person | None, purpose: Purpose = Purpose.LIVE
) -> Allocation:
    return allocations.give(
        session,
        work,
        rater,
        Pool.PROFESSIONAL,
        purpose,
        codes=allocations.BlindCodes(session, work.cohort_id),
        now=NOW,
    )


def take_part(session: Session, rater: Person, work: Submission) -> None:
    session.add(
        SubmissionMember(
            submission=work,
            person=rater,
            cohort_id=work.cohort_id,
            attempt=work.attempt,
            state=MemberState.LEFT,
            since=NOW,
        )
    )


def declare_conflict(session: Session, rater: Person, work: Submission) -> None:
    conflicts.declare_conflict(
        session, None, work.cohort, rater=rater, learner=work.learner, reason="kin", now=NOW
    )


def read(session: Session, rater: Person, work: Submission) -> None:
    item = give(session, work, rater)
    session.flush()
    reviews.decline(session, rater, item, reason="outside_field", note="", now=NOW)


def read_attempt(session: Session, rater: Person, work: Submission) -> None:
    attempt = session.scalar(
        select(Submission).where(Submission.learner_id == work.learner_id, Submission.attempt == 2)
    )
    if attempt is None:
        attempt = submissions.begin(session, work.learner, work.cohort, attempt=2, now=NOW)
        session.flush()
    read(session, rater, attempt)


def see_scores(session: Session, rater: Person, work: Submission) -> None:
    exposures.expose(session, rater, work, now=NOW)


MEETINGS: dict[Barrier, Callable[[Session, Person, Submission], None]] = {
    Barrier.TOOK_PART: take_part,
    Barrier.CONFLICT: declare_conflict,
    Barrier.READ: read,
    Barrier.ATTEMPT_READ: read_attempt,
    Barrier.EXPOSED: see_scores,
}


@pytest.fixture
def cast(session: Session) -> factories.Cast:
    return factories.a_cast(session, now=NOW, learners=3, graders=3)


def meet(session: Session, people: list[Person], work: Submission, *which: Barrier) -> None:
    for person in people:
        for barrier in which or tuple(Barrier):
            MEETINGS[barrier](session, person, work)
    session.flush()


def in_one_statement(session: Session, person: Person, work: Submission) -> bool:
    """Ask two EXISTS deep, as the search for items that nobody may read does."""
    member, asked = aliased(Membership), aliased(Submission)
    somebody = exists(
        select(member.id)
        .join(Person, Person.id == member.person_id)
        .where(member.person_id == person.id, may_read(member.person_id, asked.id))
    )
    return session.scalar(select(asked.id).where(asked.id == work.id, somebody)) is not None


def test_every_barrier_has_words_and_a_test() -> None:
    assert set(eligibility.BARRIER_WORDS) == set(Barrier) == set(MEETINGS)


@pytest.mark.parametrize("barrier", Barrier)
def test_a_barrier_is_the_same_as_condition_as_pair_and_as_reason(
    session: Session, cast: factories.Cast, barrier: Barrier
) -> None:
    work, other, _ = cast.submissions
    kept_apart, *free = cast.graders
    meet(session, [kept_apart], work, barrier)
    meet(session, free, other, barrier)
    item = give(session, work, None, Purpose.ADJUDICATION)
    session.flush()
    for person, readable in ((kept_apart, False), *((person, True) for person in free)):
        flat = select(Submission.id).where(Submission.id == work.id, may_read(person.id))
        assert (session.scalar(flat) is not None) is readable
        assert in_one_statement(session, person, work) is readable
        assert eligibility.readable(session, person, [work.id]) == (
            {work.id} if readable else set()
        )
    assert eligibility.barriers_of(session, kept_apart, [work.id, other.id]) == {work.id: barrier}
    assert eligibility.forbidden_pairs(session, cast.cohort, [work], cast.graders) == {(0, 0)}
    with pytest.raises(Refused) as refused:
        holds.claim_case(session, kept_apart, item, now=NOW)
    assert str(refused.value) == eligibility.BARRIER_WORDS[barrier]
    assert holds.claim_case(session, free[0], item, now=NOW).rater_id == free[0].id


def test_who_met_another_project_is_offered_this_one_and_can_take_it(
    session: Session, cast: factories.Cast
) -> None:
    work, other, _ = cast.submissions
    meet(session, cast.graders, other)
    item = give(session, work, None)
    session.flush()
    assert candidates.stranded_items(session, cast.cohort) == []
    assert candidates.stranded_counts(session, [cast.cohort.id]) == {}
    for grader in cast.graders:
        found = needs.needs_of(session, needs.parts_of(session, grader), now=NOW)
        assert [need.kind for need in found] == [needs.Kind.ITEMS_OPEN]
    taken = holds.claim(session, cast.graders[0], cast.cohort, now=NOW)
    assert taken is not None
    assert taken.id == item.id


def test_an_item_is_stranded_only_when_everybody_met_its_own_project(
    session: Session, cast: factories.Cast
) -> None:
    work, other, _ = cast.submissions
    last = cast.graders[-1]
    meet(session, [last], other)
    meet(session, cast.graders[:-1], work, Barrier.READ)
    item = give(session, work, None)
    session.flush()
    assert candidates.stranded_items(session, cast.cohort) == []
    meet(session, [last], work, Barrier.EXPOSED)
    assert candidates.stranded_items(session, cast.cohort) == [item]


def test_a_draw_keeps_apart_only_who_met_the_very_project(
    session: Session, cast: factories.Cast
) -> None:
    meet(session, cast.graders, cast.submissions[1])
    pairs = eligibility.forbidden_pairs(session, cast.cohort, cast.submissions, cast.graders)
    assert pairs == {(1, position) for position in range(3)}
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
    placed = session.scalars(
        select(Allocation.submission_id).where(
            Allocation.pool == Pool.PROFESSIONAL, Allocation.state == AllocationState.ALLOCATED
        )
    )
    assert set(placed) == {cast.submissions[0].id, cast.submissions[2].id}


def test_a_cover_who_met_another_project_takes_on_this_one(
    session: Session, cast: factories.Cast
) -> None:
    work, other, _ = cast.submissions
    away, cover, _ = cast.graders
    meet(session, [cover], other)
    absence = Absence(
        cohort_id=cast.cohort.id,
        person=away,
        cover=cover,
        starts_at=NOW,
        ends_at=NOW + DAY,
        declared_at=NOW,
    )
    for submission, covered in ((work, True), (other, False)):
        item = give(session, submission, away)
        session.flush()
        absences.pass_on(session, item, absence, now=NOW)
        session.flush()
        passed_on = session.scalar(
            select(Allocation.id).where(
                Allocation.submission_id == submission.id,
                Allocation.rater_id == cover.id,
                Allocation.state == AllocationState.ALLOCATED,
            )
        )
        assert (passed_on is not None) is covered


def test_an_appeal_is_read_again_by_who_read_other_projects(session: Session) -> None:
    told = stories.a_result(session, graders=2)
    appeal: Appeal = stories.an_appeal(session, told)
    cohort, item = told.cast.cohort, appeal.allocation
    assert item is not None
    other = factories.a_submission(
        session,
        cohort,
        factories.a_learner(session, cohort, "Learner Yew", now=NOW),
        now=cohort.opens_at + DAY,
    )
    staff = [told.cast.instructor, told.cast.second_instructor, told.cast.lead]
    fresh = [person for person in told.cast.graders if person.id != told.reader.id]
    meet(session, staff + fresh, other)
    meet(session, staff, told.work, Barrier.EXPOSED)
    assert candidates.stranded_items(session, cohort) == []
    with pytest.raises(Refused, match="people left"):
        appeals.go_on_unblind(session, told.cast.lead, appeal, now=told.now)
    taken = holds.claim(session, fresh[0], cohort, now=told.now)
    assert taken is not None
    assert taken.id == item.id


def test_check_papers_are_fresh_to_who_read_other_projects(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=4, graders=2)
    work, other = cast.submissions[:2]
    papers = factories.anchor_papers(session, cast, 2, "validity", now=cast.cohort.opens_at + DAY)
    reader, newcomer = cast.graders
    meet(session, [reader], other, Barrier.READ)
    meet(session, [newcomer], cast.submissions[2])
    counts = {
        person: len(stock.checks)
        for person, stock in calibration_progress.fresh_examples(session, cast.cohort)
    }
    assert counts == {reader: 1, newcomer: 2}
    copies = [paper.submission_id for paper in papers]
    assert eligibility.readable(session, newcomer, copies) == set(copies)
    (fresh,) = eligibility.readable(session, reader, copies)
    paper = check_items._paper(session, reader, cast.cohort, 0)
    assert paper is not None
    assert (paper.submission_id, paper.source_id) == (fresh, work.id)


def test_leads_may_take_what_settles_a_dispute_and_nothing_else(
    session: Session, cast: factories.Cast
) -> None:
    work = cast.submissions[0]
    meet(session, cast.graders, work, Barrier.READ)
    live = give(session, work, None)
    third = give(session, work, None, Purpose.ADJUDICATION)
    session.flush()
    assert candidates.stranded_items(session, cast.cohort) == [live]
    assert holds.claim_case(session, cast.lead, third, now=NOW).rater_id == cast.lead.id
