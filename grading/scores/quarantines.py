"""Setting a rater's ratings aside on a lead's word, and lifting that again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager

from grading.authorization.predicates import has_own_interest
from grading.errors import Fault, FaultsFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Alarm,
    Allocation,
    AnchorPaper,
    AnchorReading,
    Cohort,
    Person,
    Quarantine,
    QuarantinedRating,
    Rating,
    Score,
    Standing,
    Submission,
)
from grading.readings import check_items
from grading.readings.queries import standings
from grading.readings.queries.ratings import set_aside, struck
from grading.scores import settling
from grading.workflow.allocation import (
    OF_ANCHORS,
    OUTSTANDING,
    THIRD_READINGS,
    AllocationState,
    Pool,
    Purpose,
)
from grading.workflow.calibration import CLEARED, StandingState
from grading.workflow.monitoring import QuarantineState
from grading.workflow.submission import SubmissionState


@dataclass(frozen=True)
class Effect:
    """What a quarantine touched: works read again, and released ones for the lead to look at."""

    ratings: int
    again: Sequence[Submission]
    released: Sequence[Submission]


def last_good_check(
    session: Session, cohort: Cohort, person_id: str, criterion: str | None, *, before: datetime
) -> datetime | None:
    """Find when a rater last met the tolerance on a check item, on the criterion or on all."""
    rows = session.execute(
        select(Allocation, AnchorPaper.levels)
        .join(AnchorReading, AnchorReading.allocation_id == Allocation.id)
        .join(AnchorPaper, AnchorPaper.id == AnchorReading.anchor_id)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.rater_id == person_id,
            Allocation.purpose == Purpose.VALIDITY,
            Allocation.state == AllocationState.SEALED,
            Allocation.finished_at <= before,
        )
        .order_by(Allocation.finished_at.desc())
    )
    plan, rubric = cohort.plan, cohort.rubric_version.rubric
    for item, definitive in rows:
        if item.review is None or not definitive:
            continue
        if criterion is None:
            good = not check_items.is_miss(rubric, plan, item.review.levels, definitive)
        else:
            off = abs(item.review.levels[criterion] - definitive[criterion])
            good = off <= plan.check_tolerance_levels
        if good:
            return cast(datetime, item.finished_at)
    return None


def since_of(session: Session, cohort: Cohort, alarm: Alarm) -> datetime:
    """Say from when on to set aside for an alarm: after the last good check before the movement shows."""
    began = session.get_one(Allocation, alarm.since_id).finished_at
    assert began is not None
    good = last_good_check(session, cohort, alarm.person_id, alarm.criterion, before=began)
    return good or began


def affected(
    session: Session, cohort: Cohort, person_id: str, criterion: str | None, since: datetime
) -> Sequence[Rating]:
    """List the ratings a quarantine would set aside: of works' sealed readings finished after ``since``."""
    statement = (
        select(Rating)
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.rater_id == person_id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.purpose.not_in(OF_ANCHORS),
            Allocation.state == AllocationState.SEALED,
            Allocation.finished_at > since,
            ~struck(),
            ~set_aside(),
        )
        .order_by(Rating.id)
    )
    if criterion is not None:
        statement = statement.where(Rating.criterion == criterion)
    return list(session.scalars(statement))


def _judges_others(session: Session, lead: Person, works: Sequence[Submission]) -> None:
    if has_own_interest(session, lead.id, [work.id for work in works]):
        raise Refused("One of the projects concerned is your own, so another lead decides.")


def preview(
    session: Session, cohort: Cohort, person_id: str, criterion: str | None, since: datetime
) -> Effect:
    """Say what a quarantine would touch, without touching it."""
    ratings = affected(session, cohort, person_id, criterion, since)
    works = _works(session, ratings)
    return Effect(
        len(ratings),
        [work for work in works if work.state not in _FINAL],
        [work for work in works if work.state == SubmissionState.RELEASED],
    )


