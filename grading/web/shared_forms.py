"""Forms that two areas share: about an absence, and about a suspicion."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, Field, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired

from grading.models import Cohort, Person
from grading.web.forms import Form, options, radio
from grading.web.labels import MISCONDUCT_LABELS
from grading.workflow.deadlines import whole_days

_given = InputRequired(_l("Give a day."))


class AbsenceForm(Form):
    """Whole days, and who takes over; the coordinator's and the grader's own page share it.

    ``graders`` are those who can take over.
    """

    starts_on = DateField(_l("First day"), [_given])
    ends_on = DateField(_l("Last day"), [_given])
    cover = SelectField(_l("Cover"), validate_choice=False)

    def __init__(self, graders: Iterable[Person], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.by_id = {person.id: person for person in graders}
        self.names = [(person_id, person.name) for person_id, person in self.by_id.items()]
        self.cover.choices = options([("", _("Whoever is free")), *self.names])

    def validate_cover(self, field: Field) -> None:
        if field.data and field.data not in self.by_id:
            raise ValidationError(_("Choose a grader of the cohort."))

    @property
    def covering(self) -> Person | None:
        """Who takes over; None for whoever is free."""
        return self.by_id.get(self.cover.data)

    def instants(self, cohort: Cohort) -> tuple[datetime, datetime]:
        """Give the beginning of the first day and the end of the last, in the cohort's zone."""
        return whole_days(self.starts_on.data, self.ends_on.data, cohort.zone)


class ReportForm(Form):
    """A suspicion; those who read a project and those who see its scores share its page."""

    kind = radio(_l("What do you suspect?"), choices=options(MISCONDUCT_LABELS.items()))
    text = TextAreaField(_l("What you saw"))
    source = StringField(_l("Where it comes from, if you know (a title or an address)"))


def render_report(form: ReportForm, cohort: Cohort, *, code: str, back: str, grades: bool) -> str:
    """Show the form; ``code`` names the project, and ``grades`` is whether its reader goes on grading it."""
    return render_template(
        "rater/report.html", form=form, cohort=cohort, code=code, back=back, grades=grades
    )
