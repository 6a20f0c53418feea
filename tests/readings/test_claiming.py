"""Taking an item: whoever is refused reads the reason that holds, on the page before they press too."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import HoldLost, Refused
from grading.models import Allocation, Cohort, Discrepancy, Person
from grading.readings import clearing, holds, monitoring, reviews
from grading.workflow.allocation import AllocationState, Purpose
from grading.workflow.submission import SubmissionState
from tests import factories
from tests.database import NOW, Clock
from tests.readings.test_calibration import RULES

REASON = "She has read for us for years, as the leads do."
CHOICES: dict[str, Any] = RULES | {"step_up": "off", "most_holds": 1, "grader_load": 30}


def a_case(session: Session, cast: factories.Cast) -> Allocation:
    """A third reading that nobody has taken."""
    item = Allocation(
        cohort_id=cast.cohort.id,
        submission=cast.submissions[0],
        pool="professional",
        purpose=Purpose.ADJUDICATION,
        state=AllocationState.OPEN,
        blind_code="CAS-EOP",
        created_at=NOW,
    )
    session.add(item)
    session.flush()
    return item


def refusal_of(session: Session, person: Person, item: Allocation, now: Any = NOW) -> Refused:
    with pytest.raises(Refused) as refused:
        holds.claim_case(session, person, item, now=now)
    return refused.value


def test_whoever_cannot_take_a_case_reads_the_one_reason_that_holds(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=3, **CHOICES)
    item, instructor = a_case(session, cast), cast.instructor
    uncleared = refusal_of(session, instructor, item)
    assert "not cleared" in str(uncleared)
    assert uncleared.params["criteria"] == ["Question", "Method"]
    assert "queue" not in str(uncleared)
    clearing.clear_by_hand(session, cast.lead, cast.cohort, instructor, reason=REASON, now=NOW)
    paused = monitoring.pause(
        session, cast.lead, cast.cohort, instructor, reason="A look at it.", now=NOW
    )
    assert str(refusal_of(session, instructor, item)) == "Your queue is paused by your lead."
    monitoring.resume(session, cast.lead, paused, answer="All is well.", now=NOW)
    held = Allocation(
        cohort_id=cast.cohort.id, submission=cast.submissions[1], rater=instructor,
        pool="professional", purpose=Purpose.ADJUDICATION, state=AllocationState.BEGUN,
        blind_code="HEL-DDD", created_at=NOW, hold_until=NOW + timedelta(days=1), begun_at=NOW,
    )  # fmt: skip
    session.add(held)
    session.flush()
    holding = refusal_of(session, instructor, item)
    assert (holding.params["n"], "You hold" in str(holding)) == (1, True)
    held.hold_until = None
    cast.cohort.plan_version.choices = cast.cohort.plan.to_dict() | {"grader_load": 1}
    full = refusal_of(session, instructor, item)
    assert (full.params["n"], "as the plan allows" in str(full)) == (1, True)
    cast.cohort.plan_version.choices = cast.cohort.plan.to_dict() | {"grader_load": None}
    session.flush()
    assert holds.claim_case(session, instructor, item, now=NOW) is item
    assert str(refusal_of(session, cast.second_instructor, item)) == "Somebody else has this case."
    item.state, item.ended_at = AllocationState.CANCELLED, NOW
    session.flush()
    assert str(refusal_of(session, cast.second_instructor, item)) == "This case is no longer open."


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (SubmissionState.WITHDRAWN, "withdrawn", "took this project back"),
        (SubmissionState.SUBMITTED, "cancelled", "no longer needed"),
    ],
)
def test_a_cancelled_item_says_that_it_was_taken_back_only_where_it_was(
    session: Session, state: SubmissionState, reason: str, words: str
) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, **CHOICES)
    item = a_case(session, cast)
    item.rater, item.state = cast.graders[0], AllocationState.CANCELLED
    item.submission.state = state
    if state == SubmissionState.WITHDRAWN:
        item.submission.withdrawn_at = NOW
    item.ended_at = NOW
    session.flush()
    with pytest.raises(HoldLost, match=words) as lost:
        holds.own(session, cast.graders[0], item, NOW)
    assert lost.value.reason == reason


def test_a_released_work_is_not_said_to_be_changed_by_its_learner(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, **CHOICES)
    item = a_case(session, cast)
    item.submission.state = SubmissionState.RELEASED
    with pytest.raises(HoldLost, match="result of this project is out"):
        reviews.still_gradable(item)


def test_the_queue_says_why_a_case_is_not_for_its_reader_before_they_press(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=2, **CHOICES)
        item = a_case(session, cast)
        session.add(
            Discrepancy(
                cohort_id=cast.cohort.id, submission=item.submission, allocation=item,
                findings=[], found_at=NOW,
            )
        )  # fmt: skip
        cohort, instructor, lead = cast.cohort.id, cast.instructor.id, cast.lead.id
        session.flush()
        case = session.scalars(select(Discrepancy.id)).one()
    client = sign_in(instructor)
    for page in (f"/teach/{cohort}/disputed", f"/teach/case/{case}"):
        shown = client.get(page).text
        assert "You are not cleared to grade here for: Question, Method." in shown, page
        assert f"/teach/case/{case}/take" not in shown, page
    assert client.post(f"/teach/case/{case}/take").status_code == 409
    with act() as session:
        people = [session.get_one(Person, key) for key in (lead, instructor)]
        clearing.clear_by_hand(
            session, people[0], session.get_one(Cohort, cohort), people[1], reason=REASON, now=NOW
        )
    assert f"/teach/case/{case}/take" in client.get(f"/teach/{cohort}/disputed").text
    assert client.post(f"/teach/case/{case}/take").status_code == 303
