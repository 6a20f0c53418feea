"""The sheet: what a rater does with an item, from the first input to the sealed ratings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from grading.cohorts import conflicts
from grading.cohorts.queries import group_members
from grading.errors import Fault, FaultsFound, HoldLost, NotFound, Refused, StaleRecord
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import Allocation, Person, Rating, Review
from grading.readings import holds
from grading.rubric.definition import Rubric
from grading.workflow.allocation import AllocationState, DeclineReason, Purpose
from grading.workflow.cohort import CohortState
from grading.workflow.group import WROTE
from grading.workflow.submission import IN_GRADING, SubmissionState

LONGEST_COMMENT = 10_000


@dataclass(frozen=True)
class Sheet:
    """What a rater put on a sheet: level index and comment by criterion code, and one comment overall."""

    levels: Mapping[str, int] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""

    def stored(self) -> tuple[dict[str, int], dict[str, str], str]:
        return (
            dict(sorted(self.levels.items())),
            {code: text for code, text in sorted(self.comments.items()) if text.strip()},
            self.comment.strip(),
        )


def _rubric(allocation: Allocation) -> Rubric:
    return allocation.cohort.rubric_version.rubric


def sheet_faults(rubric: Rubric, sheet: Sheet) -> list[Fault]:
    """Say what cannot be kept, by criterion code."""
    faults = []
    criteria = {criterion.code: criterion for criterion in rubric.criteria}
    for code, level in sheet.levels.items():
        if code not in criteria:
            faults.append(Fault(code, "The rubric has no such criterion."))
        elif isinstance(level, bool) or level not in range(len(criteria[code].levels)):
            faults.append(Fault(code, "The criterion has no such level."))
    for code, text in {**sheet.comments, "comment": sheet.comment}.items():
        if code not in criteria and code != "comment":
            faults.append(Fault(code, "The rubric has no such criterion."))
        if len(text) > LONGEST_COMMENT:
            faults.append(
                Fault(code, "The comment is longer than %(n)s characters.", {"n": LONGEST_COMMENT})
            )
    return faults


def gaps(rubric: Rubric, sheet: Sheet) -> list[Fault]:
    """Name every criterion that still needs a level."""
    return [
        Fault(criterion.code, "Choose a level for “%(title)s”.", {"title": criterion.title})
        for criterion in rubric.criteria
        if criterion.code not in sheet.levels
    ]


def still_gradable(allocation: Allocation) -> None:
    """See that the work can be graded as the rater knows it; raises `HoldLost` with the reason."""
    submission, review = allocation.submission, allocation.review
    if submission.state == SubmissionState.WITHDRAWN:
        raise HoldLost("withdrawn", "The learner took this project back. Your draft is kept.")
    appealed = allocation.purpose == Purpose.APPEAL and submission.state == SubmissionState.RELEASED
    anchor = submission.state == SubmissionState.ANCHOR
    if submission.state == SubmissionState.RELEASED and not appealed:
        raise HoldLost("closed", "The result of this project is out. Your draft is kept.")
    if submission.state not in IN_GRADING and not appealed and not anchor:
        raise HoldLost("replaced", "The learner is changing this project. Your draft is kept.")
    if review is not None and review.digest != submission.digest:
        raise HoldLost("replaced", "There is a newer version of this project.")
    if allocation.cohort.state != CohortState.OPEN:
        raise HoldLost("ended", "The cohort has ended. Your draft is kept.")


def save_draft(
    session: Session,
    rater: Person,
    allocation: Allocation,
    sheet: Sheet,
    *,
    version: int,
    now: datetime,
) -> Review:
    """Keep a sheet. The first one begins the item: until then, nothing ties rater and work.

    Parameters
    ----------
    version : int
        The sheet's version the page showed; 0 before the first save.

    Raises
    ------
    NotFound, HoldLost
        The item is not, or no longer, the rater's.
    StaleRecord
        It was saved from another tab since.
    FaultsFound
        What cannot be kept, by criterion.
    """
    take_turns(session, allocation)
    holds.own(session, rater, allocation, now)
    if allocation.state in (AllocationState.FINISHED, AllocationState.SEALED):
        raise Refused("This item is finished. Undo the finish to change it.")
    review = allocation.review
    still_gradable(allocation)
    if version != (review.version if review else 0):
        raise StaleRecord(
            "This item is open in another tab, and was saved there. Nothing was overwritten."
        )
    if faults := sheet_faults(_rubric(allocation), sheet):
        raise FaultsFound(faults)
    levels, comments, comment = sheet.stored()
    if review is None:
        review = Review(
            allocation=allocation,
            digest=allocation.submission.digest,
            levels=levels,
            comments=comments,
            comment=comment,
            saved_at=now,
        )
        session.add(review)
    else:
        review.levels, review.comments, review.comment = levels, comments, comment
        review.saved_at = now
    holds.keep(session, allocation, now=now)
    if allocation.state == AllocationState.ALLOCATED:
        move(session, allocation, "begin", actor=rater, now=now, begun_at=now)
        if allocation.submission.state == SubmissionState.SUBMITTED:
            move(session, allocation.submission, "begin", actor=None, now=now)
    session.flush()
    return review


def finish(
    session: Session,
    rater: Person,
    allocation: Allocation,
    sheet: Sheet,
    *,
    version: int,
    now: datetime,
) -> Review:
    """Finish a complete sheet; it can be undone for the plan's minutes.

    Finishing again with the same sheet changes nothing and is no error, so that a press of the button
    that was sent twice counts once.

    Raises
    ------
    FaultsFound
        Criteria without a level; the sheet is kept as a draft by the caller saving it first.
    NotFound, HoldLost, StaleRecord
        As `save_draft`.
    """
    take_turns(session, allocation)
    if allocation.rater_id != rater.id:
        raise NotFound("There is no such item.")
    review = allocation.review
    if (
        allocation.state in (AllocationState.FINISHED, AllocationState.SEALED)
        and review is not None
    ):
        if (review.levels, review.comments, review.comment) == sheet.stored():
            return review
        raise Refused("This item is finished. Undo the finish to change it.")
    if faults := gaps(_rubric(allocation), sheet):
        raise FaultsFound(faults)
    review = save_draft(session, rater, allocation, sheet, version=version, now=now)
    # After a practice sheet the leads' levels are shown, so it cannot be opened again.
    practice = allocation.purpose == Purpose.PRACTICE
    minutes = 0.0 if practice else allocation.cohort.plan.undo_minutes
    move(
        session,
        allocation,
        "finish",
        actor=rater,
        now=now,
        finished_at=now,
        undo_until=now + timedelta(minutes=minutes),
    )
    if practice:
        seal(session, allocation, now=now)
    return review


def undo(session: Session, rater: Person, allocation: Allocation, *, now: datetime) -> None:
    """Open a finished sheet again, within the plan's minutes.

    Raises
    ------
    NotFound
        It is another's.
    Refused
        The minutes are over, or it was not finished.
    """
    take_turns(session, allocation)
    if allocation.rater_id != rater.id:
        raise NotFound("There is no such item.")
    if allocation.state != AllocationState.FINISHED:
        raise Refused("This item cannot be opened again.")
    if allocation.undo_until is None or now > allocation.undo_until:
        raise Refused("The time to undo is over.")
    move(session, allocation, "undo", actor=rater, now=now, finished_at=None, undo_until=None)
    allocation.held_since = now
    holds.keep(session, allocation, now=now)


def decline(
    session: Session,
    rater: Person,
    allocation: Allocation,
    *,
    reason: str,
    note: str,
    now: datetime,
) -> None:
    """Hand an item back: it cannot be graded by this person. It never counts against them.

    Whoever knows the author never meets their work again in the cohort.
    """
    take_turns(session, allocation)
    holds.own(session, rater, allocation, now)
    if reason not in set(DeclineReason):
        raise FaultsFound([Fault("reason", "Choose a reason.")])
    if len(note) > LONGEST_COMMENT:
        raise FaultsFound([Fault("note", "Use at most %(n)s characters.", {"n": LONGEST_COMMENT})])
    allocation.decline_note = note.strip() or None
    move(
        session,
        allocation,
        "decline",
        actor=rater,
        now=now,
        decline_reason=reason,
        ended_at=now,
    )
    if reason == DeclineReason.KNOWS_AUTHOR:
        # Whose name they know they do not say, and nothing tells them how many there are.
        for author in group_members.people(session, allocation.submission, WROTE):
            conflicts.declare_conflict(
                session,
                rater,
                allocation.cohort,
                rater=rater,
                learner=author,
                reason="declared by the rater",
                now=now,
            )


def seal(session: Session, allocation: Allocation, *, now: datetime) -> None:
    """Turn a finished sheet into ratings, once its undo has run out. Ratings are never changed."""
    review = allocation.review
    if review is None:
        raise Refused("There is no sheet to seal.")
    for code, level in review.levels.items():
        session.add(
            Rating(
                allocation_id=allocation.id,
                submission_id=allocation.submission_id,
                criterion=code,
                level=level,
                comment=review.comments.get(code, ""),
                created_at=now,
            )
        )
    move(session, allocation, "seal", actor=None, now=now, sealed_at=now)
    session.flush()
