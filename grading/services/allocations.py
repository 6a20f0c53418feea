"""Who reads what: the batch at the deadline, the claim on demand, and holds."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil

import numpy as np
from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session, aliased

from grading.errors import HoldLost, NotFound, Refused
from grading.measurement import allocation as measurement
from grading.models import (
    Allocation,
    Cohort,
    ConflictOfInterest,
    Exposure,
    Membership,
    Person,
    Submission,
    SubmissionMember,
)
from grading.models.codes import new_code, new_id
from grading.queries import dates, standings
from grading.queries.eligible import gradable, may_read
from grading.services import audit, outbox
from grading.services.transitions import move
from grading.workflow.allocation import (
    ATTEMPTED,
    HELD,
    THIRD_READINGS,
    AllocationState,
    Pool,
    Purpose,
)
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import hold_until
from grading.workflow.group import TOOK_PART, MemberState
from grading.workflow.plan import GradingPlan
from grading.workflow.submission import SubmissionState

# So long a lapsed hold with a draft still keeps others away.
DRAFT_KEPT = timedelta(hours=24)


class BlindCodes:
    """Codes of one cohort: each names a submission to one rater only, and none is given twice."""

    def __init__(self, session: Session, cohort_id: str) -> None:
        self._taken = set(
            session.scalars(select(Allocation.blind_code).where(Allocation.cohort_id == cohort_id))
        )

    def draw(self) -> str:
        while True:
            letters = new_code(6)
            code = f"{letters[:3]}-{letters[3:]}"
            if code not in self._taken:
                self._taken.add(code)
                return code


def give(
    session: Session,
    submission: Submission,
    rater: Person | None,
    pool: Pool,
    purpose: Purpose,
    *,
    codes: BlindCodes,
    now: datetime,
) -> Allocation:
    """Make an allocation: to a rater, or open to whoever may claim it."""
    cohort = session.get_one(Cohort, submission.cohort_id)
    return give_in(session, cohort, submission, rater, pool, purpose, codes=codes, now=now)


def give_in(
    session: Session,
    cohort: Cohort,
    submission: Submission,
    rater: Person | None,
    pool: Pool,
    purpose: Purpose,
    *,
    codes: BlindCodes,
    now: datetime,
    id_: str | None = None,
) -> Allocation:
    """Make an allocation in a cohort; an anchor paper's submission can be of an earlier one."""
    allocation = Allocation(
        id=id_ or new_id(),
        cohort=cohort,
        submission=submission,
        rater=rater,
        pool=pool,
        purpose=purpose,
        state=AllocationState.ALLOCATED if rater else AllocationState.OPEN,
        blind_code=codes.draw(),
        created_at=now,
    )
    session.add(allocation)
    audit.record(
        session,
        None,
        "item:allocate",
        allocation,
        now=now,
        after={
            "state": allocation.state,
            "submission": submission.id,
            "rater": rater.id if rater else None,
            "pool": pool,
            "purpose": purpose,
        },
        chain=cohort.id,
    )
    return allocation


def members(session: Session, cohort: Cohort, *roles: Role) -> list[Person]:
    """List the people who have one of the roles now, by address, so that a seed repeats a draw."""
    return list(
        session.scalars(
            select(Person)
            .where(
                Person.id.in_(
                    select(Membership.person_id).where(
                        Membership.cohort_id == cohort.id,
                        Membership.role.in_(roles),
                        Membership.ended_at.is_(None),
                    )
                ),
                Person.active.is_(True),
            )
            .order_by(Person.email)
        )
    )


def peers(session: Session, cohort: Cohort) -> list[Person]:
    """List who may be given peer reviews, as the plan says."""
    if cohort.plan.peers_from == "invited":
        return members(session, cohort, Role.PEER)
    submitted = (
        select(SubmissionMember.person_id)
        .join(Submission, Submission.id == SubmissionMember.submission_id)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.state.not_in((SubmissionState.DRAFT, SubmissionState.WITHDRAWN)),
            SubmissionMember.state == MemberState.JOINED,
        )
    )
    wanted = set(session.scalars(submitted))
    return [person for person in members(session, cohort, Role.LEARNER) if person.id in wanted]


