"""One date is the same on every page, in every mail and for the rule."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from grading.disputes import appeals
from grading.errors import FaultsFound
from grading.models import Cohort
from grading.office import imports, needs
from grading.office.needs.base import Kind
from grading.programs import completions
from grading.web import rendering
from grading.workflow.cohort import ImportKind
from tests import factories, stories
from tests.database import NOW, Clock
from tests.web.test_approving import text_of

Act = Callable[[], Any]
AUCKLAND_MORNING = datetime(2026, 11, 30, 19, 0, tzinfo=UTC)


def test_an_appeal_ends_at_one_instant_on_home_on_its_page_and_for_the_rule(
    act: Act, sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        told = stories.a_result(session)
        cohort = told.cast.cohort
        _opens, ends = appeals.appeal_window(cohort, told.grade)
        clock.now = told.now
        session.commit()
        parts = needs.parts_of(session, told.learner)
        by = {need.kind: need.by for need in needs.needs_of(session, parts, now=told.now)}
        said = rendering.instant_words(ends, cohort.zone)
        learner, place = told.learner.id, cohort.id
    assert by[Kind.RESULT] == ends
    client = sign_in(learner)
    client.get(f"/learn/{place}/result")
    assert said in text_of(client.get("/"))
    assert said in text_of(client.get(f"/learn/{place}/result/ask"))
    assert "11:59pm" in said


def test_a_completion_of_this_morning_in_auckland_is_no_day_of_the_future(session: Session) -> None:
    cohort = factories.a_cohort(session, now=NOW)
    person = factories.a_person(session, "Learner Kauri", now=NOW)
    course = cohort.program.courses[0]
    given: dict[str, Any] = {"identity_assurance": "proctored", "now": AUCKLAND_MORNING}

    def imported(day: str) -> None:
        head = "email,course,completed_on,identity_assurance"
        table = f"{head}\n{person.email},{course.code},{day},proctored"
        imports.preview(
            session,
            None,
            ImportKind.COMPLETIONS,
            cohort.program,
            table.encode(),
            now=AUCKLAND_MORNING,
        )

    imported("2026-12-01")
    with pytest.raises(FaultsFound, match="future"):
        imported("2026-12-02")
    with pytest.raises(FaultsFound, match="future"):
        completions.record_completion(
            session, None, course, person, completed_on=date(2026, 12, 2), **given
        )
    done = completions.record_completion(
        session, None, course, person, completed_on=date(2026, 12, 1), **given
    )
    assert done.completed_on == date(2026, 12, 1)


def test_who_chose_no_zone_reads_their_cohorts_zone_on_every_page(
    act: Act, sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=1, submitted=False)
        session.get_one(Cohort, cast.cohort.id).time_zone = "Pacific/Auckland"
        clock.now = cast.cohort.opens_at + timedelta(days=1)
        learner, grader, cohort = cast.learners[0].id, cast.graders[0].id, cast.cohort.id
        stranger = cast.stranger.id
    for who, places in (
        (learner, ("/", f"/learn/{cohort}", "/preferences")),
        (grader, ("/", "/grade/", "/preferences")),
    ):
        for place in places:
            page = text_of(sign_in(who).get(place))
            assert "Auckland time" in page, place
            assert "UTC" not in page.split("</header>")[0], place
    assert "UTC" in text_of(sign_in(stranger).get("/"))
