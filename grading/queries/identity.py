"""Which identity check counts: for a name, and for a submission."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from grading.models import IdentityCheck, Person, Submission
from grading.queries.batches import batches
from grading.workflow.credential import IdentityAssurance

# From strongest to weakest, as a reader of a credential would weigh them.
STRENGTH = tuple(IdentityAssurance)


def verified_name(session: Session, person: Person, *, now: datetime) -> str:
    """Give the name of the latest check that holds; the account's where there is none."""
    return verified_names(session, [person.id], now=now).get(person.id, person.name)


def verified_names(session: Session, person_ids: Iterable[str], *, now: datetime) -> dict[str, str]:
    """Give the names of the latest checks that hold, by person; who has none is left out."""
    found: dict[str, str] = {}
    for ids in batches(person_ids):
        rows = session.execute(
            select(IdentityCheck.person_id, IdentityCheck.name)
            .where(
                IdentityCheck.person_id.in_(ids),
                IdentityCheck.at <= now,
                or_(IdentityCheck.holds_until.is_(None), IdentityCheck.holds_until > now),
            )
            .order_by(IdentityCheck.at, IdentityCheck.id.desc())
        )
        found |= dict(rows.all())
    return found


def behind(
    session: Session, submission: Submission, person_id: str, *, known_at: datetime
) -> IdentityCheck | None:
    """Find the check on which one member's part in a submission rests; None where only they attest it.

    The strongest of those that name the submission, else of those that held when it was handed in.

    Parameters
    ----------
    known_at : datetime
        Checks that were made later are left aside.
    """
    checks = session.scalars(
        select(IdentityCheck).where(
            IdentityCheck.person_id == person_id, IdentityCheck.at <= known_at
        )
    ).all()
    bound = [one for one in checks if one.submission_id == submission.id]
    general = [one for one in checks if one.submission_id is None and _held(one, submission)]
    candidates = bound or general
    return min(
        candidates,
        key=lambda one: (STRENGTH.index(IdentityAssurance(one.how)), -one.at.timestamp(), one.id),
        default=None,
    )


def _held(check: IdentityCheck, submission: Submission) -> bool:
    at = submission.submitted_at
    return (
        at is not None and check.at <= at and (check.holds_until is None or at < check.holds_until)
    )
