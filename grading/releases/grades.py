"""Grades: what each member of a work is released, and what replaces it when it is amended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts.queries import group_members
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.models import (
    Cohort,
    Grade,
    GradeSeen,
    MemberPoints,
    Person,
    Release,
    Score,
    Submission,
)
from grading.models.codes import new_id
from grading.models.conditions import in_force
from grading.records import records, reissues
from grading.releases import results
from grading.releases.results import ReleaseLine
from grading.rubric.definition import Rubric
from grading.workflow.plan import GradingPlan
from grading.workflow.release import Amended


def see(session: Session, learner: Person, grade: Grade, *, now: datetime) -> None:
    """Note that the learner has opened a result; only the first time is kept."""
    if grade.person_id == learner.id and session.get(GradeSeen, grade.id) is None:
        session.add(GradeSeen(grade_id=grade.id, at=now))


@dataclass(frozen=True)
class _Terms:
    """What the grades of some works of a cohort are made by, read for all of them at once.

    Attributes
    ----------
    people : Mapping
        Submission to its members.
    points : Mapping
        (Submission, person) to what that member has more or fewer than the others.
    """

    cohort: Cohort
    plan: GradingPlan
    rubric: Rubric
    people: Mapping[str, Sequence[Person]]
    points: Mapping[tuple[str, str], MemberPoints]


def _terms(session: Session, cohort: Cohort, works: Sequence[Submission]) -> _Terms:
    return _Terms(
        cohort,
        cohort.plan,
        cohort.rubric_version.rubric,
        group_members.people_of(session, works),
        group_members.points_of(session, [work.id for work in works]),
    )


def _grade(
    terms: _Terms,
    submission: Submission,
    score: Score,
    line: ReleaseLine,
    release_id: str,
    now: datetime,
    *,
    number: int = 1,
    amended_for: str | None = None,
) -> Grade:
    detail = _detail(terms, score)
    if line.late.points:
        detail["late"] = {"days": line.late.days, "points": line.late.points}
    own = terms.points.get((submission.id, line.person_id))
    if own is not None:
        detail["own_points"] = {"points": own.points, "reason": own.reason}
    group = len(terms.people[submission.id])
    if group > 1:
        detail["group"] = group
    return Grade(
        id=new_id(),
        submission=submission,
        person_id=line.person_id,
        number=number,
        score=score,
        release_id=release_id,
        amended_for=amended_for,
        value=str(line.value),
        band=line.band or results.NOT_PASSED,
        passed=line.band is not None,
        detail=detail,
        released_at=now,
    )


def amend(
    session: Session,
    submission: Submission,
    before: Grade,
    score: Score,
    line: ReleaseLine,
    *,
    why: Amended,
    actor: Person | None,
    now: datetime,
) -> Grade:
    """Replace a released grade: the old one stays on file, the record is issued anew, one mail goes out."""
    grade = _grade(
        _terms(session, submission.cohort, [submission]),
        submission,
        score,
        line,
        before.release_id,
        now,
        number=before.number + 1,
        amended_for=why,
    )
    session.add(grade)
    session.flush()
    audit.record(
        session,
        actor,
        "grade:amend",
        submission,
        now=now,
        before={"grade": before.id, "value": before.value, "score": before.score_id},
        after={"grade": grade.id, "value": grade.value, "score": score.id},
        reason=why,
    )
    reissues.replace_grade(session, submission, before, grade, actor=actor, now=now)
    outbox.mail(
        session,
        "result_amended",
        grade.person_id,
        key=f"result:{grade.id}",
        now=now,
        cohort=submission.cohort_id,
    )
    return grade


def moved(
    session: Session, submission: Submission, score: Score, *, may_lower: bool
) -> list[tuple[Grade, ReleaseLine]]:
    """Say which grades in force a score moves, each with what it would become.

    A lower one stays unless it may fall.
    """
    grades_moved = []
    for before in in_force_of(session, submission):
        line = results.release_line(session, submission, score, before.person_id)
        if line.value > Decimal(before.value) or (may_lower and line.value < Decimal(before.value)):
            grades_moved.append((before, line))
    return grades_moved


def grade_in_force(session: Session, submission: Submission, person_id: str) -> Grade | None:
    """Find the grade that counts for one member of a work now."""
    return session.scalar(
        select(Grade).where(
            Grade.submission_id == submission.id, Grade.person_id == person_id, in_force()
        )
    )


def in_force_of(session: Session, submission: Submission) -> list[Grade]:
    """List the grades that count for a work now, one for each member it was released to."""
    return list(
        session.scalars(
            select(Grade).where(Grade.submission_id == submission.id, in_force()).order_by(Grade.id)
        )
    )


def release_all(
    session: Session,
    release: Release,
    works: Sequence[tuple[Submission, Score]],
    lines: Sequence[ReleaseLine],
    *,
    now: datetime,
) -> None:
    """Make the grades of a release, add them to the records, and ask for one mail per learner.

    What it needs is read for all works at once.

    Parameters
    ----------
    lines : sequence of ReleaseLine
        What each member of the works is given.
    """
    cohort = release.cohort
    terms = _terms(session, cohort, [submission for submission, _ in works])
    line_of = {(line.submission_id, line.person_id): line for line in lines}
    entered: list[tuple[Submission, Grade, Person]] = []
    # Nothing is read in between, so nothing has to be written before the end.
    with session.no_autoflush:
        for submission, score in works:
            own = [
                (
                    submission,
                    _grade(
                        terms,
                        submission,
                        score,
                        line_of[submission.id, person.id],
                        release.id,
                        now,
                    ),
                    person,
                )
                for person in terms.people[submission.id]
            ]
            move(
                session,
                submission,
                "release",
                actor=None,
                now=now,
                note={
                    "score": score.id,
                    "grades": {
                        grade.id: {
                            "person": person.id,
                            "value": grade.value,
                            "band": grade.band,
                        }
                        for _, grade, person in own
                    },
                },
            )
            entered += own
    session.add_all(grade for _, grade, _ in entered)
    session.flush()
    records.enter_all(session, cohort.program, entered, now=now)
    outbox.post_new(
        session,
        "mail",
        [
            (
                f"mail:result:{grade.id}",
                outbox.letter("result_ready", person.id, cohort=release.cohort_id),
            )
            for _, grade, person in entered
        ],
        now=now,
    )
    session.flush()


def _detail(terms: _Terms, score: Score) -> dict[str, Any]:
    """Say all that a reader of the record may be told, so that it never has to be looked up again."""
    cohort, plan, rubric = terms.cohort, terms.plan, terms.rubric
    return {
        "criteria": [
            {
                "code": criterion.code,
                "title": criterion.title,
                "weight": criterion.weight,
                "level": score.criteria[criterion.code]["level"],
                "points": score.criteria[criterion.code]["points"],
                "levels": [level.name for level in criterion.levels],
            }
            for criterion in rubric.criteria
        ],
        "rubric": {
            "name": cohort.rubric_version.name,
            "version": cohort.rubric_version.number,
            "digest": cohort.rubric_version.digest,
        },
        "plan": {
            "version": cohort.plan_version.version,
            "digest": cohort.plan_version.digest,
            "preset": plan.preset,
        },
        "scale": {
            "cut": plan.cut,
            "bands": [list(band) for band in plan.bands],
            "provisional": plan.scale_provisional,
        },
        "method": score.method,
        "raters": {"professional": score.professionals, "peer": score.peers},
        "composite": score.composite,
        "standard_error": score.standard_error,
    }
