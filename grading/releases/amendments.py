"""Results that do not follow any more from an input that changed, and the acts that change such an input."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import conflicts, extensions
from grading.errors import Fault, Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.models import (
    Allocation,
    Cohort,
    ConflictOfInterest,
    Extension,
    Grade,
    Person,
    Release,
    ReleaseItem,
    Score,
    StruckReading,
    Submission,
)
from grading.models.conditions import is_member
from grading.people import consequences
from grading.people.consequences import UNDECIDED, Consequence, Decided
from grading.phrases import phrase
from grading.readings.queries.ratings import struck
from grading.releases import grades, results
from grading.releases.results import NOT_LATE, NOT_PASSED, Lateness, ReleaseLine
from grading.scores import adjusting, settling
from grading.workflow.allocation import OF_ANCHORS, AllocationState
from grading.workflow.approval import Action, text_digest
from grading.workflow.calendar import ExtensionKind
from grading.workflow.group import GIVE_TIME, TOOK_PART
from grading.workflow.release import PENDING, Amended
from grading.workflow.submission import IN_GRADING, SubmissionState

# Works whose readings count for a result that is out or to come.
RATED = (*IN_GRADING, SubmissionState.RESOLVED, SubmissionState.RELEASED)


def grant_time(
    session: Session,
    actor: Person,
    cohort: Cohort,
    person: Person,
    *,
    kind: ExtensionKind,
    days: int,
    reason: str,
    decided: Decided = UNDECIDED,
    now: datetime,
) -> Extension:
    """Grant more time, and amend the results that lost points for being late, as decided.

    Raises
    ------
    Undecided, Unsigned
        As `consequences.settle`; why a result stays is kept beside the time, where no scorer reads.
    FaultsFound, Refused
        As `extensions.grant`.
    """
    extension = extensions.grant(
        session, actor, cohort, person, kind=kind, days=days, reason=reason, now=now
    )
    works = session.scalars(
        select(Submission)
        .where(Submission.cohort_id == cohort.id, is_member(person.id, GIVE_TIME))
        .order_by(Submission.attempt)
    ).all()
    consequences.settle(
        session,
        actor,
        [one for work in works for one in late_anew(session, actor, work, now=now)],
        decided,
        action=Action.GRANT_TIME,
        cohort=cohort,
        note=time_note(person.id, kind=kind, days=days, reason=reason),
        chain=extension.chain,
        now=now,
    )
    return extension


def time_note(person_id: str, *, kind: ExtensionKind, days: int, reason: str) -> dict[str, Any]:
    """Give what is signed of more time, where results are amended by it."""
    return {
        "person": person_id,
        "kind": str(kind),
        "days": days,
        "reason": text_digest(reason),
    }


def declare_conflict(
    session: Session,
    actor: Person,
    cohort: Cohort,
    *,
    rater: Person,
    learner: Person,
    reason: str,
    decided: Decided = UNDECIDED,
    now: datetime,
) -> ConflictOfInterest:
    """Keep a rater and a learner apart, and take out what the rater has read of theirs, as decided.

    Raises
    ------
    Undecided, Unsigned
        As `consequences.settle`.
    Refused
        As `conflicts.declare_conflict`.
    """
    conflict = conflicts.declare_conflict(
        session, actor, cohort, rater=rater, learner=learner, reason=reason, now=now
    )
    consequences.settle(
        session,
        actor,
        resting_on_conflict(session, actor, conflict, now=now),
        decided,
        action=Action.DECLARE_CONFLICT,
        cohort=cohort,
        note=conflict_note(rater, learner, reason=reason),
        now=now,
    )
    return conflict


def conflict_note(rater: Person, learner: Person, *, reason: str) -> dict[str, Any]:
    """Give what is signed of a conflict of interest, where results are amended by it."""
    return {"rater": rater.id, "learner": learner.id, "reason": text_digest(reason)}


def resting_on_conflict(
    session: Session, actor: Person, conflict: ConflictOfInterest, *, now: datetime
) -> list[Consequence]:
    """List what rests on a rater's readings of a learner: results that are out, and works in grading."""
    works: dict[str, list[Allocation]] = {}
    for reading in readings_in_conflict(session, conflict):
        works.setdefault(reading.submission_id, []).append(reading)
    listed = []
    for given in works.values():
        strike = partial(_strike, session, actor, given, conflict, now=now)
        work = given[0].submission
        if work.state == SubmissionState.RELEASED:
            listed += _without(session, actor, work, strike, now)
        else:
            listed.append(_in_grading(session, work, strike, len(given), now))
    return listed


def readings_in_conflict(session: Session, conflict: ConflictOfInterest) -> Sequence[Allocation]:
    """List the readings that count which the one gave of works of the other."""
    return session.scalars(
        select(Allocation)
        .join(Submission, Submission.id == Allocation.submission_id)
        .where(
            Allocation.cohort_id == conflict.cohort_id,
            Allocation.rater_id == conflict.rater_id,
            Allocation.state == AllocationState.SEALED,
            Allocation.purpose.not_in(OF_ANCHORS),
            Submission.state.in_(RATED),
            is_member(conflict.learner_id, TOOK_PART),
            ~struck(),
        )
        .order_by(Allocation.sealed_at, Allocation.id)
    ).all()


