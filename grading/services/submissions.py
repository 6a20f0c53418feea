"""What learners do with their work: draft, hand in, take back, replace, withdraw."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, Refused, StaleRecord
from grading.models import (
    Allocation,
    Cohort,
    Discrepancy,
    Membership,
    Person,
    Submission,
    SubmissionFile,
    SubmittedCopy,
)
from grading.models.base import new_id
from grading.ports import FileStore
from grading.queries import dates, eligibility
from grading.services import audit, outbox
from grading.services.transitions import move
from grading.workflow import files
from grading.workflow.adjudication import DiscrepancyState
from grading.workflow.allocation import MACHINE as ALLOCATION_MACHINE
from grading.workflow.allocation import AllocationState
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import end_of_day
from grading.workflow.submission import CURRENT_STATEMENT, HONOUR_STATEMENTS, SubmissionState

LONGEST_TITLE = 200
LONGEST_TEXT = 200_000
MOST_LINKS = 20
MOST_FILES = 20
_CHUNK = 1 << 20


def start(session: Session, learner: Person, cohort: Cohort, *, now: datetime) -> Submission:
    """Give the learner's submission, making the draft the first time.

    Raises
    ------
    Refused
        Not enrolled, courses missing, or outside the window; the message says which.
    """
    submission = session.scalar(
        select(Submission)
        .where(Submission.cohort_id == cohort.id, Submission.learner_id == learner.id)
        .order_by(Submission.attempt.desc())
        .limit(1)
    )
    if submission is not None:
        return submission
    _enrolled(session, learner, cohort)
    _window(cohort, dates.personal(session, cohort, learner.id).closes_at, now)
    submission = Submission(cohort=cohort, learner=learner, links=[], created_at=now, saved_at=now)
    session.add(submission)
    session.flush()
    audit.record(
        session, learner, "submission:start", submission, now=now, after={"state": "draft"}
    )
    return submission


def _enrolled(session: Session, learner: Person, cohort: Cohort) -> None:
    enrolled = session.scalar(
        select(Membership.id).where(
            Membership.cohort_id == cohort.id,
            Membership.person_id == learner.id,
            Membership.role == Role.LEARNER,
            Membership.ended_at.is_(None),
        )
    )
    if not enrolled:
        raise Refused("You are not enrolled in this cohort as a learner.")
    if missing := eligibility.missing_courses(session, cohort, learner.id):
        raise Refused(
            "Complete these courses first: %(courses)s.",
            courses=", ".join(course.title for course in missing),
        )


def _window(cohort: Cohort, closes_at: datetime, now: datetime) -> None:
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")
    if cohort.state != CohortState.OPEN or now < cohort.opens_at:
        raise Refused("The cohort has not opened yet.")
    if now > closes_at:
        raise Refused("The deadline has passed, so you can no longer submit.")


def _still_open(session: Session, submission: Submission, now: datetime) -> None:
    _window(submission.cohort, dates.window(session, submission)[1], now)


def _own_draft(
    session: Session,
    learner: Person,
    submission: Submission,
    now: datetime,
    version: int | None = None,
) -> None:
    if submission.learner_id != learner.id:
        raise Refused("This is not your project.")
    if submission.state != SubmissionState.DRAFT:
        raise Refused("Your project is handed in. Take it back to change it.")
    _still_open(session, submission, now)
    if version is not None and version != submission.version:
        raise StaleRecord(
            "Your project was changed on another device or in another tab. Nothing was overwritten."
        )


def link_faults(links: list[str]) -> list[Fault]:
    """Say which links cannot be kept, each by its place in the list."""
    faults = []
    if len(links) > MOST_LINKS:
        faults.append(Fault("links", "Give at most %(n)s links.", {"n": MOST_LINKS}))
    for number, link in enumerate(links, 1):
        parts = urlsplit(link)
        if parts.scheme not in ("http", "https") or not parts.netloc or len(link) > 2000:
            faults.append(
                Fault(f"link {number}", "A link starts with https:// or http:// and a host.")
            )
    return faults


def save_draft(
    session: Session,
    learner: Person,
    submission: Submission,
    *,
    title: str,
    text: str,
    links: list[str],
    version: int | None,
    now: datetime,
) -> None:
    """Keep the draft.

    Parameters
    ----------
    version : int or None
        The version the page showed; None saves whatever is there now.

    Raises
    ------
    Refused, StaleRecord, FaultsFound
    """
    _own_draft(session, learner, submission, now, version)
    links = [link.strip() for link in links if link.strip()]
    faults = link_faults(links)
    if len(title.strip()) > LONGEST_TITLE:
        faults.append(Fault("title", "Use at most %(n)s characters.", {"n": LONGEST_TITLE}))
    if len(text) > LONGEST_TEXT:
        faults.append(Fault("text", "Use at most %(n)s characters.", {"n": LONGEST_TEXT}))
    if faults:
        raise FaultsFound(faults)
    submission.title, submission.text, submission.links = title.strip(), text, links
    submission.saved_at = now


@dataclass(frozen=True)
class KeptFile:
    """A checked file that lies in the store and belongs to nothing yet."""

    name: str
    kind: str
    size: int
    sha256: str
    key: str


def keep_file(store: FileStore, name: str, stream: BinaryIO, *, limit: int) -> KeptFile:
    """Check a file's structure and put it into the store, outside any transaction.

    Raises
    ------
    Refused
        The kind is not allowed, the content is not what the name says, or it is too large.
    """
    stream.seek(0, 2)
    size = stream.tell()
    if size > limit:
        raise Refused(
            "The file “%(name)s” must be smaller than %(limit)s MB.",
            name=name,
            limit=limit // 1_000_000,
        )
    stream.seek(0)
    kind = files.check(name, stream, size)
    stream.seek(0)
    key = f"submissions/{new_id()}"

    def chunks() -> Iterator[bytes]:
        while chunk := stream.read(_CHUNK):
            yield chunk

    kept = store.put(key, chunks(), limit=limit)
    return KeptFile(name[-255:], kind.suffix, kept.size, kept.sha256, key)


def add_file(
    session: Session, learner: Person, submission: Submission, kept: KeptFile, *, now: datetime
) -> SubmissionFile:
    """Add a kept file to the draft."""
    _own_draft(session, learner, submission, now)
    if len(submission.current_files) >= MOST_FILES:
        raise Refused("A project has at most %(n)s files.", n=MOST_FILES)
    file = SubmissionFile(
        submission=submission,
        position=max((file.position for file in submission.files), default=0) + 1,
        name=kept.name,
        kind=kept.kind,
        size=kept.size,
        sha256=kept.sha256,
        key=kept.key,
        added_at=now,
    )
    session.add(file)
    submission.saved_at = now
    session.flush()
    return file


def remove_file(session: Session, learner: Person, file: SubmissionFile, *, now: datetime) -> None:
    """Take a file out of the draft; `restore_file` puts it back."""
    _own_draft(session, learner, file.submission, now)
    file.removed_at = now
    file.submission.saved_at = now


def restore_file(session: Session, learner: Person, file: SubmissionFile, *, now: datetime) -> None:
    """Undo `remove_file`."""
    _own_draft(session, learner, file.submission, now)
    file.removed_at = None
    file.submission.saved_at = now


def copy_digest(submission: Submission) -> str:
    """SHA-256 of all that is handed in: title, text, links and each file's kind, size and digest."""
    content = {
        "title": submission.title,
        "text": submission.text,
        "links": submission.links,
        "files": [[file.kind, file.size, file.sha256] for file in submission.current_files],
    }
    return hashlib.sha256(audit.canonical(content).encode()).hexdigest()


