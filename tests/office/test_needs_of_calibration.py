"""What waits for leads and graders about standards, and that it goes when it is done."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import Alarm, Allocation
from grading.office.needs import Kind
from grading.readings import anchors, calibration, monitoring
from grading.workflow.calibration import AttemptKind
from tests import factories
from tests.database import NOW
from tests.office.test_needs import kinds, of
from tests.readings.test_calibration import AT, RULES

LEVELS = {"question": 2, "method": 2}
REASONS = dict.fromkeys(LEVELS, "It shows what this level asks for.")


@pytest.fixture
def cast(session: Session) -> factories.Cast:
    return factories.a_cast(session, now=NOW, learners=8, graders=2, **RULES)


def test_examples_wait_for_leads_until_they_are_agreed(
    session: Session, cast: factories.Cast
) -> None:
    work = cast.submissions[0]
    assert Kind.EXAMPLE_MARK not in kinds(session, cast.lead, AT)
    anchors.consent(session, work.learner, work, given=True, now=AT)
    anchor = anchors.propose(session, cast.lead, work, now=AT)
    for lead in (cast.lead, cast.instructor):
        assert Kind.EXAMPLE_MARK in kinds(session, lead, AT)
        anchors.mark(session, lead, anchor, levels=LEVELS, reasons=REASONS, now=AT)
        assert Kind.EXAMPLE_MARK not in kinds(session, lead, AT)
    assert Kind.EXAMPLE_AGREE in kinds(session, cast.lead, AT)
    # A third has marked none of it, and is asked for nothing.
    third = kinds(session, cast.second_instructor, AT)
    assert not {Kind.EXAMPLE_AGREE, Kind.EXAMPLE_MARK} & set(third)
    anchors.agree(
        session, cast.lead, anchor, levels=LEVELS, reasons=REASONS, use="practice", set_number=1,
        now=AT,
    )  # fmt: skip
    assert Kind.EXAMPLE_AGREE not in kinds(session, cast.lead, AT)


def test_calibration_waits_while_a_grader_can_do_something_about_it(
    session: Session, cast: factories.Cast
) -> None:
    grader = cast.graders[0]
    # Before there are examples there is nothing to do.
    assert Kind.CALIBRATE not in kinds(session, grader, AT)
    factories.anchor_papers(session, cast, 1, "practice", now=AT)
    factories.anchor_papers(session, cast, 3, "qualification", now=AT, first=1)
    factories.anchor_papers(session, cast, 3, "qualification", now=AT, first=4, set_number=2)
    [need] = [one for one in of(session, grader, AT) if one.kind == Kind.CALIBRATE]
    assert need.by == cast.cohort.due_at
    for kind, level in ((AttemptKind.PRACTICE, 2), (AttemptKind.QUALIFICATION, 0)):
        attempt = calibration.start(
            session, grader, cast.cohort, kind, rng=np.random.default_rng(1), now=AT
        )
        for item, _paper in calibration.items(session, attempt):
            factories.rate(session, item, {"question": level, "method": level}, now=AT)
        calibration.hand_in(session, grader, attempt, now=AT)
    # Not cleared, but a new try is not open yet.
    assert Kind.CALIBRATE not in kinds(session, grader, AT)
    assert Kind.CALIBRATE in kinds(session, grader, AT + timedelta(hours=48))


def test_alarms_and_owed_answers_wait_for_leads_who_are_not_concerned(
    session: Session, cast: factories.Cast
) -> None:
    factories.anchor_papers(session, cast, 1, "practice", now=AT)
    grader = cast.graders[0]
    calibration.start(
        session, grader, cast.cohort, AttemptKind.PRACTICE, rng=np.random.default_rng(1), now=AT
    )
    item = session.scalars(select(Allocation)).first()
    assert item is not None
    alarm = Alarm(
        cohort_id=cast.cohort.id, person_id=grader.id, chart="drift", allocation_id=item.id,
        since_id=item.id, detail={}, found_at=AT,
    )  # fmt: skip
    session.add(alarm)
    assert Kind.ALARM in kinds(session, cast.lead, AT)
    paused = monitoring.pause(session, cast.lead, cast.cohort, grader, reason="A look.", now=AT)
    [need] = [one for one in of(session, cast.lead, AT) if one.kind == Kind.PAUSE_ANSWER]
    assert need.by == paused.answer_by
    assert Kind.ALARM not in kinds(session, grader, AT)
    monitoring.answer(session, cast.lead, alarm, upheld=False, reason="Chance.", now=AT)
    monitoring.resume(session, cast.lead, paused, answer="All is well.", now=AT)
    assert not {Kind.ALARM, Kind.PAUSE_ANSWER} & set(kinds(session, cast.lead, AT))
