"""What the lead's pages of examples and standings show."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, selectinload

from grading.models import (
    AnchorPaper,
    Cohort,
    Membership,
    Person,
    QueuePause,
    Standing,
)
from grading.models.conditions import takes_part
from grading.readings.queries import example_stock, standings
from grading.readings.queries.example_stock import ExampleStock
from grading.workflow.calibration import CLEARED
from grading.workflow.cohort import SCORING, Role


def papers(session: Session, cohort: Cohort) -> Sequence[AnchorPaper]:
    """List a cohort's anchor papers, and those of its program's other cohorts that fit its rubric."""
    return list(
        session.scalars(
            select(AnchorPaper)
            .options(selectinload(AnchorPaper.markings))
            .where(
                or_(
                    AnchorPaper.cohort_id == cohort.id,
                    example_stock.fits(cohort),
                )
            )
            # By code, so that nothing tells of when a work came in or whose it is.
            .order_by(AnchorPaper.use, AnchorPaper.set_number, func.md5(AnchorPaper.id))
        )
    )


def professionals(session: Session, cohort: Cohort, *roles: Role) -> Sequence[Person]:
    """List those with a professional part in a cohort, by name."""
    return list(
        session.scalars(
            select(Person)
            .where(
                exists().where(
                    takes_part(*(roles or SCORING), cohort_id=cohort.id, person_id=Person.id),
                )
            )
            .order_by(Person.name, Person.id)
        )
    )


def fresh_examples(session: Session, cohort: Cohort) -> list[tuple[Person, ExampleStock]]:
    """Say, for each grader, which examples they have not met."""
    graders = professionals(session, cohort, Role.GRADER)
    stocks = example_stock.stocks(session, cohort, graders)
    return [(person, stocks[person.id]) for person in graders]


@dataclass(frozen=True)
class StandingRow:
    """How one person stands in a cohort, by whatever they are cleared.

    Attributes
    ----------
    standings : dict
        By criterion code.
    cleared, sets_the_standard : bool
        For every criterion now; because they agreed the examples.
    """

    person: Person
    standings: dict[str, Standing]
    paused: QueuePause | None
    cleared: bool
    sets_the_standard: bool

    @property
    def until(self) -> datetime | None:
        """When the first of the standings that clear the person expires."""
        if self.sets_the_standard:
            return None
        cleared = [
            standing.expires_at for standing in self.standings.values() if standing.state in CLEARED
        ]
        return min(cleared, default=None)

    @property
    def by_hand(self) -> Standing | None:
        """A standing that a lead gave by hand, if any is of that kind."""
        return next(
            (standing for standing in self.standings.values() if standing.cleared_by_id), None
        )


def standing_rows(session: Session, cohort: Cohort, now: datetime) -> list[StandingRow]:
    """List everybody with a professional part in a cohort, or a standing won there, by name."""
    held: dict[str, dict[str, Standing]] = defaultdict(dict)
    people = {person.id: person for person in professionals(session, cohort)}
    for standing in session.scalars(
        select(Standing)
        .options(selectinload(Standing.person), selectinload(Standing.cleared_by))
        .where(
            Standing.rubric_version_id == cohort.rubric_version_id,
            or_(Standing.person_id.in_(list(people)), Standing.cohort_id == cohort.id),
        )
    ):
        held[standing.person_id][standing.criterion] = standing
        people.setdefault(standing.person_id, standing.person)
    paused = pauses(session, cohort)
    listed = sorted(people.values(), key=lambda person: (person.name, person.id))
    cleared = standings.cleared(session, cohort, listed, now)
    setters = standings.standard_setters(session, cohort, listed)
    return [
        StandingRow(
            person,
            held.get(person.id, {}),
            paused.get(person.id),
            person.id in cleared,
            person.id in setters,
        )
        for person in listed
    ]


def pauses(session: Session, cohort: Cohort) -> dict[str, QueuePause]:
    """Give the pauses in force by person."""
    return {
        paused.person_id: paused
        for paused in session.scalars(
            select(QueuePause).where(
                QueuePause.cohort_id == cohort.id, QueuePause.ended_at.is_(None)
            )
        )
    }


def pauses_of(session: Session, cohort: Cohort, person_id: str) -> Sequence[QueuePause]:
    """List every pause of one person's queue in a cohort, the latest first."""
    return list(
        session.scalars(
            select(QueuePause)
            .options(selectinload(QueuePause.by))
            .where(QueuePause.cohort_id == cohort.id, QueuePause.person_id == person_id)
            .order_by(QueuePause.since.desc())
        )
    )


def was_professional(session: Session, cohort: Cohort, person_id: str) -> bool:
    """Whether a person has, or had, a professional part in a cohort."""
    return (
        session.scalar(
            select(Membership.id)
            .where(
                Membership.cohort_id == cohort.id,
                Membership.person_id == person_id,
                Membership.role.in_(SCORING),
            )
            .limit(1)
        )
        is not None
    )
