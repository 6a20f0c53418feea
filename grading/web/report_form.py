"""The form of a suspicion; those who read a project and those who see its scores share its page."""

from flask import render_template
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField

from grading.models import Cohort
from grading.web.forms import Form, options, radio
from grading.web.labels import MISCONDUCT_LABELS


class ReportForm(Form):
    kind = radio(_l("What do you suspect?"), choices=options(MISCONDUCT_LABELS.items()))
    text = TextAreaField(_l("What you saw"))
    source = StringField(_l("Where it comes from, if you know (a title or an address)"))


def render_report(form: ReportForm, cohort: Cohort, *, code: str, back: str, grades: bool) -> str:
    """Show the form; ``code`` names the project, and ``grades`` is whether its reader goes on grading it."""
    return render_template(
        "rater/report.html", form=form, cohort=cohort, code=code, back=back, grades=grades
    )