def forbidden_pairs(
    session: Session, cohort: Cohort, works: Sequence[Submission], raters: Sequence[Person]
) -> set[tuple[int, int]]:
    """List the (work, rater) positions that must not meet.

    Whoever had a part in the work, a conflict of interest with one of them, exposure, read already, or
    another attempt of one of them read.
    """
    work_of_id = {work.id: index for index, work in enumerate(works)}
    rater_of_id = {rater.id: index for index, rater in enumerate(raters)}
    member, elsewhere = aliased(SubmissionMember), aliased(SubmissionMember)
    in_cohort = (member.cohort_id == cohort.id, member.state.in_(TOOK_PART))
    met: Iterable[tuple[str, str | None]] = [
        *session.execute(select(member.submission_id, member.person_id).where(*in_cohort)),
        *session.execute(
            select(member.submission_id, ConflictOfInterest.rater_id)
            .join(ConflictOfInterest, ConflictOfInterest.learner_id == member.person_id)
            .where(ConflictOfInterest.cohort_id == cohort.id, *in_cohort)
        ),
        *session.execute(
            select(Allocation.submission_id, Allocation.rater_id).where(
                Allocation.cohort_id == cohort.id, Allocation.rater_id.is_not(None)
            )
        ),
        *session.execute(
            select(member.submission_id, Allocation.rater_id)
            .join(elsewhere, elsewhere.person_id == member.person_id)
            .join(Allocation, Allocation.submission_id == elsewhere.submission_id)
            .where(
                *in_cohort,
                elsewhere.submission_id != member.submission_id,
                elsewhere.state.in_(TOOK_PART),
                Allocation.rater_id.is_not(None),
            )
        ),
        *session.execute(
            select(Exposure.submission_id, Exposure.person_id)
            .join(Submission, Submission.id == Exposure.submission_id)
            .where(Submission.cohort_id == cohort.id)
        ),
    ]
    pairs: set[tuple[int, int]] = set()
    for work_id, person in met:
        if work_id in work_of_id and person in rater_of_id:
            pairs.add((work_of_id[work_id], rater_of_id[person]))
    return pairs


def loads(session: Session, cohort: Cohort, pool: Pool, raters: Sequence[Person]) -> list[int]:
    """Count what each rater has of a pool's items, ended ones apart."""
    ended = (AllocationState.DECLINED, AllocationState.LAPSED, AllocationState.CANCELLED)
    counted = dict(
        session.execute(
            select(Allocation.rater_id, func.count())
            .where(
                Allocation.cohort_id == cohort.id,
                Allocation.pool == pool,
                Allocation.state.not_in(ended),
            )
            .group_by(Allocation.rater_id)
        ).all()
    )
    return [counted.get(rater.id, 0) for rater in raters]


def _caps(cap: int | None, count: int) -> np.ndarray | None:
    return None if cap is None else np.full(count, cap)


def allocate(
    session: Session, cohort: Cohort, *, seed: int, now: datetime, actor: Person | None = None
) -> int:
    """Give every submission of the deadline its readers, in one draw.

    The draw depends on the seed and on who took part alone; the seed stands in the audit entry, with
    the groups of professionals that no shared work links, if there are more than one.

    Returns
    -------
    int
        How many allocations were made.
    """
    if cohort.allocated_at is not None:
        raise Refused("The projects of this cohort are allocated already.")
    works = list(
        session.scalars(
            select(Submission)
            .join(Person, Person.id == Submission.learner_id)
            .where(
                Submission.cohort_id == cohort.id,
                Submission.state == SubmissionState.SUBMITTED,
                Submission.allocated_at.is_(None),
            )
            .order_by(Person.email, Submission.attempt)
        )
    )
    rng = np.random.default_rng(seed)
    want(works, cohort.plan, rng, now=now)
    codes = BlindCodes(session, cohort.id)
    made, groups = 0, 1
    away = dates.absent(session, cohort, now)
    graders = standings.grading(session, cohort, members(session, cohort, Role.GRADER), now)
    professionals = [person for person in graders if person.id not in away]
    drawn = _draw(
        session,
        cohort,
        works,
        professionals,
        Pool.PROFESSIONAL,
        cohort.plan.grader_load,
        rng,
        link=True,
    )
    made += _keep(session, works, professionals, drawn, Pool.PROFESSIONAL, codes, now)
    if professionals and len(drawn.components) > 1:
        groups = len(drawn.components)
    raters = peers(session, cohort)
    peer_draw = _draw(
        session, cohort, works, raters, Pool.PEER, cohort.plan.peer_load, rng, link=False
    )
    made += _keep(session, works, raters, peer_draw, Pool.PEER, codes, now)
    cohort.allocated_at = now
    audit.record(
        session,
        actor,
        "cohort:allocate",
        cohort,
        now=now,
        after={
            "seed": seed,
            "submissions": len(works),
            "allocations": made,
            "unplaced_professional": sum(drawn.unmet.values()),
            "unplaced_peer": sum(peer_draw.unmet.values()),
            "groups": groups,
        },
    )
    given = [professionals[position] for position in sorted(set(drawn.raters.tolist()))]
    given += [raters[position] for position in sorted(set(peer_draw.raters.tolist()))]
    outbox.tell(session, given, now=now, zone=cohort.zone)
    return made


