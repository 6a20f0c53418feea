"""Points of one member of a group, for whoever can no longer be asked to read its project."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.authorization.predicates import has_own_interest
from grading.cohorts.queries import group_members
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.models import Person, Submission
from grading.releases import grades, points
from grading.releases.queries import cohort_overview
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.errors import fault_words

bp = Blueprint("points", __name__, url_prefix="/teach")

RELEASE = Permission.RELEASE


def find(submission_id: str) -> Submission:
    found = load(Submission, submission_id, RELEASE)
    session = db.session()
    me = access.person().id
    alone = len(group_members.rows(session, found)) < 2
    if (
        alone
        or has_own_interest(session, me, [found.id])
        or cohort_overview.may_still_score(session, found, me)
    ):
        raise NotFound("There is no such page.")
    g.cohort_zone = found.cohort.zone
    return found


def _number(text: str) -> float:
    try:
        return float(text.strip().replace("−", "-"))
    except ValueError:
        raise FaultsFound([Fault("points", "Give points from -100 to 100.")]) from None


@bp.route("/submission/<submission_id>/points", methods=["GET", "POST"])
@requires(RELEASE)
def page(submission_id: str) -> Any:
    """The members with what each has more or fewer than the group, and why."""
    faults: list[Fault] = []
    chosen = request.form.get("person", "")
    if request.method == "POST":
        challenge_id = None
        try:
            with transaction() as session:
                found = find(submission_id)
                person = session.get(Person, chosen)
                if person is None:
                    raise NotFound("There is no such page.")
                given = _number(request.form.get("points", ""))
                me, reason, now = access.person(), request.form.get("reason", ""), access.now()
                if points.moved(session, found, person, given) and step_up.asked(
                    session, found.cohort
                ):
                    challenge_id = points.lay_before(
                        session, me, found, person, points=given, reason=reason, now=now
                    ).id
                else:
                    amended = points.set_points(
                        session, me, found, person, points=given, reason=reason, now=now
                    )
            if challenge_id:
                return redirect(url_for("approving.page", challenge_id=challenge_id), 303)
            flash(
                _("The points are noted. They count when the result is released.")
                if amended is None
                else _("The result is amended. The learner is told, with your reason.")
            )
            return redirect(url_for("points.page", submission_id=submission_id), 303)
        except FaultsFound as error:
            faults = list(error.faults)
        except Refused as error:
            faults = [Fault("points", error.template, error.params)]
    found = find(submission_id)
    session = db.session()
    group = group_members.people(session, found)
    page = render_template(
        "instructor/points.html",
        cohort=found.cohort,
        submission=found,
        case_code=cohort_overview.case_code,
        group=group,
        own={person.id: group_members.points(session, found, person.id) for person in group},
        grades={grade.person_id: grade for grade in grades.in_force_of(session, found)},
        chosen=chosen,
        entered=request.form,
        faults=[(fault.where, fault_words(fault)) for fault in faults],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200
