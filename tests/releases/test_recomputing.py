"""A grade is built again from its ratings, and whatever was changed since shows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from grading.models import (
    AuditEntry,
    Grade,
    IssuedCredential,
    PlanVersion,
    Rating,
    RubricVersion,
    Score,
)
from grading.releases import recomputing
from grading.settings import Installation
from tests.issuing import installation, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]

pytestmark = pytest.mark.usefixtures("any_database")


def disagreeing(
    session: Any, released: dict[str, Any], installation: Installation
) -> dict[str, tuple[Any, Any]]:
    session.expire_all()
    grade = session.scalars(
        select(Grade).where(Grade.submission.has(learner_id=released["learner"]))
    ).one()
    checks = recomputing.recompute(session, grade, notary=installation.notary)
    assert len(checks) > 30
    return {one.what: (one.kept, one.found) for one in checks if not one.agrees}


def test_a_grade_that_nobody_touched_agrees_in_every_digit(
    act: Callable[[], Any], released: dict[str, Any], installation: Installation
) -> None:
    with act() as session:
        assert disagreeing(session, released, installation) == {}


CHANGES: dict[str, tuple[Callable[[Any, Grade], Any], set[str]]] = {
    "a rating": (
        lambda session, grade: (
            update(Rating).where(Rating.id == grade.score.rating_ids[0]).values(level=3)
        ),
        {"composite", "value", "band"},
    ),
    "a rating of another work": (
        lambda session, grade: (
            update(Score)
            .where(Score.id == grade.score_id)
            .values(rating_ids=[*grade.score.rating_ids, 10_000])
        ),
        {"ratings on file and sealed"},
    ),
    "the value": (
        lambda session, grade: update(Grade).where(Grade.id == grade.id).values(value="99"),
        {"value", "audit entry of the grade"},
    ),
    "the score": (
        lambda session, grade: update(Score).where(Score.id == grade.score_id).values(composite=99),
        {"composite", "composite of the grade"},
    ),
    "the plan": (
        lambda session, grade: update(PlanVersion).values(
            choices={**grade.submission.cohort.plan_version.choices, "near_cut": 1.0}
        ),
        {"plan digest", "plan digest of the score", "plan digest of the grade"},
    ),
    "the rubric": (
        lambda session, grade: update(RubricVersion).values(
            definition={**grade.submission.cohort.rubric_version.definition, "title": "Another"}
        ),
        {"rubric digest", "rubric digest of the grade"},
    ),
    "the audit chain": (
        lambda session, grade: (
            update(AuditEntry)
            .where(AuditEntry.subject_id == grade.submission_id)
            .values(reason="nothing happened")
        ),
        {"audit entries that were changed"},
    ),
}


@pytest.mark.parametrize(("change", "shown"), CHANGES.values(), ids=list(CHANGES))
def test_what_was_changed_shows(
    act: Callable[[], Any],
    released: dict[str, Any],
    installation: Installation,
    change: Callable[[Any, Grade], Any],
    shown: set[str],
) -> None:
    with act() as session:
        grade = session.scalars(
            select(Grade).where(Grade.submission.has(learner_id=released["learner"]))
        ).one()
        session.execute(change(session, grade).execution_options(synchronize_session=False))
        assert shown <= set(disagreeing(session, released, installation))


def test_a_removed_audit_entry_shows_in_the_credential(
    act: Callable[[], Any], released: dict[str, Any], installation: Installation
) -> None:
    with act() as session:
        grade = session.scalars(
            select(Grade).where(Grade.submission.has(learner_id=released["learner"]))
        ).one()
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.subject_id == grade.submission_id)
        ).first()
        session.delete(entry)
        session.flush()
        wrong = disagreeing(session, released, installation)
        assert any("evidence, audit" in what for what in wrong)
        assert any("digest of the evidence" in what for what in wrong)


def test_evidence_that_was_changed_does_not_match_its_digest(
    act: Callable[[], Any], released: dict[str, Any], installation: Installation
) -> None:
    with act() as session:
        credential = session.scalars(
            select(IssuedCredential).where(
                IssuedCredential.kind == "capstone",
                IssuedCredential.person_id == released["learner"],
            )
        ).one()
        credential.evidence = {**credential.evidence, "salt": "another"}
        session.flush()
        wrong = disagreeing(session, released, installation)
        assert {what.partition(": ")[2] for what in wrong} == {"digest of the evidence"}
        credential.document = {**credential.document, "name": "Another"}
        session.flush()
        wrong = disagreeing(session, released, installation)
        assert any("signature" in what for what in wrong)


def test_entries_that_come_later_change_nothing(
    act: Callable[[], Any], released: dict[str, Any], installation: Installation
) -> None:
    from grading.ledger import audit
    from grading.models import Submission

    with act() as session:
        submission = session.scalars(
            select(Submission).where(Submission.learner_id == released["learner"])
        ).one()
        audit.record(
            session,
            None,
            "submission:look",
            submission,
            now=released["at"] + timedelta(days=1),
        )
    with act() as session:
        assert disagreeing(session, released, installation) == {}
