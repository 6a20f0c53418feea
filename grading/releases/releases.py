"""Release: proposed, signed off, stoppable, and then carried out in one transaction."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.authorization.predicates import has_own_interest
from grading.errors import Fault, FaultsFound, IllegalTransition, ListChanged, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Challenge,
    Cohort,
    Person,
    Release,
    ReleaseItem,
    Score,
    SignOff,
    Submission,
)
from grading.models.codes import new_id
from grading.people import approvals, signers
from grading.people.approvals import Answer
from grading.releases import grades, results, signed_list
from grading.releases.queries import candidates
from grading.workflow.approval import Action, StepUp, changes
from grading.workflow.cohort import CohortState
from grading.workflow.release import MACHINE, ReleaseState


def propose(
    session: Session,
    actor: Person,
    cohort: Cohort,
    *,
    overrides: dict[str, str],
    failed_gates: list[str],
    now: datetime,
    chosen: set[str] | None = None,
    answer: Answer | None = None,
) -> Release:
    """Put forward everything that is ready (or the chosen part of it); the proposer signs first.

    Parameters
    ----------
    failed_gates : list of str
        The statistical gates that are not met, as `queries.gates` names them.
    overrides : dict
        For each failed gate, the reason to release all the same.
    chosen : set of str, optional
        Ids of submissions; None takes all that are ready.
    answer : Answer, optional
        What shows that it is the proposer, to what `lay_before` put before them; needed where the plan
        asks for it.

    Raises
    ------
    Refused
        Nothing is ready, a chosen one is not, one is the actor's own, or the cohort has ended; or the
        answer is none to this.
    ListChanged
        What is ready is no longer what was put before the proposer.
    FaultsFound
        A failed gate without a reason.
    """
    take_turns(session, cohort)
    ready, kept = _to_propose(
        session,
        actor,
        cohort,
        overrides=overrides,
        failed_gates=failed_gates,
        now=now,
        chosen=chosen,
    )
    release_id = answer.challenge.subject_id if answer else new_id()
    _approve(
        session,
        actor,
        cohort,
        Action.PROPOSE,
        release_id,
        answer,
        scores=ready,
        overrides=kept,
        now=now,
    )
    release = Release(id=release_id, cohort=cohort, proposed_at=now, overrides=kept)
    release.items = [
        ReleaseItem(submission_id=submission_id, score_id=score_id)
        for submission_id, score_id in ready.items()
    ]
    session.add(release)
    session.flush()
    audit.record(
        session,
        actor,
        "release:propose",
        release,
        now=now,
        after={"state": release.state, "scores": ready, "overrides": kept},
    )
    _sign(session, actor, release, now=now)
    return release


def lay_before(
    session: Session,
    actor: Person,
    cohort: Cohort,
    *,
    overrides: dict[str, str],
    failed_gates: list[str],
    now: datetime,
) -> Challenge:
    """Put before a person what they would propose, for them to sign; raises as `propose` does."""
    ready, kept = _to_propose(
        session, actor, cohort, overrides=overrides, failed_gates=failed_gates, now=now
    )
    return approvals.lay_before(
        session,
        actor,
        Action.PROPOSE,
        new_id(),
        cohort_id=cohort.id,
        records=results.signed_form(results.release_lines(session, ready)),
        note={"overrides": kept},
        now=now,
    )


def _to_propose(
    session: Session,
    actor: Person,
    cohort: Cohort,
    *,
    overrides: dict[str, str],
    failed_gates: list[str],
    now: datetime,
    chosen: set[str] | None = None,
) -> tuple[dict[str, str], list[Any]]:
    """Find the scores by submission that would be proposed, and the reasons to be kept with them."""
    if cohort.state != CohortState.OPEN:
        raise Refused("The cohort is not open.")
    if faults := [
        Fault(gate, "Give the reason for releasing although this is not met.")
        for gate in failed_gates
        if not overrides.get(gate, "").strip()
    ]:
        raise FaultsFound(faults)
    ready = candidates.ready_scores(session, cohort, now=now)
    if chosen is not None:
        if missing := chosen - ready.keys():
            raise Refused("%(n)s of the chosen results are not ready any more.", n=len(missing))
        ready = {work: score for work, score in ready.items() if work in chosen}
    if not ready:
        raise Refused("No result is ready to be released.")
    _judges_others(session, actor, ready)
    kept: list[Any] = [{"gate": gate, "reason": overrides[gate].strip()} for gate in failed_gates]
    return ready, kept


def lay_before_next(
    session: Session, actor: Person, release: Release, *, now: datetime
) -> Challenge:
    """Put before the next person the list that the first one signed, for them to sign.

    Raises
    ------
    ListChanged
        It is no longer so; `signed_list.void` is what is left.
    Refused, IllegalTransition
        As `sign`.
    """
    _may_sign(session, actor, release)
    if found := signed_list.changes_since_signed(session, release, now=now):
        raise ListChanged(found)
    return approvals.lay_before(
        session,
        actor,
        Action.SIGN,
        release.id,
        cohort_id=release.cohort_id,
        records=signed_list.signed_records(session, release) or [],
        note={"overrides": release.overrides},
        now=now,
    )


def sign(
    session: Session,
    actor: Person,
    release: Release,
    *,
    now: datetime,
    answer: Answer | None = None,
) -> None:
    """Sign off; the last one the plan asks for schedules the release.

    Parameters
    ----------
    answer : Answer, optional
        As in `propose`, to what `lay_before_next` put before the person.

    Raises
    ------
    Refused
        The person has signed already, a result is their own, or the answer is none to this.
    ListChanged
        The list is no longer what the first person signed.
    IllegalTransition
        The release is no longer proposed.
    """
    # Of two who sign at once the later one waits here, and then finds it scheduled.
    take_turns(session, release)
    _may_sign(session, actor, release)
    if found := signed_list.changes_since_signed(session, release, now=now):
        raise ListChanged(found)
    _approve(
        session,
        actor,
        release.cohort,
        Action.SIGN,
        release.id,
        answer,
        scores={item.submission_id: item.score_id for item in release.items},
        overrides=release.overrides,
        now=now,
    )
    _sign(session, actor, release, now=now)


def _judges_others(session: Session, actor: Person, submission_ids: Iterable[str]) -> None:
    """Refuse whoever has a result of their own on a list."""
    if has_own_interest(session, actor.id, submission_ids):
        raise Refused("A result on this list is your own, so colleagues propose, sign and stop it.")


def _may_sign(session: Session, actor: Person, release: Release) -> None:
    if release.state != ReleaseState.PROPOSED:
        raise IllegalTransition(
            "This release is %(state)s, so it cannot be signed.", state=release.state
        )
    if any(sign_off.person_id == actor.id for sign_off in release.sign_offs):
        raise Refused("You have signed this release. Another person signs next.")
    _judges_others(session, actor, [item.submission_id for item in release.items])


def _approve(
    session: Session,
    actor: Person,
    cohort: Cohort,
    action: Action,
    release_id: str,
    answer: Answer | None,
    *,
    scores: Mapping[str, str],
    overrides: list[Any],
    now: datetime,
) -> None:
    """Keep a person's signature under a list, where the plan asks for one."""
    if cohort.plan.step_up == StepUp.OFF:
        return
    approvals.accept(
        session,
        actor,
        answer,
        action,
        release_id,
        cohort_id=cohort.id,
        records=results.signed_form(results.release_lines(session, scores)),
        note={"overrides": overrides},
        now=now,
    )


