"""The agreement and severity pages, the adjusted release and the adjusted result, as a browser shows them."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import expect

from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.releases import releases
from grading.releases.queries import candidates
from tests import factories
from tests.browser.a11y import faults
from tests.browser.conftest import MODES
from tests.browser.test_charts import _CLASHES
from tests.database import Clock
from tests.scores.test_adjusting import graded


@pytest.mark.parametrize("mode", MODES)
def test_statistics_release_and_result(
    app: Flask, act: Callable[[], Any], clock: Clock, enter: Any, mode: str
) -> None:
    with act() as session:
        cast, now = graded(
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
    page = enter(instructor, **MODES[mode]).new_page()
    found: list[str] = []
    for name in ("agreement", "severity", "release"):
        page.goto(f"/teach/{cohort}/{name}")
        for summary in page.locator("figure summary").all():
            summary.click()
        found += faults(page) + page.evaluate(_CLASHES)
        _kept(page, f"{name}-{mode}")
    own = enter(learner, **MODES[mode]).new_page()
    own.goto(f"/learn/{cohort}/result")
    expect(own.locator(".worked")).to_contain_text("0.800 × (")
    found += faults(own)
    _kept(own, f"result-{mode}")
    assert found == [], "\n".join(found)


def _kept(page: Any, name: str) -> None:
    """Keep a picture where somebody asked for one, to be looked at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
