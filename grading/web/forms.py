"""The base of every form: protected against forgery, translated, without the browser's own checks."""

from typing import Any

from flask_wtf import FlaskForm

from grading.errors import FaultsFound


class Form(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """A form whose fields can also take the faults that a service found."""

    def take(self, found: FaultsFound) -> list[str]:
        """Put each fault beside the field it names; give the messages that name none."""
        from flask_babel import gettext as _

        rest = []
        for fault in found.faults:
            message = _(fault.template, **fault.params) if fault.params else _(fault.template)
            field: Any = self._fields.get(fault.where)
            if field is not None:
                field.errors = [*field.errors, message]
            else:
                rest.append(f"{fault.where}: {message}" if fault.where else message)
        return rest
