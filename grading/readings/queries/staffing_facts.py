"""The facts of the staffing check: who has which part in a cohort, and who must not meet whom."""

from collections.abc import Sequence
from typing import TypedDict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import Cohort, ConflictOfInterest, Membership, Person
from grading.models.conditions import takes_part
from grading.readings.queries import example_stock, standings
from grading.workflow import staffing
from grading.workflow.calibration import AnchorUse
from grading.workflow.cohort import SCORING, Role
from grading.workflow.plan import GradingPlan
from grading.workflow.staffing import People, Staffing, Time


class Clearances(TypedDict):
    """The part of `People` that examples and standings decide."""

    check_papers: int
    cleared: frozenset[str]
    can_qualify: frozenset[str]
    fresh_examples: int


def people(session: Session, cohort: Cohort, *, learners: int | None = None) -> People:
    """Gather the active people of a cohort, in a fixed number of queries.

    Parameters
    ----------
    learners : int, optional
        How many are expected; otherwise those who are enrolled.
    """
    active = select(Membership.role, Membership.person_id).where(takes_part(cohort_id=cohort.id))
    counted = active.subquery()
    counts: dict[str, int] = dict(
        session.execute(select(counted.c.role, func.count()).group_by(counted.c.role)).all()
    )
    by_role: dict[str, set[str]] = {}
    for role, person in session.execute(active.where(Membership.role.in_(SCORING))):
        by_role.setdefault(role, set()).add(person)
    scorers = frozenset(person for found in by_role.values() for person in found)
    enrolled = select(counted.c.person_id).where(counted.c.role == Role.LEARNER)
    apart: dict[str, set[str]] = {}
    for rater, learner in session.execute(
        select(ConflictOfInterest.rater_id, ConflictOfInterest.learner_id).where(
            ConflictOfInterest.cohort_id == cohort.id,
            ConflictOfInterest.learner_id.in_(enrolled),
        )
    ):
        if rater in scorers:
            apart.setdefault(learner, set()).add(rater)
    scoring = select(counted.c.person_id).where(counted.c.role.in_(SCORING))
    for learner in session.scalars(enrolled.where(counted.c.person_id.in_(scoring))):
        apart.setdefault(learner, set()).add(learner)
    clearances = _clearances(session, cohort, sorted(scorers))
    return People(
        learners=counts.get(Role.LEARNER, 0) if learners is None else learners,
        graders=frozenset(by_role.get(Role.GRADER, ())),
        deciders=frozenset(by_role.get(Role.LEAD, set()) | by_role.get(Role.INSTRUCTOR, set())),
        instructors=frozenset(by_role.get(Role.INSTRUCTOR, ())),
        invited_peers=counts.get(Role.PEER, 0),
        coordinators=counts.get(Role.COORDINATOR, 0),
        **clearances,
        kept_apart={learner: frozenset(raters) for learner, raters in apart.items()},
    )


def _clearances(session: Session, cohort: Cohort, ids: Sequence[str]) -> Clearances:
    """Say which professionals are cleared when projects are given out, and who has examples for a try."""
    scorers = list(session.scalars(select(Person).where(Person.id.in_(ids))))
    cleared = standings.cleared(session, cohort, scorers, cohort.due_at)
    plan = cohort.plan
    stocks = example_stock.stocks(session, cohort, scorers)
    waiting = {key: stock for key, stock in stocks.items() if key not in cleared}
    return {
        "check_papers": example_stock.in_use(session, cohort, AnchorUse.VALIDITY),
        "cleared": frozenset(cleared),
        "can_qualify": frozenset(
            key
            for key, stock in waiting.items()
            if stock.tries(plan)
            and (not plan.practice_papers or stock.practice or stock.has_practised)
        ),
        "fresh_examples": max((stock.for_a_try(plan) for stock in waiting.values()), default=0),
    }


def check(
    session: Session,
    cohort: Cohort,
    plan: GradingPlan,
    *,
    learners: int | None = None,
    minutes: float = 20.0,
    hours: float = 10.0,
) -> Staffing:
    """Ask the staffing check of a cohort, with its plan or one that is being thought about.

    Parameters
    ----------
    minutes, hours : float
        For one reading; of one grader, each week.
    """
    time = Time(minutes_per_reading=minutes, hours_per_week=hours, weeks=plan.grading_days / 7)
    return staffing.check(plan, people(session, cohort, learners=learners), time)
