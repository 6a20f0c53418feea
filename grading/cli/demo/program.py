"""The demo's sponsor, program and people, and how a cohort of it is set up."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading import assets
from grading.cli.demo import names, texts
from grading.cli.demo.world import World
from grading.cohorts import cohorts, parts
from grading.db import transaction
from grading.models import Program, RubricVersion
from grading.people import accounts, sponsors
from grading.programs import completions, programs, rubric_versions
from grading.readings import openings
from grading.rubric import loading
from grading.workflow.cohort import Role
from grading.workflow.plan import PRESETS, GradingPlan

SPONSOR, PROGRAM = "Example College", "Counting a city"
COURSES = [
    ("measuring", "Measuring a city"),
    ("cleaning", "Cleaning data"),
    ("modelling", "Modelling and uncertainty"),
    ("communicating", "Writing for a decision"),
]
BRIEF, EXAMPLE = texts.read("brief.md").strip(), texts.read("example.md").strip()
# Nobody in the demo has a password or a passkey, and its plans say so.
PLAN = replace(PRESETS["certification"], step_up="off")


def set_up(world: World, at: datetime) -> None:
    """Make the sponsor with its program office, and the program with its task and rubric."""
    with transaction() as session:
        add_person(world, session, names.ADMINISTRATOR, at, administrator=True)
        administrator = world.person(session, names.ADMINISTRATOR)
        sponsor = sponsors.create_sponsor(session, administrator, name=SPONSOR, now=at)
        sponsors.revise_sponsor(
            session,
            administrator,
            sponsor,
            name=SPONSOR,
            issuer_name=SPONSOR,
            signatories=[("Dean Jasper", "Dean of studies")],
            now=at,
        )
        add_person(world, session, names.OFFICE, at)
        sponsors.add_member(
            session, administrator, sponsor, email=names.email(names.OFFICE), now=at
        )
        office = world.person(session, names.OFFICE)
        program = programs.create_program(
            session,
            office,
            sponsor=SPONSOR,
            name=PROGRAM,
            capstone_title="A city’s bicycles",
            courses=COURSES,
            now=at,
        )
        programs.revise_program(
            session,
            office,
            program,
            name=PROGRAM,
            capstone_title="A city’s bicycles",
            entitlement_required=False,
            retake_terms="The next attempt starts with the next cohort and costs nothing extra.",
            capstone_hours=40.0,
            hours_approver="Example Institute of Planners",
            provider_number="EX-1207",
            valid_months=60,
            now=at,
        )
        programs.add_brief(session, office, program, BRIEF, example=EXAMPLE, now=at)
        rubric = loading.load(assets.folder("rubrics") / "data-capstone.toml")
        version = rubric_versions.add_rubric(session, office, program, rubric, now=at)
        rubric_versions.publish_rubric(session, office, version, now=at)


def add_person(
    world: World, session: Session, name: str, at: datetime, *, administrator: bool = False
) -> None:
    """Make an account, unless there is one from an earlier cohort."""
    if name not in world.people:
        world.people[name] = accounts.create_account(
            session, None, email=names.email(name), name=name, administrator=administrator, now=at
        ).id


def add_cohort(
    world: World,
    name: str,
    plan: GradingPlan,
    *,
    opens_in: int,
    at: datetime,
    short_of_a_course: str | None = None,
) -> None:
    """Set up a cohort with everybody in it, and open it.

    Parameters
    ----------
    opens_in : int
        Days from today; negative for the past.
    short_of_a_course : str, optional
        A learner whose last course is not on file, so that they cannot begin.
    """
    with transaction() as session:
        program = session.scalars(select(Program)).one()
        office = world.person(session, names.OFFICE)
        cohort = cohorts.create_cohort(
            session,
            office,
            program,
            name=name,
            opens_on=world.day(opens_in).date(),
            time_zone="Europe/London",
            rubric_version=session.scalars(select(RubricVersion)).one(),
            plan=plan,
            now=at,
        )
        world.cohorts[name] = cohort.id
        for full_name, role in [
            *((f"Learner {plant}", Role.LEARNER) for plant in names.LEARNERS[name]),
            *((f"Grader {stone}", Role.GRADER) for stone in names.GRADERS[name]),
            *((f"Instructor {stone}", Role.INSTRUCTOR) for stone in names.INSTRUCTORS),
            *((f"Lead {stone}", Role.LEAD) for stone in names.LEADS),
            *((f"Coordinator {stone}", Role.COORDINATOR) for stone in names.COORDINATORS),
            *((f"Observer {stone}", Role.OBSERVER) for stone in names.OBSERVERS),
        ]:
            add_person(world, session, full_name, at)
            person = world.person(session, full_name)
            parts.enrol(session, office, cohort, person, role, now=at)
            if role is not Role.LEARNER:
                continue
            known = program.courses[: -1 if full_name == short_of_a_course else None]
            for number, course in enumerate(known):
                completions.record_completion(
                    session,
                    office,
                    course,
                    person,
                    completed_on=(at - timedelta(days=30 * (len(COURSES) - number))).date(),
                    identity_assurance="proctored",
                    now=at,
                )
        openings.open_cohort(session, office, cohort, now=at)
