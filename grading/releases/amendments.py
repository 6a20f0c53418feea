"""Results that do not follow any more from an input that changed, and the acts that change such an input."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import extensions
from grading.models import Cohort, Extension, Grade, Person, Score, Submission
from grading.models.conditions import is_member
from grading.people import consequences
from grading.people.consequences import UNDECIDED, Consequence, Decided
from grading.releases import grades, results
from grading.releases.results import NOT_LATE, NOT_PASSED, Lateness, ReleaseLine
from grading.workflow.approval import Action, text_digest
from grading.workflow.calendar import ExtensionKind
from grading.workflow.group import GIVE_TIME
from grading.workflow.release import Amended


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
        before=_words(before.value, before.band, _late_of(before)),
        after=_words(str(line.value), line.band or NOT_PASSED, line.late),
        amend=partial(
            grades.amend, session, work, before, score, line, why=why, actor=actor, now=now
        ),
        line=line.to_json(),
    )


def _late_of(grade: Grade) -> Lateness:
    late = grade.detail.get("late")
    return Lateness(late["days"], late["points"]) if late else NOT_LATE


def _words(value: str, band: str, late: Lateness) -> Mapping[str, Any]:
    return {"value": value, "band": band, "days": late.days, "points": late.points}
