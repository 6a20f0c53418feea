"""A state machine as a table that fits on one screen; what is not in it cannot happen."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from grading.errors import IllegalTransition


@dataclass(frozen=True)
class Machine:
    """States and events of one kind of record.

    Attributes
    ----------
    name : str
        The record's noun, as audit entries and messages use it.
    states : type[StrEnum]
        All states; the first member is where a record starts.
    table : Mapping[tuple[str, str], str]
        ``{(state, event): next state}``.
    """

    name: str
    states: type[StrEnum]
    table: Mapping[tuple[str, str], str]

    @property
    def initial(self) -> str:
        return next(iter(self.states))

    @property
    def events(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(event for _, event in self.table))

    def allows(self, state: str, event: str) -> bool:
        return (state, event) in self.table

    def after(self, state: str, event: str) -> str:
        """Give the state after an event; raises `IllegalTransition`."""
        try:
            return self.table[(state, event)]
        except KeyError:
            raise IllegalTransition(
                "This %(noun)s is %(state)s, so “%(event)s” is not possible now.",
                noun=self.name,
                state=state.replace("_", " "),
                event=event.replace("_", " "),
            ) from None
