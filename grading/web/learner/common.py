"""The blueprint of the learner's pages, and how they find their cohort and their work."""

from dataclasses import dataclass

from flask import Blueprint, g
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.cohorts import withdrawals
from grading.cohorts.queries import group_members
from grading.disputes.queries import learner_standing
from grading.disputes.queries.learner_standing import LearnerStanding
from grading.errors import NotFound
from grading.models import Cohort, Submission
from grading.web import access, rendering
from grading.web.access import load
from grading.web.rendering import Told
from grading.workflow import capstone_page, reader_page
from grading.workflow.capstone_page import Moment, OwnDates, Situation
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import shifted
from grading.workflow.group import MemberState
from grading.workflow.misconduct import PENDING
from grading.workflow.submission import SubmissionState

bp = Blueprint("learner", __name__, url_prefix="/learn")

LEARN = Permission.SUBMISSION_WRITE


def find_cohort(cohort_id: str, permission: Permission = LEARN) -> Cohort:
    """Find a cohort for who takes part in it; the page's times are in its zone."""
    cohort = load(Cohort, cohort_id, permission)
    g.cohort_zone = cohort.zone
    return cohort


def own_submission(session: Session, cohort: Cohort) -> Submission:
    """Find the signed-in learner's submission in a cohort.

    Raises
    ------
    NotFound
    """
    submission = group_members.newest(session, cohort, access.person().id)
    if submission is None:
        raise NotFound("There is no such page.")
    return submission


@dataclass(frozen=True)
class CapstoneTold(Told):
    """What every page of a capstone says of it now, to its learner; ``reviews`` of what they review."""

    standing: LearnerStanding
    situation: Situation
    moment: Moment
    dates: OwnDates
    reviews: Told

    @property
    def result_comes(self) -> bool:
        return capstone_page.result_comes(self.situation, self.moment)


def told_of(session: Session, cohort: Cohort) -> CapstoneTold:
    """Find where the signed-in learner stands, and what is said of that."""
    now = access.now()
    standing = learner_standing.standing_of(session, cohort, access.person().id)
    work, hearing = standing.submission, standing.hearing
    until = withdrawals.may_return_until(standing.own)
    dates = OwnDates(
        cohort.opens_at, standing.due_at, standing.closes_at, standing.calendar.results_at, until
    )
    situation = capstone_page.situation_of(
        SubmissionState(work.state) if work else None,
        MemberState(standing.own.state) if standing.own else None,
    )
    moment = capstone_page.moment_of(
        dates,
        now,
        opened=cohort.state != CohortState.PREPARING,
        ended=cohort.state == CohortState.ENDED,
    )
    wait = cohort.plan.reviews_wait_days
    cell = capstone_page.cell_of(
        situation,
        moment,
        may_come_back=until is not None and now <= until,
        asked=hearing is not None and hearing.state in PENDING,
        owes_reviews=standing.reviews_done < standing.reviews_given
        and now < shifted(cohort.results_at, wait, cohort.zone),
        courses_missing=bool(standing.missing),
    )
    places = {name: rendering.when(at) for name, at in vars(dates).items()}
    return CapstoneTold(
        cell, places, standing, situation, moment, dates, _reviews_told(cohort, standing)
    )


def _reviews_told(cohort: Cohort, standing: LearnerStanding) -> Told:
    given, done, by = (
        standing.reviews_given,
        standing.reviews_done,
        standing.calendar.peers_due_at,
    )
    time = reader_page.time_of(
        cohort.due_at, by, access.now(), ended=cohort.state == CohortState.ENDED
    )
    return Told(
        reader_page.REVIEWER_CELLS[reader_page.reviewing_of(given=given, done=done)][time],
        {
            "due": rendering.when(cohort.due_at),
            "by": rendering.when(by),
            "given": given,
            "done": done,
        },
    )
