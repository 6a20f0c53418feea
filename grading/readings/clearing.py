"""Standings: won by reading as the leads do, given by hand with a signed reason, ended by time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import outbox
from grading.ledger.transitions import move
from grading.measurement.monitoring.calibration import Verdict
from grading.models import CalibrationAttempt, Challenge, Cohort, Membership, Person, Standing
from grading.models.codes import new_id
from grading.models.conditions import takes_part
from grading.people import approvals
from grading.people.approvals import Answer
from grading.readings.queries import standings
from grading.workflow.approval import Action, text_digest
from grading.workflow.calibration import CLEARED, EVENT_OF_VERDICT, StandingState
from grading.workflow.cohort import SCORING, CohortState

SHORTEST_REASON, LONGEST_REASON = 20, 2_000


def set_standings(
    session: Session,
    cohort: Cohort,
    attempt: CalibrationAttempt,
    verdicts: Mapping[str, Verdict],
    *,
    now: datetime,
) -> None:
    """Set a rater's standings by what a qualification found on each criterion."""
    held = standings.of_person(session, cohort, attempt.person_id)
    for code, verdict in verdicts.items():
        standing = held.get(code)
        if (
            verdict is Verdict.NOT_QUALIFIED
            and standing is not None
            and standing.state == StandingState.QUALIFIED
            and standing.clears(now)
        ):
            # What somebody has won is not lost by trying again for another criterion.
            continue
        _move(
            session,
            standing or _begun(session, cohort, attempt.person, code, now),
            EVENT_OF_VERDICT[verdict],
            cohort,
            actor=None,
            attempt_id=attempt.id,
            now=now,
        )


def _begun(session: Session, cohort: Cohort, person: Person, code: str, now: datetime) -> Standing:
    standing = Standing(
        cohort_id=cohort.id,
        rubric_version_id=cohort.rubric_version_id,
        person=person,
        criterion=code,
        state=StandingState.NOT_QUALIFIED,
        since=now,
        expires_at=now,
    )
    session.add(standing)
    session.flush()
    return standing


def _move(
    session: Session,
    standing: Standing,
    event: str,
    cohort: Cohort,
    *,
    actor: Person | None,
    attempt_id: str | None,
    now: datetime,
    reason: str | None = None,
) -> None:
    # Before the entry is written: it belongs to the chain of the cohort in which this happens.
    standing.cohort_id = cohort.id
    standing.reason = reason
    move(
        session,
        standing,
        event,
        actor=actor,
        now=now,
        reason=reason,
        since=now,
        expires_at=now + timedelta(days=cohort.plan.standing_days),
        attempt_id=attempt_id,
        cleared_by_id=actor.id if actor else None,
    )


def clear_by_hand(
    session: Session,
    lead: Person,
    cohort: Cohort,
    rater: Person,
    *,
    reason: str,
    now: datetime,
    signed: Answer | None = None,
) -> Sequence[Standing]:
    """Clear somebody for every criterion they are not cleared for, on a lead's word.

    Parameters
    ----------
    reason : str
        The grader reads it, and every lead beside the standing.
    signed : Answer, optional
        What shows that it is the lead, to what `lay_clearing_before` put before them; needed where the
        plan asks for it.

    Raises
    ------
    NotFound
        The rater has no professional part in the cohort.
    Refused
        It is the lead's own standing, there is nothing to clear, or the cohort has ended; or the signature
        is none to this.
    FaultsFound
        No reason, or one too short or too long.
    """
    criteria = _to_clear(session, lead, cohort, rater, reason, now)
    approvals.accept_where_asked(
        session,
        lead,
        signed,
        Action.CLEAR_BY_HAND,
        signed.challenge.subject_id if signed else new_id(),
        cohort=cohort,
        records=[],
        note=_note(cohort, rater, criteria, reason),
        now=now,
    )
    held = standings.of_person(session, cohort, rater.id)
    cleared = []
    for code in criteria:
        standing = held.get(code) or _begun(session, cohort, rater, code, now)
        _move(
            session,
            standing,
            "clear_by_hand",
            cohort,
            actor=lead,
            attempt_id=None,
            reason=reason.strip(),
            now=now,
        )
        cleared.append(standing)
    outbox.mail(
        session,
        "cleared_by_hand",
        rater.id,
        key=f"cleared:{cleared[0].id}:{cleared[0].version}",
        now=now,
        cohort=cohort.id,
    )
    return cleared


def lay_clearing_before(
    session: Session,
    lead: Person,
    cohort: Cohort,
    rater: Person,
    *,
    reason: str,
    now: datetime,
) -> Challenge:
    """Put before a lead whom they would clear, for what and why, to sign; raises as `clear_by_hand`."""
    criteria = _to_clear(session, lead, cohort, rater, reason, now)
    return approvals.lay_before(
        session,
        lead,
        Action.CLEAR_BY_HAND,
        new_id(),
        cohort_id=cohort.id,
        records=[],
        note=_note(cohort, rater, criteria, reason),
        entered={"reason": reason.strip()},
        now=now,
    )


def _note(cohort: Cohort, rater: Person, criteria: Sequence[str], reason: str) -> dict[str, Any]:
    return {
        "person": rater.id,
        "rubric": cohort.rubric_version.digest,
        "criteria": list(criteria),
        "days": cohort.plan.standing_days,
        "reason": text_digest(reason),
    }


def _to_clear(
    session: Session, lead: Person, cohort: Cohort, rater: Person, reason: str, now: datetime
) -> list[str]:
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")
    if lead.id == rater.id:
        raise Refused("Another lead decides about your standing.")
    taking_part = select(Membership.id).where(
        takes_part(*SCORING, cohort_id=cohort.id, person_id=rater.id)
    )
    if session.scalar(taking_part.limit(1)) is None:
        raise NotFound("There is no such page.")
    # Two leads take turns, so that one clearing is made.
    session.execute(select(Person.id).where(Person.id == rater.id).with_for_update(key_share=True))
    criteria = standings.uncleared_criteria(session, cohort, rater, now)
    if not criteria:
        raise Refused("%(name)s is cleared for every criterion already.", name=rater.name)
    length = len(reason.strip())
    if not SHORTEST_REASON <= length <= LONGEST_REASON:
        raise FaultsFound(
            [
                Fault(
                    "reason",
                    "Give a reason of %(least)s to %(most)s characters; the grader reads it.",
                    {"least": SHORTEST_REASON, "most": LONGEST_REASON},
                )
            ]
        )
    return [criterion.code for criterion in criteria]


def expire(session: Session, cohort: Cohort, *, now: datetime) -> int:
    """Let the standings by a cohort's rubric version end whose time is over; return how many."""
    over = list(
        session.scalars(
            select(Standing)
            .where(
                Standing.rubric_version_id == cohort.rubric_version_id,
                Standing.state.in_(CLEARED),
                Standing.expires_at <= now,
            )
            .with_for_update(skip_locked=True)
        )
    )
    for standing in over:
        standing.cohort_id = cohort.id
        move(session, standing, "expire", actor=None, now=now, since=now)
    return len(over)
