"""The learner's way in: their capstones, one capstone, and its brief."""

from datetime import datetime

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.cohorts import objections
from grading.db import db
from grading.disputes.queries import learner_standing
from grading.models import Cohort
from grading.records.queries.program_record import current_record
from grading.web import access
from grading.web.access import requires
from grading.web.learner.common import CapstoneTold, bp, find_cohort, told_of
from grading.workflow.capstone_page import Act, Situation


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
    told = told_of(session, capstone)
    standing = told.standing
    return render_template(
        "learner/cohort.html",
        cohort=capstone,
        learns="learner" in who.roles,
        record=current_record(session, capstone.program_id, access.person().id),
        told=told,
        standing=standing,
        coming=_coming(capstone, told, learns="learner" in who.roles),
        may_object=standing.submission is not None
        and standing.in_group
        and objections.may_object(standing.submission, now),
    )


def _coming(cohort: Cohort, told: CapstoneTold, *, learns: bool) -> list[tuple[str, datetime]]:
    """List the dates that are still to come and concern the reader, with their names."""
    reviews = cohort.plan.peer_readings and told.situation != Situation.WITHDRAWN
    dates = [
        (_("Submit by"), told.dates.due, learns and told.cell.act in (Act.START, Act.WRITE)),
        (_("Reviews of other projects by"), told.standing.calendar.peers_due_at, reviews),
        (_("Grading ends"), cohort.grading_due_at, not learns or told.result_comes),
        (_("Results"), told.dates.results, learns and told.result_comes),
    ]
    return [(name, at) for name, at, concerns in dates if concerns and at > access.now()]


@bp.get("/<cohort_id>/brief")
@requires(Permission.REVIEW_PEER)
def brief(cohort_id: str) -> ResponseReturnValue:
    capstone = find_cohort(cohort_id, Permission.REVIEW_PEER)
    return render_template(
        "learner/brief.html", cohort=capstone, rubric=capstone.rubric_version.rubric
    )
