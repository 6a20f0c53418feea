"""The form about an absence; the coordinator's and the grader's own page share it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, Field, SelectField, ValidationError
from wtforms.validators import InputRequired

from grading.models import Cohort, Person
from grading.web.forms import Form, options
from grading.workflow.deadlines import whole_days

_given = InputRequired(_l("Give a day."))


class AbsenceForm(Form):
    """Whole days, and who takes over; ``graders`` are those who can."""

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
