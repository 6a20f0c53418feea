"""The learner's way in: their capstones, one capstone, and its brief."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from grading.authorization.permissions import Permission
from grading.cohorts import objections, withdrawals
from grading.db import db
from grading.disputes.queries import learner_standing
from grading.records.queries.program_record import current_record
from grading.web import access
from grading.web.access import requires
from grading.web.learner.common import bp, find_cohort
from grading.workflow.cohort import CohortState


@bp.get("/")
@requires(Permission.SIGNED_IN)
def home() -> ResponseReturnValue:
    """The one cohort at once, several as a list."""
    taken = learner_standing.learner_cohorts(db.session(), access.person().id)
    if len({cohort.id for cohort, _role in taken}) == 1:
        return redirect(url_for("learner.cohort", cohort_id=taken[0][0].id))
    return render_template("learner/home.html", cohorts=taken)


@bp.get("/<cohort_id>")
@requires(Permission.REVIEW_PEER)
def cohort(cohort_id: str) -> ResponseReturnValue:
    """Your capstone: what is to do now, what comes next, and why something cannot start yet."""
    capstone = find_cohort(cohort_id, Permission.REVIEW_PEER)
    session = db.session()
    now = access.now()
    who = access.identity(capstone.id)
    standing = learner_standing.standing_of(session, capstone, access.person().id)
    return render_template(
        "learner/cohort.html",
        cohort=capstone,
        learns="learner" in who.roles,
        record=current_record(session, capstone.program_id, access.person().id),
        standing=standing,
        open_now=capstone.state == CohortState.OPEN
        and capstone.opens_at <= now <= standing.closes_at,
        in_grace=standing.due_at < now <= standing.closes_at,
        return_until=withdrawals.may_return_until(standing.own),
        may_object=standing.submission is not None
        and standing.in_group
        and objections.may_object(standing.submission, now),
    )


@bp.get("/<cohort_id>/brief")
@requires(Permission.REVIEW_PEER)
def brief(cohort_id: str) -> ResponseReturnValue:
    capstone = find_cohort(cohort_id, Permission.REVIEW_PEER)
    return render_template(
        "learner/brief.html", cohort=capstone, rubric=capstone.rubric_version.rubric
    )