def want(
    works: Sequence[Submission], plan: GradingPlan, rng: np.random.Generator, *, now: datetime
) -> None:
    """Decide how many readings each work is to have: the plan's shares, drawn at random."""
    n = len(works)
    read = np.zeros(n, dtype=int)
    chosen = rng.permutation(n)[: ceil(round(plan.professional_share * n, 9))]
    read[chosen] = plan.professional_readings
    seconds = min(max(ceil(round(plan.second_share * n, 9)), plan.second_minimum), len(chosen))
    if plan.second_share > 0:
        read[rng.permutation(chosen)[:seconds]] += 1
    for work, professionals in zip(works, read, strict=True):
        work.professionals_wanted = int(professionals)
        work.peers_wanted = plan.peer_readings
        work.allocated_at = now


def want_late(
    session: Session,
    works: Sequence[Submission],
    cohort: Cohort,
    rng: np.random.Generator,
    *,
    seed: int,
    now: datetime,
) -> None:
    """Decide the same for works that came after the draw, each by chance of its own."""
    plan = cohort.plan
    for work in works:
        work.professionals_wanted = 0
        if rng.random() < plan.professional_share:
            work.professionals_wanted = plan.professional_readings
            work.professionals_wanted += int(rng.random() < plan.second_share)
        work.peers_wanted = plan.peer_readings
        work.allocated_at = now
        audit.record(
            session,
            None,
            "submission:want_readings",
            work,
            now=now,
            after={
                "seed": seed,
                "professionals_wanted": work.professionals_wanted,
                "peers_wanted": work.peers_wanted,
            },
        )


def _draw(
    session: Session,
    cohort: Cohort,
    works: Sequence[Submission],
    raters: Sequence[Person],
    pool: Pool,
    cap: int | None,
    rng: np.random.Generator,
    *,
    link: bool,
) -> measurement.Allocation:
    wanted = [
        work.professionals_wanted if pool is Pool.PROFESSIONAL else work.peers_wanted
        for work in works
    ]
    return measurement.allocate(
        len(works),
        len(raters),
        wanted,
        forbidden=sorted(forbidden_pairs(session, cohort, works, raters)),
        load=_caps(cap, len(raters)),
        already=loads(session, cohort, pool, raters),
        link=link,
        rng=rng,
    )


def _keep(
    session: Session,
    works: Sequence[Submission],
    raters: Sequence[Person],
    drawn: measurement.Allocation,
    pool: Pool,
    codes: BlindCodes,
    now: datetime,
) -> int:
    live: dict[int, int] = {}
    for work, rater in zip(drawn.works.tolist(), drawn.raters.tolist(), strict=True):
        first = live.get(work, 0) == 0
        live[work] = live.get(work, 0) + 1
        purpose = Purpose.LIVE if first or pool is Pool.PEER else Purpose.SECOND_READING
        give(session, works[work], raters[rater], pool, purpose, codes=codes, now=now)
    return len(drawn.works)


def allocate_peers(
    session: Session,
    cohort: Cohort,
    works: Sequence[Submission],
    short: Sequence[int],
    *,
    rng: np.random.Generator,
    codes: BlindCodes,
    now: datetime,
) -> int:
    """Find peers for works that lost some or came late; whoever has least is asked first."""
    raters = peers(session, cohort)
    cap = cohort.plan.peer_load
    drawn = measurement.allocate(
        len(works),
        len(raters),
        list(short),
        forbidden=sorted(forbidden_pairs(session, cohort, works, raters)),
        load=_caps(cap, len(raters)),
        already=loads(session, cohort, Pool.PEER, raters),
        rng=rng,
    )
    made = _keep(session, works, raters, drawn, Pool.PEER, codes, now)
    told = [raters[position] for position in sorted(set(drawn.raters.tolist()))]
    outbox.tell(session, told, now=now, zone=cohort.zone)
    return made


