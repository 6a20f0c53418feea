"""Cohorts: calendar, plan, people."""

from dataclasses import asdict, fields
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, GradingError, Refused
from grading.models import (
    AuditHead,
    Cohort,
    ConflictOfInterest,
    Membership,
    Person,
    PlanVersion,
    Program,
    RubricVersion,
)
from grading.services import audit, groups, people, programs, tables
from grading.services.transitions import move
from grading.workflow import plan as plans
from grading.workflow.cohort import CohortState, Role
from grading.workflow.credential import RubricState
from grading.workflow.deadlines import Calendar, calendar


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
    faults: list[Fault] = []
    if not name.strip():
        faults.append(Fault("name", "This cannot be empty."))
    elif session.scalar(
        select(Cohort.id).where(Cohort.program_id == program.id, Cohort.name == name.strip())
    ):
        faults.append(Fault("name", "The program has a cohort of that name."))
    if time_zone not in available_timezones():
        faults.append(
            Fault(
                "time_zone",
                "“%(zone)s” is no time zone; write it as Europe/London.",
                {"zone": time_zone},
            )
        )
    brief = programs.newest_brief(session, program)
    if brief is None:
        faults.append(Fault("brief", "The program has no brief yet. Write the task first."))
    if rubric_version.program_id != program.id or rubric_version.state != RubricState.PUBLISHED:
        faults.append(Fault("rubric", "Choose a published rubric of this program."))
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
    _preparing(cohort)
    before = cohort.plan
    if plan == before:
        return cohort.plan_version
    windows = ("submit_days", "grace_hours", "peer_days", "grading_days", "results_day")
    version = _add_plan(cohort, plan, now)
    if any(getattr(plan, name) != getattr(before, name) for name in windows):
        opens_on = cohort.opens_at.astimezone(cohort.zone).date()
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


def set_calendar(
    session: Session, actor: Person | None, cohort: Cohort, days: Calendar, *, now: datetime
) -> None:
    """Set the instants by hand, while the cohort is being prepared.

    Raises
    ------
    FaultsFound
        The instants are out of order.
    """
    _preparing(cohort)
    names = [item.name for item in fields(Calendar)]
    instants = [getattr(days, name) for name in names]
    faults = [
        Fault(later, "This must not come before %(earlier)s.", {"earlier": earlier})
        for (earlier, first), (later, second) in zip(
            zip(names, instants, strict=True),
            list(zip(names, instants, strict=True))[1:],
            strict=False,
        )
        if second < first or (earlier == "opens_at" and second == first)
    ]
    if faults:
        raise FaultsFound(faults)
    before = {name: getattr(cohort, name) for name in names}
    for name in names:
        setattr(cohort, name, getattr(days, name))
    audit.record(session, actor, "calendar:set", cohort, now=now, before=before, after=asdict(days))


def open_cohort(session: Session, actor: Person | None, cohort: Cohort, *, now: datetime) -> None:
    """Freeze the plan and let learners in from the opening day on.

    Raises
    ------
    FaultsFound
        The deadline has passed already, or the plan needs professionals and there is none.
    """
    faults: list[Fault] = []
    if cohort.due_at <= now:
        faults.append(Fault("calendar", "The deadline has passed. Move the calendar first."))
    if not any(role == Role.GRADER for role in _roles(session, cohort)):
        faults.append(
            Fault("people", "The plan needs professional readings, and there is no grader.")
        )
    if faults:
        raise FaultsFound(faults)
    cohort.plan_version.frozen_at = now
    move(session, cohort, "open", actor=actor, now=now, note={"plan": cohort.plan_version.digest})


def end_cohort(session: Session, actor: Person | None, cohort: Cohort, *, now: datetime) -> None:
    """End the run; records stay."""
    move(session, cohort, "end", actor=actor, now=now)


def _roles(session: Session, cohort: Cohort) -> list[str]:
    return list(
        session.scalars(
            select(Membership.role)
            .where(Membership.cohort_id == cohort.id, Membership.ended_at.is_(None))
            .distinct()
        )
    )


def enrol(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    person: Person,
    role: Role,
    *,
    now: datetime,
) -> Membership:
    """Give a person a part in the cohort; one they had before is taken up again."""
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")
    membership = session.scalar(
        select(Membership).where(
            Membership.cohort_id == cohort.id,
            Membership.person_id == person.id,
            Membership.role == role,
        )
    )
    if membership is not None and membership.ended_at is None:
        return membership
    if membership is None:
        membership = Membership(cohort=cohort, person=person, role=role, since=now)
        session.add(membership)
    membership.ended_at = None
    audit.record(
        session,
        actor,
        "membership:begin",
        membership,
        now=now,
        after={"person": person.id, "role": role},
        chain=cohort.id,
    )
    return membership


