"""Completions: ``email,course,completed_on,identity_assurance``.

A course is one of the program's, or one that counts as such. A later completion renews an earlier one.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.batches import delete_in, rows_in, scalars_in
from grading.errors import Fault, FaultsFound
from grading.models import (
    Cohort,
    Completion,
    Course,
    CredentialRecord,
    ImportBatch,
    Person,
    Program,
    RecordEntry,
    SubmissionMember,
)
from grading.office.imports.common import (
    Change,
    Effect,
    Importer,
    Kept,
    Undoing,
    of_kind,
)
from grading.office.imports.tables import TableRow
from grading.people import accounts
from grading.programs import completions
from grading.texts import address_sought
from grading.workflow.credential import IdentityAssurance
from grading.workflow.group import TOOK_PART


def counting_for(program: Program, code: str) -> list[tuple[Course, str | None]]:
    """List the program's courses that a course counts as, each with the code it counts by, if another."""
    own: list[tuple[Course, str | None]] = [
        (course, None) for course in program.courses if course.code == code
    ]
    return own or [(course, code) for course in program.courses if code in course.equivalents]


def plan(
    session: Session,
    actor: Person | None,
    program: Program,
    rows: Sequence[TableRow],
    now: datetime,
) -> list[Change]:
    """Say which completions are new, and which renew an older one."""
    known = accounts.by_address(session, (row.values["email"] for row in rows))
    faults: list[Fault] = []
    wanted: list[tuple[int, Person, Course, str | None, date, str]] = []
    for row in rows:
        person, day = known.get(address_sought(row.values["email"])), None
        courses = counting_for(program, row.values["course"])
        assurance = row.values["identity_assurance"]
        if not courses:
            faults.append(
                row.fault(
                    "course",
                    "“%(code)s” is no course of the program, and counts as none.",
                    code=row.values["course"],
                )
            )
        if person is None:
            faults.append(
                row.fault(
                    "email", "No account has the address “%(email)s”.", email=row.values["email"]
                )
            )
        try:
            day = date.fromisoformat(row.values["completed_on"])
        except ValueError:
            faults.append(
                row.fault(
                    "completed_on",
                    "“%(text)s” is no date; write it as 2026-11-30.",
                    text=row.values["completed_on"],
                )
            )
        if day is not None and day > now.date():
            faults.append(row.fault("completed_on", "The day lies in the future."))
        if assurance not in set(IdentityAssurance):
            faults.append(
                row.fault(
                    "identity_assurance",
                    "“%(text)s” is none of %(words)s.",
                    text=assurance,
                    words=tuple(IdentityAssurance),
                )
            )
        if person is not None and day is not None:
            wanted += [(row.line, person, course, via, day, assurance) for course, via in courses]
    if faults:
        raise FaultsFound(faults)
    return _changes(session, program, wanted)


def _changes(
    session: Session,
    program: Program,
    wanted: list[tuple[int, Person, Course, str | None, date, str]],
) -> list[Change]:
    recorded: dict[tuple[str, str], date] = {
        (course_id, person_id): day
        for course_id, person_id, day in session.execute(
            select(Completion.course_id, Completion.person_id, Completion.completed_on)
            .join(Course)
            .where(Course.program_id == program.id)
        )
    }
    # The same course twice in one file counts once: by its latest day, and by its own name first.
    best: dict[tuple[str, str], tuple[int, Person, Course, str | None, date, str]] = {}
    for item in wanted:
        key = (item[2].id, item[1].id)
        if key not in best or (item[4], item[3] is None) > (best[key][4], best[key][3] is None):
            best[key] = item
    changes = []
    for key, (line, person, course, via, day, assurance) in best.items():
        if key in recorded and day <= recorded[key]:
            continue
        changes.append(
            Change(
                line,
                person.email,
                Effect.RENEW if key in recorded else Effect.COMPLETE,
                f"{course.code} ({via})" if via else course.code,
                (course.id, person.id, day.isoformat(), assurance, via),
            )
        )
    return sorted(changes, key=lambda change: change.line)