def next_held(session: Session, rater: Person, cohort: Cohort) -> Allocation | None:
    """Give what a professional has at hand: what they began first, else by their own stable order."""
    return session.scalar(
        select(Allocation)
        .join(Submission, Submission.id == Allocation.submission_id)
        .where(
            Allocation.rater_id == rater.id,
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state.in_(HELD),
            Allocation.purpose.not_in(ATTEMPTED),
            gradable(),
        )
        .order_by(case((Allocation.state == AllocationState.BEGUN, 0), else_=1), own_order(rater))
        .limit(1)
    )


def own_order(rater: Person) -> ColumnElement[str]:
    """Order items by a hash of item and rater: stable for one, different for each, blind to time."""
    return func.md5(Allocation.id + rater.id)


def _claimable(rater: Person, cohort: Cohort, now: datetime) -> Select[Allocation]:
    """The statement of a claim: everything that could forbid it stands in its WHERE."""
    held = aliased(Allocation)
    holding = (
        select(func.count())
        .select_from(held)
        .where(
            held.rater_id == rater.id,
            held.state.in_(HELD),
            held.hold_until.is_not(None),
        )
        .scalar_subquery()
    )
    statement = (
        select(Allocation)
        .join(Submission, Submission.id == Allocation.submission_id)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.state == AllocationState.OPEN,
            Allocation.pool == Pool.PROFESSIONAL,
            gradable(),
            may_read(rater.id),
            standings.may_grade(rater.id, cohort, now),
            holding < cohort.plan.most_holds,
        )
    )
    if cohort.plan.grader_load is not None:
        other = aliased(Allocation)
        ended = (AllocationState.DECLINED, AllocationState.LAPSED, AllocationState.CANCELLED)
        load = (
            select(func.count())
            .select_from(other)
            .where(
                other.rater_id == rater.id,
                other.cohort_id == cohort.id,
                other.state.not_in(ended),
            )
            .scalar_subquery()
        )
        statement = statement.where(load < cohort.plan.grader_load)
    return statement


def claim(
    session: Session,
    rater: Person,
    cohort: Cohort,
    *,
    now: datetime,
    allocation_id: str | None = None,
    hold_hours: float | None = None,
) -> Allocation | None:
    """Take the next open item, or a named one, for a professional; None when there is none.

    Two raters never get one item: the row is locked as it is found, and a locked one is passed over.
    """
    if cohort.state != CohortState.OPEN:
        return None
    # One rater's own claims take turns, so that two tabs cannot pass the most they may hold.
    session.execute(select(Person.id).where(Person.id == rater.id).with_for_update(key_share=True))
    statement = _claimable(rater, cohort, now)
    if allocation_id is not None:
        statement = statement.where(Allocation.id == allocation_id)
    allocation = session.scalar(
        statement.order_by(own_order(rater))
        .limit(1)
        .with_for_update(of=Allocation, skip_locked=True, key_share=True)
    )
    if allocation is None:
        return None
    allocation.rater = rater
    hours = cohort.plan.grader_hold_hours if hold_hours is None else hold_hours
    move(
        session,
        allocation,
        "claim",
        actor=rater,
        now=now,
        rater_id=rater.id,
        held_since=now,
        hold_until=hold_until(
            now, now, idle_hours=hours, cap_hours=max(cohort.plan.grader_hold_cap_hours, hours)
        ),
    )
    return allocation


def claim_case(session: Session, actor: Person, item: Allocation, *, now: datetime) -> Allocation:
    """Take the third reading of a disputed grade, or the re-mark of an appeal, oneself, blind.

    Raises
    ------
    Refused
        Taken by somebody else, or not for this person: they have read it, have seen its
        scores, or have a conflict of interest.
    """
    if item.purpose not in THIRD_READINGS:
        raise NotFound("There is no such case.")
    cohort = item.cohort
    if item.rater_id == actor.id and item.state in HELD:
        return item
    allocation = claim(
        session,
        actor,
        cohort,
        now=now,
        allocation_id=item.id,
        hold_hours=cohort.plan.case_hold_hours,
    )
    if allocation is None:
        if item.state != AllocationState.OPEN:
            raise Refused("Somebody else has this case, or it is settled.")
        raise Refused(
            "This case is not for you: you have read the project or seen its scores, have a conflict of "
            "interest, or hold as many items as you may."
        )
    return allocation


