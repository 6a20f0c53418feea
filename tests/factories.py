"""Things that tests need, made by the real services."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from grading.cohorts import cohorts, parts, submissions
from grading.ledger.transitions import move
from grading.models import (
    Allocation,
    AnchorPaper,
    Cohort,
    Person,
    Program,
    RubricVersion,
    Submission,
)
from grading.office import upkeep
from grading.office.upkeep_run import UpkeepRun
from grading.people import accounts
from grading.programs import completions, programs, rubric_versions
from grading.readings import anchors, reviews
from grading.rubric.definition import Criterion, Level, Rubric
from grading.workflow import plan as plans
from grading.workflow.cohort import Role
from grading.workflow.submission import CURRENT_STATEMENT
from tests.kept import kept

COURSES = [("measuring", "Measuring"), ("cleaning", "Cleaning"), ("modelling", "Modelling")]
PLANTS = (
    "Alder", "Birch", "Cedar", "Dogwood", "Elder", "Fir", "Gorse", "Hazel", "Ivy", "Juniper",
    "Larch", "Maple", "Oak", "Poplar", "Rowan", "Sorrel", "Thyme", "Willow", "Yarrow", "Yew",
)  # fmt: skip
STONES = ("Basalt", "Chalk", "Flint", "Granite", "Marble", "Obsidian", "Pumice", "Quartz", "Slate")
PASSWORD = "a long enough password"


def a_rubric(**changes: Any) -> Rubric:
    levels = tuple(
        Level(name=name, points=float(points), descriptor=f"What {name.lower()} work shows.")
        for points, name in enumerate(("Missing", "Begun", "Sound", "Thorough"))
    )
    values: dict[str, Any] = {
        "name": "small-capstone",
        "title": "Small capstone",
        "version": 1,
        "description": "A rubric for tests.",
        "criteria": (
            Criterion("question", "Question", "What is asked.", 40.0, ("measuring",), levels),
            Criterion(
                "method", "Method", "How it is answered.", 60.0, ("cleaning", "modelling"), levels
            ),
        ),
    }
    return Rubric(**(values | changes))


def a_person(session: Session, name: str, *, now: datetime, **changes: Any) -> Person:
    email = name.lower().replace(" ", ".") + "@example.org"
    return accounts.create_account(
        session, None, email=changes.pop("email", email), name=name, now=now, **changes
    )


def a_program(
    session: Session,
    *,
    now: datetime,
    name: str = "Counting bicycles",
    courses: Sequence[tuple[str, str]] = COURSES,
) -> Program:
    program = programs.create_program(
        session,
        None,
        sponsor="Example College",
        name=name,
        capstone_title="A city's bicycles",
        courses=courses,
        now=now,
    )
    programs.add_brief(session, None, program, "# The task\n\nCount bicycles.", now=now)
    return program


def a_published_rubric(
    session: Session, program: Program, *, now: datetime, rubric: Rubric | None = None
) -> RubricVersion:
    version = rubric_versions.add_rubric(session, None, program, rubric or a_rubric(), now=now)
    rubric_versions.publish_rubric(session, None, version, now=now)
    return version


@kept
def a_cohort(
    session: Session,
    *,
    now: datetime,
    opened: bool = True,
    rubric: Rubric | None = None,
    courses: Sequence[tuple[str, str]] = COURSES,
    **plan: Any,
) -> Cohort:
    """An open cohort of a small plan: 2 peers, 1 professional, no random second readings."""
    choices = {
        "preset": "course",
        "peer_readings": 2,
        "peers_needed": 2,
        "second_share": 0.0,
        "second_minimum": 0,
        "near_cut": 0.0,
        "readings_before_not_passed": 1,
        "readings_near_cut": 1,
        "calibration": "off",
        "peer_weight": 0.0,
        "gate_wrong_side": 1.0,
    } | plan
    program = a_program(session, now=now, courses=courses)
    version = a_published_rubric(session, program, now=now, rubric=rubric)
    cohort = cohorts.create_cohort(
        session,
        None,
        program,
        name="Spring",
        opens_on=now.date(),
        time_zone="Europe/London",
        rubric_version=version,
        plan=plans.from_dict(choices),
        now=now,
    )
    if opened:
        grader = a_person(session, "Grader Agate", now=now)
        parts.enrol(session, None, cohort, grader, Role.GRADER, now=now)
        # Past the staffing check: a test's people come after it.
        cohort.plan_version.frozen_at = now
        note = {"plan": cohort.plan_version.digest}
        move(session, cohort, "open", actor=None, now=now, note=note)
    return cohort


def a_member(session: Session, cohort: Cohort, name: str, role: Role, *, now: datetime) -> Person:
    person = a_person(session, name, now=now)
    parts.enrol(session, None, cohort, person, role, now=now)
    return person


def a_learner(
    session: Session, cohort: Cohort, name: str, *, now: datetime, completed: bool = True
) -> Person:
    person = a_member(session, cohort, name, Role.LEARNER, now=now)
    if completed:
        complete_courses(session, cohort, person, now=now)
    return person


def complete_courses(session: Session, cohort: Cohort, person: Person, *, now: datetime) -> None:
    for course in cohort.program.courses:
        completions.record_completion(
            session,
            None,
            course,
            person,
            completed_on=date(2026, 6, 1),
            identity_assurance="proctored",
            now=now,
        )


def a_submission(
    session: Session, cohort: Cohort, learner: Person, *, now: datetime, **changes: Any
) -> Submission:
    """A submission that was handed in."""
    submission = submissions.start(session, learner, cohort, now=now)
    submissions.save_draft(
        session,
        learner,
        submission,
        title=changes.get("title", "Bicycles of a small town"),
        text=changes.get("text", "We counted $n=120$ bicycles."),
        links=changes.get("links", []),
        version=None,
        now=now,
    )
    submissions.submit(
        session, learner, submission, statement=CURRENT_STATEMENT, version=None, now=now
    )
    return submission


def run_upkeep(session: Session, cohort: Cohort, *, now: datetime, seed: int = 1) -> int:
    """Do all the upkeep that is due, in the present transaction."""
    done = 0
    for step in upkeep.STEPS:
        for _ in range(1000):
            run = UpkeepRun(now, seed)
            did = step(session, cohort, run)
            session.flush()
            assert run.failures == {}
            done += did
            if not did:
                break
    return done


def rate(
    session: Session, allocation: Allocation, levels: dict[str, int], *, now: datetime
) -> None:
    """Fill in a sheet and finish it."""
    assert allocation.rater is not None
    version = allocation.review.version if allocation.review else 0
    reviews.finish(
        session,
        allocation.rater,
        allocation,
        reviews.Sheet(levels=levels),
        version=version,
        now=now,
    )


def anchor_papers(
    session: Session,
    cast: "Cast",
    count: int,
    use: str,
    *,
    now: datetime,
    set_number: int = 1,
    level: int = 2,
    first: int = 0,
) -> list[AnchorPaper]:
    """Agreed anchor papers of learners' works, marked blind by a lead and an instructor."""
    levels = {"question": level, "method": level}
    reasons = dict.fromkeys(levels, "It shows what this level asks for.")
    made = []
    for work in cast.submissions[first : first + count]:
        anchors.consent(session, work.learner, work, given=True, now=now)
        anchor = anchors.propose(session, cast.lead, work, now=now)
        for lead in (cast.lead, cast.instructor):
            anchors.mark(session, lead, anchor, levels=levels, reasons=reasons, now=now)
        anchors.agree(
            session,
            cast.lead,
            anchor,
            levels=levels,
            reasons=reasons,
            use=use,
            set_number=set_number,
            now=now,
        )
        made.append(anchor)
    return made


