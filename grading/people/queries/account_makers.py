"""Who made the accounts of those who sign together: one person could be behind both."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import AuditEntry, Membership, Person


@dataclass(frozen=True)
class MadeByOne:
    """People who sign the same, behind whose accounts stands one person who has a part in the cohort.

    Attributes
    ----------
    maker_signs : bool
        Whether who made the accounts signs too.
    made : tuple of Person
        Whose accounts they made of those who sign, by name.
    """

    maker: Person
    maker_signs: bool
    made: tuple[Person, ...]


def made_by_one(session: Session, cohort_id: str, signer_ids: Collection[str]) -> list[MadeByOne]:
    """List where one person made the accounts of several who sign, or of somebody they sign with.

    Accounts that the program office or the command line made are not meant: only a person who has, or had,
    a part in the cohort itself could sign there by a second account.
    """
    behind: dict[str, set[str]] = {}
    makers = session.execute(
        select(AuditEntry.actor_id, AuditEntry.subject_id)
        .join(
            Membership,
            (Membership.person_id == AuditEntry.actor_id) & (Membership.cohort_id == cohort_id),
        )
        .where(
            AuditEntry.chain == "service",
            AuditEntry.action == "person:create",
            AuditEntry.subject_id.in_(signer_ids),
        )
    )
    for maker_id, signer_id in makers:
        if maker_id is not None:
            behind.setdefault(maker_id, set()).add(signer_id)
    return [
        MadeByOne(
            session.get_one(Person, maker_id),
            maker_id in signer_ids,
            tuple(session.scalars(select(Person).where(Person.id.in_(made)).order_by(Person.name))),
        )
        for maker_id, made in sorted(behind.items())
        if len(made | ({maker_id} & set(signer_ids))) > 1
    ]