def own(session: Session, rater: Person, allocation: Allocation, now: datetime) -> None:
    """See that the rater still has the item; raises `HoldLost` with the reason, or `NotFound`."""
    if allocation.rater_id != rater.id:
        raise NotFound("There is no such item.")
    state = allocation.state
    if allocation.submission.state == SubmissionState.WITHHELD and state != AllocationState.SEALED:
        raise HoldLost("closed", "This project is no longer graded. Your draft is kept.")
    if state == AllocationState.CANCELLED:
        raise HoldLost("withdrawn", "The learner took this project back. Your draft is kept.")
    if state == AllocationState.DECLINED:
        raise HoldLost("declined", "You handed this item back.")
    live = allocation.pool == Pool.PROFESSIONAL and allocation.purpose not in ATTEMPTED
    if (
        live
        and state in HELD
        and standings.pause_of(session, allocation.cohort_id, rater.id) is not None
    ):
        raise HoldLost("paused", "Your queue is paused by your lead. Your draft is kept.")
    if state == AllocationState.LAPSED:
        if allocation.replaced:
            raise HoldLost("reassigned", "Someone else is grading this now. Your draft is kept.")
        raise HoldLost("expired", "Your hold ended. Your draft is kept, and you can take it back.")
    if state in HELD and allocation.hold_until is not None and allocation.hold_until < now:
        raise HoldLost("expired", "Your hold ended. Your draft is kept, and you can take it back.")


def reclaim(session: Session, rater: Person, allocation: Allocation, *, now: datetime) -> None:
    """Take a lapsed item back while nobody else has it."""
    if allocation.rater_id != rater.id:
        raise NotFound("There is no such item.")
    late = allocation.hold_until is not None and allocation.hold_until < now
    if allocation.state in HELD and late:
        lapse(session, allocation, now=now)
    if allocation.state != AllocationState.LAPSED:
        own(session, rater, allocation, now)
        return
    if allocation.replaced:
        raise HoldLost("reassigned", "Someone else is grading this now. Your draft is kept.")
    own_calendar = dates.personal(session, allocation.cohort, rater.id)
    if allocation.pool == Pool.PEER and now > own_calendar.peers_due_at:
        raise Refused("Peer reviews have closed.")
    move(
        session,
        allocation,
        "reclaim",
        actor=rater,
        now=now,
        held_since=now,
        hold_until=_fresh_hold(session, allocation, now, now),
        ended_at=None,
        covers_until=None,
    )


def _fresh_hold(
    session: Session, allocation: Allocation, now: datetime, since: datetime
) -> datetime:
    plan = allocation.cohort.plan
    if allocation.pool == Pool.PEER and allocation.rater_id is not None:
        hours = dates.peer_hold_hours(session, allocation.cohort, allocation.rater_id)
        return hold_until(now, since, idle_hours=hours, cap_hours=hours)
    if allocation.purpose in THIRD_READINGS:
        idle = max(plan.case_hold_hours, plan.grader_hold_hours)
    else:
        idle = plan.grader_hold_hours
    return hold_until(now, since, idle_hours=idle, cap_hours=max(plan.grader_hold_cap_hours, idle))


def keep(session: Session, allocation: Allocation, *, now: datetime) -> None:
    """Lengthen a hold that is in use, up to its cap."""
    if allocation.held_since is None:
        allocation.held_since = now
    allocation.hold_until = _fresh_hold(session, allocation, now, allocation.held_since)


def lapse(session: Session, allocation: Allocation, *, now: datetime) -> None:
    """End a hold that ran out. A draft keeps the item for its rater for another day."""
    grace = DRAFT_KEPT if allocation.begun_at is not None else timedelta(0)
    move(
        session,
        allocation,
        "lapse",
        actor=None,
        now=now,
        ended_at=now,
        covers_until=now + grace,
    )
