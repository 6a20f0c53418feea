"""One run of the upkeep: its draws, its instant, and what could not be done in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import InstrumentedAttribute

from grading.errors import PassingFailure

BATCH = 200
Record = TypeVar("Record")


@dataclass
class UpkeepRun:
    """What the steps of one run share.

    Attributes
    ----------
    now : datetime
        The instant that the run is of.
    seed : int
        Of the step's draws.
    failures : dict
        What failed, by the id of the item; it is passed over for the rest of the run. The next run
        tries it again.
    """

    now: datetime
    seed: int
    failures: dict[str, Exception] = field(default_factory=dict)

    def each(
        self,
        session: Session,
        items: Select[Record],
        item_id: InstrumentedAttribute[str],
        act: Callable[[Record], int | None],
    ) -> int:
        """Act on one batch of items; one that fails is undone by itself and hinders no other.

        Parameters
        ----------
        items : Select
            Gives records that ``act`` takes out of what it gives.
        item_id : attribute
            The id of those records.

        Returns
        -------
        int
            How much was done: what the acts say, 1 for each that says nothing or fails.

        Raises
        ------
        PassingFailure
            The database, not an item, is what failed.
        """
        batch = session.scalars(items.where(self._untried(item_id)).limit(BATCH)).all()
        ids = [getattr(item, item_id.key) for item in batch]
        try:
            with session.begin_nested():
                return sum(_done(act(item)) for item in batch)
        except PassingFailure:
            raise
        except Exception:
            return sum(
                self._try(session, items.where(item_id == one_id), one_id, act) for one_id in ids
            )

    def _untried(self, item_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
        return item_id.not_in(self.failures)

    def _try(
        self,
        session: Session,
        items: Select[Record],
        one_id: str,
        act: Callable[[Record], int | None],
    ) -> int:
        try:
            with session.begin_nested():
                return sum(_done(act(item)) for item in session.scalars(items).all())
        except PassingFailure:
            raise
        except Exception as error:
            self.failures[one_id] = error
            return 1


def _done(said: int | None) -> int:
    return 1 if said is None else said
