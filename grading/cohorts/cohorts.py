"""Cohorts: calendar, plan, people."""

from dataclasses import asdict, fields
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts.queries import cohort_ending
from grading.errors import Fault, FaultsFound, Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    AuditHead,
    Brief,
    Cohort,
    Person,
    PlanVersion,
    Program,
    RubricVersion,
)
from grading.phrases import phrase
from grading.programs import programs
from grading.workflow import plan as plans
from grading.workflow.cohort import (
    CohortState,
    Obstacle,
    Unfinished,
    obstacles,
)
from grading.workflow.credential import RubricState
from grading.workflow.deadlines import Calendar, calendar, contradictions, local_day


def create_cohort(
    session: Session,
    actor: Person | None,
    program: Program,
    *,
    name: str,
    opens_on: date,
    time_zone: str,
    rubric_version: RubricVersion,
    plan: plans.GradingPlan,
    now: datetime,
) -> Cohort:
    """Set up a run of the program's capstone, with the newest brief and the calendar of the plan.

    Raises
    ------
    FaultsFound
        No name or one that is taken, an unknown zone, no brief, or a rubric that is not published or not
        the program's.
    """
    faults = _cohort_faults(session, program, name, time_zone, rubric_version, None)
    brief = programs.newest_brief(session, program)
    if brief is None:
        faults.append(Fault("brief", "The program has no brief yet. Write the task first."))
    if faults or brief is None:
        raise FaultsFound(faults)
    days = calendar(opens_on, ZoneInfo(time_zone), plan)
    cohort = Cohort(
        program=program,
        name=name.strip(),
        brief=brief,
        rubric_version=rubric_version,
        time_zone=time_zone,
        created_at=now,
        **asdict(days),
    )
    session.add(cohort)
    session.flush()
    session.add(AuditHead(chain=cohort.id, count=0, hash=audit.GENESIS))
    _add_plan(cohort, plan, now)
    session.flush()
    audit.record(
        session,
        actor,
        "cohort:create",
        cohort,
        now=now,
        after={"program": program.id, "rubric": rubric_version.digest, "plan": plan.digest},
    )
    return cohort


def _add_plan(cohort: Cohort, plan: plans.GradingPlan, now: datetime) -> PlanVersion:
    version = PlanVersion(
        cohort_id=cohort.id,
        version=len(cohort.plans) + 1,
        choices=plan.to_dict(),
        digest=plan.digest,
        created_at=now,
    )
    cohort.plans.append(version)
    return version


def _preparing(cohort: Cohort) -> None:
    if cohort.state != CohortState.PREPARING:
        raise Refused("The cohort is open, so its plan and calendar are fixed.")


def revise_plan(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    plan: plans.GradingPlan,
    *,
    now: datetime,
) -> PlanVersion:
    """Make a new version of the plan, and lay the calendar anew where its windows changed."""
    take_turns(session, cohort)
    _preparing(cohort)
    before = cohort.plan
    if plan == before:
        return cohort.plan_version
    windows = ("submit_days", "grace_hours", "peer_days", "grading_days", "results_day")
    version = _add_plan(cohort, plan, now)
    if any(getattr(plan, name) != getattr(before, name) for name in windows):
        opens_on = local_day(cohort.opens_at, cohort.zone)
        for name, at in asdict(calendar(opens_on, cohort.zone, plan)).items():
            setattr(cohort, name, at)
    session.flush()
    audit.record(
        session,
        actor,
        "plan:revise",
        cohort,
        now=now,
        before=before.to_dict(),
        after=plan.to_dict(),
    )
    return version


def revise_cohort(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    *,
    name: str,
    time_zone: str,
    brief: Brief,
    rubric_version: RubricVersion,
    now: datetime,
) -> None:
    """Change a cohort's name, zone, task and rubric while it is being prepared.

    A new zone lays the calendar anew from the same opening day.

    Raises
    ------
    FaultsFound
    """
    take_turns(session, cohort)
    _preparing(cohort)
    faults = _cohort_faults(session, cohort.program, name, time_zone, rubric_version, cohort.id)
    if brief.program_id != cohort.program_id:
        faults.append(Fault("brief", "Choose a brief of this program."))
    if faults:
        raise FaultsFound(faults)
    before = _cohort_words(cohort)
    if time_zone != cohort.time_zone:
        opens_on = local_day(cohort.opens_at, cohort.zone)
        cohort.time_zone = time_zone
        for key, at in asdict(calendar(opens_on, cohort.zone, cohort.plan)).items():
            setattr(cohort, key, at)
    cohort.name, cohort.brief, cohort.rubric_version = name.strip(), brief, rubric_version
    session.flush()
    if (after := _cohort_words(cohort)) != before:
        audit.record(session, actor, "cohort:revise", cohort, now=now, before=before, after=after)


