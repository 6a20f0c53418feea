"""Standings: whose they are, how long they last, who is cleared without an attempt, and who is told."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import cohorts, parts
from grading.errors import FaultsFound, NotFound, Refused
from grading.ledger import verifying
from grading.models import AuditEntry, Cohort, Job, Person, Standing
from grading.office.needs import Kind
from grading.readings import calibration, check_items, clearing, openings
from grading.readings.queries import calibration_progress, clearances, standings
from grading.scores import quarantines
from grading.workflow import plan as plans
from grading.workflow.calibration import AttemptKind, StandingState, Stuck
from grading.workflow.cohort import Role
from tests import factories
from tests.database import NOW
from tests.office.test_needs import kinds, of
from tests.readings.test_calibration import AT, RULES, practised, read_all, rng

PRACTICE, QUALIFICATION = AttemptKind.PRACTICE, AttemptKind.QUALIFICATION
RULES_BY_HAND = RULES | {"step_up": "off"}
REASON = "She has read for us for years, as the leads do."
YEAR = timedelta(days=365)


@pytest.fixture
def cast(session: Session) -> factories.Cast:
    cast = factories.a_cast(session, now=NOW, learners=10, graders=3, **RULES_BY_HAND)
    factories.anchor_papers(session, cast, 1, "practice", now=AT)
    factories.anchor_papers(session, cast, 3, "qualification", now=AT, first=1)
    factories.anchor_papers(session, cast, 3, "qualification", now=AT, first=4, set_number=2)
    return cast


def next_cohort(session: Session, cast: factories.Cast, *, now: datetime, **plan: Any) -> Cohort:
    """The same capstone, rubric and people once more."""
    choices = cast.cohort.plan.to_dict() | plan
    cohort = cohorts.create_cohort(
        session,
        None,
        cast.cohort.program,
        name=f"Again {now:%Y-%m-%d}",
        opens_on=now.date(),
        time_zone="Europe/London",
        rubric_version=cast.cohort.rubric_version,
        plan=plans.from_dict(choices),
        now=now,
    )
    for grader in cast.graders:
        parts.enrol(session, None, cohort, grader, Role.GRADER, now=now)
    for person in (cast.instructor, cast.second_instructor):
        parts.enrol(session, None, cohort, person, Role.INSTRUCTOR, now=now)
    parts.enrol(session, None, cohort, cast.lead, Role.LEAD, now=now)
    openings.open_cohort(session, None, cohort, now=now)
    return cohort


def qualified(
    session: Session, cast: factories.Cast, rater: Person, *, level: int = 2, now: datetime = AT
) -> None:
    attempt = calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=now)
    read_all(session, attempt, level, now=now)
    calibration.hand_in(session, rater, attempt, now=now)


def test_a_standing_carries_over_to_the_next_cohort_of_the_rubric_until_it_expires(
    session: Session, cast: factories.Cast
) -> None:
    rater, other = cast.graders[:2]
    practised(session, cast, rater)
    qualified(session, cast, rater)
    later = AT + timedelta(days=100)
    cohort = next_cohort(session, cast, now=later)
    assert standings.grading(session, cohort, [rater, other], later) == [rater]
    assert check_items.next_item(session, rater, cohort, now=later) is None
    assert {one.state for one in standings.of_person(session, cohort, rater.id).values()} == {
        "qualified"
    }
    over = AT + YEAR + timedelta(seconds=1)
    assert standings.grading(session, cohort, [rater], over) == []
    # The next cohort's upkeep ends it, in its own chain.
    assert clearing.expire(session, cohort, now=over) == 2
    session.commit()
    ended = session.scalars(select(AuditEntry).where(AuditEntry.action == "standing:expire")).all()
    assert {entry.chain for entry in ended} == {cohort.id}


def test_a_standing_is_of_one_rubric_version(session: Session, cast: factories.Cast) -> None:
    rater = cast.graders[0]
    practised(session, cast, rater)
    qualified(session, cast, rater)
    rubric = factories.a_rubric(version=2, description="Words were changed.")
    cast.cohort.rubric_version = factories.a_published_rubric(
        session, cast.cohort.program, now=AT, rubric=rubric
    )
    session.flush()
    assert standings.grading(session, cast.cohort, [rater], AT) == []
    assert standings.of_person(session, cast.cohort, rater.id) == {}


def test_who_has_practised_before_qualifies_without_practising_again(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    practised(session, cast, rater)
    later = AT + timedelta(days=400)
    cohort = next_cohort(session, cast, now=later)
    with pytest.raises(Refused, match="met every example to practise on"):
        calibration.start(session, rater, cohort, PRACTICE, rng=rng(), now=later)
    attempt = calibration.start(session, rater, cohort, QUALIFICATION, rng=rng(), now=later)
    assert attempt.cohort_id == cohort.id


def test_who_gave_practice_up_and_has_no_example_left_can_still_qualify(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    attempt = calibration.start(session, rater, cast.cohort, PRACTICE, rng=rng(), now=AT)
    calibration.end(session, rater, attempt, now=AT)
    calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=AT)


def test_a_try_that_cleared_begins_the_count_of_tries_anew(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    practised(session, cast, rater)
    qualified(session, cast, rater, level=0)
    again = AT + timedelta(hours=48)
    qualified(session, cast, rater, now=again)
    tried = clearances.attempts(session, cast.cohort, rater.id)
    assert clearances.tries_of(cast.cohort.plan, tried).left == 2


def test_an_attempt_is_refused_for_the_reason_that_holds_in_figures(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    practised(session, cast, rater)
    qualified(session, cast, rater, level=0)
    twice = cast.cohort.plan.to_dict() | {"qualification_sets": 2}
    cast.cohort.plan_version.choices = twice
    with pytest.raises(Refused) as refused:
        calibration.may_start(
            session, cast.cohort, rater, QUALIFICATION, now=AT + timedelta(hours=49)
        )
    assert refused.value.params == {"sets": 2, "papers": 3, "there": 1}


def test_a_lead_is_told_of_graders_who_cannot_be_cleared_before_they_are_needed(
    session: Session, cast: factories.Cast
) -> None:
    first, second, third = cast.graders
    assert Kind.CLEARANCE not in kinds(session, cast.lead, AT)
    # One whose standing ends within grading, and who has met every set but one of two that a try takes.
    practised(session, cast, first)
    qualified(session, cast, first)
    cast.cohort.plan_version.choices = cast.cohort.plan.to_dict() | {"qualification_sets": 2}
    ends = cast.cohort.grading_due_at - timedelta(hours=1)
    for standing in session.scalars(select(Standing)):
        standing.expires_at = ends
    session.flush()
    assert clearances.stuck(session, cast.cohort, now=AT) == {first.id: Stuck.NO_EXAMPLES}
    [need] = [one for one in of(session, cast.lead, AT) if one.kind == Kind.CLEARANCE]
    assert need.count == 1
    assert Kind.CLEARANCE not in kinds(session, first, AT)
    assert Kind.CLEARANCE not in kinds(session, cast.coordinator, AT)
    stocks = {
        person.id: stock
        for person, stock in calibration_progress.fresh_examples(session, cast.cohort)
    }
    plan = cast.cohort.plan
    assert [stocks[person.id].tries(plan) for person in (first, second, third)] == [0, 1, 1]
    later = AT + timedelta(days=300)
    for standing in session.scalars(select(Standing)):
        standing.expires_at = later
    session.flush()
    assert Kind.CLEARANCE not in kinds(session, cast.lead, AT)


def test_a_lead_is_told_of_a_grader_without_a_try_left(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    practised(session, cast, rater)
    qualified(session, cast, rater, level=0)
    again = AT + timedelta(hours=48)
    qualified(session, cast, rater, level=0, now=again)
    assert clearances.stuck(session, cast.cohort, now=again)[rater.id] == Stuck.NO_TRY
    assert Kind.CALIBRATE not in kinds(session, rater, again + timedelta(days=9))
    assert Kind.CLEARANCE in kinds(session, cast.lead, again)
    clearing.clear_by_hand(session, cast.lead, cast.cohort, rater, reason=REASON, now=again)
    assert Kind.CLEARANCE not in kinds(session, cast.lead, again)


def test_a_lead_clears_by_hand_with_a_reason_that_the_grader_reads(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    clearing.clear_by_hand(session, cast.lead, cast.cohort, rater, reason=REASON, now=AT)
    assert standings.grading(session, cast.cohort, [rater], AT) == [rater]
    [row] = [
        row
        for row in calibration_progress.standing_rows(session, cast.cohort, AT)
        if row.person.id == rater.id
    ]
    assert row.cleared
    assert row.until == AT + YEAR
    assert row.by_hand is not None
    assert row.by_hand.cleared_by is cast.lead
    assert row.by_hand.reason == REASON
    mail = session.scalars(select(Job).where(Job.key.startswith("mail:cleared:"))).one()
    assert mail.payload["person"] == rater.id
    session.commit()
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.action == "standing:clear_by_hand")
    ).first()
    assert entry is not None
    assert entry.actor_id == cast.lead.id
    assert not any(report.faults for report in verifying.verify(session))
    # What is won later is no longer by hand.
    practised(session, cast, rater)
    qualified(session, cast, rater)
    held = standings.of_person(session, cast.cohort, rater.id)
    assert {standing.cleared_by_id for standing in held.values()} == {None}


def test_clearing_by_hand_is_refused_where_it_is_ones_own_idle_or_without_a_reason(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]

    def clear(lead: Person, person: Person, reason: str = REASON) -> Any:
        return clearing.clear_by_hand(session, lead, cast.cohort, person, reason=reason, now=AT)

    with pytest.raises(Refused, match="Another lead"):
        clear(cast.second_instructor, cast.second_instructor)
    with pytest.raises(FaultsFound):
        clear(cast.lead, rater, "Good.")
    with pytest.raises(NotFound):
        clear(cast.lead, cast.learners[0])
    with pytest.raises(Refused, match="cleared for every criterion already"):
        clear(cast.second_instructor, cast.instructor)
    assert session.scalars(select(Standing)).all() == []


def test_who_sets_the_standard_is_not_cleared_while_their_ratings_are_set_aside(
    session: Session, cast: factories.Cast
) -> None:
    lead = cast.lead
    assert standings.grading(session, cast.cohort, [lead], AT) == [lead]
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
    quarantine = quarantines.Quarantine(
        cohort_id=cast.cohort.id, person=lead, criterion=None, since=AT, reason="x",
        by_id=cast.instructor.id, at=AT,
    )  # fmt: skip
    session.add(quarantine)
    session.flush()
    assert standings.grading(session, cast.cohort, [lead], AT) == []


def test_a_standing_stays_set_aside_while_another_cohorts_quarantine_is_in_force(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    clearing.clear_by_hand(session, cast.lead, cast.cohort, rater, reason=REASON, now=AT)
    later = AT + timedelta(days=50)
    cohort = next_cohort(session, cast, now=later)
    imposed = [
        quarantines.Quarantine(
            cohort_id=where.id, person=rater, criterion=criterion, since=AT, reason="x",
            by_id=cast.lead.id, at=later,
        )
        for where, criterion in ((cast.cohort, None), (cohort, "method"))
    ]  # fmt: skip
    session.add_all(imposed)
    held = standings.of_person(session, cohort, rater.id)
    for standing in held.values():
        standing.state = StandingState.SET_ASIDE
    session.flush()
    quarantines.lift(session, cast.lead, imposed[0], reason="Nothing found.", now=later)
    assert (held["question"].state, held["method"].state) == ("qualified", "set_aside")
    quarantines.lift(session, cast.lead, imposed[1], reason="Nothing found.", now=later)
    assert held["method"].state == "qualified"