def strike_reading(
    session: Session,
    actor: Person,
    reading: Allocation,
    *,
    fault: str,
    criteria: list[str],
    now: datetime,
) -> None:
    """Let a reading no longer count, for a recorded fault; its sheet and ratings stay."""
    session.add(
        StruckReading(
            allocation_id=reading.id, fault=fault, criteria=criteria, by_id=actor.id, at=now
        )
    )
    session.flush()


def _strike(
    session: Session,
    actor: Person,
    readings: Sequence[Allocation],
    conflict: ConflictOfInterest,
    *,
    now: datetime,
) -> None:
    """Strike the readings of one rater because of a conflict, unless they are struck already."""
    for reading in readings:
        if session.get(StruckReading, reading.id) is None:
            codes = [one.code for one in reading.cohort.rubric_version.rubric.criteria]
            # The reason is for those who keep people apart; readings are looked at by others too.
            strike_reading(
                session, actor, reading, fault="conflict of interest", criteria=codes, now=now
            )
            audit.record(
                session, actor, "item:strike", reading, now=now, after={"conflict": conflict.id}
            )


def _without(
    session: Session,
    actor: Person,
    work: Submission,
    strike: Callable[[], None],
    now: datetime,
) -> list[Consequence]:
    """List what a released work's results would be without the readings that are struck."""
    hindrance, lines, score = None, {}, None
    with session.begin_nested() as savepoint:
        strike()
        try:
            score = adjusting.rescore(session, work, now=now)
            for grade in grades.in_force_of(session, work):
                lines[grade.id] = results.release_line(session, work, score, grade.person_id)
        except Refused as refusal:
            hindrance = Fault("", refusal.template, refusal.params)
        raters = _raters(score) if score else {}
        savepoint.rollback()

    def amend(before: Grade) -> None:
        strike()
        score = adjusting.rescore(session, work, now=now)
        line = results.release_line(session, work, score, before.person_id)
        grades.amend(session, work, before, score, line, why=Amended.CONFLICT, actor=actor, now=now)

    return [
        Consequence(
            subject=work,
            who=grade.person.name,
            before=_words(grade.value, grade.band, **_raters(grade.score)),
            after=_words(str(line.value), line.band or NOT_PASSED, **raters)
            if (line := lines.get(grade.id))
            else {"text": phrase("It cannot be worked out without what they read."), "params": {}},
            amend=partial(amend, grade) if line else None,
            hindrance=None if line else hindrance,
            # What is signed names the score that stands: the other is made when it is amended.
            line=replace(line, score_id=grade.score_id).to_json() if line else None,
        )
        for grade in grades.in_force_of(session, work)
    ]


def _raters(score: Score) -> dict[str, int]:
    return {"professionals": score.professionals, "peers": score.peers}


def _in_grading(
    session: Session, work: Submission, strike: Callable[[], None], readings: int, now: datetime
) -> Consequence:
    """Give a work whose result is not out as what is decided on: others read it instead."""

    def read_again() -> None:
        strike()
        if work.state == SubmissionState.RESOLVED:
            move(session, work, "reopen", actor=None, now=now)
        settling.want_professionals(
            session, work, work.professionals_wanted + readings, "struck", now
        )

    pending = session.scalar(
        select(ReleaseItem.release_id)
        .join(Release, Release.id == ReleaseItem.release_id)
        .where(ReleaseItem.submission_id == work.id, Release.state.in_(PENDING))
    )
    hindrance = Fault("", "This result is in a release that is on its way. Stop the release first.")
    return Consequence(
        subject=work,
        who=work.learner.name,
        before={"text": phrase("A reading by this rater counts; no result is out."), "params": {}},
        after={"text": phrase("Somebody else reads in their place."), "params": {}},
        amend=None if pending else read_again,
        hindrance=hindrance if pending else None,
    )


def late_anew(
    session: Session, actor: Person, work: Submission, *, now: datetime
) -> list[Consequence]:
    """List a work's results whose value or lateness is another by the dates as they are now."""
    return [
        consequence_of(session, actor, before, before.score, line, why=Amended.LATENESS, now=now)
        for before in grades.in_force_of(session, work)
        if differs(
            before, line := results.release_line(session, work, before.score, before.person_id)
        )
    ]


def differs(grade: Grade, line: ReleaseLine) -> bool:
    """Whether a result as it would be now is another than what was released."""
    late = line.late if line.late.points else NOT_LATE
    return line.value != Decimal(grade.value) or late != _late_of(grade)


def consequence_of(
    session: Session,
    actor: Person,
    before: Grade,
    score: Score,
    line: ReleaseLine,
    *,
    why: Amended,
    now: datetime,
) -> Consequence:
    """Give a result that would be another as what whoever changes an input decides on."""
    work = before.submission
    return Consequence(
        subject=work,
        who=before.person.name,
        before=_words(before.value, before.band, **_late_of(before)._asdict()),
        after=_words(str(line.value), line.band or NOT_PASSED, **line.late._asdict()),
        amend=partial(
            grades.amend, session, work, before, score, line, why=why, actor=actor, now=now
        ),
        line=line.to_json(),
    )


def _late_of(grade: Grade) -> Lateness:
    late = grade.detail.get("late")
    return Lateness(late["days"], late["points"]) if late else NOT_LATE


def _words(value: str, band: str, **facts: float) -> Mapping[str, Any]:
    return {"value": value, "band": band, **facts}
