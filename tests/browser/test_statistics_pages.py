"""The agreement and severity pages, the adjusted release and the adjusted result, as a browser shows them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from playwright.sync_api import expect

from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.releases import releases
from grading.releases.queries import candidates
from tests import factories
from tests.browser.a11y import faults
from tests.browser.test_charts import _CLASHES
from tests.database import Clock
from tests.scores.test_adjusting import graded_cohort


def test_statistics_release_and_result(
    app: Flask, act: Callable[[], Any], clock: Clock, enter: Any
) -> None:
    with act() as session:
        cast, now = graded_cohort(
            session, graders=3, second_share=1.0, resolution="severity", peer_weight=0.2
        )
        factories.run_upkeep(session, cast.cohort, now=now)
        works = [work.id for work in cast.submissions]
        some = next(
            item.submission_id
            for item in candidates.candidates(session, cast.cohort, now=now)
            if item.ready
        )
        release = releases.propose(
            session, cast.instructor, cast.cohort, overrides={}, failed_gates=[],
            chosen={some}, now=now,
        )  # fmt: skip
        now += timedelta(minutes=11)
        releases.carry_out(session, release, now=now)
        clock.now = now
        cohort, instructor = cast.cohort.id, cast.instructor.id
        learner = cast.learners[works.index(some)].id
    Worker(app, HANDLERS).run_until_idle(clock.now)
    page = enter(instructor).new_page()
    found: list[str] = []
    for name in ("agreement", "severity", "release"):
        page.goto(f"/teach/{cohort}/{name}")
        for summary in page.locator("figure summary").all():
            summary.click()
        found += faults(page, picture=name, script=_CLASHES)
    own = enter(learner).new_page()
    own.goto(f"/learn/{cohort}/result")
    expect(own.locator(".worked")).to_contain_text("0.800 × (")
    found += faults(own, picture="result")
    assert found == [], "\n".join(found)
