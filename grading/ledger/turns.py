"""Taking turns: whoever changes the same thing at the same moment does it one after the other."""

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from grading.errors import StaleRecord
from grading.models import Base


def take_turns(session: Session, record: Base) -> None:
    """Wait for whoever changes a record, or what hangs on it; what is seen from here on is current.

    PostgreSQL locks the row until the transaction ends; SQLite has one writer at a time anyway. Rows
    that refer to the record can still be added by those who do not take turns.

    Raises
    ------
    StaleRecord
        The record has gone since it was read.
    """
    session.flush()
    try:
        session.refresh(record, with_for_update={"key_share": True})
    except InvalidRequestError as error:
        raise StaleRecord("Somebody removed this while you worked on it.") from error