def submission_faults(submission: Submission) -> list[Fault]:
    """Say what is missing before the work can be handed in."""
    faults = []
    if not submission.title.strip():
        faults.append(Fault("title", "Give your project a title."))
    if not submission.text.strip() and not submission.current_files and not submission.links:
        faults.append(Fault("text", "Write your text, add a file or give a link."))
    return faults


def submit(
    session: Session,
    learner: Person,
    submission: Submission,
    *,
    statement: int,
    version: int | None,
    now: datetime,
) -> SubmittedCopy:
    """Hand in the draft with the honour statement bound to its digest, and mail a receipt.

    Raises
    ------
    Refused
        The statement was not affirmed, the window is closed, or it is handed in already.
    FaultsFound
        What is missing.
    StaleRecord
        The draft changed after the page was shown.
    """
    _own_draft(session, learner, submission, now, version)
    _enrolled(session, learner, submission.cohort)
    faults = submission_faults(submission)
    if statement not in HONOUR_STATEMENTS or statement != CURRENT_STATEMENT:
        faults.append(Fault("statement", "Confirm the statement before you submit."))
    if faults:
        raise FaultsFound(faults)
    digest = copy_digest(submission)
    copy = SubmittedCopy(
        number=len(submission.copies) + 1,
        title=submission.title,
        text=submission.text,
        links=list(submission.links),
        files=[file.id for file in submission.current_files],
        digest=digest,
        statement=statement,
        submitted_at=now,
        late=now > dates.window(session, submission)[0],
    )
    submission.copies.append(copy)
    move(
        session,
        submission,
        "submit",
        actor=learner,
        now=now,
        note={"copy": copy.number, "statement": statement},
        digest=digest,
        submitted_at=now,
    )
    outbox.mail(
        session,
        "receipt",
        learner.id,
        key=f"receipt:{submission.id}:{copy.number}",
        now=now,
        submission=submission.id,
        copy=copy.number,
    )
    return copy


