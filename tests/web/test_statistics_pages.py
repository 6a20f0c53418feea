"""Agreement and severity as pages show them: too little is hidden, the rest is what was computed."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import Allocation, CohortStatistics, Job, JobState, Rating
from grading.models.statistics import KINDS
from grading.scores import statistics
from grading.workflow.allocation import Pool
from tests import factories
from tests.database import NOW, Clock, acting
from tests.kept import kept_by_app
from tests.scores.test_adjusting import graded_cohort
from tests.web.test_query_counts import MOST, counted


@kept_by_app
def strict_and_mild(app: Flask) -> dict[str, Any]:
    """Forty works read twice by three graders, of whom one is stricter by a level."""
    clock = app.extensions["clock"]
    with acting(app) as session:
        cast, clock.now = graded_cohort(session, graders=3, second_share=1.0, resolution="severity")
        factories.run_upkeep(session, cast.cohort, now=clock.now)
        cohort = {
            "cohort": cast.cohort.id,
            "instructor": cast.instructor.id,
            "harsh": cast.graders[0].name,
        }
    Worker(app, HANDLERS).run_until_idle(clock.now)
    return cohort


@pytest.fixture
def world(app: Flask) -> dict[str, Any]:
    return strict_and_mild(app)


def test_upkeep_asks_for_them_and_a_worker_computes_them_once(
    app: Flask, act: Callable[[], Any], world: dict[str, Any], clock: Clock
) -> None:
    with act() as session:
        kept = session.scalars(select(CohortStatistics)).all()
        assert {one.kind for one in kept} == set(KINDS)
        jobs = session.scalars(select(Job).where(Job.topic == "statistics")).all()
        assert [job.state for job in jobs] == [JobState.DONE]
        cohort = session.get_one(factories.Cohort, world["cohort"])
        assert statistics.compute(session, cohort, now=clock.now) == 0
        assert not statistics.ask(session, cohort, now=clock.now)


def test_pages_show_findings_charts_and_tables(sign_in: Any, world: dict[str, Any]) -> None:
    client = sign_in(world["instructor"])
    page = client.get(f"/teach/{world['cohort']}/agreement").get_data(as_text=True)
    for words in ("Do two graders of one project agree?", "Who agrees with whom?",
                  "Do peers mark as graders do", "Where do projects lie", "Is the scale of “Method” used?",
                  "Pass mark 60", "Computed"):  # fmt: skip
        assert words in page
    assert "nan" not in page.lower().replace("financ", "")
    severity = client.get(f"/teach/{world['cohort']}/severity").get_data(as_text=True)
    for words in ("Is anyone stricter or milder?", "share one scale?",
                  "How many readings are enough?", "How well do sheets fit the model?",
                  "Separation", "How often is the decision right?"):  # fmt: skip
        assert words in severity
    assert world["harsh"] not in severity
    named = client.get(f"/teach/{world['cohort']}/severity?names=yes").get_data(as_text=True)
    assert world["harsh"] in named
    assert "from the panel by more than chance" in named


def test_each_chart_can_be_taken_along(sign_in: Any, world: dict[str, Any]) -> None:
    client = sign_in(world["instructor"])
    for page, figures in (
        ("agreement", ("alpha-professionals", "bland-altman", "totals", "levels-1", "pairs")),
        ("severity", ("severity", "wright", "reliability", "components", "single")),
    ):
        for figure in ("", *figures):
            answer = client.get(f"/teach/{world['cohort']}/{page}.csv?figure={figure}")
            assert answer.status_code == 200, (page, figure)
            rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
            assert len(rows) > 1
            assert all(len(row) == len(rows[0]) for row in rows), (page, figure)
        assert client.get(f"/teach/{world['cohort']}/{page}.csv?figure=no").status_code == 404


def test_too_little_is_hidden_and_says_how_much_there_is(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast, now = graded_cohort(session, learners=6)
        factories.run_upkeep(session, cast.cohort, now=now)
        clock.now = now
        cohort, instructor = cast.cohort.id, cast.instructor.id
    client = sign_in(instructor)
    before = client.get(f"/teach/{cohort}/agreement").get_data(as_text=True)
    assert "Nothing is computed yet" in before
    answer = client.post(f"/teach/{cohort}/statistics", data={"page": "agreement"})
    assert answer.status_code == 303
    Worker(app, HANDLERS).run_until_idle(clock.now)
    page = client.get(f"/teach/{cohort}/agreement").get_data(as_text=True)
    assert "Not enough yet (6 of 10)" in page
    assert "too few projects or graders" in client.get(f"/teach/{cohort}/severity").get_data(
        as_text=True
    )


def test_the_release_page_counts_what_the_adjustment_moved(
    sign_in: Any, world: dict[str, Any]
) -> None:
    page = sign_in(world["instructor"]).get(f"/teach/{world['cohort']}/release")
    html = page.get_data(as_text=True)
    assert "Adjustment for who read" in html
    assert "Raises the result" in html
    assert "Adjust now" not in html


def test_separate_graders_are_named_and_not_compared(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast, now = graded_cohort(session, resolution="severity", second_share=0.0)
        factories.run_upkeep(session, cast.cohort, now=now)
        clock.now = now
        cohort, instructor = cast.cohort.id, cast.instructor.id
    Worker(app, HANDLERS).run_until_idle(clock.now)
    client = sign_in(instructor)
    page = client.get(f"/teach/{cohort}/severity").get_data(as_text=True)
    assert "Not all graders can be compared" in page
    release = client.get(f"/teach/{cohort}/release").get_data(as_text=True)
    assert "Severity was not taken out" in release


@pytest.mark.slow
def test_pages_ask_as_little_of_24_works_as_of_12(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    found = []
    for learners in (12, 24):
        with act() as session:
            for person in session.scalars(select(factories.Person)):
                person.email = f"earlier-{person.email}"
            for program in session.scalars(select(factories.Program)):
                program.name = f"Earlier {program.id}"
            cast, now = graded_cohort(session, learners=learners, graders=3, second_share=1.0)
            factories.run_upkeep(session, cast.cohort, now=now)
            clock.now = now
            cohort, instructor = cast.cohort.id, cast.instructor.id
        Worker(app, HANDLERS).run_until_idle(clock.now)
        client = sign_in(instructor)
        counts = {}
        for page in ("agreement", "severity", "severity?names=yes", "release"):
            with counted(app) as statements:
                assert client.get(f"/teach/{cohort}/{page}").status_code == 200
            counts[page] = len(statements)
        found.append(counts)
    assert found[0] == found[1]
    assert max(found[1].values()) <= MOST


def test_a_level_that_stands_out_is_named_and_by_how_much_only_to_who_will_not_read_it(
    app: Flask, act: Callable[[], Any], clock: Clock, sign_in: Any
) -> None:
    with act() as session:
        cast, now = graded_cohort(session, graders=3, second_share=1.0)
        cohort, lead = cast.cohort.id, cast.lead.id
        clock.now = now
        factories.run_upkeep(session, cast.cohort, now=now)
        levels: dict[str, list[Rating]] = {}
        for rating in session.scalars(
            select(Rating)
            .join(Allocation, Allocation.id == Rating.allocation_id)
            .where(Rating.criterion == "method", Allocation.pool == Pool.PROFESSIONAL)
            .order_by(Rating.id)
        ):
            levels.setdefault(rating.submission_id, []).append(rating)
        low = min(levels.values(), key=lambda both: sum(one.level for one in both))[0]
        work = low.submission_id
        low.level = 3
    Worker(app, HANDLERS).run_until_idle(clock.now)
    client = sign_in(lead)
    page = client.get(f"/teach/{cohort}/graders").text
    section = page[page.index('id="outliers"') :]
    assert f'href="/teach/submission/{work}"' in section
    assert "than chance makes of one level in 500" in section
    assert "Hidden while you could still be asked to read it" in section
    assert "higher" not in section
    client.post(f"/teach/submission/{work}/show")
    seen = client.get(f"/teach/{cohort}/graders").text
    assert re.search(r"[23]\.\d higher", seen[seen.index('id="outliers"') :])


def test_before_there_is_enough_the_leads_page_says_so(
    act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW)
        cohort, lead = cast.cohort.id, cast.lead.id
    client = sign_in(lead)
    assert "Nothing is computed yet" in client.get(f"/teach/{cohort}/graders").text
    with act() as session:
        # Asked for all the same, before anybody has read anything.
        statistics.compute(session, session.get_one(factories.Cohort, cohort), now=NOW)
    assert "Nothing is said before 30 readings" in client.get(f"/teach/{cohort}/graders").text
    assert client.get(f"/teach/{cohort}/severity").status_code == 200
