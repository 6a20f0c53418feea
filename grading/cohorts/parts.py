"""Who may be given which part in a cohort: one rule for every door, and the others who are told.

The doors are the staff page and the command line (`enrol`), the roster, and an account that is opened again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.authorization.identity import Identity, sponsors_of
from grading.authorization.permissions import Permission
from grading.authorization.policy import BY_ROLE, permits
from grading.batches import batches
from grading.errors import Refused
from grading.ledger import audit, outbox
from grading.ledger.turns import take_turns
from grading.models import Cohort, Membership, Person
from grading.models.conditions import has_part, takes_part
from grading.people import accounts
from grading.workflow.cohort import LEARNING, SCORING, CohortState, Role, clashes

# Who sees scores or signs is made so by the program office alone.
OVERSEEING = BY_ROLE[Permission.SCORES_READ] | BY_ROLE[Permission.RELEASE]


@dataclass(frozen=True)
class PartRule:
    """What is asked before somebody is given a part.

    Attributes
    ----------
    actor_id : str or None
        None for the command line.
    in_office : bool
        Whether the actor works in the program office, or runs the service.
    held : dict of set
        The roles that people have now, by person.
    """

    actor_id: str | None
    in_office: bool
    held: Mapping[str, frozenset[str]]

    def refusal(
        self, person_id: str | None, role: Role, also: Iterable[str] = ()
    ) -> Refused | None:
        """Say why somebody cannot be given a part; None where they can.

        Parameters
        ----------
        person_id : str or None
            None for somebody who has no account yet.
        also : iterable of str
            Roles that they are given in the same act.
        """
        if self.actor_id is not None and self.actor_id == person_id and role in SCORING:
            return Refused("Nobody gives themselves a part in scoring. A colleague does.")
        if role in OVERSEEING and not self.in_office:
            return Refused(
                "Instructors and leads see scores or sign, so the program office makes them."
            )
        if clashes({role, *also} | self.held.get(person_id or "", frozenset())):
            return Refused(
                "Whoever learns or reviews in a cohort as a peer has no part in running or grading it."
            )
        return None


def part_rule(
    session: Session, actor: Person | None, cohort: Cohort, person_ids: Iterable[str]
) -> PartRule:
    """Read what the rule needs to know of some people, whom no other door gives a part from here on."""
    take_turns(session, cohort)
    held: dict[str, set[str]] = {}
    for ids in batches(sorted(set(person_ids))):
        for person_id, role in session.execute(
            select(Membership.person_id, Membership.role).where(
                has_part(cohort_id=cohort.id), Membership.person_id.in_(ids)
            )
        ):
            held.setdefault(person_id, set()).add(role)
    return PartRule(
        actor.id if actor else None,
        actor is None or _in_office(session, actor, cohort),
        {person_id: frozenset(roles) for person_id, roles in held.items()},
    )


def _in_office(session: Session, actor: Person, cohort: Cohort) -> bool:
    sponsors = sponsors_of(session, actor)
    who = Identity(actor, sponsors=sponsors, sponsor_id=cohort.program.sponsor_id)
    return permits(who, Permission.PROGRAM_MANAGE)


def not_ended(cohort: Cohort) -> None:
    """Refuse to change the people of a cohort that has ended."""
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")


def enrol(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    person: Person,
    role: Role,
    *,
    now: datetime,
) -> Membership:
    """Give a person a part in the cohort; one they had before is taken up again.

    Raises
    ------
    Refused
        The cohort has ended, the account is closed, or as `PartRule.refusal` says.
    """
    not_ended(cohort)
    if not person.active:
        raise Refused("This account is closed.")
    rule = part_rule(session, actor, cohort, [person.id])
    membership = session.scalar(
        select(Membership).where(
            Membership.cohort_id == cohort.id,
            Membership.person_id == person.id,
            Membership.role == role,
        )
    )
    if membership is not None and membership.ended_at is None:
        return membership
    if refusal := rule.refusal(person.id, role):
        raise refusal
    if membership is None:
        membership = Membership(cohort=cohort, person=person, role=role, since=now)
        session.add(membership)
    membership.ended_at = None
    session.flush()
    begin(session, actor, cohort, [membership], now=now)
    return membership


def begin(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    memberships: Sequence[Membership],
    *,
    now: datetime,
) -> None:
    """Write the beginning of parts into the chain, and tell the overseers there were of new ones."""
    for membership in memberships:
        audit.record(
            session,
            actor,
            "membership:begin",
            membership,
            now=now,
            after={"person": membership.person_id, "role": str(membership.role)},
            chain=cohort.id,
        )
    fresh = sorted(item.id for item in memberships if item.role in OVERSEEING)
    if not fresh:
        return
    overseers = session.scalars(
        select(Membership.person_id)
        .where(takes_part(*OVERSEEING, cohort_id=cohort.id), Membership.id.not_in(fresh))
        .distinct()
    )
    told_already = {actor.id if actor else "", *(m.person_id for m in memberships)}
    for person_id in sorted(set(overseers) - told_already):
        outbox.mail(
            session,
            "overseers_added",
            person_id,
            key=f"overseers_added:{fresh[0]}:{person_id}:{now.isoformat()}",
            now=now,
            memberships=fresh,
            by=actor.id if actor else None,
        )


def open_account(session: Session, actor: Person | None, person: Person, *, now: datetime) -> None:
    """Open a closed account again.

    Raises
    ------
    Refused
        The person is erased, or has parts in a cohort that clash: one of them ends first.
    """
    if clashing_people(session, person_id=person.id):
        raise Refused(
            "They learn or review in a cohort that they also run or grade. End one of the parts first."
        )
    accounts.reactivate(session, actor, person, now=now)


def clashing_people(
    session: Session, *, cohort_id: str | None = None, person_id: str | None = None
) -> list[Person]:
    """List the people whose parts in one cohort clash, as parts could before this was asked."""
    learns = Membership.role.in_(LEARNING)
    return list(
        session.scalars(
            select(Person).where(
                Person.id.in_(
                    select(Membership.person_id)
                    .where(has_part(cohort_id=cohort_id, person_id=person_id))
                    .group_by(Membership.person_id, Membership.cohort_id)
                    .having(func.count().filter(learns) > 0, func.count().filter(~learns) > 0)
                )
            )
        )
    )
