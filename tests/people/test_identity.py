"""Identity checks: what counts for a submission, whose name a record bears, and what a credential says."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from grading.errors import FaultsFound, Refused
from grading.models import AuditEntry, Grade, Person, Submission
from grading.people import identity
from grading.people.queries import identity_checks
from grading.records import reissues
from grading.releases import recomputing
from grading.settings import Installation
from tests.issuing import HIGHER, amend, installation, of, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]

pytestmark = pytest.mark.usefixtures("any_database")
DAY = timedelta(days=1)


def those(session: Any, world: dict[str, Any]) -> tuple[Person, Person, Submission]:
    learner = session.get_one(Person, world["learner"])
    actor = session.get_one(Person, world["administrator"])
    submission = session.scalars(
        select(Submission).where(Submission.learner_id == learner.id)
    ).one()
    return learner, actor, submission


@pytest.mark.parametrize(
    ("checks", "counts"),
    [
        ([], None),
        # (days before the hand-in, days it holds, bound to the work, way)
        ([(5, None, False, "document")], 0),
        ([(5, 4, False, "document")], None),
        ([(-1, None, False, "document")], None),
        ([(-1, None, True, "document")], 0),
        ([(9, None, False, "institutional_sign_in"), (5, None, False, "document")], 1),
        ([(9, None, False, "document"), (5, None, False, "institutional_sign_in")], 0),
        ([(9, None, False, "document"), (5, None, False, "document")], 1),
        ([(9, None, False, "document"), (-1, None, True, "institutional_sign_in")], 1),
    ],
)
def test_the_strongest_check_that_held_counts(
    act: Callable[[], Any],
    world: dict[str, Any],
    checks: list[tuple[int, int | None, bool, str]],
    counts: int | None,
) -> None:
    with act() as session:
        learner, actor, submission = those(session, world)
        handed_in = submission.submitted_at
        assert handed_in is not None
        made = [
            identity.record_check(
                session,
                actor,
                learner,
                how=how,
                name="Ada Byron",
                submission=submission if bound else None,
                holds_until=handed_in - (before - holds) * DAY if holds else None,
                now=handed_in - before * DAY,
            )
            for before, holds, bound, how in checks
        ]
        found = identity_checks.check_behind(
            session, submission, submission.learner_id, known_at=world["at"]
        )
        assert found is (None if counts is None else made[counts])
        earlier = identity_checks.check_behind(
            session, submission, submission.learner_id, known_at=handed_in - 20 * DAY
        )
        assert earlier is None


def test_what_is_no_check_is_refused(act: Callable[[], Any], world: dict[str, Any]) -> None:
    with act() as session:
        learner, actor, submission = those(session, world)
        given: dict[str, Any] = {"how": "document", "name": "Ada Byron", "now": world["at"]}
        with pytest.raises(Refused, match="own identity"):
            identity.record_check(session, learner, learner, **given)
        with pytest.raises(Refused, match="another person"):
            identity.record_check(session, learner, actor, submission=submission, **given)
        with pytest.raises(FaultsFound) as wrong:
            identity.record_check(
                session,
                actor,
                learner,
                **{**given, "how": "typing", "name": " "},
                holds_until=world["at"],
            )
        assert [fault.where for fault in wrong.value.faults] == ["how", "name", "holds_until"]


def test_a_record_bears_the_verified_name_and_its_credential_says_how(
    act: Callable[[], Any],
    world: dict[str, Any],
    work: Callable[[Any], int],
    installation: Installation,
) -> None:
    with act() as session:
        learner, actor, submission = those(session, world)
        assert submission.submitted_at is not None
        identity.record_check(
            session, actor, learner, how="document", name="Ada Byron",
            now=submission.submitted_at - DAY,
        )  # fmt: skip
        noted = session.scalars(
            select(AuditEntry.after).where(AuditEntry.action == "identity:check")
        ).all()
        assert "Ada" not in str(noted)
        account = learner.name
    work(world["at"])
    with act() as session:
        capstone = of(session, world, kind="capstone")[0]
        assert capstone.record.name == "Ada Byron"
        assert capstone.evidence["assurance"]["how"] == "document"
        assert "against a document (20" in capstone.document["credentialSubject"]["narrative"]
        assert account not in str(capstone.document)
        # A check that is made later changes nothing about what was issued.
        learner, actor, submission = those(session, world)
        identity.record_check(
            session, actor, learner, how="institutional_sign_in", name="Ada King",
            submission=submission, now=world["at"] + DAY,
        )  # fmt: skip
        grade = session.scalars(select(Grade).where(Grade.submission_id == submission.id)).one()
        checks = recomputing.recompute(session, grade, notary=installation.notary)
        assert [one.what for one in checks if not one.agrees] == []
        assert reissues.issue_under_new_name(session, actor, learner, now=world["at"] + DAY) == 1
    work(world["at"] + DAY)
    with act() as session:
        newer = of(session, world, kind="capstone", state="valid")[0]
        assert newer.record.name == "Ada King"
        assert newer.evidence["assurance"]["how"] == "institutional_sign_in"


def test_without_a_check_the_learner_attests_it(
    act: Callable[[], Any], released: dict[str, Any], work: Callable[[Any], int]
) -> None:
    with act() as session:
        amend(session, released, HIGHER, released["at"])
    work(released["at"])
    with act() as session:
        capstone = of(session, released, kind="capstone", state="valid")[0]
        assert capstone.evidence["assurance"] == {"how": "attested", "check": None, "on": None}
        assert "attested by the learner" in capstone.document["credentialSubject"]["narrative"]
