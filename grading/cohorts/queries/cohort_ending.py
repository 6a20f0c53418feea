"""What is still under way in a cohort that somebody wants to end."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cohorts.queries import calendars
from grading.models import (
    Appeal,
    Cohort,
    Explanation,
    Grade,
    Membership,
    MisconductCase,
    Release,
    Submission,
    SubmissionMember,
)
from grading.models.conditions import in_force, takes_part
from grading.workflow import appeal, misconduct
from grading.workflow.appeal import ExplanationState
from grading.workflow.cohort import CohortState, Role, Unfinished
from grading.workflow.deadlines import open_since, shifted
from grading.workflow.group import PRESENT, MemberState
from grading.workflow.release import ReleaseState
from grading.workflow.submission import SubmissionState

_ENDED = (SubmissionState.RELEASED, SubmissionState.WITHDRAWN, SubmissionState.WITHHELD)


def unfinished(session: Session, cohort: Cohort, *, now: datetime) -> dict[Unfinished, int]:
    """Count what is unfinished, in a fixed number of queries."""
    if cohort.state != CohortState.OPEN:
        return {}
    plan = cohort.plan
    counted = {
        Unfinished.APPEALS: select(func.count())
        .select_from(Appeal)
        .where(Appeal.cohort_id == cohort.id, Appeal.state.in_(appeal.PENDING)),
        Unfinished.MISCONDUCT: select(func.count())
        .select_from(MisconductCase)
        .where(MisconductCase.cohort_id == cohort.id, MisconductCase.state.in_(misconduct.PENDING)),
        Unfinished.RELEASES: select(func.count())
        .select_from(Release)
        .where(
            Release.cohort_id == cohort.id,
            Release.state.in_((ReleaseState.PROPOSED, ReleaseState.SCHEDULED)),
        ),
        Unfinished.EXPLANATIONS: select(func.count())
        .select_from(Explanation)
        .where(Explanation.cohort_id == cohort.id, Explanation.state == ExplanationState.OPEN),
        Unfinished.UNRELEASED: select(func.count())
        .select_from(Submission)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.state.not_in((SubmissionState.DRAFT, *_ENDED)),
        ),
        Unfinished.RETURNING: select(func.count())
        .select_from(SubmissionMember)
        .join(Submission, Submission.id == SubmissionMember.submission_id)
        .where(
            SubmissionMember.cohort_id == cohort.id,
            SubmissionMember.state == MemberState.WITHDRAWN,
            SubmissionMember.ended_at >= open_since(now, plan.return_days, cohort.zone),
            Submission.state.not_in((SubmissionState.RELEASED, SubmissionState.WITHHELD)),
        ),
    }
    found = {what: session.scalar(statement) or 0 for what, statement in counted.items()}
    if plan.appeal_tokens:
        found[Unfinished.APPEAL_WINDOW] = _may_appeal(session, cohort, now)
    found[Unfinished.HANDING_IN] = _may_hand_in(session, cohort, now)
    return found


def _may_appeal(session: Session, cohort: Cohort, now: datetime) -> int:
    """Count the results that can still be appealed by somebody who has an appeal left."""
    spent = (
        select(func.count())
        .select_from(Appeal)
        .where(
            Appeal.cohort_id == cohort.id,
            Appeal.learner_id == Grade.person_id,
            Appeal.state.not_in((appeal.AppealState.UPHELD, appeal.AppealState.WITHDRAWN)),
        )
        .scalar_subquery()
    )
    return (
        session.scalar(
            select(func.count())
            .select_from(Grade)
            .join(Submission, Submission.id == Grade.submission_id)
            .where(
                Submission.cohort_id == cohort.id,
                Submission.state == SubmissionState.RELEASED,
                in_force(),
                Grade.released_at >= open_since(now, cohort.plan.appeal_days, cohort.zone),
                spent < cohort.plan.appeal_tokens,
            )
        )
        or 0
    )


def _may_hand_in(session: Session, cohort: Cohort, now: datetime) -> int:
    """Count the projects, begun or not, whose own last moment has not come."""
    granted = calendars.granted_by_person(session, cohort)
    begun = (Submission.cohort_id == cohort.id, Submission.state == SubmissionState.DRAFT)
    drafts = session.execute(select(Submission.id, Submission.due_at).where(*begun)).all()
    days = calendars.days_of_works(session, *begun)
    placed = select(SubmissionMember.person_id).where(
        SubmissionMember.cohort_id == cohort.id, SubmissionMember.state.in_(PRESENT)
    )
    idle = session.scalars(
        select(Membership.person_id).where(
            takes_part(Role.LEARNER, cohort_id=cohort.id),
            Membership.person_id.not_in(placed),
        )
    )
    last = [(days.get(work, 0), due_at or cohort.closes_at) for work, due_at in drafts]
    last += [(granted.get(learner, 0), cohort.closes_at) for learner in idle]
    return sum(shifted(at, more, cohort.zone) >= now for more, at in last)
