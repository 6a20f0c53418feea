"""Anchor papers: works that two leads read blind and then agree on, level by level, with reasons."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.authorization.predicates import has_own_interest
from grading.cohorts.queries import group_members
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Allocation,
    AnchorMarking,
    AnchorPaper,
    AnchorReading,
    Cohort,
    Exposure,
    Membership,
    Person,
    Submission,
    SubmissionFile,
    SubmissionMember,
    SubmittedCopy,
)
from grading.models.codes import new_id
from grading.models.conditions import takes_part
from grading.rubric.definition import Rubric
from grading.workflow.allocation import MACHINE as ITEM_MACHINE
from grading.workflow.calibration import AnchorState, AnchorUse
from grading.workflow.cohort import Role
from grading.workflow.group import MemberState
from grading.workflow.submission import SubmissionState

SHORTEST_REASON = 10
# A work that is not, or no longer, handed in is nobody's example.
UNUSABLE = (
    SubmissionState.DRAFT,
    SubmissionState.WITHDRAWN,
    SubmissionState.WITHHELD,
    SubmissionState.ANCHOR,
)


def consent(
    session: Session, learner: Person, submission: Submission, *, given: bool, now: datetime
) -> None:
    """Record whether a learner's work may train graders, without their name; they can change it.

    Any member of a group speaks for it. An anchor paper that is in use is withdrawn with the consent.
    """
    take_turns(session, submission)
    if not group_members.has(session, submission, learner.id):
        raise NotFound("There is no such project.")
    if given == (submission.example_consent_at is not None):
        return
    submission.example_consent_at = now if given else None
    audit.record(
        session,
        learner,
        "submission:consent_to_example",
        submission,
        now=now,
        after={"given": given},
    )
    if given:
        return
    for anchor in session.scalars(
        select(AnchorPaper).where(
            AnchorPaper.source_id == submission.id, AnchorPaper.state != AnchorState.WITHDRAWN
        )
    ):
        withdraw(session, None, anchor, reason="the learner withdrew their consent", now=now)


def propose(
    session: Session, lead: Person, submission: Submission, *, now: datetime
) -> AnchorPaper:
    """Put a work forward as an anchor paper: a copy of it is kept, to be marked blind by two leads.

    Raises
    ------
    Refused
        It is not handed in, its learner has not consented, or it is an anchor paper already.
    """
    take_turns(session, submission)
    if submission.state in UNUSABLE or not submission.copies:
        raise Refused("Only a project that is handed in can become an example.")
    if submission.example_consent_at is None:
        raise Refused("Its learner has not agreed that it may be used as an example.")
    taken = session.scalar(
        select(AnchorPaper.id).where(
            AnchorPaper.source_id == submission.id, AnchorPaper.state != AnchorState.WITHDRAWN
        )
    )
    if taken is not None:
        raise Refused("This project is an example already.")
    cohort = submission.cohort
    anchor = AnchorPaper(
        program_id=cohort.program_id,
        cohort_id=cohort.id,
        source=submission,
        submission=_copy(session, submission, now),
        rubric_digest=cohort.rubric_version.digest,
        proposed_by_id=lead.id,
        proposed_at=now,
    )
    session.add(anchor)
    session.flush()
    audit.record(
        session,
        lead,
        "anchor:propose",
        anchor,
        now=now,
        after={"state": anchor.state, "submission": submission.id, "digest": submission.digest},
    )
    return anchor


def _copy(session: Session, submission: Submission, now: datetime) -> Submission:
    """Copy what was handed in last; attempts of anchors count down from 0, apart from a learner's own."""
    authors = group_members.people(session, submission)
    lowest = session.scalar(
        select(func.min(SubmissionMember.attempt)).where(
            SubmissionMember.cohort_id == submission.cohort_id,
            SubmissionMember.person_id.in_([author.id for author in authors]),
        )
    )
    handed_in = submission.copies[-1]
    copied = Submission(
        cohort=submission.cohort,
        learner=submission.learner,
        attempt=min(lowest or 0, 1) - 1,
        state=SubmissionState.ANCHOR,
        title=handed_in.title,
        text=handed_in.text,
        links=handed_in.links,
        created_at=now,
        saved_at=now,
        submitted_at=handed_in.submitted_at,
        digest=handed_in.digest,
    )
    by_id = {file.id: file for file in submission.files}
    kept = []
    for position, file_id in enumerate(handed_in.files):
        file = by_id[file_id]
        kept.append(
            SubmissionFile(
                id=new_id(),
                position=position,
                name=file.name,
                kind=file.kind,
                size=file.size,
                sha256=file.sha256,
                key=file.key,
                added_at=file.added_at,
            )
        )
    copied.files = kept
    copied.copies = [
        SubmittedCopy(
            number=1,
            title=handed_in.title,
            text=handed_in.text,
            links=handed_in.links,
            files=[file.id for file in kept],
            digest=handed_in.digest,
            statement=handed_in.statement,
            submitted_at=handed_in.submitted_at,
            late=False,
        )
    ]
    session.add(copied)
    session.flush()
    # It is no attempt of theirs, but none of them is ever asked to read it.
    session.add_all(
        SubmissionMember(
            submission=copied,
            person=author,
            cohort_id=copied.cohort_id,
            attempt=copied.attempt,
            state=MemberState.AUTHOR,
            since=now,
        )
        for author in authors
    )
    session.flush()
    return copied


