"""Read what `personal_data` says is about a person; whoever else a row names becomes “somebody else”."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, inspect, or_, select
from sqlalchemy.orm import Session

from grading.models import (
    AuditEntry,
    Base,
    Job,
    MisconductCase,
    SubmissionFile,
)
from grading.office.queries import personal_data


def counts(
    session: Session, wanted: Sequence[tuple[str, type[Base], ColumnElement[bool]]]
) -> list[tuple[str, int]]:
    """Count the rows of several conditions in one query; gives each name with its number."""
    row = session.execute(
        select(
            *[
                select(func.count()).select_from(model).where(condition).scalar_subquery()
                for _, model, condition in wanted
            ]
        )
    ).one()
    return [(name, count) for (name, _, _), count in zip(wanted, row, strict=True)]


def subjects_of(session: Session, person_id: str) -> set[str]:
    """List the ids of the records that are about a person, in their own right."""
    found: set[str] = set()
    for part in personal_data.PARTS:
        key = part.model.__table__.c.get("id")
        if part.name not in personal_data.OF_OFFICE and key is not None:
            found |= {str(one) for one in session.scalars(select(key).where(part.whose(person_id)))}
    return found


def columns_of(part: personal_data.Part) -> list[str]:
    """List the columns a part gives."""
    return [
        column.key for column in part.model.__table__.columns if column.key not in part.withheld
    ]


def rows_of(
    session: Session, part: personal_data.Part, person_id: str
) -> Iterator[personal_data.Row]:
    """Yield a person's rows of a part, a few hundred at a time, each as plain data."""
    table = part.model.__table__
    naming = {
        column.key
        for column in table.columns
        if any(key.target_fullname == "person.id" for key in column.foreign_keys)
    }
    given = columns_of(part)
    statement = (
        select(*[table.c[name] for name in given])
        .where(part.whose(person_id))
        .order_by(*inspect(part.model).primary_key)
        .execution_options(yield_per=personal_data.ROWS)
    )
    for found in session.execute(statement):
        row = {
            name: personal_data.SOMEBODY_ELSE
            if name in naming and value not in (None, person_id)
            else value
            for name, value in zip(given, found, strict=True)
        }
        if part.row is not None:
            row = part.row(row)
        yield {name: plain(value) for name, value in row.items()}


def plain(value: Any) -> Any:
    """Write a column's value as JSON has it."""
    return value.isoformat() if isinstance(value, datetime | date) else value


def files_of(session: Session, person_id: str) -> Iterator[SubmissionFile]:
    """Yield the stored files of a person's works."""
    statement = (
        select(SubmissionFile)
        .where(SubmissionFile.submission_id.in_(personal_data.works_of(person_id)))
        .order_by(SubmissionFile.submission_id, SubmissionFile.position, SubmissionFile.id)
    )
    yield from session.scalars(statement)


def mails_of(session: Session, person_id: str) -> Iterator[personal_data.Row]:
    """Yield what we wrote to a person, as far as the list is still kept."""
    statement = (
        select(Job)
        .where(mailed_to(person_id))
        .order_by(Job.created_at, Job.id)
        .execution_options(yield_per=personal_data.ROWS)
    )
    for job in session.scalars(statement):
        yield {
            "template": job.payload["template"],
            "state": job.state,
            "asked_at": job.created_at.isoformat(),
            "ended_at": plain(job.ended_at),
        }


def mailed_to(person_id: str) -> ColumnElement[bool]:
    """Give the condition of the jobs that write to a person."""
    return and_(
        Job.topic.in_(("mail", "password_mail")), Job.payload["person"].as_string() == person_id
    )


def entries_about(
    session: Session, person_id: str, subjects: set[str]
) -> Iterator[personal_data.Row]:
    """Yield the audit entries by a person, and those about their records.

    Of a work whose result they do not have, only what they did themselves: the rest would tell how its
    grading goes. Who else acted is not said.
    """
    hidden = set(session.scalars(personal_data.works_of(person_id))) - set(
        session.scalars(personal_data.released_to(person_id))
    )
    wanted = sorted(subjects - hidden)
    yield from _entries(session, AuditEntry.actor_id == person_id, person_id)
    for start in range(0, len(wanted), personal_data.ROWS):
        chunk = AuditEntry.subject_id.in_(wanted[start : start + personal_data.ROWS])
        other = or_(AuditEntry.actor_id.is_(None), AuditEntry.actor_id != person_id)
        # Of a suspicion its own row says what was put to the person, and no more.
        told = AuditEntry.subject_type != MisconductCase.__name__
        yield from _entries(session, and_(chunk, other, told), person_id)


def _entries(
    session: Session, condition: ColumnElement[bool], person_id: str
) -> Iterator[personal_data.Row]:
    statement = (
        select(AuditEntry)
        .where(condition)
        .order_by(AuditEntry.chain, AuditEntry.number)
        .execution_options(yield_per=personal_data.ROWS)
    )
    for entry in session.scalars(statement):
        own = entry.actor_id == person_id
        yield {
            "at": entry.at.isoformat(),
            "action": entry.action,
            "record": entry.subject_type,
            "id": entry.subject_id if not own or entry.subject_type != "Allocation" else None,
            "by": "you"
            if own
            else "the service"
            if entry.actor_id is None
            else personal_data.SOMEBODY_ELSE,
            "reason": entry.reason_words,
            "hash": entry.hash,
        }
