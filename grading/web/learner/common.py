"""The blueprint of the learner's pages, and how they find their cohort and their work."""

from flask import Blueprint, g
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.cohorts.queries import group_members
from grading.errors import NotFound
from grading.models import Cohort, Submission
from grading.web import access
from grading.web.access import load

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
