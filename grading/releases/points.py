"""Points that one member of a group has more or fewer than the group, with a reason they read."""

import math
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.authorization.predicates import has_own_interest
from grading.cohorts.queries import group_members
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import audit
from grading.ledger.turns import take_turns
from grading.models import Challenge, Grade, MemberPoints, Person, Release, ReleaseItem, Submission
from grading.models.codes import new_id
from grading.people import approvals
from grading.people.approvals import Answer
from grading.releases import grades, results
from grading.releases.results import ReleaseLine
from grading.workflow.approval import Action, text_digest
from grading.workflow.group import MemberState
from grading.workflow.release import PENDING, Amended
from grading.workflow.submission import SubmissionState

SHORTEST_REASON, LONGEST_REASON = 20, 5_000
MOST = 100.0
# From handing in on, as long as there is a result or will be one.
_GRADED = (
    SubmissionState.SUBMITTED,
    SubmissionState.BEGUN,
    SubmissionState.DISCREPANT,
    SubmissionState.RESOLVED,
    SubmissionState.RELEASED,
)


def set_points(
    session: Session,
    actor: Person,
    submission: Submission,
    person: Person,
    *,
    points: float,
    reason: str,
    now: datetime,
    signed: Answer | None = None,
) -> Grade | None:
    """Give or take points for one member; after release their grade is amended, the others' stay.

    Parameters
    ----------
    points : float
        Of 100, added to the group's; 0 takes back what was given or taken before.
    signed : Answer, optional
        What shows that it is the actor, to what `lay_before` put before them; needed where the plan asks
        for it and the result is released.

    Returns
    -------
    Grade or None
        The amended grade; None before release.

    Raises
    ------
    NotFound
        The actor has a part in the work, or the person has none.
    Refused
        It is nobody's group work, is not graded, or is in a release that is on its way; or the signature
        is none to this.
    ListChanged
        The points would release something else than what was signed.
    FaultsFound
        Points out of range, or no reason.
    """
    _may_set(session, actor, submission, person, points, reason)
    points_id = signed.challenge.subject_id if signed else new_id()
    if (lines := moved(session, submission, person, points)) or signed is not None:
        approvals.accept_where_asked(
            session,
            actor,
            signed,
            Action.SET_POINTS,
            points_id,
            cohort=submission.cohort,
            records=results.signed_form(lines),
            note=_note(points, reason),
            now=now,
        )
    before = _now(session, submission, person)
    number = session.scalar(
        select(func.count())
        .select_from(MemberPoints)
        .where(MemberPoints.submission_id == submission.id, MemberPoints.person_id == person.id)
    )
    given = MemberPoints(
        id=points_id,
        submission=submission,
        person_id=person.id,
        number=(number or 0) + 1,
        points=points,
        reason=reason.strip(),
        by_id=actor.id,
        at=now,
    )
    session.add(given)
    session.flush()
    # The reason is kept with the points: the chain outlives the right to forget.
    audit.record(
        session,
        actor,
        "member:set_points",
        given,
        now=now,
        before={"points": before},
        after={"points": points, "submission": submission.id, "person": person.id},
    )
    grade = grades.grade_in_force(session, submission, person.id)
    if grade is None:
        return None
    return grades.amend(
        session,
        submission,
        grade,
        grade.score,
        lines[0],
        why=Amended.OWN_POINTS,
        actor=actor,
        now=now,
    )


def lay_before(
    session: Session,
    actor: Person,
    submission: Submission,
    person: Person,
    *,
    points: float,
    reason: str,
    now: datetime,
) -> Challenge:
    """Put before a person the result that their points would release, to sign; raises as `set_points`."""
    _may_set(session, actor, submission, person, points, reason)
    return approvals.lay_before(
        session,
        actor,
        Action.SET_POINTS,
        new_id(),
        cohort_id=submission.cohort_id,
        records=results.signed_form(moved(session, submission, person, points)),
        note=_note(points, reason),
        entered={"reason": reason.strip()},
        now=now,
    )


def _note(points: float, reason: str) -> dict[str, Any]:
    return {"points": points, "reason": text_digest(reason)}


def moved(
    session: Session, submission: Submission, person: Person, points: float
) -> list[ReleaseLine]:
    """Say what points of a member would release anew: their one result, or nothing before release."""
    grade = grades.grade_in_force(session, submission, person.id)
    if grade is None or not math.isfinite(points):
        return []
    return [results.release_line(session, submission, grade.score, person.id, own_points=points)]


def _may_set(
    session: Session,
    actor: Person,
    submission: Submission,
    person: Person,
    points: float,
    reason: str,
) -> None:
    take_turns(session, submission)
    if has_own_interest(session, actor.id, [submission.id]):
        raise NotFound("There is no such project.")
    group = group_members.people(session, submission, (MemberState.JOINED,))
    if person.id not in {member.id for member in group}:
        raise NotFound("There is no such project.")
    if len(group) < 2:
        raise Refused("Only a member of a group has points of their own.")
    if submission.state not in _GRADED:
        raise Refused("This project has no result to come.")
    if session.scalar(
        select(ReleaseItem.release_id)
        .join(Release, Release.id == ReleaseItem.release_id)
        .where(ReleaseItem.submission_id == submission.id, Release.state.in_(PENDING))
    ):
        raise Refused("This result is in a release that is on its way. Stop the release first.")
    faults = []
    if not math.isfinite(points) or abs(points) > MOST:
        faults.append(Fault("points", "Give points from -100 to 100."))
    elif points == (_now(session, submission, person)):
        faults.append(Fault("points", "Nothing would change by this."))
    if not SHORTEST_REASON <= len(reason.strip()) <= LONGEST_REASON:
        faults.append(
            Fault(
                "reason",
                "Use %(low)s to %(high)s characters.",
                {"low": SHORTEST_REASON, "high": LONGEST_REASON},
            )
        )
    if faults:
        raise FaultsFound(faults)


def _now(session: Session, submission: Submission, person: Person) -> float:
    found = group_members.points(session, submission, person.id)
    return found.points if found else 0.0
