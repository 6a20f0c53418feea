"""Which bits of a status list are set: what its own history says, whatever the tables say now."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.credential import status
from grading.ledger import verifying
from grading.models import AuditEntry, IssuedCredential, StatusList
from grading.workflow.issued import ISSUED_MACHINE, IssuedState


@dataclass(frozen=True)
class SetBits:
    """The bits that are set, and where tables and history contradict each other, in words."""

    indexes: frozenset[int]
    contradictions: tuple[str, ...]


def set_bits(session: Session, status_list: StatusList) -> SetBits:
    """Give the bits of a list that an act set, or that were set when it was last signed.

    A bit once set stays: a credential that is valid again in the tables is a contradiction, and so is one
    that no act ended, whose bit is not set.
    """
    ended = {f"{ISSUED_MACHINE.name}:{event}" for event in ISSUED_MACHINE.events}
    told = {
        str(credential): index
        for credential, index in session.execute(
            select(IssuedCredential.id, IssuedCredential.status_index)
            .join(AuditEntry, AuditEntry.subject_id == IssuedCredential.id)
            .where(IssuedCredential.status_list_id == status_list.id, AuditEntry.action.in_(ended))
        )
    }
    now_ended = {
        str(credential): index
        for credential, index in session.execute(
            select(IssuedCredential.id, IssuedCredential.status_index).where(
                IssuedCredential.status_list_id == status_list.id,
                IssuedCredential.state != IssuedState.VALID,
            )
        )
    }
    changed = verifying.row_faults(session, {StatusList: [status_list.id]})
    signed = set() if changed or status_list.document is None else _signed(status_list)
    contradictions = [
        *changed,
        *(f"credential {one} is valid, and an act ended it" for one in told.keys() - now_ended),
        *(f"credential {one} has ended, and no act ended it" for one in now_ended.keys() - told),
        *(
            f"bit {index} was set when the list was last signed, and no credential accounts for it"
            for index in signed - set(told.values())
        ),
    ]
    return SetBits(frozenset(told.values()) | signed, tuple(sorted(contradictions)))


def _signed(status_list: StatusList) -> set[int]:
    document = status_list.document or {}
    return status.indexes(document["credentialSubject"]["encodedList"])
