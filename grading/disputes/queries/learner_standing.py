"""Where a learner stands in a cohort: what they may do, what they did, and what waits for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts.queries import calendars, group_members
from grading.disputes.queries import learner_results
from grading.models import (
    Allocation,
    Cohort,
    Course,
    Grade,
    Membership,
    MisconductCase,
    Objection,
    Submission,
    SubmissionMember,
)
from grading.models.conditions import takes_part
from grading.programs.queries import course_standings
from grading.records.queries.program_record import counting_grade
from grading.workflow.allocation import ATTEMPTED, GONE, AllocationState, Pool
from grading.workflow.cohort import Role
from grading.workflow.deadlines import Calendar
from grading.workflow.group import MemberState


def learner_cohorts(session: Session, person_id: str) -> Sequence[tuple[Cohort, str]]:
    """List the cohorts a person learns or reviews in, newest first, with the role."""
    return list(
        session.execute(
            select(Cohort, Membership.role)
            .join(Membership, Membership.cohort_id == Cohort.id)
            .where(
                takes_part(Role.LEARNER, Role.PEER, person_id=person_id),
            )
            .order_by(Cohort.opens_at.desc())
        )
    )


def peer_items(session: Session, cohort: Cohort, person_id: str) -> Sequence[Allocation]:
    """List the projects a person was given to review, in the order they were given."""
    return list(
        session.scalars(
            select(Allocation)
            .where(
                Allocation.cohort_id == cohort.id,
                Allocation.rater_id == person_id,
                Allocation.pool == Pool.PEER,
                Allocation.purpose.not_in(ATTEMPTED),
            )
            .order_by(Allocation.created_at, Allocation.blind_code)
        )
    )


@dataclass(frozen=True)
class LearnerStanding:
    """Why a learner may or may not submit, and what they did so far."""

    missing: Sequence[Course]
    submission: Submission | None
    reviews: Sequence[Allocation]
    attempts: Sequence[tuple[Submission, Grade]]
    calendar: Calendar
    due_at: datetime
    closes_at: datetime
    hearing: MisconductCase | None
    own: SubmissionMember | None
    group: Sequence[SubmissionMember]
    objections: Sequence[Objection]
    invitations: Sequence[SubmissionMember]

    @property
    def in_group(self) -> bool:
        """Whether others are in the work too."""
        return sum(member.state == MemberState.JOINED for member in self.group) > 1

    @property
    def grade(self) -> Grade | None:
        """The result that counts."""
        return counting_grade([grade for _submission, grade in self.attempts])

    @property
    def reviews_done(self) -> int:
        done = (AllocationState.FINISHED, AllocationState.SEALED)
        return sum(item.state in done for item in self.reviews)

    @property
    def reviews_given(self) -> int:
        """Reviews that count towards what is asked: handed back and called back ones do not."""
        return sum(item.state not in GONE for item in self.reviews)


def standing_of(session: Session, cohort: Cohort, person_id: str) -> LearnerStanding:
    """Gather what the learner's landing page turns on."""
    newest = group_members.newest(session, cohort, person_id)
    group = group_members.rows(session, newest) if newest else []
    grouped = cohort.plan.group_size > 1 or len(group) > 1
    personal = calendars.personal(session, cohort, person_id)
    work = calendars.of_work(session, newest) if newest else personal
    due_at, closes_at = (
        calendars.window(session, newest)
        if newest and newest.due_at
        else (work.due_at, work.closes_at)
    )
    return LearnerStanding(
        missing=course_standings.missing_courses(session, cohort, person_id),
        submission=newest,
        reviews=peer_items(session, cohort, person_id),
        attempts=learner_results.released_attempts(session, cohort, person_id),
        calendar=replace(
            personal,
            results_at=calendars.results_of(session, newest) if newest else personal.results_at,
        ),
        due_at=due_at,
        closes_at=closes_at,
        hearing=learner_results.latest_hearing(session, cohort, person_id),
        own=next((member for member in group if member.person_id == person_id), None),
        group=group,
        objections=group_members.objections(session, newest) if newest and grouped else [],
        invitations=group_members.invitations(session, cohort, person_id) if grouped else [],
    )