def carry_out(
    session: Session,
    actor: Person | None,
    program: Program,
    changes: Sequence[Change],
    now: datetime,
) -> list[tuple[Any, ...]]:
    """Record the new completions and renew the old."""
    made: list[tuple[Any, ...]] = []
    fresh: list[Completion] = []
    renewed = {item.values[1] for item in changes if item.effect is Effect.RENEW}
    older = {
        (completion.course_id, completion.person_id): completion
        for completion in scalars_in(
            session,
            select(Completion).join(Course).where(Course.program_id == program.id),
            Completion.person_id,
            renewed,
        )
    }
    for item in changes:
        course_id, person_id, day, assurance, via = item.values
        if item.effect is Effect.RENEW:
            known = older[course_id, person_id]
            made.append(("renewed", known.id, completions.completion_words(known)))
            completions.renew_completion(
                session,
                actor,
                known,
                completed_on=date.fromisoformat(day),
                identity_assurance=IdentityAssurance(assurance),
                via=via,
                now=now,
            )
        else:
            fresh.append(
                Completion(
                    course_id=course_id,
                    person_id=person_id,
                    completed_on=date.fromisoformat(day),
                    identity_assurance=IdentityAssurance(assurance),
                    recorded_at=now,
                    via=via,
                )
            )
    session.add_all(fresh)
    session.flush()
    for completion in fresh:
        made.append(("completion", completion.id))
        completions.note_completion(session, actor, completion, now=now)
    return made


def look_back(session: Session, actor: Person | None, batch: ImportBatch) -> Undoing:
    """Find the completions that opened no capstone and stand in no record."""
    before: dict[str, dict[str, str | None]] = dict(of_kind(batch, "renewed"))
    fresh = {key for (key,) in of_kind(batch, "completion")}
    begun = set(
        session.scalars(
            select(SubmissionMember.person_id)
            .join(Cohort, Cohort.id == SubmissionMember.cohort_id)
            .where(
                Cohort.program_id == batch.program_id,
                SubmissionMember.state.in_(TOOK_PART),
                SubmissionMember.since >= batch.at,
            )
        )
    )
    entered: set[tuple[str, str | None]] = set(
        session.execute(
            select(CredentialRecord.person_id, RecordEntry.course_id)
            .join(RecordEntry, RecordEntry.record_id == CredentialRecord.id)
            .where(
                CredentialRecord.program_id == batch.program_id,
                RecordEntry.course_id.is_not(None),
            )
        ).all()
    )
    made: list[tuple[Any, ...]] = []
    kept: list[Kept] = []
    people = select(Completion, Person.email).join(Person, Person.id == Completion.person_id)
    for completion, email in rows_in(session, people, Completion.id, fresh | set(before)):
        if completion.person_id in begun:
            kept.append(Kept(email, "has begun the capstone since"))
        elif (completion.person_id, completion.course_id) in entered:
            kept.append(Kept(email, "has the course in a record"))
        elif completion.id in before:
            made.append(("renewed", completion.id, before[completion.id]))
        else:
            made.append(("completion", completion.id))
    return Undoing(tuple(made), tuple(kept))


def take_back(
    session: Session,
    actor: Person | None,
    batch: ImportBatch,
    made: Sequence[tuple[Any, ...]],
    now: datetime,
) -> None:
    """Remove what was new, and give what was renewed its earlier day back."""
    before = {entry[1]: entry[2] for entry in made if entry[0] == "renewed"}
    delete_in(session, Completion.id, (entry[1] for entry in made if entry[0] == "completion"))
    for completion in scalars_in(session, select(Completion), Completion.id, before):
        words = before[completion.id]
        completions.renew_completion(
            session,
            actor,
            completion,
            completed_on=date.fromisoformat(words["completed_on"]),
            identity_assurance=words["identity_assurance"],
            via=words["via"],
            now=now,
        )


IMPORTER = Importer(
    columns=("email", "course", "completed_on", "identity_assurance"),
    optional=(),
    plan=plan,
    carry_out=carry_out,
    look_back=look_back,
    take_back=take_back,
)