def find_range(
    session: Session, lead: Person, cohort: Cohort, *, rng: np.random.Generator, now: datetime
) -> list[AnchorPaper]:
    """Begin a first cohort's range finding: put forward the plan's number of early works, at random.

    Raises
    ------
    Refused
        Nobody who handed in has consented yet, or range finding has begun.
    """
    take_turns(session, cohort)
    begun = session.scalar(
        select(AnchorPaper.id).where(AnchorPaper.cohort_id == cohort.id).limit(1)
    )
    if begun is not None:
        raise Refused("Range finding has begun in this cohort.")
    works = list(
        session.scalars(
            select(Submission)
            .where(
                Submission.cohort_id == cohort.id,
                Submission.state.not_in(UNUSABLE),
                Submission.example_consent_at.is_not(None),
            )
            .order_by(Submission.submitted_at, Submission.id)
        )
    )
    if not works:
        raise Refused("No project is handed in whose learner lets it be used as an example.")
    chosen = rng.permutation(len(works))[: cohort.plan.first_anchors]
    return [propose(session, lead, works[index], now=now) for index in sorted(chosen.tolist())]


def _sheet_faults(
    rubric: Rubric, levels: Mapping[str, int], reasons: Mapping[str, str]
) -> list[Fault]:
    faults = []
    for criterion in rubric.criteria:
        level = levels.get(criterion.code)
        if not isinstance(level, int) or level not in range(len(criterion.levels)):
            faults.append(
                Fault(criterion.code, "Choose a level for “%(title)s”.", {"title": criterion.title})
            )
        if len(reasons.get(criterion.code, "").strip()) < SHORTEST_REASON:
            faults.append(
                Fault(
                    f"reason-{criterion.code}",
                    "Give the reason for “%(title)s”: it is what raters learn from.",
                    {"title": criterion.title},
                )
            )
    return faults


def _kept(
    rubric: Rubric, levels: Mapping[str, int], reasons: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, str]]:
    codes = [criterion.code for criterion in rubric.criteria]
    return {code: levels[code] for code in codes}, {code: reasons[code].strip() for code in codes}


