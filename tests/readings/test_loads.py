"""The load of a rater: readings that count, and what neither draw, claim nor list counts."""

import pytest
from sqlalchemy.orm import Session

from grading.models import Allocation, Person, Submission
from grading.office import needs
from grading.readings import allocations, holds, loads, monitoring
from grading.workflow.allocation import Pool, Purpose
from tests import factories
from tests.database import NOW

SOUND = {"question": 2, "method": 2}


@pytest.fixture
def cast(session: Session) -> factories.Cast:
    return factories.a_cast(session, now=NOW, learners=5, graders=2, grader_load=2)


def give(session: Session, work: Submission, rater: Person | None, purpose: Purpose) -> Allocation:
    item = allocations.give(
        session,
        work,
        rater,
        Pool.PROFESSIONAL,
        purpose,
        codes=allocations.BlindCodes(session, work.cohort_id),
        now=NOW,
    )
    session.flush()
    return item


def open_items(session: Session, grader: Person) -> int:
    return sum(
        need.count
        for need in needs.needs_of(session, needs.parts_of(session, grader), now=NOW)
        if need.kind is needs.Kind.ITEMS_OPEN
    )


@pytest.mark.parametrize("purpose", [Purpose.PRACTICE, Purpose.QUALIFICATION])
def test_practice_and_qualification_papers_leave_everything_claimable(
    session: Session, cast: factories.Cast, purpose: Purpose
) -> None:
    grader, *_ = cast.graders
    for work in cast.submissions[:3]:
        give(session, work, grader, purpose)
    item = give(session, cast.submissions[3], None, Purpose.LIVE)
    assert loads.loads(session, cast.cohort, Pool.PROFESSIONAL, [grader]) == [0]
    assert open_items(session, grader) == 1
    assert holds.claim(session, grader, cast.cohort, now=NOW) is item


def test_finished_readings_and_check_items_count(session: Session, cast: factories.Cast) -> None:
    grader, *_ = cast.graders
    done = give(session, cast.submissions[0], grader, Purpose.LIVE)
    factories.rate(session, done, SOUND, now=NOW)
    give(session, cast.submissions[3], None, Purpose.LIVE)
    assert open_items(session, grader) == 1
    give(session, cast.submissions[1], grader, Purpose.VALIDITY)
    assert loads.loads(session, cast.cohort, Pool.PROFESSIONAL, [grader]) == [2]
    assert open_items(session, grader) == 0
    assert holds.claim(session, grader, cast.cohort, now=NOW) is None


def test_a_paused_grader_is_told_of_no_items(session: Session, cast: factories.Cast) -> None:
    grader, colleague = cast.graders
    give(session, cast.submissions[0], grader, Purpose.LIVE)
    give(session, cast.submissions[1], None, Purpose.LIVE)
    assert len(needs.needs_of(session, needs.parts_of(session, grader), now=NOW)) == 2
    monitoring.pause(session, cast.lead, cast.cohort, grader, reason="too quick", now=NOW)
    session.flush()
    assert holds.claim(session, grader, cast.cohort, now=NOW) is None
    assert needs.needs_of(session, needs.parts_of(session, grader), now=NOW) == []
    assert open_items(session, colleague) == 1
