"""A cohort whose results are out, and the credentials that follow: fixtures of several test files."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.adapters import signing
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import (
    Allocation,
    Grade,
    IssuedCredential,
    Person,
    Rating,
    Score,
    Submission,
    SubmissionMember,
)
from grading.models.codes import new_code, new_id
from grading.records.queries import issued_credentials
from grading.releases import grades, releases, results
from grading.scores import settling
from grading.settings import Installation
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.cohort import Role
from grading.workflow.group import MemberState
from grading.workflow.submission import SubmissionState
from tests import factories, stories
from tests.database import acting
from tests.kept import kept, kept_by_app


@pytest.fixture
def small_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the least size that is allowed: making large ones takes a second each."""
    monkeypatch.setattr(signing, "RSA_BITS", 2048)


@pytest.fixture
def installation(app: Flask) -> Installation:
    found: Installation = app.extensions["grading"]
    return found


@kept
def scheduled_release(session: Session) -> dict[str, Any]:
    """A cohort with a scheduled release of four passed works; ``at`` is when it goes out."""
    cast, now = stories.settled(session, sign_offs=1)
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
    )
    assert release.release_at is not None
    return {
        "cohort": cast.cohort.id,
        "program": cast.cohort.program_id,
        "sponsor": cast.cohort.program.sponsor_id,
        "learner": cast.learners[0].id,
        "instructor": cast.instructor.id,
        "administrator": cast.administrator.id,
        "at": release.release_at,
    }


@kept_by_app
def issued_release(app: Flask) -> dict[str, Any]:
    """The same cohort when the results are out and the credentials are issued."""
    with acting(app) as session:
        cohort = scheduled_release(session)
    Worker(app, HANDLERS).run_until_idle(cohort["at"])
    return cohort


@pytest.fixture
def world(act: Callable[[], Any], small_keys: None) -> dict[str, Any]:
    with act() as session:
        return scheduled_release(session)


@pytest.fixture
def released(app: Flask, small_keys: None) -> dict[str, Any]:
    return issued_release(app)


@pytest.fixture
def work(app: Flask) -> Callable[[Any], int]:
    """Carry out every job that is due."""
    return lambda now: Worker(app, HANDLERS).run_until_idle(now)


def of(session: Any, world: dict[str, Any], **wanted: Any) -> Sequence[IssuedCredential]:
    found = issued_credentials.issued(session, world["program"], world["learner"])
    return [
        one for one in found if all(getattr(one, name) == value for name, value in wanted.items())
    ]


HIGHER = {"question": 3, "method": 3}
LOWER = {"question": 0, "method": 0}


def amend(session: Any, world: dict[str, Any], levels: dict[str, int], now: Any) -> None:
    """Replace the learner's grade as an appeal does: with one more reading."""
    grade = session.scalars(
        select(Grade)
        .join(Grade.submission)
        .where(Grade.submission.has(learner_id=world["learner"]))
        .order_by(Grade.number.desc())
    ).first()
    work = grade.submission
    instructor = session.get_one(Person, world["instructor"])
    read(session, work, instructor, levels, Purpose.APPEAL, now=now)
    score = settling.rescore(session, work, now=now)
    line = results.release_line(session, work, score, grade.person_id)
    grades.amend(session, work, grade, score, line, why="appeal", actor=instructor, now=now)


def read(
    session: Session,
    work: Submission,
    rater: Person,
    levels: dict[str, int],
    purpose: Purpose,
    *,
    now: datetime,
) -> list[Rating]:
    """Add a sealed professional reading to a work, past holds and sheets."""
    allocation = Allocation(
        id=new_id(),
        cohort_id=work.cohort_id,
        submission=work,
        rater=rater,
        pool=Pool.PROFESSIONAL,
        purpose=purpose,
        state=AllocationState.SEALED,
        blind_code=new_code(10),
        created_at=now,
        finished_at=now,
        undo_until=now,
        sealed_at=now,
    )
    ratings = [
        Rating(
            allocation=allocation,
            submission_id=work.id,
            criterion=code,
            level=level,
            comment="",
            created_at=now,
        )
        for code, level in levels.items()
    ]
    session.add_all(ratings)
    session.flush()
    return ratings


def many(session: Session, count: int, *, complete_every: int, now: datetime) -> str:
    """Make so many graded works and a scheduled release of them all; gives the cohort's id.

    Every ``complete_every``-th learner has completed the courses. ``now`` is when the release goes out.
    """
    start = now - timedelta(days=80)
    cohort = factories.a_cohort(session, now=start, sign_offs=1, reviews_wait_days=0)
    instructor = factories.a_member(session, cohort, "Instructor Opal", Role.INSTRUCTOR, now=start)
    digest = cohort.plan_version.digest
    learners = []
    for number in range(count):
        learner = Person(
            email=f"learner{number}@example.org", name=f"Learner {number}", created_at=start
        )
        work = Submission(
            cohort=cohort,
            learner=learner,
            state=SubmissionState.RESOLVED,
            title=f"Work {number}",
            created_at=start,
            saved_at=start,
            submitted_at=start + timedelta(days=1),
            digest=f"{number:064x}",
        )
        session.add(work)
        session.flush()
        levels = {"question": 2, "method": 2}
        ratings = read(session, work, instructor, levels, Purpose.LIVE, now=now)
        score = Score(
            submission=work,
            number=1,
            composite=200 / 3,
            criteria={code: {"level": 2.0, "points": 2.0} for code in ("question", "method")},
            rating_ids=[rating.id for rating in ratings],
            professionals=1,
            peers=0,
            method="mean-of-professional-readings/1",
            plan_digest=digest,
            computed_at=now,
        )
        member = SubmissionMember(
            submission=work,
            person=learner,
            cohort_id=cohort.id,
            attempt=1,
            state=MemberState.JOINED,
            since=start,
        )
        session.add_all([learner, work, score, member])
        learners.append(learner)
    session.flush()
    for learner in learners[::complete_every]:
        factories.complete_courses(session, cohort, learner, now=start)
    session.flush()
    releases.propose(
        session,
        instructor,
        cohort,
        overrides={},
        failed_gates=[],
        now=now - timedelta(minutes=cohort.plan.release_delay_minutes),
    )
    return cohort.id
