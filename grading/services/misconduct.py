"""Suspected misconduct: opened by whoever sees the work, heard, decided by two. Nothing is automatic."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.models import Appeal, CredentialRecord, Evidence, MisconductCase, Person, Submission
from grading.queries import members
from grading.services import appeals, audit, outbox, records, submissions
from grading.services.transitions import move
from grading.workflow.appeal import PENDING as APPEAL_PENDING
from grading.workflow.deadlines import working_days_after
from grading.workflow.misconduct import PENDING, MisconductKind, MisconductState
from grading.workflow.submission import MACHINE as SUBMISSION_MACHINE
from grading.workflow.submission import SubmissionState

LONGEST_TEXT = 10_000
SHORTEST_TEXT = 20


def _text(where: str, text: str) -> str:
    text = text.strip()
    if not SHORTEST_TEXT <= len(text) <= LONGEST_TEXT:
        raise FaultsFound(
            [
                Fault(
                    where,
                    "Use %(low)s to %(high)s characters.",
                    {"low": SHORTEST_TEXT, "high": LONGEST_TEXT},
                )
            ]
        )
    return text


def pending(session: Session, submission: Submission) -> MisconductCase | None:
    """Find the case of a work that is not decided yet."""
    return session.scalar(
        select(MisconductCase).where(
            MisconductCase.submission_id == submission.id, MisconductCase.state.in_(PENDING)
        )
    )


def report(
    session: Session,
    reporter: Person,
    submission: Submission,
    *,
    kind: str,
    text: str,
    source: str,
    now: datetime,
) -> MisconductCase:
    """Say what one saw. Several reports on one work are one case; grading goes on, release waits.

    Raises
    ------
    FaultsFound
        No kind, or a text that is too short or too long.
    Refused
        It is the reporter's own, or was taken back by its learner.
    """
    if members.took_part(session, submission, reporter.id):
        raise Refused("This is your own project.")
    if submission.state in (SubmissionState.DRAFT, SubmissionState.WITHDRAWN):
        raise Refused("The learner took this project back.")
    if kind not in set(MisconductKind):
        raise FaultsFound([Fault("kind", "Choose what you suspect.")])
    text = _text("text", text)
    case = pending(session, submission)
    if case is None:
        case = MisconductCase(
            cohort_id=submission.cohort_id,
            submission=submission,
            kind=kind,
            opened_by=reporter,
            opened_at=now,
        )
        session.add(case)
        session.flush()
        audit.record(
            session,
            reporter,
            "misconduct_case:open",
            case,
            now=now,
            after={"state": case.state, "submission": submission.id, "kind": kind},
        )
    add_evidence(session, reporter, case, text=text, source=source, now=now)
    return case


def add_evidence(
    session: Session, actor: Person, case: MisconductCase, *, text: str, source: str, now: datetime
) -> Evidence:
    """Add what somebody saw; it is bound to the copy that was handed in then, and never changed."""
    if case.state not in PENDING:
        raise Refused("This case is decided.")
    evidence = Evidence(
        by=actor,
        at=now,
        text=_text("text", text),
        source=source.strip()[:2000],
        digest=case.submission.digest,
    )
    case.evidence.append(evidence)
    session.flush()
    audit.record(
        session,
        actor,
        "misconduct_case:add_evidence",
        case,
        now=now,
        after={"evidence": evidence.id, "digest": evidence.digest},
    )
    return evidence


def _may_decide(session: Session, actor: Person, case: MisconductCase) -> None:
    if members.took_part(session, case.submission, actor.id):
        raise NotFound("There is no such case.")
    if actor.id == case.opened_by_id or any(one.by_id == actor.id for one in case.evidence):
        raise Refused("You brought this case or gave evidence, so others decide it.")


def hear(
    session: Session, actor: Person, case: MisconductCase, *, allegation: str, now: datetime
) -> None:
    """Put the suspicion to the learner, who has the plan's working days to answer."""
    _may_decide(session, actor, case)
    cohort = case.submission.cohort
    case.allegation = _text("allegation", allegation)
    answer_by = working_days_after(now, cohort.plan.hearing_days, cohort.zone)
    move(session, case, "hear", actor=actor, now=now, answer_by=answer_by)
    for person in members.people(session, case.submission):
        outbox.mail(
            session,
            "misconduct_hearing",
            person.id,
            key=f"hearing:{case.id}:{person.id}",
            now=now,
            cohort=cohort.id,
        )


def answer(
    session: Session, learner: Person, case: MisconductCase, *, text: str, now: datetime
) -> None:
    """The learner's own account; a group gives one, through whoever of it writes first.

    Raises
    ------
    NotFound, FaultsFound, IllegalTransition
    """
    if not members.has(session, case.submission, learner.id):
        raise NotFound("There is no such case.")
    case.answer = _text("answer", text)
    move(session, case, "answer", actor=learner, now=now, answered_at=now)


def propose(
    session: Session,
    actor: Person,
    case: MisconductCase,
    *,
    upheld: bool,
    reason: str,
    now: datetime,
) -> None:
    """The first of two decides; what is plainly nothing can be dismissed without a hearing."""
    _may_decide(session, actor, case)
    if case.state == MisconductState.OPEN and upheld:
        raise Refused("Nobody is judged unheard. Put the suspicion to the learner first.")
    event = "propose_dismissal" if case.state == MisconductState.OPEN else "propose"
    case.reason = _text("reason", reason)
    move(
        session,
        case,
        event,
        actor=actor,
        now=now,
        outcome="upheld" if upheld else "dismissed",
        proposed_by_id=actor.id,
    )


def second(
    session: Session, actor: Person, case: MisconductCase, *, agree: bool, now: datetime
) -> None:
    """The second agrees, and it takes effect; or disagrees, and it is open again.

    An upheld case holds the result back, or revokes the record where it is released. Sheets stay.

    Raises
    ------
    Refused
        The second is the first, the reporter or a witness.
    """
    _may_decide(session, actor, case)
    if actor.id == case.proposed_by_id:
        raise Refused("You have decided. Another person decides next.")
    if not agree:
        event = "disagree" if case.allegation else "disagree_unheard"
        move(session, case, event, actor=actor, now=now, outcome=None, proposed_by_id=None)
        return
    upheld = case.outcome == "upheld"
    move(
        session,
        case,
        "uphold" if upheld else "dismiss",
        actor=actor,
        now=now,
        decided_by_id=actor.id,
        decided_at=now,
    )
    if upheld:
        _take_effect(session, actor, case, now)
    if case.allegation:
        for person in members.people(session, case.submission):
            outbox.mail(
                session,
                "misconduct_decided",
                person.id,
                key=f"misconduct:{case.id}:{person.id}",
                now=now,
                cohort=case.cohort_id,
            )


def _take_effect(session: Session, actor: Person, case: MisconductCase, now: datetime) -> None:
    submission = case.submission
    for appeal in session.scalars(
        select(Appeal).where(
            Appeal.submission_id == submission.id, Appeal.state.in_(APPEAL_PENDING)
        )
    ):
        appeals.end_by_case(session, appeal, now=now)
    if SUBMISSION_MACHINE.allows(submission.state, "withhold"):
        move(session, submission, "withhold", actor=actor, now=now, reason=f"case {case.id}")
        submissions.call_back(session, actor, submission, now=now)
        return
    for person in members.people(session, submission):
        record: CredentialRecord | None = records.current(
            session, submission.cohort.program_id, person.id
        )
        if record is not None and record.state == "valid":
            records.revoke(session, actor, record, reason=f"case {case.id}", now=now)