def _sign(session: Session, actor: Person, release: Release, *, now: datetime) -> None:
    plan = release.cohort.plan
    release.sign_offs.append(SignOff(person_id=actor.id, at=now))
    session.flush()
    audit.record(session, actor, "release:sign", release, now=now)
    signer_ids = [sign_off.person_id for sign_off in release.sign_offs]
    signers.note_made_by_one(session, actor, release, release.cohort_id, signer_ids, now=now)
    if len(release.sign_offs) < plan.sign_offs:
        return
    release_at = now + timedelta(minutes=plan.release_delay_minutes)
    move(session, release, "schedule", actor=actor, now=now, release_at=release_at)
    outbox.post(
        session,
        "release",
        {"release": release.id},
        key=f"release:{release.id}",
        now=now,
        run_at=release_at,
    )


def stop(session: Session, actor: Person, release: Release, *, reason: str, now: datetime) -> None:
    """Stop a release before it is carried out: nothing has left, nothing will.

    Raises
    ------
    Refused
        It holds a result of the actor's own.
    """
    take_turns(session, release)
    _judges_others(session, actor, [item.submission_id for item in release.items])
    move(
        session,
        release,
        "stop",
        actor=actor,
        now=now,
        reason=reason.strip() or None,
        ended_at=now,
    )


def carry_out(session: Session, release: Release, *, now: datetime) -> int:
    """Make the grades final, add them to the records, and ask for one mail per learner.

    All of it is one transaction, because nobody's result may be out before another's; so what it needs
    is read for all works at once, and thousands of them take seconds.

    What is no longer ready (a work withdrawn in the meantime, a newer score) is left out and named in
    the audit entry. Called again, it changes nothing.

    Returns
    -------
    int
        How many works' results were released.

    Raises
    ------
    Refused
        The delay has not ended.
    IllegalTransition
        It was stopped, or was never signed off.
    """
    # A second worker waits here, and then finds it done.
    take_turns(session, release)
    if release.state == ReleaseState.RELEASED:
        return 0
    MACHINE.after(release.state, "carry_out")
    if release.state == ReleaseState.SCHEDULED and (
        release.release_at is None or now < release.release_at
    ):
        raise Refused("The release goes out later.")
    ready = candidates.ready_scores(session, release.cohort, now=now, apart_from=release.id)
    rows = session.execute(
        select(ReleaseItem, Submission, Score)
        .join(Submission, Submission.id == ReleaseItem.submission_id)
        .join(Score, Score.id == ReleaseItem.score_id)
        .where(ReleaseItem.release_id == release.id)
        .order_by(Submission.submitted_at, Submission.id)
    )
    lines = results.release_lines(
        session, {item.submission_id: item.score_id for item in release.items}
    )
    signed = signed_list.signed_records(session, release)
    # Works whose results would not be those that stand in the signed list.
    other = (
        {change.submission for change in changes(signed, results.signed_form(lines))}
        if signed is not None
        else set()
    )
    released: list[tuple[Submission, Score]] = []
    left_out: list[str] = []
    for item, submission, score in list(rows):
        if ready.get(submission.id) != item.score_id or submission.id in other:
            left_out.append(submission.id)
        else:
            released.append((submission, score))
    grades.release_all(session, release, released, lines, now=now)
    move(
        session,
        release,
        "carry_out",
        actor=None,
        now=now,
        ended_at=now,
        note={"released": len(released), "left_out": left_out},
    )
    return len(released)