def mark(
    session: Session,
    lead: Person,
    anchor: AnchorPaper,
    *,
    levels: Mapping[str, int],
    reasons: Mapping[str, str],
    now: datetime,
) -> AnchorMarking:
    """Give one's own levels and reasons, without seeing the other lead's; with two it is marked.

    Raises
    ------
    Refused
        Marked by this person or by two already, theirs, or they have rated it.
    FaultsFound
        A criterion without level or reason.
    """
    take_turns(session, anchor)
    if anchor.state != AnchorState.PROPOSED:
        raise Refused("Two leads have marked this example.")
    if any(marking.person_id == lead.id for marking in anchor.markings):
        raise Refused("You have marked this example. Another lead marks it next.")
    works = [work.id for work in (anchor.submission, anchor.source) if work is not None]
    if has_own_interest(session, lead.id, works):
        raise Refused("This is your own project.")
    rubric = anchor.submission.cohort.rubric_version.rubric
    if faults := _sheet_faults(rubric, levels, reasons):
        raise FaultsFound(faults)
    kept_levels, kept_reasons = _kept(rubric, levels, reasons)
    marking = AnchorMarking(person=lead, levels=kept_levels, reasons=kept_reasons, at=now)
    anchor.markings.append(marking)
    # They know the work now, so they do not grade it.
    if session.get(Exposure, (anchor.source_id, lead.id)) is None:
        session.add(Exposure(submission_id=anchor.source_id, person_id=lead.id, at=now))
    session.flush()
    audit.record(
        session, lead, "anchor:give_levels", anchor, now=now, after={"levels": kept_levels}
    )
    if len(anchor.markings) == 2:
        move(session, anchor, "mark", actor=lead, now=now)
    return marking


def agree(
    session: Session,
    lead: Person,
    anchor: AnchorPaper,
    *,
    levels: Mapping[str, int],
    reasons: Mapping[str, str],
    use: str,
    set_number: int,
    now: datetime,
) -> None:
    """Write down what the two leads agree on, and what the paper is for. Both markings are kept.

    Raises
    ------
    Refused
        The lead marked none of the two, or it is not marked twice.
    FaultsFound
        A criterion without level or reason, no use, or no set.
    """
    take_turns(session, anchor)
    if anchor.state != AnchorState.MARKED:
        raise Refused("Two leads mark an example blind before they agree on it.")
    if lead.id not in {marking.person_id for marking in anchor.markings}:
        raise Refused("The two leads who marked it agree on it.")
    rubric = anchor.submission.cohort.rubric_version.rubric
    faults = _sheet_faults(rubric, levels, reasons)
    if use not in set(AnchorUse):
        faults.append(Fault("use", "Choose what the example is for."))
    if set_number < 1:
        faults.append(Fault("set_number", "Sets are numbered from 1."))
    if faults:
        raise FaultsFound(faults)
    anchor.levels, anchor.reasons = _kept(rubric, levels, reasons)
    anchor.set_number = set_number
    move(
        session,
        anchor,
        "agree",
        actor=lead,
        now=now,
        use=use,
        agreed_by_id=lead.id,
        agreed_at=now,
        note={"levels": anchor.levels, "set": set_number},
    )


def withdraw(
    session: Session, actor: Person | None, anchor: AnchorPaper, *, reason: str, now: datetime
) -> None:
    """Take an anchor paper out of use. Who holds it gets it taken back; what was judged by it stays."""
    take_turns(session, anchor)
    if not reason.strip():
        raise FaultsFound([Fault("reason", "Say why it is taken out of use.")])
    move(session, anchor, "withdraw", actor=actor, now=now, reason=reason.strip(), ended_at=now)
    for item in session.scalars(
        select(Allocation)
        .join(AnchorReading, AnchorReading.allocation_id == Allocation.id)
        .where(AnchorReading.anchor_id == anchor.id)
    ):
        if ITEM_MACHINE.allows(item.state, "cancel"):
            move(session, item, "cancel", actor=actor, now=now, ended_at=now)


def leads(session: Session, cohort: Cohort) -> int:
    """Count the people who can mark anchor papers in a cohort."""
    return (
        session.scalar(
            select(func.count(Membership.person_id.distinct())).where(
                takes_part(Role.LEAD, Role.INSTRUCTOR, cohort_id=cohort.id),
            )
        )
        or 0
    )
