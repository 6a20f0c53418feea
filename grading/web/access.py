"""Who may see a view, and the only way to a record.

A view declares its permission with `requires`; the app refuses to start with one that does not. A view
with a permission of a role must reach its records through `load`, which asks; one that answers without
having asked becomes an error, never a leak.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from flask import current_app, g, has_request_context
from flask_login import UserMixin, current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.authorization.identity import Identity, identify, sponsors_of
from grading.authorization.permissions import Permission
from grading.authorization.policy import BY_OFFICE, OF_OTHERS, permits
from grading.authorization.predicates import has_own_interest
from grading.db import db, transaction
from grading.errors import NotFound, PassingFailure
from grading.models import Cohort, Membership, Person, Program, Sponsor, Submission
from grading.models.conditions import takes_part
from grading.people import sign_ins
from grading.settings import Installation
from grading.workflow.cohort import Role

View = TypeVar("View", bound=Callable[..., Any])
Record = TypeVar("Record")

# These are answered by the account alone; all others depend on a cohort, or on being administrator.
PLAIN = (Permission.SIGNED_OUT, Permission.SIGNED_IN)


def requires(permission: Permission) -> Callable[[View], View]:
    """Declare what a view needs."""

    def declare(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]  # the app reads it at start
        return view

    return declare


class Account(UserMixin):  # type: ignore[misc]  # flask-login has no types
    """Who is signed in to a browser, by the token that its cookie holds."""

    def __init__(self, person: Person, token: str, *, renewal_due: bool = False) -> None:
        self.id = person.id
        self.token = token
        self.renewal_due = renewal_due
        self.name = person.name
        self.theme = person.theme
        self.single_keys = person.single_keys
        self.time_zone = person.time_zone

    def get_id(self) -> str:
        return self.token


def load_account(token: str) -> Account | None:
    """Find the account of a sign-in that still holds."""
    sign_in = sign_ins.find_sign_in(db.session(), token, now=now())
    if sign_in is None:
        return None
    due = sign_ins.is_renewal_due(sign_in, now=now())
    return Account(sign_in.person, token, renewal_due=due)


def renew_sign_in() -> None:
    """Note that the sign-in is used, where that is due; another request does it while somebody writes."""
    if current_user.renewal_due:
        with suppress(PassingFailure), transaction(wait=False) as session:
            sign_ins.renew_sign_in(session, current_user.token, now=now())


def installation() -> Installation:
    """The settings and ports of this app."""
    return cast(Installation, current_app.extensions["grading"])


def now() -> datetime:
    """The instant of this request: one for all it does, from the app's clock."""
    if not has_request_context():
        return clock()
    if "now" not in g:
        g.now = clock()
    return cast(datetime, g.now)


def clock() -> datetime:
    """Read the app's clock; tests and simulations set ``app.extensions["clock"]``."""
    source = current_app.extensions.get("clock")
    return cast(datetime, source()) if source else datetime.now(UTC)


def person() -> Person:
    """The signed-in person, in the present transaction."""
    signed_in = db.session.get(Person, current_user.id) if current_user.is_authenticated else None
    if signed_in is None:
        raise NotFound("There is no such page.")
    return signed_in


def identity(
    cohort_id: str | None, sponsor_id: str | None = None, *, office: bool = False
) -> Identity:
    """The signed-in person with their roles in a cohort, and with their sponsors where it matters."""
    session = cast(Session, db.session)
    signed_in = session.get(Person, current_user.id) if current_user.is_authenticated else None
    who = identify(session, signed_in, cohort_id)
    if not office or signed_in is None:
        return who
    return replace(who, sponsors=sponsors_of(session, signed_in), sponsor_id=sponsor_id)


def _refusal(permission: Permission) -> NotFound:
    """Refuse as if there were nothing; the security log says what was asked for."""
    g.refused = permission.value
    return NotFound("There is no such page.")


def permit(
    permission: Permission, cohort_id: str | None = None, sponsor_id: str | None = None
) -> Identity:
    """Ask for a permission; refused and unknown are alike.

    Parameters
    ----------
    cohort_id, sponsor_id : str, optional
        What it is asked about.

    Raises
    ------
    NotFound
    """
    office = permission in BY_OFFICE or permission is Permission.OFFICE_USE
    who = identity(cohort_id, sponsor_id, office=office)
    if not permits(who, permission):
        raise _refusal(permission)
    g.setdefault("asked", set()).add(permission)
    g.who = who
    return who


def sponsor_of(record: object) -> str | None:
    """Find the sponsor a record belongs to, by its program or its cohort's; None where there is none."""
    if isinstance(record, Sponsor):
        return record.id
    if (sponsor_id := getattr(record, "sponsor_id", None)) is not None:
        return str(sponsor_id)
    session = cast(Session, db.session)
    if (program_id := getattr(record, "program_id", None)) is not None:
        return session.get_one(Program, program_id).sponsor_id
    if (cohort_id := getattr(record, "cohort_id", None)) is not None:
        return session.get_one(Cohort, cohort_id).program.sponsor_id
    return None


def load_program(program_id: str, permission: Permission) -> Program:
    """Find a program for who has a permission by account, by its sponsor's office, or in one of its cohorts.

    Raises
    ------
    NotFound
    """
    program = db.session.get(Program, program_id)
    if program is None:
        raise NotFound("There is no such page.")
    who = identity(None, program.sponsor_id, office=True)
    if who.person is None:
        raise NotFound("There is no such page.")
    roles = db.session.scalars(
        select(Membership.role)
        .join(Cohort, Cohort.id == Membership.cohort_id)
        .where(
            Cohort.program_id == program_id,
            takes_part(person_id=who.person.id),
        )
        .distinct()
    )
    if not permits(replace(who, roles=frozenset(Role(role) for role in roles)), permission):
        raise _refusal(permission)
    g.setdefault("asked", set()).add(permission)
    return program


def load(
    model: type[Record], record_id: str, permission: Permission, *, owner: str | None = None
) -> Record:
    """Find a record for somebody who may see it.

    Parameters
    ----------
    model : type
        Its records have a ``cohort_id``, a ``program_id`` or a ``sponsor_id``, are what these name, or
        belong to the service.
    owner : str, optional
        The column that must name the signed-in person.

    Raises
    ------
    NotFound
        There is none, or not for this person: nobody judges a work that they had a part in.
    """
    record = db.session.get(model, record_id)
    if record is None:
        raise NotFound("There is no such page.")
    cohort_id = record.id if isinstance(record, Cohort) else getattr(record, "cohort_id", None)
    sponsor_id = sponsor_of(record) if permission in BY_OFFICE else None
    who = permit(permission, cohort_id, sponsor_id)
    if owner is not None and (who.person is None or getattr(record, owner) != who.person.id):
        raise _refusal(permission)
    if permission in OF_OTHERS and who.person is not None:
        work_id = (
            record.id if isinstance(record, Submission) else getattr(record, "submission_id", None)
        )
        if work_id and has_own_interest(cast(Session, db.session), who.person.id, [work_id]):
            raise _refusal(permission)
    return record