def take_back(session: Session, learner: Person, submission: Submission, *, now: datetime) -> None:
    """Make a draft of it again, until a rater's first input or the end of the window.

    Raises
    ------
    IllegalTransition
        Somebody has begun to read it.
    Refused
        It is not the learner's, or the window is closed.
    """
    if submission.learner_id != learner.id:
        raise Refused("This is not your project.")
    _still_open(session, submission, now)
    move(session, submission, "take_back", actor=learner, now=now)


def withdraw(session: Session, learner: Person, submission: Submission, *, now: datetime) -> None:
    """Leave the capstone: what raters hold is called back, finished reviews still count for them."""
    if submission.learner_id != learner.id:
        raise Refused("This is not your project.")
    move(session, submission, "withdraw", actor=learner, now=now, withdrawn_at=now)
    call_back(session, learner, submission, now=now)


def call_back(
    session: Session, actor: Person | None, submission: Submission, *, now: datetime
) -> None:
    """Cancel what raters still have of a work that is no longer graded, and close its case."""
    for allocation in session.scalars(
        select(Allocation).where(Allocation.submission_id == submission.id)
    ):
        if ALLOCATION_MACHINE.allows(allocation.state, "cancel"):
            move(session, allocation, "cancel", actor=actor, now=now, ended_at=now)
    for discrepancy in session.scalars(
        select(Discrepancy).where(
            Discrepancy.submission_id == submission.id,
            Discrepancy.state == DiscrepancyState.OPEN,
        )
    ):
        move(session, discrepancy, "cancel", actor=actor, now=now, settled_at=now)


def may_return_until(submission: Submission) -> datetime | None:
    """Say until when a withdrawn learner can come back; None when they have not withdrawn."""
    if submission.state != SubmissionState.WITHDRAWN or submission.withdrawn_at is None:
        return None
    return submission.withdrawn_at + timedelta(days=submission.cohort.plan.return_days)


def come_back(session: Session, learner: Person, submission: Submission, *, now: datetime) -> None:
    """Undo a withdrawal. Before the deadline it is a draft again; after it, what was handed in counts.

    Readings that were sealed before stay; others are called anew.

    Raises
    ------
    Refused
        Too late, or nothing had been handed in when the window closed.
    """
    if submission.learner_id != learner.id:
        raise Refused("This is not your project.")
    until = may_return_until(submission)
    if until is None or submission.cohort.state != CohortState.OPEN:
        raise Refused("There is nothing to come back to.")
    if now > until:
        raise Refused("The time to come back is over.")
    if now <= dates.window(session, submission)[1]:
        move(session, submission, "return", actor=learner, now=now, withdrawn_at=None)
        return
    if not submission.copies:
        raise Refused("The deadline has passed, so you can no longer submit.")
    sealed = session.scalar(
        select(Allocation.id).where(
            Allocation.submission_id == submission.id,
            Allocation.state == AllocationState.SEALED,
        )
    )
    # Without an allocation time the upkeep treats it as one that came late, and finds its readers.
    move(
        session,
        submission,
        "resume_begun" if sealed else "resume",
        actor=learner,
        now=now,
        withdrawn_at=None,
        allocated_at=None,
    )


def retakes_left(submission: Submission) -> int:
    """Count the retakes a learner still has after an attempt."""
    return max(submission.cohort.plan.retakes + 1 - submission.attempt, 0)


def retake(
    session: Session, learner: Person, submission: Submission, *, now: datetime
) -> Submission:
    """Begin a new attempt, from a copy of the released one, with a deadline of its own.

    Its readers have read no earlier attempt; the best result counts.

    Raises
    ------
    Refused
        Nothing is released, no retake is left, or one is under way.
    """
    if submission.learner_id != learner.id:
        raise Refused("This is not your project.")
    cohort = submission.cohort
    if cohort.state != CohortState.OPEN:
        raise Refused("The cohort has ended. You can retake the capstone in a later one.")
    newest = session.scalar(
        select(func.max(Submission.attempt)).where(
            Submission.cohort_id == cohort.id, Submission.learner_id == learner.id
        )
    )
    if submission.state != SubmissionState.RELEASED or newest != submission.attempt:
        raise Refused("There is no result to improve, or you have begun a retake.")
    if not retakes_left(submission):
        raise Refused("You have used your retakes.")
    _enrolled(session, learner, cohort)
    fresh = Submission(
        cohort=cohort,
        learner=learner,
        attempt=submission.attempt + 1,
        title=submission.title,
        text=submission.text,
        links=list(submission.links),
        created_at=now,
        saved_at=now,
        due_at=end_of_day(now, cohort.plan.retake_days, cohort.zone),
    )
    session.add(fresh)
    session.flush()
    audit.record(
        session,
        learner,
        "submission:retake",
        fresh,
        now=now,
        after={"state": "draft", "attempt": fresh.attempt, "before": submission.id},
    )
    return fresh
