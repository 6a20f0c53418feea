"""Completions: ``email,course,completed_on,identity_assurance``.

A course is one of the program's, or one that counts as such. A later completion renews an earlier one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from sqlalchemy import select

from grading.batches import delete_in, rows_in, scalars_in
from grading.errors import Fault, Refused
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
from grading.office.imports.cells import account, one_of, past_day
from grading.office.imports.common import (
    Change,
    Desk,
    Effect,
    ImportedRow,
    Importer,
    Kept,
    Made,
    Undoing,
    made_of,
)
from grading.programs import completions
from grading.workflow.credential import IdentityAssurance
from grading.workflow.group import TOOK_PART


def counting_for(program: Program, code: str) -> list[Course]:
    """List the program's courses that a course counts as."""
    return [course for course in program.courses if course.code == code] or [
        course for course in program.courses if code in course.equivalents
    ]


def known_course(code: str, desk: Desk[Program]) -> str:
    """Read the code of a course of the program, or of one that counts as such."""
    if not counting_for(desk.place, code):
        raise Refused("“%(code)s” is no course of the program, and counts as none.", code=code)
    return code


@dataclass(frozen=True)
class CompletionRow(ImportedRow):
    """Somebody has completed a course."""

    email: Annotated[str, account]
    course: Annotated[str, known_course]
    completed_on: Annotated[date, past_day]
    identity_assurance: Annotated[IdentityAssurance, one_of(IdentityAssurance)]

    def via(self, course: Course) -> str | None:
        """Name the course that was taken where another counts by it."""
        return None if course.code == self.course else self.course


def plan(
    desk: Desk[Program], rows: Sequence[CompletionRow]
) -> tuple[list[Change[CompletionRow]], list[Fault]]:
    """Say which completions are new, and which renew an older one."""
    recorded: dict[tuple[str, str], date] = {
        (course_id, person_id): day
        for course_id, person_id, day in desk.session.execute(
            select(Completion.course_id, Completion.person_id, Completion.completed_on)
            .join(Course)
            .where(Course.program_id == desk.place.id)
        )
    }
    # The same course twice in one file counts once: by its latest day, and by its own name first.
    best: dict[tuple[str, str], tuple[Course, CompletionRow]] = {}
    for row in rows:
        for course in counting_for(desk.place, row.course):
            key = course.id, desk.known[row.email].id
            rival = best[key][1] if key in best else None
            if rival is None or (row.completed_on, row.via(course) is None) > (
                rival.completed_on,
                rival.via(course) is None,
            ):
                best[key] = course, row
    changes = [
        Change(
            row,
            row.email,
            Effect.RENEW if key in recorded else Effect.COMPLETE,
            course.code,
            before=recorded[key].isoformat() if key in recorded else "",
        )
        for key, (course, row) in best.items()
        if key not in recorded or row.completed_on > recorded[key]
    ]
    return sorted(changes, key=lambda change: change.line), []


def carry_out(desk: Desk[Program], changes: Sequence[Change[CompletionRow]]) -> Iterable[Made]:
    """Record the new completions and renew the old."""
    made: list[Made] = []
    fresh: list[Completion] = []
    courses = {course.code: course for course in desk.place.courses}
    older = {
        (completion.course_id, completion.person_id): completion
        for completion in scalars_in(
            desk.session,
            select(Completion).join(Course).where(Course.program_id == desk.place.id),
            Completion.person_id,
            {desk.known[change.who].id for change in changes if change.effect is Effect.RENEW},
        )
    }
    for change in changes:
        row, course, person = change.row, courses[change.detail], desk.known[change.who]
        if change.effect is Effect.RENEW:
            known = older[course.id, person.id]
            made.append(Made("renewed", known.id, completions.completion_words(known)))
            completions.renew_completion(
                desk.session,
                desk.actor,
                known,
                completed_on=row.completed_on,
                identity_assurance=row.identity_assurance,
                via=row.via(course),
                now=desk.now,
            )
        else:
            fresh.append(
                Completion(
                    course_id=course.id,
                    person_id=person.id,
                    completed_on=row.completed_on,
                    identity_assurance=row.identity_assurance,
                    recorded_at=desk.now,
                    via=row.via(course),
                )
            )
    desk.session.add_all(fresh)
    desk.session.flush()
    for completion in fresh:
        completions.note_completion(desk.session, desk.actor, completion, now=desk.now)
    return made + [Made("completion", completion.id) for completion in fresh]


def look_back(desk: Desk[Program], batch: ImportBatch) -> Undoing:
    """Find the completions that opened no capstone and stand in no record."""
    recorded = made_of(batch, "renewed", "completion")
    begun = set(
        desk.session.scalars(
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
        desk.session.execute(
            select(CredentialRecord.person_id, RecordEntry.course_id)
            .join(RecordEntry, RecordEntry.record_id == CredentialRecord.id)
            .where(
                CredentialRecord.program_id == batch.program_id,
                RecordEntry.course_id.is_not(None),
            )
        ).all()
    )
    made: list[Made] = []
    kept: list[Kept] = []
    people = select(Completion, Person.email).join(Person, Person.id == Completion.person_id)
    for completion, email in rows_in(desk.session, people, Completion.id, recorded):
        if completion.person_id in begun:
            kept.append(Kept(email, "has begun the capstone since"))
        elif (completion.person_id, completion.course_id) in entered:
            kept.append(Kept(email, "has the course in a record"))
        else:
            made.append(recorded[completion.id])
    return Undoing(tuple(made), tuple(kept))


def take_back(desk: Desk[Program], undoing: Undoing) -> None:
    """Remove what was new, and give what was renewed its earlier day back."""
    delete_in(desk.session, Completion.id, undoing.ids("completion"))
    before = undoing.before("renewed")
    for completion in scalars_in(desk.session, select(Completion), Completion.id, before):
        words = before[completion.id]
        completions.renew_completion(
            desk.session,
            desk.actor,
            completion,
            completed_on=date.fromisoformat(words["completed_on"] or ""),
            identity_assurance=IdentityAssurance(words["identity_assurance"] or ""),
            via=words["via"],
            now=desk.now,
        )


IMPORTER = Importer(CompletionRow, plan, carry_out, look_back, take_back)
