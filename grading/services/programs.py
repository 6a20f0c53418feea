"""Programs: courses, brief, rubric versions, and who completed what."""

import re
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, Refused
from grading.models import Brief, Completion, Course, Person, Program, RubricVersion, Sponsor
from grading.rubric.definition import Rubric
from grading.rubric.loading import publishing_faults
from grading.services import audit, tables
from grading.services.transitions import move
from grading.workflow.credential import IdentityAssurance

FEWEST_COURSES, MOST_COURSES = 3, 9
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


def create_program(
    session: Session,
    actor: Person | None,
    *,
    sponsor: str,
    name: str,
    capstone_title: str,
    courses: list[tuple[str, str]],
    now: datetime,
) -> Program:
    """Set up a sponsor's program.

    Parameters
    ----------
    courses : list of (code, title)
        Three to nine, in the order learners take them.

    Raises
    ------
    FaultsFound
    """
    faults = [
        Fault(where, "This cannot be empty.")
        for where, text in (
            ("sponsor", sponsor),
            ("name", name),
            ("capstone_title", capstone_title),
        )
        if not text.strip()
    ]
    if not FEWEST_COURSES <= len(courses) <= MOST_COURSES:
        faults.append(
            Fault(
                "courses",
                "A program has three to nine courses; these are %(n)s.",
                {"n": len(courses)},
            )
        )
    codes = [code for code, _ in courses]
    for number, (code, title) in enumerate(courses, 1):
        if not _CODE.fullmatch(code):
            faults.append(
                Fault(
                    f"course {number}",
                    "“%(code)s” is no code: use a-z, 0-9, - and _.",
                    {"code": code},
                )
            )
        if codes.count(code) > 1 and codes.index(code) == number - 1:
            faults.append(
                Fault(f"course {number}", "The code “%(code)s” stands twice.", {"code": code})
            )
        if not title.strip():
            faults.append(Fault(f"course {number}", "The title is missing."))
    if faults:
        raise FaultsFound(faults)
    owner = session.scalar(select(Sponsor).where(Sponsor.name == sponsor.strip()))
    if owner is None:
        owner = Sponsor(name=sponsor.strip())
        session.add(owner)
        session.flush()
    if session.scalar(
        select(Program.id).where(Program.sponsor_id == owner.id, Program.name == name.strip())
    ):
        raise FaultsFound([Fault("name", "This sponsor has a program of that name.")])
    program = Program(
        sponsor=owner, name=name.strip(), capstone_title=capstone_title.strip(), created_at=now
    )
    session.add(program)
    session.flush()
    program.courses = [
        Course(program_id=program.id, code=code, title=title.strip(), position=position)
        for position, (code, title) in enumerate(courses, 1)
    ]
    session.flush()
    audit.record(session, actor, "program:create", program, now=now, after={"courses": codes})
    return program


def newest_brief(session: Session, program: Program) -> Brief | None:
    """Find the version of the task that the next cohort gets."""
    return session.scalar(
        select(Brief).where(Brief.program_id == program.id).order_by(Brief.version.desc()).limit(1)
    )


def add_brief(
    session: Session, actor: Person | None, program: Program, text: str, *, now: datetime
) -> Brief:
    """Add a version of the task; cohorts that have one keep theirs."""
    if not text.strip():
        raise FaultsFound([Fault("text", "The brief is empty.")])
    last = session.scalar(select(func.max(Brief.version)).where(Brief.program_id == program.id))
    brief = Brief(program_id=program.id, version=(last or 0) + 1, text=text, created_at=now)
    session.add(brief)
    session.flush()
    audit.record(
        session,
        actor,
        "brief:add",
        program,
        now=now,
        after={"brief": brief.id, "version": brief.version},
    )
    return brief


def add_rubric(
    session: Session, actor: Person | None, program: Program, rubric: Rubric, *, now: datetime
) -> RubricVersion:
    """Keep a rubric for a program as a draft; the same rubric again is the same version.

    Raises
    ------
    Refused
        Another rubric has this name and version.
    """
    known = session.scalar(
        select(RubricVersion).where(
            RubricVersion.program_id == program.id, RubricVersion.digest == rubric.digest
        )
    )
    if known is not None:
        return known
    if session.scalar(
        select(RubricVersion.id).where(
            RubricVersion.program_id == program.id,
            RubricVersion.name == rubric.name,
            RubricVersion.number == rubric.version,
        )
    ):
        raise Refused(
            "Version %(number)s of “%(name)s” exists and differs. Give the changed rubric a new version.",
            number=rubric.version,
            name=rubric.name,
        )
    version = RubricVersion(
        program=program,
        digest=rubric.digest,
        name=rubric.name,
        number=rubric.version,
        definition=rubric.to_dict(),
        created_at=now,
    )
    session.add(version)
    session.flush()
    audit.record(session, actor, "rubric:add", version, now=now, after={"digest": rubric.digest})
    return version


