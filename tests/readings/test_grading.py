"""From the batch to the score: who reads what, what readings amount to, and nobody stuck."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import conflicts, departures, submissions
from grading.errors import Refused
from grading.models import (
    Allocation,
    AuditEntry,
    Cohort,
    Discrepancy,
    Exposure,
    Membership,
    Person,
    Rating,
    Score,
    Submission,
)
from grading.readings import allocations, exposures, holds, reviews
from grading.readings.queries import staff_view
from grading.releases.queries import candidates
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.cohort import Role
from tests import factories
from tests.database import NOW

Cast = factories.Cast
ELEVEN = timedelta(minutes=11)


def items(session: Session, **wanted: Any) -> list[Allocation]:
    return list(session.scalars(select(Allocation).filter_by(**wanted).order_by(Allocation.id)))


def rate_all(session: Session, now: datetime, levels: dict[str, dict[str, int]]) -> None:
    """Rate what is allocated; ``levels`` is by pool, with a default of sound work."""
    for item in items(session, state=AllocationState.ALLOCATED):
        factories.rate(session, item, levels.get(item.pool, {"question": 2, "method": 3}), now=now)
    session.flush()


@pytest.fixture
def start(any_database: str) -> Callable[..., Cast]:
    """Begin a cohort at its deadline, all items given out."""

    def begin(session: Session, *, seed: int = 1, **plan: Any) -> Cast:
        cast = factories.a_cast(session, now=NOW, **plan)
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at, seed=seed)
        return cast

    return begin


def test_the_batch_is_balanced_never_self_and_keeps_its_seed(
    start: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = start(session, learners=7, graders=3, seed=99)
        work = {work.id: work.learner_id for work in session.scalars(select(Submission))}
        given = items(session)
        assert all(work[item.submission_id] != item.rater_id for item in given)
        assert len({(item.submission_id, item.rater_id) for item in given}) == len(given)
        peers = Counter(item.rater_id for item in given if item.pool == Pool.PEER)
        assert set(peers.values()) == {2}
        graders = Counter(item.rater_id for item in given if item.pool == Pool.PROFESSIONAL)
        assert max(graders.values()) - min(graders.values()) <= 1
        session.commit()
        entry = session.scalars(select(AuditEntry).filter_by(action="cohort:allocate")).one()
        assert '"seed":99' in entry.after
        with pytest.raises(Refused):
            allocations.allocate(session, cast.cohort, seed=1, now=cast.cohort.due_at)


def test_second_readings_link_all_professionals(start: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = start(session, learners=10, graders=4, second_share=0.5)
        assert len(items(session, purpose=Purpose.SECOND_READING)) == 5
        assert len(staff_view.separate_groups(session, cast.cohort)) == 1


def test_a_disconnected_design_is_named(start: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = start(session, learners=6, graders=3, second_share=0.0)
        groups = staff_view.separate_groups(session, cast.cohort)
        assert len(groups) == 3
        assert {name for group in groups for name in group} == {p.name for p in cast.graders}


def test_a_conflict_of_interest_is_never_met(any_database: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=5, graders=2)
        for learner in cast.learners:
            conflicts.declare_conflict(
                session,
                None,
                cast.cohort,
                rater=cast.graders[0],
                learner=learner,
                reason="kin",
                now=NOW,
            )
        session.flush()
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
        readers = {item.rater_id for item in items(session, pool=Pool.PROFESSIONAL)}
        assert readers == {cast.graders[1].id}


def test_agreeing_readings_resolve_to_the_professionals_score(
    start: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = start(session)
        now = cast.cohort.due_at
        rate_all(session, now, {})
        factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
        score = session.scalars(select(Score)).first()
        # 40 x 2/3 + 60 x 3/3
        assert score.composite == pytest.approx(40 * 2 / 3 + 60)
        rated = session.scalars(select(Rating.id).join(Allocation).where(
            Allocation.submission_id == score.submission_id, Allocation.pool == Pool.PROFESSIONAL
        )).all()  # fmt: skip
        assert score.rating_ids == sorted(rated)
        assert score.plan_digest == cast.cohort.plan_version.digest
        assert (score.professionals, score.peers) == (1, 0)


def test_nothing_is_scored_while_a_reading_is_outstanding(
    start: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = start(session)
        now = cast.cohort.due_at
        for item in items(session, pool=Pool.PROFESSIONAL):
            factories.rate(session, item, {"question": 3, "method": 3}, now=now)
        factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
        assert session.scalars(select(Score)).all() == []


def test_a_discrepancy_is_settled_by_one_who_has_not_read_it(
    start: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = start(session, learners=3)
        now = cast.cohort.due_at
        rate_all(session, now, {Pool.PEER: {"question": 0, "method": 0}})
        factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
        cases = session.scalars(select(Discrepancy)).all()
        assert len(cases) == 3
        case = cases[0]
        assert {finding["kind"] for finding in case.findings} == {"criterion", "total", "cut"}
        readers = {item.rater_id for item in items(session, submission_id=case.submission_id)}
        for grader in cast.graders:
            claimed = holds.claim(
                session, grader, cast.cohort, now=now + ELEVEN, allocation_id=case.allocation_id
            )
            assert (claimed is None) == (grader.id in readers)
            if claimed is not None:
                factories.rate(session, claimed, {"question": 1, "method": 2}, now=now + ELEVEN)
                break
        factories.run_upkeep(session, cast.cohort, now=now + 2 * ELEVEN)
        assert case.state == "adjudicated"
        assert case.submission.state == "resolved"
        score = session.scalars(select(Score).filter_by(submission_id=case.submission_id)).one()
        assert score.composite == pytest.approx(40 * 1.5 / 3 + 60 * 2.5 / 3)


def test_a_handed_back_third_reading_is_open_again(start: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = start(session, learners=3)
        now = cast.cohort.due_at
        rate_all(session, now, {Pool.PEER: {"question": 0, "method": 0}})
        factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
        case = session.scalars(select(Discrepancy)).first()
        taken = holds.claim_case(session, cast.lead, case.allocation, now=now + ELEVEN)
        assert taken.hold_until == now + ELEVEN + timedelta(hours=4)
        with pytest.raises(Refused, match="Somebody else"):
            holds.claim_case(session, cast.instructor, case.allocation, now=now + ELEVEN)
        reviews.decline(
            session, cast.lead, taken, reason="outside_field", note="", now=now + ELEVEN
        )
        factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
        assert case.allocation_id != taken.id
        assert case.allocation.state == AllocationState.OPEN


def test_nobody_is_told_not_passed_on_one_reading(start: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = start(session, learners=3, readings_before_not_passed=2, tolerance_cut=False)
        now = cast.cohort.due_at
        low = {"question": 1, "method": 1}
        rate_all(session, now, {Pool.PEER: low, Pool.PROFESSIONAL: low})
        factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
        assert {work.state for work in session.scalars(select(Submission))} == {"begun"}
        assert len(items(session, state=AllocationState.OPEN)) == 3
        for grader in cast.graders:
            while (item := holds.claim(session, grader, cast.cohort, now=now + ELEVEN)) is not None:
                assert item.purpose == Purpose.SECOND_READING
                factories.rate(session, item, low, now=now + ELEVEN)
                session.flush()
        factories.run_upkeep(session, cast.cohort, now=now + 2 * ELEVEN)
        assert {score.professionals for score in session.scalars(select(Score))} == {2}


def test_a_work_short_of_peers_goes_to_a_professional(start: Any, act: Callable[[], Any]) -> None:
    """No peer ever comes: the result does, and the missing readings are no zeros."""
    with act() as session:
        cast = start(session, learners=4, graders=4)
        now = cast.cohort.due_at
        for item in items(session, pool=Pool.PROFESSIONAL):
            factories.rate(session, item, {"question": 3, "method": 3}, now=now)
        late = cast.cohort.peers_due_at + timedelta(minutes=1)
        factories.run_upkeep(session, cast.cohort, now=late)
        assert {item.state for item in items(session, pool=Pool.PEER)} == {"lapsed"}
        assert len(items(session, state=AllocationState.OPEN, pool=Pool.PROFESSIONAL)) == 4
        for turn in range(3):
            at = late + timedelta(minutes=turn)
            for grader in cast.graders:
                item = holds.claim(session, grader, cast.cohort, now=at)
                if item is not None:
                    factories.rate(session, item, {"question": 3, "method": 3}, now=at)
                    session.flush()
        factories.run_upkeep(session, cast.cohort, now=late + 2 * ELEVEN)
        assert {round(score.composite) for score in session.scalars(select(Score))} == {100}
        assert {work.state for work in session.scalars(select(Submission))} == {"resolved"}


def test_without_a_professional_the_peers_median_counts(start: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = start(session, learners=4, professional_share=0.0, peer_readings=3, peers_needed=2)
        assert items(session, pool=Pool.PROFESSIONAL) == []
        now = cast.cohort.due_at
        for work in session.scalars(select(Submission)).all():
            given = (
                {"question": 3, "method": 3},
                {"question": 3, "method": 3},
                {"question": 0, "method": 0},
            )
            for item, levels in zip(items(session, submission_id=work.id), given, strict=True):
                factories.rate(session, item, levels, now=now)
        session.flush()
        factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
        scores = session.scalars(select(Score)).all()
        assert {round(score.composite) for score in scores} == {100}
        assert {(score.professionals, score.peers) for score in scores} == {(0, 3)}


def test_late_submitters_are_given_readers_by_the_upkeep(
    start: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = start(session)
        late = factories.a_learner(session, cast.cohort, "Learner Yew", now=NOW)
        at = cast.cohort.due_at + timedelta(minutes=30)
        work = factories.a_submission(session, cast.cohort, late, now=at)
        factories.run_upkeep(session, cast.cohort, now=at)
        pools = Counter(item.pool for item in items(session, submission_id=work.id))
        assert pools == {Pool.PEER: 2, Pool.PROFESSIONAL: 1}
        assert work.copies[-1].late


def test_a_declined_peer_is_replaced_by_whoever_has_least(
    start: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = start(session, learners=6)
        now = cast.cohort.due_at
        item = items(session, pool=Pool.PEER)[0]
        reviews.decline(session, item.rater, item, reason="does_not_open", note="", now=now)
        factories.run_upkeep(session, cast.cohort, now=now)
        live = [other for other in items(session, submission_id=item.submission_id, pool=Pool.PEER)
                if other.state == AllocationState.ALLOCATED]  # fmt: skip
        assert len(live) == 2
        assert item.rater_id not in {other.rater_id for other in live}


def test_who_leaves_the_cohort_gives_back_what_they_hold(
    start: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = start(session, learners=6, graders=3)
        now = cast.cohort.due_at
        leaver = cast.graders[0]
        membership = session.scalars(select(Membership).filter_by(person_id=leaver.id)).one()
        departures.end_part(session, None, membership, reason="ill", now=now)
        session.flush()
        factories.run_upkeep(session, cast.cohort, now=now)
        held = items(session, rater_id=leaver.id)
        assert {item.state for item in held} == {AllocationState.LAPSED}
        assert len(items(session, state=AllocationState.OPEN)) == len(held) == 2


def test_when_nobody_is_left_the_lead_is_told(any_database: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=3, graders=1)
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
        item = items(session, pool=Pool.PROFESSIONAL)[0]
        reviews.decline(
            session, item.rater, item, reason="outside_field", note="", now=cast.cohort.due_at
        )
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
        stuck = candidates.stranded_items(session, cast.cohort)
        assert [found.submission_id for found in stuck] == [item.submission_id]
        hindered = {
            candidate.submission_id: candidate.hindrances
            for candidate in candidates.candidates(session, cast.cohort, now=cast.cohort.due_at)
        }
        assert "nobody_eligible" in hindered[item.submission_id]
        factories.a_member(session, cast.cohort, "Grader Quartz", Role.GRADER, now=NOW)
        assert candidates.stranded_items(session, cast.cohort) == []


def test_whoever_saw_the_scores_cannot_score(start: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = start(session, learners=3)
        now = cast.cohort.due_at
        rate_all(session, now, {Pool.PEER: {"question": 0, "method": 0}})
        factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
        case = session.scalars(select(Discrepancy)).first()
        assert staff_view.may_still_score(session, case.submission, cast.instructor.id)
        exposures.expose(session, cast.instructor, case.submission, now=now)
        session.flush()
        assert session.scalars(select(Exposure)).one().person_id == cast.instructor.id
        with pytest.raises(Refused, match="seen what others gave"):
            holds.claim_case(session, cast.instructor, case.allocation, now=now + ELEVEN)
        taken = holds.claim_case(session, cast.lead, case.allocation, now=now + ELEVEN)
        assert taken.rater_id == cast.lead.id
        with pytest.raises(Refused, match="yourself"):
            exposures.expose(session, cast.lead, case.submission, now=now)


def test_queues_differ_by_grader_and_follow_no_time(
    any_database: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=12, graders=2)
        codes = allocations.BlindCodes(session, cast.cohort.id)
        for work in cast.submissions:
            allocations.give(
                session, work, None, Pool.PROFESSIONAL, Purpose.LIVE, codes=codes, now=NOW
            )
        session.flush()

        def order(rater: Person) -> list[str]:
            return list(
                session.scalars(
                    select(Allocation.submission_id)
                    .where(Allocation.state == AllocationState.OPEN)
                    .order_by(holds.own_order(rater))
                )
            )

        one, other = (order(grader) for grader in cast.graders)
        assert one == order(cast.graders[0])
        assert one != other
        assert [work.id for work in cast.submissions] not in (one, other)


def test_upkeep_done_twice_changes_nothing(start: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = start(session)
        before = len(items(session))
        assert factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at) == 0
        assert len(items(session)) == before
        assert session.get_one(Cohort, cast.cohort.id).allocated_at == cast.cohort.due_at


def test_a_work_taken_back_for_good_is_called_back(start: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW)
        work = cast.submissions[0]
        submissions.take_back(session, work.learner, work, now=NOW)
        codes = allocations.BlindCodes(session, cast.cohort.id)
        item = allocations.give(
            session, work, cast.graders[0], Pool.PROFESSIONAL, Purpose.LIVE, codes=codes, now=NOW
        )
        session.flush()
        assert holds.next_held(session, cast.graders[0], cast.cohort) is None
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.closes_at)
        assert item.state == AllocationState.CANCELLED
        assert work.state == "draft"
