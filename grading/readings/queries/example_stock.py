"""Which examples somebody has not met yet: what practice, qualification and check items can still draw."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, exists, func, select, true
from sqlalchemy.orm import Session, selectinload

from grading.models import (
    Allocation,
    AnchorMarking,
    AnchorPaper,
    AnchorReading,
    Cohort,
    Person,
)
from grading.readings.eligibility import may_read
from grading.workflow.calibration import AnchorState, AnchorUse
from grading.workflow.plan import GradingPlan


@dataclass
class ExampleStock:
    """The agreed examples of a rubric version that one person has not met.

    Attributes
    ----------
    practice, checks : list of AnchorPaper
    sets : mapping from number to the examples of a qualification set
        Sets that were begun before are spent, and not among them.
    has_practised : bool
        Whether they met an example to practise on.
    """

    practice: list[AnchorPaper] = field(default_factory=list)
    checks: list[AnchorPaper] = field(default_factory=list)
    sets: dict[int, list[AnchorPaper]] = field(default_factory=dict)
    has_practised: bool = False

    def full_sets(self, plan: GradingPlan) -> list[int]:
        """List the numbers of the sets that have as many fresh examples as a try takes of one."""
        return [
            number
            for number, papers in sorted(self.sets.items())
            if len(papers) >= plan.qualification_papers
        ]

    def for_a_try(self, plan: GradingPlan) -> int:
        """Count the fresh examples that a try can use: one to practise on, and of each set what it takes."""
        sizes = sorted((len(papers) for papers in self.sets.values()), reverse=True)
        of_sets = sum(
            min(size, plan.qualification_papers) for size in sizes[: plan.qualification_sets]
        )
        return of_sets + bool(plan.practice_papers and (self.practice or self.has_practised))

    def tries(self, plan: GradingPlan) -> int:
        """Count the qualifications there are full sets for."""
        return len(self.full_sets(plan)) // plan.qualification_sets


def fits(cohort: Cohort) -> ColumnElement[bool]:
    """Whether an `AnchorPaper` of the enclosing statement is agreed, of a cohort's rubric version."""
    return and_(
        AnchorPaper.program_id == cohort.program_id,
        AnchorPaper.rubric_digest == cohort.rubric_version.digest,
        AnchorPaper.state == AnchorState.AGREED,
    )


def stocks(session: Session, cohort: Cohort, people: Sequence[Person]) -> dict[str, ExampleStock]:
    """Take stock for several people, by id; three queries."""
    papers = {
        paper.id: paper
        for paper in session.scalars(
            select(AnchorPaper)
            .options(selectinload(AnchorPaper.markings))
            .where(fits(cohort))
            .order_by(AnchorPaper.set_number, AnchorPaper.agreed_at, AnchorPaper.id)
        )
    }
    stock_of = {person.id: ExampleStock() for person in people}
    met: dict[str, set[str]] = defaultdict(set)
    for person_id, anchor_id in session.execute(
        select(Allocation.rater_id, AnchorReading.anchor_id)
        .join(AnchorReading, AnchorReading.allocation_id == Allocation.id)
        .join(AnchorPaper, AnchorPaper.id == AnchorReading.anchor_id)
        .where(fits(cohort), Allocation.rater_id.in_(list(stock_of)))
    ):
        met[str(person_id)].add(anchor_id)
    spent = {
        person_id: {(papers[anchor_id].use, papers[anchor_id].set_number) for anchor_id in anchors}
        for person_id, anchors in met.items()
    }
    for person_id, stock in stock_of.items():
        stock.has_practised = any(
            use == AnchorUse.PRACTICE for use, _number in spent.get(person_id, ())
        )
    marked = exists().where(
        AnchorMarking.anchor_id == AnchorPaper.id, AnchorMarking.person_id == Person.id
    )
    fresh = session.execute(
        select(Person.id, AnchorPaper.id)
        .join(AnchorPaper, true())
        .where(
            Person.id.in_(list(stock_of)),
            fits(cohort),
            ~marked,
            may_read(Person.id, AnchorPaper.submission_id),
        )
    ).all()
    of_person: dict[str, set[str]] = defaultdict(set)
    for person_id, anchor_id in fresh:
        of_person[person_id].add(anchor_id)
    for person_id, stock in stock_of.items():
        for anchor_id, paper in papers.items():
            if anchor_id not in of_person[person_id]:
                continue
            match paper.use:
                case AnchorUse.PRACTICE:
                    stock.practice.append(paper)
                case AnchorUse.VALIDITY:
                    stock.checks.append(paper)
                case AnchorUse.QUALIFICATION:
                    if (paper.use, paper.set_number) not in spent.get(person_id, ()):
                        stock.sets.setdefault(paper.set_number or 1, []).append(paper)
    return stock_of


def in_use(session: Session, cohort: Cohort, use: AnchorUse) -> int:
    """Count the agreed examples of a use, whoever has met them."""
    statement = select(func.count()).select_from(AnchorPaper)
    return session.scalar(statement.where(fits(cohort), AnchorPaper.use == use)) or 0


def stock_of_one(session: Session, cohort: Cohort, person: Person) -> ExampleStock:
    """Take stock for one person."""
    return stocks(session, cohort, [person])[person.id]