def impose(
    session: Session,
    lead: Person,
    cohort: Cohort,
    rater: Person,
    *,
    criterion: str | None,
    since: datetime,
    reason: str,
    now: datetime,
    alarm: Alarm | None = None,
) -> tuple[Quarantine, Effect]:
    """Set aside what a rater gave on a criterion (or on all: None) after some instant.

    The ratings stay and stop counting. Works that are not released are opened and read again; released
    ones are only listed, because a grade changes by a decision, never by itself. The rater's standing on
    the criterion is set aside with them.

    Raises
    ------
    Refused
        It is the lead's own, a work of theirs is concerned, or there is nothing to set aside.
    FaultsFound
        No reason.
    """
    take_turns(session, cohort)
    if lead.id == rater.id:
        raise Refused("Another lead decides about your ratings.")
    if not reason.strip():
        raise FaultsFound([Fault("reason", "Give a reason: the grader reads it.")])
    ratings = affected(session, cohort, rater.id, criterion, since)
    if not ratings:
        raise Refused("There is nothing to set aside since then.")
    works = _works(session, ratings)
    _judges_others(session, lead, works)
    quarantine = Quarantine(
        cohort_id=cohort.id,
        person=rater,
        criterion=criterion,
        alarm_id=alarm.id if alarm else None,
        since=since,
        reason=reason.strip(),
        by_id=lead.id,
        at=now,
    )
    session.add(quarantine)
    session.flush()
    session.add_all(
        QuarantinedRating(quarantine_id=quarantine.id, rating_id=rating.id) for rating in ratings
    )
    session.flush()
    effect = Effect(
        len(ratings),
        [work for work in works if work.state not in _FINAL and _read_again(session, work, now)],
        [work for work in works if work.state == SubmissionState.RELEASED],
    )
    audit.record(
        session,
        lead,
        "quarantine:impose",
        quarantine,
        now=now,
        after={
            "state": quarantine.state,
            "person": rater.id,
            "criterion": criterion,
            "since": since,
            "ratings": [rating.id for rating in ratings],
            "again": [work.id for work in effect.again],
            "released": [work.id for work in effect.released],
        },
        reason=quarantine.reason,
    )
    for standing in _standings(session, cohort, rater, criterion, CLEARED):
        standing.cohort_id = cohort.id
        move(session, standing, "set_aside", actor=lead, now=now, since=now)
    outbox.needs(session, rater, zone=cohort.zone, now=now)
    return quarantine, effect


_FINAL = (SubmissionState.RELEASED, SubmissionState.WITHDRAWN, SubmissionState.WITHHELD)


def _works(session: Session, ratings: Sequence[Rating]) -> Sequence[Submission]:
    ids = sorted({rating.submission_id for rating in ratings})
    return list(
        session.scalars(select(Submission).where(Submission.id.in_(ids)).order_by(Submission.id))
    )


def _read_again(session: Session, work: Submission, now: datetime) -> bool:
    """Open a work whose score rests on what is set aside, and call as many readings in its place."""
    if work.state == SubmissionState.RESOLVED:
        move(session, work, "reopen", actor=None, now=now)
    lost = settling.set_aside_readings(session, work)
    settling.want_professionals(session, work, work.professionals_wanted + lost, "set_aside", now)
    return True


def _standings(
    session: Session,
    cohort: Cohort,
    rater: Person,
    criterion: str | None,
    states: Sequence[StandingState],
) -> Sequence[Standing]:
    statement = select(Standing).where(
        Standing.rubric_version_id == cohort.rubric_version_id,
        Standing.person_id == rater.id,
        Standing.state.in_(states),
    )
    if criterion is not None:
        statement = statement.where(Standing.criterion == criterion)
    return list(session.scalars(statement))


