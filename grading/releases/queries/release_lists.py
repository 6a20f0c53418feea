"""The releases of a cohort, and how each signature was given."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from grading.models import Approval, Cohort, Release, ReleaseItem
from grading.workflow.approval import Action


def releases_of(session: Session, cohort: Cohort) -> Sequence[tuple[Release, int]]:
    """List the releases of a cohort, newest first, with how many results each has."""
    rows = session.execute(
        select(Release, func.count(ReleaseItem.submission_id))
        .join(ReleaseItem, ReleaseItem.release_id == Release.id)
        .options(selectinload(Release.sign_offs))
        .where(Release.cohort_id == cohort.id)
        .group_by(Release.id)
        .order_by(Release.proposed_at.desc())
    )
    return [(release, count) for release, count in rows]


def proofs(session: Session, cohort: Cohort) -> dict[tuple[str, str], str]:
    """Say how each person who signed a release of a cohort showed that it was them."""
    rows = session.execute(
        select(Approval.subject_id, Approval.person_id, Approval.proof).where(
            Approval.cohort_id == cohort.id,
            Approval.action.in_((Action.PROPOSE, Action.SIGN)),
        )
    )
    return {(release_id, person_id): proof for release_id, person_id, proof in rows}