def publish_rubric(
    session: Session, actor: Person | None, version: RubricVersion, *, now: datetime
) -> None:
    """Make a rubric version usable, and fixed for good.

    Raises
    ------
    FaultsFound
        A course that no criterion draws on, or a criterion that draws on no course of the program.
    """
    codes = [course.code for course in version.program.courses]
    if faults := publishing_faults(version.rubric, codes):
        raise FaultsFound(faults)
    move(session, version, "publish", actor=actor, now=now, published_at=now)


def record_completion(
    session: Session,
    actor: Person | None,
    course: Course,
    person: Person,
    *,
    completed_on: date,
    identity_assurance: str,
    now: datetime,
) -> Completion:
    """Note that a learner completed a course; raises `Refused` if that is noted already."""
    if session.scalar(
        select(Completion.id).where(
            Completion.course_id == course.id, Completion.person_id == person.id
        )
    ):
        raise Refused("%(course)s is recorded as completed already.", course=course.title)
    completion = Completion(
        course=course,
        person_id=person.id,
        completed_on=completed_on,
        identity_assurance=IdentityAssurance(identity_assurance),
        recorded_at=now,
    )
    session.add(completion)
    session.flush()
    audit.record(
        session,
        actor,
        "completion:record",
        completion,
        now=now,
        after={"course": course.id, "person": person.id, "assurance": identity_assurance},
    )
    return completion


def import_completions(
    session: Session, actor: Person | None, program: Program, data: bytes, *, now: datetime
) -> int:
    """Record completions from CSV: ``email,course,completed_on,identity_assurance``.

    Rows that are recorded already are passed over, so that a file can be sent again.

    Returns
    -------
    int
        How many were new.

    Raises
    ------
    FaultsFound
        Every faulty row; nothing was recorded.
    """
    rows = tables.read(data, ("email", "course", "completed_on", "identity_assurance"))
    courses = {course.code: course for course in program.courses}
    emails = {row.values["email"].lower() for row in rows}
    people = {
        person.email: person
        for chunk in _chunks(sorted(emails))
        for person in session.scalars(select(Person).where(Person.email.in_(chunk)))
    }
    known: set[tuple[str, str]] = set(
        session.execute(
            select(Completion.course_id, Completion.person_id)
            .join(Course)
            .where(Course.program_id == program.id)
        )
    )
    faults: list[Fault] = []
    wanted: list[tuple[Course, Person, date, str]] = []
    for row in rows:
        course = courses.get(row.values["course"])
        person = people.get(row.values["email"].lower())
        if course is None:
            faults.append(
                row.fault(
                    "course", "The program has no course “%(code)s”.", code=row.values["course"]
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
            continue
        if day > now.date():
            faults.append(row.fault("completed_on", "The day lies in the future."))
        assurance = row.values["identity_assurance"]
        if assurance not in set(IdentityAssurance):
            faults.append(
                row.fault(
                    "identity_assurance",
                    "“%(text)s” is none of %(words)s.",
                    text=assurance,
                    words=", ".join(IdentityAssurance),
                )
            )
        if course is not None and person is not None:
            wanted.append((course, person, day, assurance))
    if faults:
        raise FaultsFound(faults)
    added = 0
    for course, person, day, assurance in wanted:
        if (course.id, person.id) in known:
            continue
        known.add((course.id, person.id))
        completion = Completion(
            course_id=course.id,
            person_id=person.id,
            completed_on=day,
            identity_assurance=assurance,
            recorded_at=now,
        )
        session.add(completion)
        audit.record(
            session,
            actor,
            "completion:record",
            completion,
            now=now,
            after={"course": course.id, "person": person.id, "assurance": assurance},
        )
        added += 1
    return added


def _chunks(items: list[str], size: int = 500) -> list[list[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
