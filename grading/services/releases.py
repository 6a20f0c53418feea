"""Release: proposed, signed off, stoppable, and then carried out in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, IllegalTransition, Refused
from grading.measurement.resolution import grade as on_scale
from grading.models import (
    Cohort,
    Grade,
    GradeSeen,
    MemberPoints,
    Person,
    Release,
    ReleaseItem,
    Score,
    SignOff,
    Submission,
)
from grading.models.base import new_id
from grading.queries import dates, members, releasing
from grading.queries.grades import in_force
from grading.rubric.definition import Rubric
from grading.services import audit, outbox, records
from grading.services.transitions import move
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import days_late
from grading.workflow.plan import GradingPlan
from grading.workflow.release import MACHINE, ReleaseState

NOT_PASSED = "Not passed"


def propose(
    session: Session,
    actor: Person,
    cohort: Cohort,
    *,
    overrides: dict[str, str],
    failed_gates: list[str],
    now: datetime,
    chosen: set[str] | None = None,
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

    Raises
    ------
    Refused
        Nothing is ready, a chosen one is not, or the cohort has ended.
    FaultsFound
        A failed gate without a reason.
    """
    if cohort.state != CohortState.OPEN:
        raise Refused("The cohort is not open.")
    if faults := [
        Fault(gate, "Give the reason for releasing although this is not met.")
        for gate in failed_gates
        if not overrides.get(gate, "").strip()
    ]:
        raise FaultsFound(faults)
    found = releasing.candidates(session, cohort, now=now)
    ready = [item for item in found if item.ready and item.score_id is not None]
    if chosen is not None:
        missing = chosen - {item.submission_id for item in ready}
        if missing:
            raise Refused("%(n)s of the chosen results are not ready any more.", n=len(missing))
        ready = [item for item in ready if item.submission_id in chosen]
    if not ready:
        raise Refused("No result is ready to be released.")
    kept: list[Any] = [{"gate": gate, "reason": overrides[gate].strip()} for gate in failed_gates]
    release = Release(cohort=cohort, proposed_at=now, overrides=kept)
    release.items = [
        ReleaseItem(submission_id=item.submission_id, score_id=item.score_id) for item in ready
    ]
    session.add(release)
    session.flush()
    audit.record(
        session,
        actor,
        "release:propose",
        release,
        now=now,
        after={
            "state": release.state,
            "scores": {item.submission_id: item.score_id for item in ready},
            "overrides": kept,
        },
    )
    sign(session, actor, release, now=now)
    return release


def sign(session: Session, actor: Person, release: Release, *, now: datetime) -> None:
    """Sign off; the last one the plan asks for schedules the release.

    Raises
    ------
    Refused
        The person has signed already.
    IllegalTransition
        The release is no longer proposed.
    """
    if release.state != ReleaseState.PROPOSED:
        raise IllegalTransition(
            "This release is %(state)s, so it cannot be signed.", state=release.state
        )
    if any(sign_off.person_id == actor.id for sign_off in release.sign_offs):
        raise Refused("You have signed this release. Another person signs next.")
    release.sign_offs.append(SignOff(person_id=actor.id, at=now))
    session.flush()
    audit.record(session, actor, "release:sign", release, now=now)
    plan = release.cohort.plan
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
    """Stop a release before it is carried out: nothing has left, nothing will."""
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
    session.flush()
    session.refresh(release, with_for_update={"key_share": True})
    if release.state == ReleaseState.RELEASED:
        return 0
    MACHINE.after(release.state, "carry_out")
    if release.state == ReleaseState.SCHEDULED and (
        release.release_at is None or now < release.release_at
    ):
        raise Refused("The release goes out later.")
    ready = {
        item.submission_id: item
        for item in releasing.candidates(session, release.cohort, now=now, apart_from=release.id)
        if item.ready
    }
    rows = session.execute(
        select(ReleaseItem, Submission, Score)
        .join(Submission, Submission.id == ReleaseItem.submission_id)
        .join(Score, Score.id == ReleaseItem.score_id)
        .where(ReleaseItem.release_id == release.id)
        .order_by(Submission.submitted_at, Submission.id)
    )
    released: list[tuple[Submission, Score]] = []
    left_out: list[str] = []
    for item, submission, score in list(rows):
        candidate = ready.get(submission.id)
        if candidate is None or candidate.score_id != item.score_id:
            left_out.append(submission.id)
        else:
            released.append((submission, score))
    _release_all(session, release, released, now)
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


