"""Ratings from the database as codes, block by block."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from grading.models import Allocation
from grading.readings.queries import ratings
from grading.workflow.allocation import AllocationState
from tests import factories
from tests.database import NOW


def test_blocks_give_what_one_query_gives(
    any_database: str, act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratings, "ROWS", 3)
    with act() as session:
        cast = factories.a_cast(session, now=NOW)
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        for number, item in enumerate(session.scalars(select(Allocation)).all()):
            factories.rate(
                session, item, {"question": number % 3, "method": (number + 1) % 3}, now=now
            )
        factories.run_upkeep(session, cast.cohort, now=now + timedelta(hours=3))
        sealed = session.scalars(
            select(Allocation).where(Allocation.state == AllocationState.SEALED)
        ).all()
        assert sealed
        told: list[int] = []
        found = ratings.collected(session, cast.cohort, progress=told.append)
        plain = ratings.sealed_ratings(session, cast.cohort)
    assert told[-1] == len(found) == len(plain.level) == 2 * len(sealed)
    assert told[0] == 3
    assert [found.works[code] for code in found.work] == plain.work
    assert [found.raters[code] for code in found.rater] == plain.rater
    assert [found.criteria[code] for code in found.criterion] == plain.criterion
    assert found.values().tolist() == plain.level
    role = found.facet("role")
    professional = np.array([role.labels[code] == "professional" for code in role.codes])
    assert np.array_equal(professional, plain.professional)
