"""Suspected misconduct: opened by whoever sees the work, heard, decided by two. Nothing is automatic."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.authorization.predicates import has_own_interest
from grading.cohorts import withdrawals
from grading.cohorts.anonymity import naming_faults
from grading.cohorts.queries import group_members
from grading.disputes import appeals
from grading.disputes.queries import dispute_queue
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Appeal,
    Challenge,
    Cohort,
    CredentialRecord,
    Evidence,
    Grade,
    MisconductCase,
    Person,
    RecordEntry,
    Submission,
)
from grading.people import approvals, signers
from grading.people.approvals import Answer
from grading.readings import exposures
from grading.records import revocations
from grading.workflow.appeal import PENDING as APPEAL_PENDING
from grading.workflow.approval import Action
from grading.workflow.credential import RecordState
from grading.workflow.deadlines import working_days_after
from grading.workflow.misconduct import PENDING, MisconductKind, MisconductState
from grading.workflow.submission import MACHINE as SUBMISSION_MACHINE
from grading.workflow.submission import SubmissionState

LONGEST_TEXT = 10_000
SHORTEST_TEXT = 20


def _text(where: str, text: str) -> str:
    text = text.strip()
    if not SHORTEST_TEXT <= len(text) <= LONGEST_TEXT:
        limits: dict[str, object] = {"low": SHORTEST_TEXT, "high": LONGEST_TEXT}
        raise FaultsFound([Fault(where, "Use %(low)s to %(high)s characters.", limits)])
    return text


def pending_case(session: Session, submission: Submission) -> MisconductCase | None:
    """Find the case of a work that is not decided yet."""
    return session.scalar(
        select(MisconductCase).where(
            MisconductCase.submission_id == submission.id, MisconductCase.state.in_(PENDING)
        )
    )


def decide_by(cohort: Cohort, case: MisconductCase) -> datetime:
    """Say by when a case is to be decided: the plan's working days for an appeal, after the hearing."""
    since = case.answer_by or case.opened_at
    return working_days_after(since, cohort.plan.appeal_decide_days, cohort.zone)


