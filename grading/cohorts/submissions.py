"""What learners do with their work: draft, hand in, take back, replace, withdraw."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from sqlalchemy.orm import Session

from grading.cohorts import members
from grading.cohorts.queries import calendars, group_members
from grading.errors import Fault, FaultsFound, Refused, StaleRecord
from grading.ledger import audit, outbox, seals
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Cohort,
    Person,
    Submission,
    SubmissionFile,
    SubmittedCopy,
)
from grading.models.codes import new_code, new_id
from grading.ports import FileStore
from grading.texts import fault_of, file_name, web_link
from grading.workflow import files
from grading.workflow.cohort import CohortState
from grading.workflow.group import objections_until
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
    submission = group_members.newest(session, cohort, learner.id)
    if submission is not None:
        return submission
    members.enrolled(session, learner, cohort, locked=True)
    # Another tab may have begun one while this one waited for its turn.
    submission = group_members.newest(session, cohort, learner.id)
    if submission is not None:
        return submission
    _window(cohort, calendars.personal(session, cohort, learner.id).closes_at, now)
    submission = members.put_away(session, cohort, learner, 1)
    if submission is not None:
        move(session, submission, "return", actor=learner, now=now, withdrawn_at=None)
        members.add(session, submission, learner, actor=learner, now=now)
        return submission
    submission = begin(session, learner, cohort, attempt=1, now=now)
    audit.record(
        session, learner, "submission:start", submission, now=now, after={"state": "draft"}
    )
    return submission


def begin(
    session: Session,
    learner: Person,
    cohort: Cohort,
    *,
    attempt: int,
    now: datetime,
    actor: Person | None = None,
    copied: Submission | None = None,
    due_at: datetime | None = None,
) -> Submission:
    """Make a draft with one member, empty or from the words of another work; files are not copied."""
    submission = Submission(
        cohort=cohort,
        learner=learner,
        attempt=attempt,
        title=copied.title if copied else "",
        text=copied.text if copied else "",
        links=list(copied.links) if copied else [],
        created_at=now,
        saved_at=now,
        due_at=due_at,
        join_code=new_code(members.JOIN_CODE_LETTERS) if cohort.plan.group_size > 1 else None,
    )
    session.add(submission)
    session.flush()
    members.add(session, submission, learner, actor=actor or learner, now=now)
    return submission


def _window(cohort: Cohort, closes_at: datetime, now: datetime) -> None:
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")
    if cohort.state != CohortState.OPEN or now < cohort.opens_at:
        raise Refused("The cohort has not opened yet.")
    if now > closes_at:
        raise Refused("The deadline has passed, so you can no longer submit.")


def still_open(session: Session, submission: Submission, now: datetime) -> None:
    """See that a work can be handed in now; raises `Refused` with the reason."""
    _window(submission.cohort, calendars.window(session, submission)[1], now)


def _own_draft(
    session: Session,
    learner: Person,
    submission: Submission,
    now: datetime,
    version: int | None = None,
) -> None:
    members.own(session, learner, submission)
    if submission.state != SubmissionState.DRAFT:
        raise Refused("Your project is handed in. Take it back to change it.")
    still_open(session, submission, now)
    if version is not None and version != submission.version:
        raise StaleRecord(
            "Your project was changed on another device or in another tab. Nothing was overwritten."
        )


def link_faults(links: list[str]) -> list[Fault]:
    """Say which links cannot be kept, each by its place in the list."""
    faults = []
    if len(links) > MOST_LINKS:
        faults.append(Fault("links", "Give at most %(n)s links.", {"n": MOST_LINKS}))
    each = (fault_of(f"link {number}", web_link, link) for number, link in enumerate(links, 1))
    return faults + [fault for fault in each if fault is not None]


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
    take_turns(session, submission)
    _own_draft(session, learner, submission, now, version)
    links = [link.strip() for link in links if link.strip()]
    faults = link_faults(links)
    if len(title.strip()) > LONGEST_TITLE:
        faults.append(Fault("title", "Use at most %(n)s characters.", {"n": LONGEST_TITLE}))
    if len(text) > LONGEST_TEXT:
        faults.append(Fault("text", "Use at most %(n)s characters.", {"n": LONGEST_TEXT}))
    if faults:
        raise FaultsFound(faults)
    submission.title, submission.text = title.strip(), text
    submission.links = [web_link(link) for link in links]
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
    name = file_name(name)
    stream.seek(0, 2)
    size = stream.tell()
    if size > limit:
        raise Refused(
            "The file “%(name)s” may have at most %(limit)s MB.",
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
    return KeptFile(name, kind.suffix, kept.size, kept.sha256, key)


def add_file(
    session: Session, learner: Person, submission: Submission, kept: KeptFile, *, now: datetime
) -> SubmissionFile:
    """Add a kept file to the draft."""
    take_turns(session, submission)
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
    """Take a file out of the draft; `restore_file` puts it back while it is one of the last removed."""
    take_turns(session, file.submission)
    _own_draft(session, learner, file.submission, now)
    file.removed_at = now
    file.submission.saved_at = now


def restore_file(session: Session, learner: Person, file: SubmissionFile, *, now: datetime) -> None:
    """Undo `remove_file`."""
    take_turns(session, file.submission)
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
    return hashlib.sha256(seals.canonical(content).encode()).hexdigest()


def submission_faults(session: Session, submission: Submission) -> list[Fault]:
    """Say what is missing before the work can be handed in."""
    faults = []
    if not submission.title.strip():
        faults.append(Fault("title", "Give your project a title."))
    if not submission.text.strip() and not submission.current_files and not submission.links:
        faults.append(Fault("text", "Write your text, add a file or give a link."))
    group = group_members.people(session, submission)
    most = submission.cohort.plan.group_size
    if len(group) > most:
        faults.append(
            Fault("members", "A group has at most %(most)s members here.", {"most": most})
        )
    if len(group) > 1:
        for person in group:
            try:
                members.enrolled(session, person, submission.cohort)
            except Refused:
                faults.append(
                    Fault(
                        "members",
                        "%(name)s cannot hand in yet: not enrolled any more, or courses are missing.",
                        {"name": person.name},
                    )
                )
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
    """Hand in the draft with the honour statement bound to its digest, and mail every member a receipt.

    Nobody reads a group's work before the time in which its members can object is over.

    Raises
    ------
    Refused
        The statement was not affirmed, the window is closed, or it is handed in already.
    FaultsFound
        What is missing.
    StaleRecord
        The draft changed after the page was shown.
    """
    take_turns(session, submission)
    _own_draft(session, learner, submission, now, version)
    members.enrolled(session, learner, submission.cohort)
    faults = submission_faults(session, submission)
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
        late=now > calendars.window(session, submission)[0],
    )
    submission.copies.append(copy)
    group = group_members.people(session, submission)
    hours = submission.cohort.plan.group_object_hours
    waits = len(group) > 1 and hours > 0
    move(
        session,
        submission,
        "submit_together" if waits else "submit",
        actor=learner,
        now=now,
        note={"copy": copy.number, "statement": statement},
        digest=digest,
        submitted_at=now,
        objections_until=objections_until(now, hours) if waits else None,
    )
    for person in group:
        outbox.mail(
            session,
            "receipt",
            person.id,
            key=f"receipt:{submission.id}:{copy.number}:{person.id}",
            now=now,
            submission=submission.id,
            copy=copy.number,
            by=learner.id,
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
    take_turns(session, submission)
    members.own(session, learner, submission)
    still_open(session, submission, now)
    move(session, submission, "take_back", actor=learner, now=now, objections_until=None)