def lift(
    session: Session, lead: Person, quarantine: Quarantine, *, reason: str, now: datetime
) -> Sequence[Submission]:
    """Let the ratings count again, and the standing with them.

    Readings called in their place stay where somebody has taken them, and are taken back elsewhere;
    scores are computed anew.

    Raises
    ------
    Refused
        It is the lead's own, or a work of theirs is concerned.
    FaultsFound
        No reason.
    IllegalTransition
        Lifted already.
    """
    take_turns(session, quarantine)
    if lead.id == quarantine.person_id:
        raise Refused("Another lead decides about your ratings.")
    if not reason.strip():
        raise FaultsFound([Fault("reason", "Give a reason: the grader reads it.")])
    ratings = list(
        session.scalars(
            select(Rating)
            .join(QuarantinedRating, QuarantinedRating.rating_id == Rating.id)
            .where(QuarantinedRating.quarantine_id == quarantine.id)
        )
    )
    works = _works(session, ratings)
    _judges_others(session, lead, works)
    move(
        session,
        quarantine,
        "lift",
        actor=lead,
        now=now,
        reason=reason.strip(),
        lifted_by_id=lead.id,
        lifted_at=now,
    )
    session.flush()
    for work in works:
        restored = {one.allocation_id for one in ratings if one.submission_id == work.id}
        if work.state not in _FINAL:
            _no_longer_again(session, work, len(restored), lead, now)
    cohort = session.get_one(Cohort, quarantine.cohort_id)
    for standing in _standings(
        session, cohort, quarantine.person, quarantine.criterion, (StandingState.SET_ASIDE,)
    ):
        # Another quarantine, here or in another cohort, may still be about the same standing.
        if session.scalar(
            select(standings.is_quarantined(standing.person_id, cohort, standing.criterion))
        ):
            continue
        standing.cohort_id = cohort.id
        move(session, standing, "restore", actor=lead, now=now, since=now)
    return works


def _no_longer_again(
    session: Session, work: Submission, count: int, lead: Person, now: datetime
) -> None:
    """Take back readings called in place of what counts again, as far as nobody has taken them."""
    readings = list(
        session.scalars(
            select(Allocation).where(
                Allocation.submission_id == work.id,
                Allocation.state.in_((*OUTSTANDING, AllocationState.SEALED)),
                Allocation.pool == Pool.PROFESSIONAL,
                Allocation.purpose.not_in(THIRD_READINGS),
            )
        )
    )
    unread = [item for item in readings if item.state == AllocationState.OPEN][:count]
    for item in unread:
        move(session, item, "cancel", actor=lead, now=now, ended_at=now)
    work.professionals_wanted = max(work.professionals_wanted - count, len(readings) - len(unread))
    settling.settle(session, work, now=now)


def of_cohort(session: Session, cohort: Cohort) -> Sequence[tuple[Quarantine, int]]:
    """List a cohort's quarantines with how many ratings each set aside, the latest first."""
    rows = session.execute(
        select(Quarantine, func.count(QuarantinedRating.rating_id))
        .join(QuarantinedRating, QuarantinedRating.quarantine_id == Quarantine.id)
        .join(Quarantine.person)
        .options(contains_eager(Quarantine.person))
        .where(Quarantine.cohort_id == cohort.id)
        .group_by(Quarantine.id, Person.id)
        .order_by(Quarantine.at.desc(), Quarantine.id)
    )
    return [(quarantine, count) for quarantine, count in rows]


def of_person(session: Session, cohort: Cohort, person_id: str) -> Sequence[tuple[Quarantine, int]]:
    """List what was set aside of one person, the latest first."""
    return [one for one in of_cohort(session, cohort) if one[0].person_id == person_id]


def possible_amendments(session: Session, cohort: Cohort) -> Sequence[tuple[Submission, Score]]:
    """List released works whose score rests on ratings that are set aside: the lead looks at each."""
    found = []
    rows = session.execute(
        select(Submission, Rating.id)
        .join(Rating, Rating.submission_id == Submission.id)
        .join(QuarantinedRating, QuarantinedRating.rating_id == Rating.id)
        .join(Quarantine, Quarantine.id == QuarantinedRating.quarantine_id)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.state == SubmissionState.RELEASED,
            Quarantine.state == QuarantineState.IN_FORCE,
        )
        .order_by(Submission.id)
    )
    aside: dict[str, tuple[Submission, set[int]]] = {}
    for work, rating_id in rows:
        aside.setdefault(work.id, (work, set()))[1].add(rating_id)
    scores = {
        score.submission_id: score
        for score in session.scalars(
            select(Score)
            .where(Score.submission_id.in_(list(aside)))
            .order_by(Score.submission_id, Score.number)
        )
    }
    for work, ratings in aside.values():
        score = scores.get(work.id)
        if score is not None and ratings & set(score.rating_ids):
            found.append((work, score))
    return found
