"""Counting that a public address was looked at."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from flask import request
from flask_login import current_user
from sqlalchemy.orm import Session

from grading.db import transaction
from grading.errors import PassingFailure
from grading.records import sharing
from grading.web import access


def count(public_ids: Iterable[str]) -> None:
    """Count a look; that it could not be counted is no reason to show nothing."""
    with suppress(PassingFailure), transaction() as session:
        add(session, list(public_ids))


def add(session: Session, public_ids: Sequence[str]) -> None:
    """Count a look within a transaction.

    Looks of the owner, and those of our own page’s script, are counted apart: nothing is disclosed.
    """
    own: set[str] = set()
    if _asked_by_our_page():
        own = set(public_ids)
    elif current_user.is_authenticated:
        own = sharing.owned(session, access.person().id, public_ids)
    sharing.count_views(session, public_ids, on=access.now().date(), own=own)


def _asked_by_our_page() -> bool:
    """Whether a script of ours fetches, rather than a person who follows a link; browsers say so."""
    return (
        request.headers.get("Sec-Fetch-Site") == "same-origin"
        and request.headers.get("Sec-Fetch-Mode") != "navigate"
    )
