"""What stands under the first signature of a release, and whether it is still so."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from grading.ledger.transitions import move
from grading.models import Person, Release
from grading.people import approvals
from grading.releases import results
from grading.releases.queries import candidates
from grading.workflow.approval import Change, ChangeKind, changes


def signed_records(session: Session, release: Release) -> list[dict[str, str]] | None:
    """Give the lines that the first person signed; None where the plan asks for no step-up."""
    given = approvals.approvals_of(session, release.id)
    return list(given[0].records) if given else None


def changes_since_signed(
    session: Session, release: Release, *, now: datetime
) -> tuple[Change, ...]:
    """Say how a release differs from what its first signature stands under: empty when it does not."""
    ready = candidates.ready_scores(session, release.cohort, now=now, apart_from=release.id)
    still = {
        item.submission_id: ready[item.submission_id]
        for item in release.items
        if item.submission_id in ready
    }
    signed = signed_records(session, release)
    if signed is not None:
        return changes(signed, results.signed_form(results.release_lines(session, still)))
    # Without a step-up the first signature stands under scores alone.
    return tuple(
        Change(
            ChangeKind.SCORE if item.submission_id in still else ChangeKind.REMOVED,
            item.submission_id,
            item.submission.learner_id,
        )
        for item in release.items
        if still.get(item.submission_id) != item.score_id
    )


def void(
    session: Session,
    actor: Person,
    release: Release,
    changes_found: Sequence[Change],
    *,
    now: datetime,
) -> None:
    """Void a proposal whose list is no longer what was signed; it says on its face what changed."""
    move(
        session,
        release,
        "void",
        actor=actor,
        now=now,
        ended_at=now,
        changes=[change.to_dict() for change in changes_found],
    )