def report_suspicion(
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
        It is the reporter's own, was taken back by its learner, or is decided on.
    """
    # Two who report at once add to one case.
    take_turns(session, submission)
    if has_own_interest(session, reporter.id, [submission.id]):
        raise Refused("This is your own project.")
    if submission.state == SubmissionState.DRAFT:
        raise Refused("This project is not handed in.")
    if submission.state == SubmissionState.WITHDRAWN:
        raise Refused("The learner took this project back.")
    if dispute_queue.upheld_case(session, submission) is not None:
        raise Refused("A case about this project was upheld.")
    if kind not in set(MisconductKind):
        raise FaultsFound([Fault("kind", "Choose what you suspect.")])
    text = _text("text", text)
    case = pending_case(session, submission)
    if case is None:
        case = MisconductCase(
            cohort_id=submission.cohort_id,
            submission=submission,
            kind=kind,
            opened_by=reporter,
            opened_at=now,
        )
        # Its state is set when it is written, and the entry says it.
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
    take_turns(session, case)
    if has_own_interest(session, actor.id, [case.submission.id]):
        raise NotFound("There is no such case.")
    if case.state not in PENDING:
        raise Refused("This case is decided.")
    if actor.id == case.proposed_by_id:
        raise Refused("You have decided. Whoever decides gives no evidence.")
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


def may_decide_case(session: Session, actor: Person, case: MisconductCase) -> bool:
    """Whether a person may decide a case: they brought none of it, and may meet its learners."""
    return (
        actor.id != case.opened_by_id
        and all(one.by_id != actor.id for one in case.evidence)
        and not has_own_interest(session, actor.id, [case.submission.id])
        and not dispute_queue.is_conflicted(session, case.submission, actor.id)
    )


def _decides(session: Session, actor: Person, case: MisconductCase, now: datetime) -> None:
    """Let a person take part in deciding, one at a time; they can score this work no more."""
    take_turns(session, case)
    if has_own_interest(session, actor.id, [case.submission.id]):
        raise NotFound("There is no such case.")
    if not may_decide_case(session, actor, case):
        raise Refused(
            "You brought this case, gave evidence or have a conflict of interest, so others decide it."
        )
    exposures.expose(session, actor, case.submission, now=now)


def _unnamed(where: str, text: str, case: MisconductCase) -> None:
    """See that what the learner reads does not name who reported it."""
    if faults := naming_faults(where, text, *{case.opened_by, *(one.by for one in case.evidence)}):
        raise FaultsFound(faults)


def put_to_learner(
    session: Session, actor: Person, case: MisconductCase, *, allegation: str, now: datetime
) -> None:
    """Put the suspicion to the learners, who have the plan's working days to answer.

    Raises
    ------
    FaultsFound
        Too short, too long, or it names who reported it.
    Refused
        The actor brought the case, gave evidence, or has a conflict of interest.
    """
    _decides(session, actor, case, now)
    cohort = case.submission.cohort
    text = _text("allegation", allegation)
    _unnamed("allegation", text, case)
    case.allegation = text
    answer_by = working_days_after(now, cohort.plan.hearing_days, cohort.zone)
    move(session, case, "hear", actor=actor, now=now, answer_by=answer_by)
    for person in group_members.people(session, case.submission):
        outbox.mail(
            session,
            "misconduct_hearing",
            person.id,
            key=f"hearing:{case.id}:{person.id}",
            now=now,
            case=case.id,
        )


def answer_suspicion(
    session: Session, learner: Person, case: MisconductCase, *, text: str, now: datetime
) -> None:
    """The learner's own account, given once; a group gives one, through whoever of it writes first.

    Raises
    ------
    NotFound, FaultsFound, IllegalTransition
    """
    take_turns(session, case)
    if not group_members.has(session, case.submission, learner.id):
        raise NotFound("There is no such case.")
    case.answer = _text("answer", text)
    move(session, case, "answer", actor=learner, now=now, answered_at=now)


def propose_outcome(
    session: Session,
    actor: Person,
    case: MisconductCase,
    *,
    upheld: bool,
    reason: str,
    now: datetime,
) -> None:
    """The first of two decides; what is plainly nothing can be dismissed without a hearing.

    Raises
    ------
    FaultsFound
        A reason that is too short, too long or names who reported it.
    Refused
        Not theirs to decide, or the learner was not heard.
    """
    _decides(session, actor, case, now)
    if case.state == MisconductState.OPEN and upheld:
        raise Refused("Nobody is judged unheard. Put the suspicion to the learner first.")
    event = "propose_dismissal" if case.state == MisconductState.OPEN else "propose"
    text = _text("reason", reason)
    _unnamed("reason", text, case)
    case.reason = text
    move(
        session,
        case,
        event,
        actor=actor,
        now=now,
        outcome="upheld" if upheld else "dismissed",
        proposed_by_id=actor.id,
    )


def second_outcome(
    session: Session,
    actor: Person,
    case: MisconductCase,
    *,
    agree: bool,
    now: datetime,
    signed: Answer | None = None,
) -> None:
    """The second agrees, and it takes effect; or disagrees, and it is open again.

    An upheld case holds the result back, or revokes the record where it is released. Sheets stay.

    Parameters
    ----------
    signed : Answer, optional
        What shows that it is the second, to what `lay_revocations_before` put before them; needed where
        the plan asks for it and a record is revoked.

    Raises
    ------
    Refused
        The second is the first, the reporter or a witness; or the signature is none to this.
    ListChanged
        Other results stand in the records now than those that were signed.
    """
    _seconds(session, actor, case, now)
    lines = lines_to_revoke(session, case) if agree else []
    if lines or signed is not None:
        approvals.accept_where_asked(
            session,
            actor,
            signed,
            Action.UPHOLD_CASE,
            case.id,
            cohort=case.submission.cohort,
            records=lines,
            note=_NOTE,
            now=now,
        )
    if not agree:
        event = "disagree" if case.allegation else "disagree_unheard"
        move(session, case, event, actor=actor, now=now, outcome=None, proposed_by_id=None)
        return
    if case.proposed_by_id is not None:
        both = (case.proposed_by_id, actor.id)
        signers.note_made_by_one(session, actor, case, case.submission.cohort_id, both, now=now)
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
        for person in group_members.people(session, case.submission):
            outbox.mail(
                session,
                "misconduct_decided",
                person.id,
                key=f"misconduct:{case.id}:{person.id}",
                now=now,
                case=case.id,
            )


_NOTE = {"outcome": "upheld"}


def _seconds(session: Session, actor: Person, case: MisconductCase, now: datetime) -> None:
    _decides(session, actor, case, now)
    if actor.id == case.proposed_by_id:
        raise Refused("You have decided. Another person decides next.")


def lay_revocations_before(
    session: Session, actor: Person, case: MisconductCase, *, now: datetime
) -> Challenge:
    """Put before the second the records that their yes revokes, to sign; raises as `second_outcome`."""
    _seconds(session, actor, case, now)
    return approvals.lay_before(
        session,
        actor,
        Action.UPHOLD_CASE,
        case.id,
        cohort_id=case.cohort_id,
        records=lines_to_revoke(session, case),
        note=_NOTE,
        now=now,
    )


def lines_to_revoke(session: Session, case: MisconductCase) -> list[dict[str, Any]]:
    """Say which results stand in the records that an upheld case revokes; empty before release."""
    if case.outcome != "upheld" or SUBMISSION_MACHINE.allows(case.submission.state, "withhold"):
        return []
    return [
        line
        for record in _resting(session, case.submission)
        for line in revocations.record_lines(session, record)
    ]


def _resting(session: Session, submission: Submission) -> list[CredentialRecord]:
    """List the valid records that rest on a work, whoever's they are."""
    resting = (
        select(RecordEntry.record_id)
        .join(Grade, Grade.id == RecordEntry.grade_id)
        .where(Grade.submission_id == submission.id)
    )
    return list(
        session.scalars(
            select(CredentialRecord)
            .where(CredentialRecord.id.in_(resting), CredentialRecord.state == RecordState.VALID)
            .order_by(CredentialRecord.id)
        )
    )


def _take_effect(session: Session, actor: Person, case: MisconductCase, now: datetime) -> None:
    submission = case.submission
    for appeal in session.scalars(
        select(Appeal).where(
            Appeal.submission_id == submission.id, Appeal.state.in_(APPEAL_PENDING)
        )
    ):
        appeals.end_appeal_by_case(session, appeal, now=now)
    if SUBMISSION_MACHINE.allows(submission.state, "withhold"):
        move(session, submission, "withhold", actor=actor, now=now, reason=f"case {case.id}")
        withdrawals.call_back(session, actor, submission, now=now)
        return
    for record in _resting(session, submission):
        revocations.revoke_record(session, actor, record, reason=f"case {case.id}", now=now)
