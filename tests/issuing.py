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
    Grade,
    IssuedCredential,
    Person,
    Score,
    Submission,
    SubmissionMember,
)
from grading.records.queries import issued_credentials
from grading.releases import grades, releases, results
from grading.settings import Installation
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


def amend(session: Any, world: dict[str, Any], composite: float, now: Any) -> None:
    """Replace the learner's grade as an appeal does."""
    grade = session.scalars(
        select(Grade)
        .join(Grade.submission)
        .where(Grade.submission.has(learner_id=world["learner"]))
        .order_by(Grade.number.desc())
    ).first()
    old = grade.score
    score = Score(
        submission=old.submission,
        number=old.number + 1,
        composite=composite,
        standard_error=None,
        criteria=old.criteria,
        rating_ids=old.rating_ids,
        professionals=old.professionals,
        peers=old.peers,
        method=old.method,
        plan_digest=old.plan_digest,
        computed_at=now,
    )
    session.add(score)
    session.flush()
    instructor = session.get_one(Person, world["instructor"])
    line = results.release_line(session, grade.submission, score, grade.person_id)
    grades.amend(
        session, grade.submission, grade, score, line, why="appeal", actor=instructor, now=now
    )


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
        score = Score(
            submission=work,
            number=1,
            composite=200 / 3,
            criteria={code: {"level": 2.0, "points": 2.0} for code in ("question", "method")},
            rating_ids=[],
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
