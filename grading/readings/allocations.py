"""Who reads what: items for works, and the batch that gives them out at the deadline."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts.queries import calendars, participants
from grading.errors import Refused
from grading.ledger import audit, outbox
from grading.measurement.allocation import balanced
from grading.models import (
    Allocation,
    Cohort,
    Person,
    Submission,
    SubmissionMember,
)
from grading.models.codes import new_code, new_id
from grading.readings import eligibility, loads
from grading.readings.queries import standings
from grading.workflow.allocation import (
    AllocationState,
    Pool,
    Purpose,
)
from grading.workflow.cohort import Role
from grading.workflow.group import MemberState
from grading.workflow.plan import GradingPlan
from grading.workflow.staffing import shares_in_works
from grading.workflow.submission import SubmissionState


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


def peers(session: Session, cohort: Cohort) -> list[Person]:
    """List who may be given peer reviews, as the plan says."""
    if cohort.plan.peers_from == "invited":
        return participants.with_roles(session, cohort, Role.PEER)
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
    return [
        person
        for person in participants.with_roles(session, cohort, Role.LEARNER)
        if person.id in wanted
    ]


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
    away = calendars.absent(session, cohort, now)
    graders = standings.grading(
        session, cohort, participants.with_roles(session, cohort, Role.GRADER), now
    )
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


def draw_wanted(plan: GradingPlan, n: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Draw how many professional readings each of n works is to have."""
    n_read, n_again = shares_in_works(plan, n)
    wanted = np.zeros(n, dtype=int)
    read = rng.permutation(n)[:n_read]
    wanted[read] = plan.professional_readings
    if n_again:
        wanted[rng.permutation(read)[:n_again]] += 1
    return wanted


def want(
    works: Sequence[Submission], plan: GradingPlan, rng: np.random.Generator, *, now: datetime
) -> None:
    """Decide how many readings each work is to have: the plan's shares, drawn at random."""
    wanted = draw_wanted(plan, len(works), rng)
    for work, professionals in zip(works, wanted.tolist(), strict=True):
        work.professionals_wanted = professionals
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
) -> balanced.Allocation:
    wanted = [
        work.professionals_wanted if pool is Pool.PROFESSIONAL else work.peers_wanted
        for work in works
    ]
    return balanced.allocate(
        len(works),
        len(raters),
        wanted,
        forbidden=sorted(eligibility.forbidden_pairs(session, cohort, works, raters)),
        load=_caps(cap, len(raters)),
        already=loads.loads(session, cohort, pool, raters),
        link=link,
        rng=rng,
    )


def _keep(
    session: Session,
    works: Sequence[Submission],
    raters: Sequence[Person],
    drawn: balanced.Allocation,
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
    drawn = balanced.allocate(
        len(works),
        len(raters),
        list(short),
        forbidden=sorted(eligibility.forbidden_pairs(session, cohort, works, raters)),
        load=_caps(cap, len(raters)),
        already=loads.loads(session, cohort, Pool.PEER, raters),
        rng=rng,
    )
    made = _keep(session, works, raters, drawn, Pool.PEER, codes, now)
    told = [raters[position] for position in sorted(set(drawn.raters.tolist()))]
    outbox.tell(session, told, now=now, zone=cohort.zone)
    return made
