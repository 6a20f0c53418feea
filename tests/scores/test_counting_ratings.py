"""Which ratings count: a struck reading and a level that is set aside count nowhere."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import (
    Allocation,
    Cohort,
    Quarantine,
    QuarantinedRating,
    Rating,
    StruckReading,
)
from grading.readings.queries import ratings, reading_series
from grading.scores import quarantines, settling
from grading.scores.queries import (
    agreement,
    generalizability,
    outliers,
    risk,
    routing_board,
    severity,
)
from grading.workflow.allocation import AllocationState
from tests import factories
from tests.database import NOW
from tests.kept import kept

ELEVEN = timedelta(minutes=11)


@kept
def read_twice(session: Session) -> factories.Cast:
    """Thirty-two works, each read by two professionals."""
    cast = factories.a_cast(
        session, now=NOW, learners=32, graders=3, professional_readings=2, peer_readings=0,
        peers_needed=0, second_share=0.0, second_minimum=0, tolerance_levels=3,
        tolerance_total=100.0, tolerance_cut=False,
    )  # fmt: skip
    due = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=due)
    rng = np.random.default_rng(4)
    truth = {work.id: rng.normal(1.8, 0.6) for work in cast.submissions}
    for item in session.scalars(select(Allocation).order_by(Allocation.id)).all():
        given = np.clip(np.round(truth[item.submission_id] + rng.normal(0, 0.5, 2)), 0, 3)
        factories.rate(session, item, {"question": int(given[0]), "method": int(given[1])}, now=due)
    factories.run_upkeep(session, cast.cohort, now=due + ELEVEN)
    return cast


@pytest.fixture
def cast(session: Session) -> factories.Cast:
    return read_twice(session)


def sealed(session: Session, place: int) -> list[Allocation]:
    """The two readings of one work."""
    works = sorted(set(session.scalars(select(Allocation.submission_id))))
    return list(
        session.scalars(
            select(Allocation)
            .where(
                Allocation.submission_id == works[place],
                Allocation.state == AllocationState.SEALED,
            )
            .order_by(Allocation.id)
        )
    )


def strike(session: Session, reading: Allocation) -> None:
    session.add(
        StruckReading(
            allocation_id=reading.id,
            fault="Another project was read.",
            criteria=["method"],
            by_id=reading.rater_id,
            at=NOW,
        )
    )
    session.flush()


def put_aside(session: Session, reading: Allocation, criterion: str) -> None:
    quarantine = Quarantine(
        cohort_id=reading.cohort_id,
        person_id=reading.rater_id,
        criterion=criterion,
        since=NOW,
        reason="A drift.",
        by_id=reading.rater_id,
        at=NOW,
    )
    session.add(quarantine)
    session.flush()
    rating = session.scalars(
        select(Rating).where(Rating.allocation_id == reading.id, Rating.criterion == criterion)
    ).one()
    session.add(QuarantinedRating(quarantine_id=quarantine.id, rating_id=rating.id))
    session.flush()


def levels_shown(session: Session, cohort: Cohort) -> int:
    counts = agreement.detailed(session, cohort)["levels"]["counts"]
    return sum(sum(pool) for pools in counts.values() for pool in pools.values())


def pairs(session: Session, cohort: Cohort) -> int:
    return sum(part.professionals.n_pairs for part in agreement.report(session, cohort))


def charted(session: Session, cohort: Cohort) -> int:
    sheets = reading_series.sheets(session, cohort)
    rubric = cohort.rubric_version.rubric
    return sum(
        len(reading_series.live_readings(rubric, sheets, code)[0])
        for code in ("question", "method")
    )


# What reads ratings, as a count, and what it loses by one struck reading and one level set aside.
CONSUMERS: dict[str, tuple[Callable[[Session, Cohort], Any], int]] = {
    "levels of the agreement page": (levels_shown, 3),
    # Each pair of the two works on each criterion and the total, but one criterion of the second.
    "pairs of the kappas and gates": (pairs, 5),
    "ratings of severity": (lambda *of: len(severity.professionals(*of)), 3),
    "readings of generalizability": (lambda *of: generalizability.detailed(*of)["readings"], 2),
    "levels judged as outliers": (lambda *of: outliers.detailed(*of)["judged"], 3),
    "levels of monitoring": (charted, 3),
    "totals of posterior and routing": (lambda *of: len(routing_board.totals(*of).readings), 2),
}


def test_what_is_struck_or_set_aside_leaves_every_statistic(
    session: Session, cast: factories.Cast
) -> None:
    before = {name: count(session, cast.cohort) for name, (count, _) in CONSUMERS.items()}
    strike(session, sealed(session, 0)[0])
    put_aside(session, sealed(session, 1)[0], "method")
    after = {name: count(session, cast.cohort) for name, (count, _) in CONSUMERS.items()}
    assert {name: before[name] - after[name] for name in CONSUMERS} == {
        name: lost for name, (_, lost) in CONSUMERS.items()
    }


def test_a_struck_reading_no_longer_moves_the_risk_of_its_work(
    session: Session, cast: factories.Cast
) -> None:
    struck = sealed(session, 0)[0]
    before = risk.detailed(session, cast.cohort)["passing"][struck.submission_id]
    strike(session, struck)
    after = risk.detailed(session, cast.cohort)["passing"][struck.submission_id]
    assert after != before
    session.delete(session.get(StruckReading, struck.id))
    session.flush()
    assert risk.detailed(session, cast.cohort)["passing"][struck.submission_id] == before


def test_a_quarantine_sets_no_struck_reading_aside(session: Session, cast: factories.Cast) -> None:
    struck = sealed(session, 0)[0]

    def touched() -> int:
        assert struck.rater_id is not None
        return quarantines.preview(session, cast.cohort, struck.rater_id, None, NOW).ratings

    before = touched()
    strike(session, struck)
    assert touched() == before - 2


def test_settling_leaves_out_a_struck_reading_and_names_a_level_set_aside(
    session: Session, cast: factories.Cast
) -> None:
    strike(session, sealed(session, 0)[0])
    aside = sealed(session, 1)[0]
    put_aside(session, aside, "method")
    left, _ = settling.readings(session, sealed(session, 0)[0].submission)
    assert [one.key for one in left] == [sealed(session, 0)[1].id]
    both, rating_ids = settling.readings(session, aside.submission)
    assert {one.key: one.set_aside for one in both} == {
        aside.id: {"method"},
        sealed(session, 1)[1].id: set(),
    }
    assert len(rating_ids[aside.id]) == 1


def test_adjusting_leaves_out_both(session: Session, cast: factories.Cast) -> None:
    struck, aside = sealed(session, 0)[0], sealed(session, 1)[0]
    strike(session, struck)
    put_aside(session, aside, "method")
    counting = {
        one.allocation_id: set(one.levels)
        for one in ratings.readings_of_cohort(session, cast.cohort)
    }
    assert struck.id not in counting
    assert counting[aside.id] == {"question"}
    assert counting[sealed(session, 0)[1].id] == {"question", "method"}
    put_aside(session, aside, "question")
    assert aside.id not in {
        one.allocation_id for one in ratings.readings_of_cohort(session, cast.cohort)
    }


def test_recomputing_reads_what_counted_when_the_score_was_made(
    session: Session, cast: factories.Cast
) -> None:
    reading = sealed(session, 0)[0]
    work = reading.submission
    resting = [rating for ids in settling.readings(session, work)[1].values() for rating in ids]
    strike(session, reading)
    put_aside(session, sealed(session, 0)[1], "method")
    then = ratings.readings_resting_on(session, work.id, resting)
    assert [set(one.levels) for one in then] == [{"question", "method"}] * 2
    assert sorted(rating for one in then for rating in one.rating_ids.values()) == sorted(resting)
    other = sealed(session, 1)[0].submission_id
    assert ratings.readings_resting_on(session, other, resting) == []


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
        n_sealed = len(
            session.scalars(
                select(Allocation).where(Allocation.state == AllocationState.SEALED)
            ).all()
        )
        assert n_sealed
        told: list[int] = []
        coded = ratings.coded_ratings(session, cast.cohort, progress=told.append)
        readings = ratings.readings_of_cohort(session, cast.cohort)
    assert told[-1] == len(coded) == 2 * n_sealed
    assert told[0] == 3
    role = coded.facet("role")
    assert {
        (
            coded.works[work],
            coded.raters[rater],
            coded.criteria[criterion],
            level,
            role.labels[pool] == "professional",
        )
        for work, rater, criterion, level, pool in zip(
            coded.work,
            coded.rater,
            coded.criterion,
            coded.values().tolist(),
            role.codes,
            strict=True,
        )
    } == {
        (one.submission_id, one.rater_id, criterion, level, one.professional)
        for one in readings
        for criterion, level in one.levels.items()
    }