@dataclass
class Cast:
    """The people of a test, by part."""

    cohort: Cohort
    learners: list[Person]
    graders: list[Person]
    instructor: Person
    second_instructor: Person
    lead: Person
    coordinator: Person
    observer: Person
    stranger: Person
    administrator: Person
    submissions: list[Submission] = field(default_factory=list)


@kept
def a_cast(
    session: Session,
    *,
    now: datetime,
    learners: int = 4,
    graders: int = 3,
    submitted: bool = True,
    **plan: Any,
) -> Cast:
    """A cohort with everybody in it; the learners have handed in."""
    cohort = a_cohort(session, now=now, **plan)
    agate = session.query(Person).filter(Person.email == "grader.agate@example.org").one()
    cast = Cast(
        cohort=cohort,
        learners=[
            a_learner(session, cohort, f"Learner {PLANTS[i % 20]}{'' if i < 20 else i}", now=now)
            for i in range(learners)
        ],
        graders=[agate]
        + [
            a_member(session, cohort, f"Grader {STONES[i]}", Role.GRADER, now=now)
            for i in range(graders - 1)
        ],
        instructor=a_member(session, cohort, "Instructor Opal", Role.INSTRUCTOR, now=now),
        second_instructor=a_member(session, cohort, "Instructor Jade", Role.INSTRUCTOR, now=now),
        lead=a_member(session, cohort, "Lead Topaz", Role.LEAD, now=now),
        coordinator=a_member(session, cohort, "Coordinator Garnet", Role.COORDINATOR, now=now),
        observer=a_member(session, cohort, "Observer Amber", Role.OBSERVER, now=now),
        stranger=a_person(session, "Stranger Onyx", now=now),
        administrator=a_person(session, "Administrator Beryl", now=now, administrator=True),
    )
    if submitted:
        at = cohort.opens_at + timedelta(days=1)
        cast.submissions = [
            a_submission(session, cohort, learner, now=at, title=f"Work of {learner.id}")
            for learner in cast.learners
        ]
    session.flush()
    return cast
