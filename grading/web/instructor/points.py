"""Points of one member of a group, for whoever can no longer be asked to read its project."""

from flask import Blueprint, g, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import HiddenField, StringField, TextAreaField

from grading.authorization.permissions import Permission
from grading.authorization.predicates import has_own_interest
from grading.cohorts.queries import group_members
from grading.db import db
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Person, Submission
from grading.models.codes import case_code
from grading.readings.queries import staff_view
from grading.releases import grades, points
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.forms import Done, Form, form_view
from grading.web.instructor import shell

bp = Blueprint("points", __name__, url_prefix="/teach")

RELEASE = Permission.RELEASE


def find_submission(submission_id: str) -> Submission:
    submission = load(Submission, submission_id, RELEASE)
    session = db.session()
    me = access.person().id
    alone = len(group_members.rows(session, submission)) < 2
    if (
        alone
        or has_own_interest(session, me, [submission.id])
        or staff_view.may_still_score(session, submission, me)
    ):
        raise NotFound("There is no such page.")
    g.cohort_zone = submission.cohort.zone
    return submission


class PointsForm(Form):
    person = HiddenField()
    points = StringField(_l("Points of 100, such as 5 or -5"))
    reason = TextAreaField(_l("Reason"))

    @property
    def number(self) -> float:
        """The points as a number.

        Raises
        ------
        FaultsFound
        """
        try:
            return float(self.points.data.strip().replace("−", "-"))
        except ValueError:
            raise FaultsFound([Fault("points", "Give points from -100 to 100.")]) from None


def _render_points(submission_id: str, refused: PointsForm) -> str:
    """Render the members with a form for each; ``refused`` is the one that was sent, if any was."""
    submission = find_submission(submission_id)
    session = db.session()
    group = group_members.people(session, submission)
    return render_template(
        "instructor/points.html",
        cohort=submission.cohort,
        submission=submission,
        case_code=case_code,
        members=[
            (
                person,
                refused
                if refused.person.data == person.id
                else PointsForm.blank(ids=f"{person.id}-", person=person.id),
            )
            for person in group
        ],
        own={person.id: group_members.points(session, submission, person.id) for person in group},
        grades={grade.person_id: grade for grade in grades.in_force_of(session, submission)},
    )


@bp.route("/submission/<submission_id>/points", methods=["GET", "POST"])
@requires(RELEASE)
def page(submission_id: str) -> ResponseReturnValue:
    """The members with what each has more or fewer than the group, and why."""

    def act(session: Session, form: PointsForm) -> Done:
        submission = find_submission(submission_id)
        person = session.get(Person, form.person.data)
        if person is None:
            raise NotFound("There is no such page.")
        me, number, reason, now = access.person(), form.number, form.reason.data, access.now()
        if points.moved(session, submission, person, number) and step_up.asked(
            session, submission.cohort
        ):
            challenge = points.lay_before(
                session, me, submission, person, points=number, reason=reason, now=now
            )
            return shell.to_sign(challenge)
        amended = points.set_points(
            session, me, submission, person, points=number, reason=reason, now=now
        )
        return Done(
            url_for("points.page", submission_id=submission_id),
            _("The points are noted. They count when the result is released.")
            if amended is None
            else _("The result is amended. The learner is told, with your reason."),
        )

    return form_view(
        PointsForm(), act, lambda form: _render_points(submission_id, form), refused_at="points"
    )
