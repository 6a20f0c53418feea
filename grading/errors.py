"""One tree of errors for the whole house; nothing here knows HTTP.

Each message is an English template with named parameters, so that pages can translate the template
(``gettext(error.template, **error.params)``) and commands can print ``str(error)``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grading.phrases import phrase


def filled(template: str, params: Mapping[str, object]) -> str:
    """Return a message in English; a list among its parameters is written A, B, C."""
    if not params:
        return template
    return template % {
        name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in params.items()
    }


class GradingError(Exception):
    """Something was refused; the message says what is wrong and what to do.

    Parameters
    ----------
    template : str
        English text with ``%(name)s`` places.
    **params : object
        What goes into those places; a list is written in the reader's language.
    """

    def __init__(self, template: str, **params: object) -> None:
        super().__init__(template)
        self.template = template
        self.params = params

    def __str__(self) -> str:
        return filled(self.template, self.params)


@dataclass(frozen=True)
class Fault:
    """One thing wrong in something given to us.

    Attributes
    ----------
    where : str
        The place, as precise as it is known: ``rubric.toml:12 criteria[2].weight``, ``row 7, email``.
    template, params
        As in `GradingError`.
    """

    where: str
    template: str
    params: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        message = filled(self.template, self.params)
        return f"{self.where}: {message}" if self.where else message


class FaultsFound(GradingError):
    """Bad input: every fault at once, and nothing was changed."""

    faults: tuple[Fault, ...]

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            phrase("%(count)s faults found; nothing was changed."), count=len(self.faults)
        )

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(str(fault) for fault in self.faults)])


class RubricFault(FaultsFound):
    """A rubric definition that cannot be used."""


class NotFound(GradingError):
    """No such record, or not for this person; both look the same to who may not know."""


class NotPermitted(GradingError):
    """The person may know of the record but may not do this to it."""


class IllegalTransition(GradingError):
    """The record's state does not allow the event."""


class StaleRecord(GradingError):
    """Somebody changed the record since it was read; nothing was overwritten."""


class Refused(GradingError):
    """A rule of the field says no: a closed window, a full load, a conflict of interest."""


class ListChanged(Refused):
    """What was put before somebody is no longer so; ``changes`` says line by line how."""

    def __init__(self, changes: Iterable[Any]) -> None:
        self.changes = tuple(changes)
        super().__init__(
            phrase(
                "The list changed since it was shown, in %(n)s of its lines. Nothing was signed."
            ),
            n=len(self.changes),
        )


class HoldLost(Refused):
    """The allocation is no longer the rater's; ``reason`` is a word pages have a text for."""

    def __init__(self, reason: str, template: str, **params: object) -> None:
        super().__init__(template, **params)
        self.reason = reason


class TooMany(Refused):
    """A polite limit was reached."""


class PassingFailure(GradingError):
    """The outside world did not answer this time; trying again may help."""


class PermanentFailure(GradingError):
    """The outside world said no; trying again will not help."""


class Unconfirmed(GradingError):
    """It left the house, and nobody here can say whether it arrived; only a person tries again."""
