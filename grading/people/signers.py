"""What the audit says besides of people who sign the same."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from grading.ledger import audit
from grading.models import MisconductCase, Person, Release
from grading.people.queries import account_makers


def note_made_by_one(
    session: Session,
    actor: Person,
    subject: Release | MisconductCase,
    cohort_id: str,
    signer_ids: Collection[str],
    *,
    now: datetime,
) -> None:
    """Write into the chain that one person made the accounts of those who signed, where it is so."""
    for shared in account_makers.made_by_one(session, cohort_id, signer_ids):
        audit.record(
            session,
            actor,
            "approval:accounts_of_one",
            subject,
            now=now,
            after={
                "maker": shared.maker.id,
                "maker_signs": shared.maker_signs,
                "made": [person.id for person in shared.made],
            },
        )
