"""Programs: courses, brief, rubric versions, and who completed what."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound
from grading.ledger import audit
from grading.ledger.turns import take_turns
from grading.models import (
    Brief,
    Cohort,
    Completion,
    Course,
    Entitlement,
    Person,
    Program,
    RubricVersion,
    Sponsor,
)
from grading.workflow.credential import RubricState

FEWEST_COURSES, MOST_COURSES = 3, 9
MOST_HOURS = 10_000
MOST_MONTHS = 600
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
    codes = [code for code, _ in courses]
    faults += _course_faults(courses)
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


def _course_faults(courses: list[tuple[str, str]]) -> list[Fault]:
    """Name what is wrong with the (code, title) pairs of a program."""
    faults: list[Fault] = []
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
    return faults


def revise_program(
    session: Session,
    actor: Person | None,
    program: Program,
    *,
    name: str,
    capstone_title: str,
    entitlement_required: bool,
    retake_terms: str,
    capstone_hours: float | None,
    hours_approver: str,
    provider_number: str,
    valid_months: int | None,
    now: datetime,
) -> None:
    """Change what a program says of itself; what was issued before keeps what it says.

    Parameters
    ----------
    retake_terms : str
        When the next attempt is and what it costs, as the result page says it.
    capstone_hours : float or None
        Professional-development hours of the capstone.
    hours_approver, provider_number : str
        Who approved the hours, and the number under which they know the provider.
    valid_months : int or None
        How long a credential holds after the program is complete; None for good.

    Raises
    ------
    FaultsFound
    """
    take_turns(session, program)
    values: dict[str, object] = {
        "name": name.strip(),
        "capstone_title": capstone_title.strip(),
        "entitlement_required": entitlement_required,
        "retake_terms": retake_terms.strip(),
        "capstone_hours": capstone_hours,
        "hours_approver": hours_approver.strip(),
        "provider_number": provider_number.strip(),
        "valid_months": valid_months,
    }
    faults = [
        Fault(where, "This cannot be empty.")
        for where in ("name", "capstone_title")
        if not values[where]
    ]
    faults += [
        Fault(where, "Use at most %(n)s characters.", {"n": most})
        for where, most in (
            ("name", 200),
            ("capstone_title", 200),
            ("retake_terms", 2_000),
            ("hours_approver", 200),
            ("provider_number", 100),
        )
        if len(str(values[where])) > most
    ]
    if capstone_hours is not None and not 0 < capstone_hours <= MOST_HOURS:
        faults.append(Fault("capstone_hours", "Hours are more than 0 and at most 10,000."))
    if valid_months is not None and not 1 <= valid_months <= MOST_MONTHS:
        faults.append(Fault("valid_months", "A credential holds 1 to 600 months, or without end."))
    if session.scalar(
        select(Program.id).where(
            Program.sponsor_id == program.sponsor_id,
            Program.name == values["name"],
            Program.id != program.id,
        )
    ):
        faults.append(Fault("name", "This sponsor has a program of that name."))
    if faults:
        raise FaultsFound(faults)
    before = {key: getattr(program, key) for key in values}
    if before == values:
        return
    for key, value in values.items():
        setattr(program, key, value)
    audit.record(session, actor, "program:revise", program, now=now, before=before, after=values)


@dataclass(frozen=True)
class CourseEntry:
    """One course as a program office writes it; months and hours are None where none is given."""

    code: str
    title: str
    required: bool = True
    equivalents: tuple[str, ...] = ()
    expires_months: int | None = None
    hours: float | None = None


def codes_fixed(session: Session, program: Program) -> bool:
    """Say whether something refers to the program's courses by now, so that their codes stay."""
    return (
        session.scalar(
            select(RubricVersion.id)
            .where(
                RubricVersion.program_id == program.id,
                RubricVersion.state == RubricState.PUBLISHED,
            )
            .limit(1)
        )
        or session.scalar(select(Cohort.id).where(Cohort.program_id == program.id).limit(1))
        or session.scalar(
            select(Completion.id).join(Course).where(Course.program_id == program.id).limit(1)
        )
        or session.scalar(
            select(Entitlement.id).where(Entitlement.program_id == program.id).limit(1)
        )
    ) is not None


def revise_courses(
    session: Session,
    actor: Person | None,
    program: Program,
    entries: list[CourseEntry],
    *,
    now: datetime,
) -> None:
    """Change a program's courses; which there are, only while nothing refers to them.

    Raises
    ------
    FaultsFound
        Every fault, at ``course N``.
    """
    take_turns(session, program)
    faults = _course_faults([(entry.code, entry.title) for entry in entries])
    codes = [entry.code for entry in entries]
    before = [_course_words(course) for course in program.courses]
    fixed = codes_fixed(session, program)
    if fixed and codes != [course.code for course in program.courses]:
        faults.append(
            Fault(
                "courses",
                "Rubrics, cohorts or completions refer to these courses, so their codes stay.",
            )
        )
    for number, entry in enumerate(entries, 1):
        where = f"course {number}"
        faults += [
            Fault(where, "“%(code)s” is no code: use a-z, 0-9, - and _.", {"code": code})
            for code in entry.equivalents
            if not _CODE.fullmatch(code)
        ]
        faults += [
            Fault(
                where,
                "“%(code)s” is a course of this program, so it is no equivalent.",
                {"code": code},
            )
            for code in entry.equivalents
            if code in codes
        ]
        if entry.expires_months is not None and not 1 <= entry.expires_months <= MOST_MONTHS:
            faults.append(Fault(where, "A completion holds 1 to 600 months, or without end."))
        if entry.hours is not None and not 0 < entry.hours <= MOST_HOURS:
            faults.append(Fault(where, "Hours are more than 0 and at most 10,000."))
    if faults:
        raise FaultsFound(faults)
    if not fixed:
        for course in program.courses:
            session.delete(course)
        session.flush()
        program.courses = [
            Course(program_id=program.id, code=entry.code, position=position)
            for position, entry in enumerate(entries, 1)
        ]
    for course, entry in zip(program.courses, entries, strict=True):
        course.title = entry.title.strip()
        course.required = entry.required
        course.equivalents = list(dict.fromkeys(entry.equivalents))
        course.expires_months = entry.expires_months
        course.hours = entry.hours
    session.flush()
    after = [_course_words(course) for course in program.courses]
    if after != before:
        audit.record(
            session, actor, "program:revise_courses", program, now=now, before=before, after=after
        )


def _course_words(course: Course) -> dict[str, object]:
    return {
        "code": course.code,
        "title": course.title,
        "required": course.required,
        "equivalents": course.equivalents,
        "expires_months": course.expires_months,
        "hours": course.hours,
    }


def newest_brief(session: Session, program: Program) -> Brief | None:
    """Find the version of the task that the next cohort gets."""
    return session.scalar(
        select(Brief).where(Brief.program_id == program.id).order_by(Brief.version.desc()).limit(1)
    )


def add_brief(
    session: Session,
    actor: Person | None,
    program: Program,
    text: str,
    *,
    example: str = "",
    now: datetime,
) -> Brief:
    """Add a version of the task with its annotated example; cohorts that have one keep theirs."""
    take_turns(session, program)
    if not text.strip():
        raise FaultsFound([Fault("text", "The brief is empty.")])
    last = newest_brief(session, program)
    if last is not None and (last.text, last.example) == (text, example):
        return last
    brief = Brief(
        program_id=program.id,
        version=last.version + 1 if last else 1,
        text=text,
        example=example,
        created_at=now,
    )
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
