"""Reads of an audit chain for the pages that show it."""

from collections.abc import Sequence

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from grading.models import AuditEntry, Person
from grading.paging import Page, rows_page_of


def entries_page(
    session: Session,
    chain: str,
    *,
    page: int,
    action: str | None = None,
    subjects: Sequence[str] = (),
) -> Page[Row[AuditEntry, str | None]]:
    """Give one page of a chain, newest first: the entries with their actor's name."""
    condition = [AuditEntry.chain == chain]
    if action:
        condition.append(AuditEntry.action == action)
    if subjects:
        condition.append(or_(*[AuditEntry.subject_id == subject for subject in subjects]))
    statement = (
        select(AuditEntry, Person.name)
        .join(Person, Person.id == AuditEntry.actor_id, isouter=True)
        .where(*condition)
        .order_by(AuditEntry.number.desc())
    )
    return rows_page_of(session, statement, page)


def actions(session: Session, chain: str) -> list[str]:
    """List the kinds of entry a chain has."""
    return list(
        session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.chain == chain)
            .distinct()
            .order_by(AuditEntry.action)
        )
    )