def see(session: Session, learner: Person, grade: Grade, *, now: datetime) -> None:
    """Note that the learner has opened a result; only the first time is kept."""
    if grade.person_id == learner.id and session.get(GradeSeen, grade.id) is None:
        session.add(GradeSeen(grade_id=grade.id, at=now))


def points_lost(
    session: Session, submission: Submission, *, at: datetime | None = None
) -> tuple[int, float]:
    """Say how many days late a work is by its own deadline, and what that costs.

    Parameters
    ----------
    at : datetime, optional
        When it would be handed in; by default when it was.

    Returns
    -------
    days : int
        Calendar days of the cohort's zone, 0 within the grace or where lateness costs nothing.
    points : float
        Of 100, never more than the plan's most.
    """
    plan = submission.cohort.plan
    if not plan.late_points:
        return 0, 0.0
    due_at, _closes_at = dates.window(session, submission)
    return _late(submission, plan, due_at, at or submission.submitted_at)


def _late(
    submission: Submission, plan: GradingPlan, due_at: datetime, at: datetime | None
) -> tuple[int, float]:
    if at is None:
        return 0, 0.0
    days = days_late(at, due_at, submission.cohort.zone, timedelta(hours=plan.grace_hours))
    return days, min(days * plan.late_points, plan.late_points_most)


def on_plan_scale(
    session: Session, submission: Submission, score: Score, person_id: str
) -> tuple[float, str | None]:
    """Give the value that would be released to a member for a score, and its band.

    What lateness costs and what the member has more or fewer than the group is in it.
    """
    _days, lost = points_lost(session, submission)
    own = members.points(session, submission, person_id)
    value, band = _on_scale(submission.cohort.plan, score, lost, own.points if own else 0.0)
    return float(value), band


def _on_scale(
    plan: GradingPlan, score: Score, lost: float, own: float
) -> tuple[Decimal, str | None]:
    exact = min(max(score.composite - lost + own, 0.0), 100.0)
    return on_scale(exact, plan.bands)


@dataclass(frozen=True)
class _Terms:
    """What the grades of some works of a cohort are made by, read for all of them at once.

    Attributes
    ----------
    late : Mapping
        Submission to the days it is late and the points that costs.
    people : Mapping
        Submission to its members.
    points : Mapping
        (Submission, person) to what that member has more or fewer than the others.
    """

    cohort: Cohort
    plan: GradingPlan
    rubric: Rubric
    late: Mapping[str, tuple[int, float]]
    people: Mapping[str, Sequence[Person]]
    points: Mapping[tuple[str, str], MemberPoints]


def _terms(session: Session, cohort: Cohort, works: Sequence[Submission]) -> _Terms:
    plan = cohort.plan
    due = dates.due_dates(session, works) if plan.late_points else {}
    late = {
        work.id: _late(work, plan, due[work.id], work.submitted_at)
        for work in works
        if work.id in due
    }
    return _Terms(
        cohort,
        plan,
        cohort.rubric_version.rubric,
        late,
        members.people_of(session, works),
        members.points_of(session, [work.id for work in works]),
    )


def _grade(
    terms: _Terms,
    submission: Submission,
    person_id: str,
    score: Score,
    release_id: str,
    now: datetime,
    *,
    number: int = 1,
    amended_for: str | None = None,
) -> Grade:
    days, lost = terms.late.get(submission.id, (0, 0.0))
    own = terms.points.get((submission.id, person_id))
    value, band = _on_scale(terms.plan, score, lost, own.points if own else 0.0)
    detail = _detail(terms, score)
    if lost:
        detail["late"] = {"days": days, "points": lost}
    if own is not None:
        detail["own_points"] = {"points": own.points, "reason": own.reason}
    group = len(terms.people[submission.id])
    if group > 1:
        detail["group"] = group
    return Grade(
        id=new_id(),
        submission=submission,
        person_id=person_id,
        number=number,
        score=score,
        release_id=release_id,
        amended_for=amended_for,
        value=str(value),
        band=band or NOT_PASSED,
        passed=band is not None,
        detail=detail,
        released_at=now,
    )


