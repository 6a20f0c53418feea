"""What a need is, and who asks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from grading.cohorts.queries import calendars
from grading.models import (
    Cohort,
    Extension,
    Membership,
    Person,
)
from grading.models.conditions import takes_part
from grading.workflow.calendar import ExtensionState
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import Calendar, extended


class Kind(StrEnum):
    """What is to be done; the order is that of pages where nothing else decides."""

    HEARING = "hearing"
    SUBMIT = "submit"
    COMPLETE_COURSES = "complete_courses"
    INVITATION = "invitation"
    REVIEW = "review"
    RESULT = "result"
    APPEAL_WINDOW = "appeal_window"
    OBJECTION_WINDOW = "objection_window"
    ITEM_BEGUN = "item_begun"
    HOLD_ENDED = "hold_ended"
    THIRD_READING = "third_reading"
    APPEAL_DECIDE = "appeal_decide"
    QUESTION = "question"
    CALIBRATE = "calibrate"
    ITEMS_GIVEN = "items_given"
    ITEMS_OPEN = "items_open"
    OBJECTIONS_OPEN = "objections_open"
    IDENTITY_CHECKS = "identity_checks"
    MISCONDUCT_HEAR = "misconduct_hear"
    MISCONDUCT_DECIDE = "misconduct_decide"
    MISCONDUCT_SECOND = "misconduct_second"
    PAUSE_ANSWER = "pause_answer"
    ALARM = "alarm"
    CLEARANCE = "clearance"
    EXAMPLE_AGREE = "example_agree"
    EXAMPLE_MARK = "example_mark"
    CASES_OPEN = "cases_open"
    APPEALS_OPEN = "appeals_open"
    QUESTIONS_OPEN = "questions_open"
    STRANDED = "stranded"
    SIGN_OFF = "sign_off"
    READY = "ready"
    OPEN_COHORT = "open_cohort"
    END_COHORT = "end_cohort"
    ERASURE = "erasure"
    JOBS_FAILED = "jobs_failed"


# One may, but nobody waits for it: shown apart, and never a reason to write.
OPTIONAL = frozenset({Kind.APPEAL_WINDOW, Kind.OBJECTION_WINDOW})
ORDER = {kind: number for number, kind in enumerate(Kind)}


@dataclass(frozen=True)
class Need:
    """One thing that waits.

    Attributes
    ----------
    kind : Kind
    role : Role or None
        The part in which it waits; None for administrators of the service.
    cohort : Cohort or None
        None where it is the whole service's.
    by : datetime or None
        When it is to be done; None where nothing forces it.
    target : str
        The id that its page asks for; empty where that is the cohort's.
    count : int
        How many of the kind.
    code : str
        What the thing is called on pages, if it has a name of its own.
    titles : tuple of str
        What is missing.
    """

    kind: Kind
    role: Role | None
    cohort: Cohort | None
    by: datetime | None = None
    target: str = ""
    count: int = 1
    code: str = ""
    titles: tuple[str, ...] = ()

    @property
    def optional(self) -> bool:
        return self.kind in OPTIONAL


@dataclass(frozen=True)
class PersonParts:
    """A person with their parts: what every source starts from."""

    person: Person
    cohorts: dict[str, Cohort]
    roles: dict[str, frozenset[Role]]
    days: dict[str, int] = field(default_factory=dict)

    def having(self, *roles: Role, state: CohortState = CohortState.OPEN) -> list[str]:
        """List the cohorts in a state in which the person has one of some parts."""
        return [
            cohort_id
            for cohort_id, held in self.roles.items()
            if held & set(roles) and self.cohorts[cohort_id].state == state
        ]

    def role(self, cohort_id: str, *roles: Role) -> Role:
        """Give the first of some parts that the person has."""
        return next(role for role in roles if role in self.roles[cohort_id])

    def need(
        self,
        kind: Kind,
        cohort_id: str,
        parts: Iterable[Role],
        by: datetime | None = None,
        *,
        target: str = "",
        count: int = 1,
        code: str = "",
    ) -> Need:
        """Say that something waits in a cohort, for the first of some parts that the person has there."""
        cohort = self.cohorts[cohort_id]
        return Need(kind, self.role(cohort_id, *parts), cohort, by, target, count, code)

    def counted(
        self, kind: Kind, parts: Iterable[Role], counts: Iterable[tuple[str, int]], date: str = ""
    ) -> list[Need]:
        """Make one need a cohort out of (cohort, how many), by one of the cohort's dates if any."""
        return [
            self.need(
                kind,
                cohort_id,
                parts,
                getattr(self.cohorts[cohort_id], date) if date else None,
                count=count,
            )
            for cohort_id, count in counts
        ]

    def calendar(self, cohort_id: str) -> Calendar:
        """Give the person's own dates."""
        cohort = self.cohorts[cohort_id]
        return extended(calendars.of_cohort(cohort), self.days.get(cohort_id, 0), cohort.zone)


def parts_of(session: Session, person: Person) -> PersonParts:
    """Read a person's parts in every cohort; three queries."""
    rows = session.execute(
        select(Cohort, Membership.role)
        .join(Membership, Membership.cohort_id == Cohort.id)
        .options(selectinload(Cohort.plans), selectinload(Cohort.program))
        .where(takes_part(person_id=person.id))
        .order_by(Cohort.opens_at, Cohort.id)
    )
    cohorts: dict[str, Cohort] = {}
    roles: dict[str, frozenset[Role]] = {}
    for cohort, role in rows:
        cohorts[cohort.id] = cohort
        roles[cohort.id] = roles.get(cohort.id, frozenset()) | {Role(role)}
    granted = session.execute(
        select(Extension.cohort_id, func.sum(Extension.days))
        .where(Extension.person_id == person.id, Extension.state == ExtensionState.GRANTED)
        .group_by(Extension.cohort_id)
    )
    return PersonParts(person, cohorts, roles, dict(granted.all()))


LEARNS = (Role.LEARNER,)
REVIEWS = (Role.LEARNER, Role.PEER)
READS = (Role.GRADER, Role.LEAD, Role.INSTRUCTOR)
SETTLES = (Role.INSTRUCTOR, Role.LEAD)
WATCHES = (Role.INSTRUCTOR, Role.LEAD, Role.COORDINATOR)
MANAGES = (Role.COORDINATOR, Role.INSTRUCTOR)
