"""The facts of the staffing check: who has which part in a cohort, and who must not meet whom."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import AnchorPaper, Cohort, ConflictOfInterest, Membership
from grading.models.conditions import takes_part
from grading.workflow import staffing
from grading.workflow.calibration import AnchorState, AnchorUse
from grading.workflow.cohort import SCORING, Role
from grading.workflow.plan import GradingPlan
from grading.workflow.staffing import People, Staffing, Time


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
    return People(
        learners=counts.get(Role.LEARNER, 0) if learners is None else learners,
        graders=frozenset(by_role.get(Role.GRADER, ())),
        deciders=frozenset(by_role.get(Role.LEAD, set()) | by_role.get(Role.INSTRUCTOR, set())),
        instructors=frozenset(by_role.get(Role.INSTRUCTOR, ())),
        invited_peers=counts.get(Role.PEER, 0),
        coordinators=counts.get(Role.COORDINATOR, 0),
        check_papers=session.scalar(
            select(func.count())
            .select_from(AnchorPaper)
            .where(
                AnchorPaper.program_id == cohort.program_id,
                AnchorPaper.rubric_digest == cohort.rubric_version.digest,
                AnchorPaper.state == AnchorState.AGREED,
                AnchorPaper.use == AnchorUse.VALIDITY,
            )
        )
        or 0,
        kept_apart={learner: frozenset(raters) for learner, raters in apart.items()},
    )


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
