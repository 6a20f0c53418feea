"""What waits for those who look after a cohort."""

from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    Discrepancy,
    Evidence,
    Explanation,
    Grade,
    MisconductCase,
    Objection,
    Release,
    ReleaseItem,
    SignOff,
    Submission,
)
from grading.models.conditions import is_member
from grading.office.needs.base import MANAGES, SETTLES, WATCHES, Kind, Need, PersonParts
from grading.people.queries import identity_checks
from grading.releases.queries import candidates
from grading.workflow.adjudication import DiscrepancyState
from grading.workflow.allocation import AllocationState
from grading.workflow.appeal import PENDING, AppealState, ExplanationState
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import appeal_window
from grading.workflow.group import TOOK_PART, ObjectionState
from grading.workflow.misconduct import PENDING as CASE_PENDING
from grading.workflow.misconduct import MisconductState
from grading.workflow.release import PENDING as PENDING_RELEASE
from grading.workflow.release import ReleaseState
from grading.workflow.submission import IN_GRADING, SubmissionState


def disputed(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Third readings and appeals that nobody has taken."""
    staff = me.having(*SETTLES)
    cases = session.execute(
        select(Discrepancy.cohort_id, func.count())
        .join(Allocation, Allocation.id == Discrepancy.allocation_id)
        .where(
            Discrepancy.cohort_id.in_(staff),
            Discrepancy.state == DiscrepancyState.OPEN,
            Allocation.state == AllocationState.OPEN,
        )
        .group_by(Discrepancy.cohort_id)
    )
    found = me.counted(Kind.CASES_OPEN, SETTLES, cases, "grading_due_at")
    appeals = session.execute(
        select(Appeal.cohort_id, func.count(), func.min(Appeal.decide_by))
        .join(Allocation, Allocation.id == Appeal.allocation_id)
        .where(
            Appeal.cohort_id.in_(staff),
            Appeal.state == AppealState.OPEN,
            ~is_member(me.person.id, TOOK_PART, of=Appeal.submission_id),
            Allocation.state == AllocationState.OPEN,
        )
        .group_by(Appeal.cohort_id)
    )
    return found + [
        me.need(
            Kind.APPEALS_OPEN,
            cohort_id,
            SETTLES,
            decide_by,
            count=count,
        )
        for cohort_id, count, decide_by in appeals
    ]


def stranded(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Items that nobody enrolled may read: somebody has to be found."""
    counts = candidates.stranded_counts(session, me.having(*WATCHES))
    return me.counted(Kind.STRANDED, WATCHES, counts.items(), "grading_due_at")


def to_release(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Releases that wait for one more signature, and results that nobody has proposed."""
    ids = me.having(Role.INSTRUCTOR)
    signed = exists(
        select(SignOff.release_id).where(
            SignOff.release_id == Release.id, SignOff.person_id == me.person.id
        )
    )
    proposed = session.scalars(
        select(Release).where(
            Release.cohort_id.in_(ids), Release.state == ReleaseState.PROPOSED, ~signed
        )
    )
    needs = [
        me.need(
            Kind.SIGN_OFF,
            release.cohort_id,
            (Role.INSTRUCTOR,),
            me.cohorts[release.cohort_id].results_at,
            target=release.id,
        )
        for release in proposed
    ]
    due = [one for one in ids if me.cohorts[one].grading_due_at <= now]
    pending = exists(
        select(ReleaseItem.submission_id)
        .join(Release, Release.id == ReleaseItem.release_id)
        .where(ReleaseItem.submission_id == Submission.id, Release.state.in_(PENDING_RELEASE))
    )
    suspected = exists(
        select(MisconductCase.id).where(
            MisconductCase.submission_id == Submission.id,
            MisconductCase.state.in_(CASE_PENDING),
        )
    )
    ready = session.execute(
        select(Submission.cohort_id, func.count())
        .where(
            Submission.cohort_id.in_(due),
            Submission.state == SubmissionState.RESOLVED,
            ~pending,
            ~suspected,
        )
        .group_by(Submission.cohort_id)
    )
    return needs + me.counted(Kind.READY, (Role.INSTRUCTOR,), ready, "results_at")


_CASES = {
    MisconductState.OPEN: Kind.MISCONDUCT_HEAR,
    MisconductState.HEARD: Kind.MISCONDUCT_DECIDE,
    MisconductState.PROPOSED: Kind.MISCONDUCT_SECOND,
}


def misconduct(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Cases to put to the learner, to decide or to second; never by who brought them."""
    witness = exists(
        select(Evidence.id).where(
            Evidence.case_id == MisconductCase.id, Evidence.by_id == me.person.id
        )
    )
    rows = session.scalars(
        select(MisconductCase)
        .where(
            MisconductCase.cohort_id.in_(me.having(Role.INSTRUCTOR)),
            MisconductCase.state.in_(list(_CASES)),
            MisconductCase.opened_by_id != me.person.id,
            ~is_member(me.person.id, TOOK_PART, of=MisconductCase.submission_id),
            or_(
                MisconductCase.state != MisconductState.PROPOSED,
                MisconductCase.proposed_by_id != me.person.id,
            ),
            ~witness,
        )
        .order_by(MisconductCase.opened_at)
        .limit(50)
    )
    return [
        me.need(
            _CASES[MisconductState(found.state)],
            found.cohort_id,
            (Role.INSTRUCTOR,),
            target=found.id,
        )
        for found in rows
    ]


def objections(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Objections of members to what their group handed in: nobody reads it before they are decided."""
    rows = session.execute(
        select(Objection.cohort_id, func.count())
        .where(
            Objection.cohort_id.in_(me.having(*MANAGES)),
            Objection.state == ObjectionState.OPEN,
            ~is_member(me.person.id, TOOK_PART, of=Objection.submission_id),
        )
        .group_by(Objection.cohort_id)
    )
    return me.counted(Kind.OBJECTIONS_OPEN, MANAGES, rows, "grading_due_at")


def identities(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Learners whose identity nobody has checked, where the plan wants that."""
    ids = [
        cohort_id
        for cohort_id in me.having(Role.COORDINATOR)
        if me.cohorts[cohort_id].plan.identity_checked
    ]
    counts = identity_checks.unchecked_counts(session, ids, except_for=me.person.id, now=now)
    return me.counted(Kind.IDENTITY_CHECKS, (Role.COORDINATOR,), counts.items(), "results_at")


def to_manage(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Cohorts to open, and to end once nothing more can come."""
    needs = [
        me.need(
            Kind.OPEN_COHORT,
            cohort_id,
            MANAGES,
            me.cohorts[cohort_id].opens_at,
        )
        for cohort_id in me.having(*MANAGES, state=CohortState.PREPARING)
    ]
    late = [
        cohort_id
        for cohort_id in me.having(*MANAGES)
        if _appeals_over(me.cohorts[cohort_id], me.cohorts[cohort_id].results_at, now)
    ]
    unfinished = exists(
        select(Submission.id).where(
            Submission.cohort_id == Cohort.id,
            or_(
                Submission.state.in_((*IN_GRADING, SubmissionState.RESOLVED)),
                and_(Submission.state == SubmissionState.DRAFT, Submission.due_at > now),
            ),
        )
    )
    questioned = or_(
        *(
            exists(select(model.id).where(model.cohort_id == Cohort.id, model.state.in_(states)))
            for model, states in (
                (Appeal, PENDING),
                (MisconductCase, CASE_PENDING),
                (Explanation, (ExplanationState.OPEN,)),
            )
        )
    )
    last = (
        select(func.max(Grade.released_at))
        .join(Submission, Submission.id == Grade.submission_id)
        .where(Submission.cohort_id == Cohort.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Cohort.id, last).where(Cohort.id.in_(late), ~unfinished, ~questioned)
    )
    return needs + [
        me.need(Kind.END_COHORT, cohort_id, MANAGES)
        for cohort_id, released_at in rows
        if released_at is not None and _appeals_over(me.cohorts[cohort_id], released_at, now)
    ]


def _appeals_over(cohort: Cohort, released_at: datetime, now: datetime) -> bool:
    return appeal_window(released_at, cohort.plan, cohort.zone)[1] < now
