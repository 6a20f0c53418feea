"""The base of every form: protected against forgery, translated, without the browser's own checks."""

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import SelectChoice

from grading.errors import FaultsFound


def options(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """Give (value, label) pairs as a select field wants them."""
    return [SelectChoice(str(value), label) for value, label in pairs]


class Form(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """A form whose fields can also take the faults that a service found."""

    def take(self, found: FaultsFound) -> list[str]:
        """Put each fault beside the field it names; give the messages that name none."""
        rest = []
        for fault in found.faults:
            message = _(fault.template, **fault.params) if fault.params else _(fault.template)
            field: Any = self._fields.get(fault.where)
            if field is not None:
                field.errors = [*field.errors, message]
            else:
                rest.append(f"{fault.where}: {message}" if fault.where else message)
        return rest