def amend(
    session: Session,
    submission: Submission,
    before: Grade,
    score: Score,
    *,
    why: str,
    actor: Person,
    now: datetime,
) -> Grade:
    """Replace a released grade: the old one stays on file, the record is issued anew, one mail goes out."""
    grade = _grade(
        _terms(session, submission.cohort, [submission]),
        submission,
        before.person_id,
        score,
        before.release_id,
        now,
        number=before.number + 1,
        amended_for=why,
    )
    session.add(grade)
    session.flush()
    audit.record(
        session,
        actor,
        "grade:amend",
        submission,
        now=now,
        before={"grade": before.id, "value": before.value, "score": before.score_id},
        after={"grade": grade.id, "value": grade.value, "score": score.id},
        reason=why,
    )
    records.replace_grade(session, submission, before, grade, actor=actor, now=now)
    outbox.mail(
        session,
        "result_amended",
        grade.person_id,
        key=f"result:{grade.id}",
        now=now,
        cohort=submission.cohort_id,
    )
    return grade


def amend_all(
    session: Session,
    submission: Submission,
    score: Score,
    *,
    why: str,
    may_lower: bool,
    actor: Person,
    now: datetime,
) -> list[Grade]:
    """Amend the grade of every member whose result moves with a score; a lower one stays unless it may."""
    amended = []
    for before in in_force_of(session, submission):
        value, _band = on_plan_scale(session, submission, score, before.person_id)
        if value > float(before.value) or (may_lower and value < float(before.value)):
            amended.append(amend(session, submission, before, score, why=why, actor=actor, now=now))
    return amended


def in_force_of(session: Session, submission: Submission) -> list[Grade]:
    """List the grades that count for a work now, one for each member it was released to."""
    return list(
        session.scalars(
            select(Grade).where(Grade.submission_id == submission.id, in_force()).order_by(Grade.id)
        )
    )


def _release_all(
    session: Session, release: Release, works: Sequence[tuple[Submission, Score]], now: datetime
) -> None:
    cohort = release.cohort
    terms = _terms(session, cohort, [submission for submission, _ in works])
    entered: list[tuple[Submission, Grade, Person]] = []
    # Nothing is read in between, so nothing has to be written before the end.
    with session.no_autoflush:
        for submission, score in works:
            own = [
                (submission, _grade(terms, submission, person.id, score, release.id, now), person)
                for person in terms.people[submission.id]
            ]
            move(
                session,
                submission,
                "release",
                actor=None,
                now=now,
                note={
                    "score": score.id,
                    "grades": {
                        grade.id: {
                            "person": person.id,
                            "value": grade.value,
                            "band": grade.band,
                        }
                        for _, grade, person in own
                    },
                },
            )
            entered += own
    session.add_all(grade for _, grade, _ in entered)
    session.flush()
    records.enter_all(session, cohort.program, entered, now=now)
    outbox.post_new(
        session,
        "mail",
        [
            (
                f"mail:result:{grade.id}",
                outbox.letter("result_ready", person.id, cohort=release.cohort_id),
            )
            for _, grade, person in entered
        ],
        now=now,
    )
    session.flush()


def _detail(terms: _Terms, score: Score) -> dict[str, Any]:
    """Say all that a reader of the record may be told, so that it never has to be looked up again."""
    cohort, plan, rubric = terms.cohort, terms.plan, terms.rubric
    return {
        "criteria": [
            {
                "code": criterion.code,
                "title": criterion.title,
                "weight": criterion.weight,
                "level": score.criteria[criterion.code]["level"],
                "points": score.criteria[criterion.code]["points"],
                "levels": [level.name for level in criterion.levels],
            }
            for criterion in rubric.criteria
        ],
        "rubric": {
            "name": cohort.rubric_version.name,
            "version": cohort.rubric_version.number,
            "digest": cohort.rubric_version.digest,
        },
        "plan": {
            "version": cohort.plan_version.version,
            "digest": cohort.plan_version.digest,
            "preset": plan.preset,
        },
        "scale": {
            "cut": plan.cut,
            "bands": [list(band) for band in plan.bands],
            "provisional": plan.scale_provisional,
        },
        "method": score.method,
        "raters": {"professional": score.professionals, "peer": score.peers},
        "composite": score.composite,
        "standard_error": score.standard_error,
    }