def _cohort_words(cohort: Cohort) -> dict[str, str]:
    return {
        "name": cohort.name,
        "time_zone": cohort.time_zone,
        "brief": cohort.brief_id,
        "rubric": cohort.rubric_version_id,
    }


def _cohort_faults(
    session: Session,
    program: Program,
    name: str,
    time_zone: str,
    rubric_version: RubricVersion,
    own_id: str | None,
) -> list[Fault]:
    faults: list[Fault] = []
    taken = session.scalar(
        select(Cohort.id).where(Cohort.program_id == program.id, Cohort.name == name.strip())
    )
    if not name.strip():
        faults.append(Fault("name", "This cannot be empty."))
    elif taken is not None and taken != own_id:
        faults.append(Fault("name", "The program has a cohort of that name."))
    if time_zone not in available_timezones():
        faults.append(
            Fault(
                "time_zone",
                "“%(zone)s” is no time zone; write it as Europe/London.",
                {"zone": time_zone},
            )
        )
    if rubric_version.program_id != program.id or rubric_version.state != RubricState.PUBLISHED:
        faults.append(Fault("rubric", "Choose a published rubric of this program."))
    return faults


def set_calendar(
    session: Session, actor: Person | None, cohort: Cohort, days: Calendar, *, now: datetime
) -> None:
    """Set the instants by hand, while the cohort is being prepared.

    Raises
    ------
    FaultsFound
        Every pair of instants that are the wrong way round.
    """
    take_turns(session, cohort)
    _preparing(cohort)
    names = [item.name for item in fields(Calendar)]
    if faults := contradictions(days):
        raise FaultsFound(faults)
    before = {name: getattr(cohort, name) for name in names}
    if before == asdict(days):
        return
    for name in names:
        setattr(cohort, name, getattr(days, name))
    audit.record(session, actor, "calendar:set", cohort, now=now, before=before, after=asdict(days))


def end_cohort(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    *,
    reason: str = "",
    now: datetime,
) -> None:
    """End the run; records stay.

    Raises
    ------
    FaultsFound
        What is unfinished: open appeals and the time to make one, misconduct cases and releases under
        way stand against it for good; all else gives way to a reason.
    """
    take_turns(session, cohort)
    found = obstacles(cohort_ending.unfinished(session, cohort, now=now))
    rights = [item for item in found if not item.overridable]
    if rights or (found and not reason.strip()):
        raise FaultsFound([_unfinished_fault(item) for item in rights or found])
    move(
        session,
        cohort,
        "end",
        actor=actor,
        now=now,
        reason=reason.strip() or None,
        note={"unfinished": {str(item.what): item.count for item in found}} if found else None,
        ended_at=now,
    )


UNFINISHED = {
    Unfinished.APPEALS: phrase("Appeals are not decided: %(n)s."),
    Unfinished.APPEAL_WINDOW: phrase("Learners who can still appeal their result: %(n)s."),
    Unfinished.MISCONDUCT: phrase("Suspicions are being looked into: %(n)s."),
    Unfinished.RELEASES: phrase("Releases are under way: %(n)s."),
    Unfinished.EXPLANATIONS: phrase("Questions about results are not answered: %(n)s."),
    Unfinished.UNRELEASED: phrase("Projects have no released result: %(n)s."),
    Unfinished.HANDING_IN: phrase("Projects can still be handed in: %(n)s."),
    Unfinished.RETURNING: phrase("Learners who withdrew and can still return: %(n)s."),
}


def _unfinished_fault(obstacle: Obstacle) -> Fault:
    return Fault(obstacle.what, UNFINISHED[obstacle.what], {"n": obstacle.count})