def end_membership(
    session: Session, actor: Person | None, membership: Membership, *, reason: str, now: datetime
) -> None:
    """End a person's part. What they hold returns to the pool with the next upkeep."""
    if membership.ended_at is not None:
        return
    membership.ended_at = now
    audit.record(
        session,
        actor,
        "membership:end",
        membership,
        now=now,
        after={"person": membership.person_id, "role": membership.role},
        reason=reason,
    )


def import_roster(
    session: Session, actor: Person | None, cohort: Cohort, data: bytes, *, now: datetime
) -> int:
    """Enrol people from CSV: ``email,name,role``. New accounts get an invitation by mail.

    A column ``group`` puts the learners together that it names alike.

    Returns
    -------
    int
        How many memberships are new; rows that hold already are passed over.

    Raises
    ------
    FaultsFound
        Every faulty row; nothing may be kept of what was done.
    """
    rows = tables.read(data, ("email", "name", "role"), ("group",))
    faults: list[Fault] = []
    if not rows:
        faults.append(Fault("file", "The file has no rows."))
    seen: dict[tuple[str, str], int] = {}
    named: dict[str, str] = {}
    together: dict[str, list[tuple[str, int]]] = {}
    for row in rows:
        email, name, role = row.values["email"], row.values["name"], row.values["role"].lower()
        try:
            email = people.email_address(email)
        except GradingError as error:
            faults.append(Fault(f"line {row.line}, email", error.template, error.params))
        if not name or len(name) > 200:
            faults.append(row.fault("name", "Give a name of at most 200 characters."))
        elif named.setdefault(email, name) != name:
            faults.append(row.fault("name", "The same address stands above with another name."))
        if role not in set(Role):
            faults.append(
                row.fault(
                    "role", "“%(role)s” is none of %(words)s.", role=role, words=", ".join(Role)
                )
            )
        if (email, role) in seen:
            faults.append(
                row.fault(
                    "email",
                    "The same person and role stand on line %(line)s.",
                    line=seen[email, role],
                )
            )
        seen.setdefault((email, role), row.line)
        if label := row.values.get("group", ""):
            if role != Role.LEARNER:
                faults.append(row.fault("group", "Only learners are in groups."))
            together.setdefault(label, []).append((email, row.line))
    if faults:
        raise FaultsFound(faults)
    emails = sorted(named)
    known: dict[str, Person] = {}
    for start in range(0, len(emails), 500):
        chunk = emails[start : start + 500]
        known |= {
            person.email: person
            for person in session.scalars(select(Person).where(Person.email.in_(chunk)))
        }
    held = {
        (person_id, role): membership
        for person_id, role, membership in session.execute(
            select(Membership.person_id, Membership.role, Membership).where(
                Membership.cohort_id == cohort.id
            )
        )
    }
    added = 0
    for email, role in seen:
        person = known.get(email)
        if person is None:
            person = people.create(session, actor, email=email, name=named[email], now=now)
            known[email] = person
            people.invite(session, person, now=now)
        membership = held.get((person.id, role))
        if membership is None or membership.ended_at is not None:
            enrol(session, actor, cohort, person, Role(role), now=now)
            added += 1
    session.flush()
    for label, listed in together.items():
        try:
            groups.form_named(
                session, actor, cohort, [known[email] for email, _ in listed], name=label, now=now
            )
        except FaultsFound as error:
            faults += [
                Fault(f"line {listed[-1][1]}, group", fault.template, fault.params)
                for fault in error.faults
            ]
        except GradingError as error:
            faults.append(Fault(f"line {listed[-1][1]}, group", error.template, error.params))
    if faults:
        raise FaultsFound(faults)
    return added


def declare_conflict(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    *,
    rater: Person,
    learner: Person,
    reason: str,
    now: datetime,
) -> ConflictOfInterest:
    """Keep a rater and a learner apart in this cohort."""
    if rater.id == learner.id:
        raise Refused("Nobody ever rates their own work; this needs no entry.")
    conflict = session.scalar(
        select(ConflictOfInterest).where(
            ConflictOfInterest.cohort_id == cohort.id,
            ConflictOfInterest.rater_id == rater.id,
            ConflictOfInterest.learner_id == learner.id,
        )
    )
    if conflict is not None:
        return conflict
    conflict = ConflictOfInterest(
        cohort_id=cohort.id,
        rater_id=rater.id,
        learner_id=learner.id,
        reason=reason,
        created_at=now,
    )
    session.add(conflict)
    session.flush()
    audit.record(
        session,
        actor,
        "conflict_of_interest:declare",
        conflict,
        now=now,
        after={"rater": rater.id, "learner": learner.id},
        reason=reason,
    )
    return conflict
