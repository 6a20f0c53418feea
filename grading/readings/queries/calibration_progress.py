"""What the lead's pages of examples and standings show."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select, true
from sqlalchemy.orm import Session, selectinload

from grading.models import (
    AnchorMarking,
    AnchorPaper,
    Cohort,
    Membership,
    Person,
    QueuePause,
    Standing,
    Submission,
)
from grading.models.conditions import takes_part
from grading.readings.eligibility import may_read
from grading.workflow.calibration import CLEARED, AnchorState, AnchorUse
from grading.workflow.cohort import Role

PROFESSIONALS = (Role.GRADER, Role.LEAD, Role.INSTRUCTOR)


def papers(session: Session, cohort: Cohort) -> Sequence[AnchorPaper]:
    """List a cohort's anchor papers, and those of its program's other cohorts that fit its rubric."""
    return list(
        session.scalars(
            select(AnchorPaper)
            .options(selectinload(AnchorPaper.markings))
            .where(
                or_(
                    AnchorPaper.cohort_id == cohort.id,
                    and_(
                        AnchorPaper.program_id == cohort.program_id,
                        AnchorPaper.rubric_digest == cohort.rubric_version.digest,
                        AnchorPaper.state == AnchorState.AGREED,
                    ),
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
                    takes_part(*(roles or PROFESSIONALS), cohort_id=cohort.id, person_id=Person.id),
                )
            )
            .order_by(Person.name, Person.id)
        )
    )


def fresh_checks(session: Session, cohort: Cohort) -> list[tuple[Person, int]]:
    """Count, for each grader, the check papers they have not met; one query beside the graders'."""
    graders = professionals(session, cohort, Role.GRADER)
    marked = exists().where(
        AnchorMarking.anchor_id == AnchorPaper.id, AnchorMarking.person_id == Person.id
    )
    counts = dict(
        session.execute(
            select(Person.id, func.count())
            .select_from(Person)
            .join(AnchorPaper, true())
            .join(Submission, Submission.id == AnchorPaper.submission_id)
            .where(
                Person.id.in_([person.id for person in graders]),
                AnchorPaper.program_id == cohort.program_id,
                AnchorPaper.rubric_digest == cohort.rubric_version.digest,
                AnchorPaper.state == AnchorState.AGREED,
                AnchorPaper.use == AnchorUse.VALIDITY,
                ~marked,
                may_read(Person.id),
            )
            .group_by(Person.id)
        ).all()
    )
    return [(person, counts.get(person.id, 0)) for person in graders]


@dataclass(frozen=True)
class StandingRow:
    """One person's standings by criterion code, and the pause on their queue."""

    person: Person
    standings: dict[str, Standing]
    paused: QueuePause | None

    @property
    def until(self) -> datetime | None:
        """When the first of the standings that clear the person expires."""
        cleared = [
            standing.expires_at for standing in self.standings.values() if standing.state in CLEARED
        ]
        return min(cleared, default=None)


def standings(session: Session, cohort: Cohort) -> list[StandingRow]:
    """List everybody with a professional part or a standing in a cohort, by name; three queries."""
    held: dict[str, dict[str, Standing]] = defaultdict(dict)
    people = {person.id: person for person in professionals(session, cohort)}
    for standing in session.scalars(
        select(Standing)
        .options(selectinload(Standing.person))
        .where(Standing.cohort_id == cohort.id)
    ):
        held[standing.person_id][standing.criterion] = standing
        people.setdefault(standing.person_id, standing.person)
    paused = pauses(session, cohort)
    return [
        StandingRow(person, held.get(person.id, {}), paused.get(person.id))
        for person in sorted(people.values(), key=lambda one: (one.name, one.id))
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
                Membership.role.in_(PROFESSIONALS),
            )
            .limit(1)
        )
        is not None
    )
