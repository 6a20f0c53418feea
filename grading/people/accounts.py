"""Accounts: making them, signing in, finding the way back in."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.batches import batches
from grading.errors import FaultsFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.turns import take_turns
from grading.models import Person
from grading.people import sign_ins
from grading.texts import address_sought, email_address, fault_of, person_name


def look_up(session: Session, email: str) -> Person | None:
    """Find the account of an address."""
    return session.scalar(select(Person).where(Person.email == address_sought(email)))


def by_address(session: Session, emails: Iterable[str]) -> dict[str, Person]:
    """Find the accounts there are of many addresses."""
    return {
        person.email: person
        for addresses in batches(sorted({address_sought(email) for email in emails}))
        for person in session.scalars(select(Person).where(Person.email.in_(addresses)))
    }


def find_account(session: Session, email: str) -> Person:
    """Find the account of an address; raises `Refused` when there is none."""
    person = look_up(session, email)
    if person is None:
        raise Refused("No account has the address “%(email)s”.", email=email.strip())
    return person


def create_account(
    session: Session,
    actor: Person | None,
    *,
    email: str,
    name: str,
    now: datetime,
    administrator: bool = False,
) -> Person:
    """Make an account without a password.

    Raises
    ------
    Refused
        The address is none or is taken, or the name is none.
    """
    address, name = email_address(email), person_name(name)
    if session.scalar(select(Person.id).where(Person.email == address)):
        raise Refused("An account with the address %(email)s exists.", email=address)
    return _add(session, actor, [(address, name)], administrator=administrator, now=now)[0]


def create_accounts(
    session: Session, actor: Person | None, rows: Sequence[tuple[str, str]], *, now: datetime
) -> list[Person]:
    """Make accounts from clean (address, name) pairs that no account has, and invite each by mail."""
    made = _add(session, actor, rows, administrator=False, now=now)
    outbox.post_new(
        session,
        "password_mail",
        [
            (f"invitation:{person.id}", {"person": person.id, "template": "invitation"})
            for person in made
        ],
        now=now,
    )
    return made


def _add(
    session: Session,
    actor: Person | None,
    rows: Sequence[tuple[str, str]],
    *,
    administrator: bool,
    now: datetime,
) -> list[Person]:
    made = [
        Person(email=address, name=name, administrator=administrator, created_at=now, epoch=0)
        for address, name in rows
    ]
    session.add_all(made)
    session.flush()
    for person in made:
        audit.record(
            session, actor, "person:create", person, now=now, after={"administrator": administrator}
        )
    return made


def deactivate(
    session: Session, actor: Person | None, person: Person, *, reason: str = "", now: datetime
) -> None:
    """Close an account and end every way in there is. What the person did stays on record.

    Raises
    ------
    Refused
        It is one's own, or that of the last administrator.
    """
    _administrators_take_turns(session, person)
    if not person.active:
        return
    if actor is not None and actor.id == person.id:
        raise Refused("Nobody closes their own account. Another administrator does.")
    _another_administrator(session, person)
    person.active = False
    sign_ins.end_ways_in(session, person)
    audit.record(session, actor, "person:deactivate", person, now=now, reason=reason.strip())


def reactivate(session: Session, actor: Person | None, person: Person, *, now: datetime) -> None:
    """Open a closed account again; raises `Refused` for one that was erased."""
    take_turns(session, person)
    if person.erased_at is not None:
        raise Refused("This person is erased. Nothing brings them back.")
    if not person.active:
        person.active = True
        audit.record(session, actor, "person:reactivate", person, now=now)


def set_administrator(
    session: Session, actor: Person | None, person: Person, wanted: bool, *, now: datetime
) -> None:
    """Make somebody an administrator, or no longer one; every sign-in of theirs ends.

    Raises
    ------
    Refused
        Nobody would be left, or one would take it from oneself.
    """
    _administrators_take_turns(session, person)
    if person.administrator == wanted:
        return
    if actor is not None and actor.id == person.id:
        raise Refused("Nobody changes this for themselves. Another administrator does.")
    if not wanted:
        _another_administrator(session, person)
    person.administrator = wanted
    sign_ins.end_ways_in(session, person)
    audit.record(
        session, actor, "person:set_administrator", person, now=now, after={"administrator": wanted}
    )


def _administrators_take_turns(session: Session, person: Person) -> None:
    """Wait for whoever ends an administrator's part: two who end each other's would leave none."""
    session.flush()
    session.scalars(
        select(Person)
        .where(Person.administrator.is_(True) | (Person.id == person.id))
        .order_by(Person.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def _another_administrator(session: Session, person: Person) -> None:
    if person.administrator and not session.scalar(
        select(Person.id)
        .where(Person.administrator.is_(True), Person.active.is_(True), Person.id != person.id)
        .limit(1)
    ):
        raise Refused("This is the last administrator.")


def rename_person(
    session: Session, actor: Person | None, person: Person, name: str, *, now: datetime
) -> bool:
    """Change an account's name. Records keep the name they were issued under until they are issued anew.

    The names themselves stand in no audit entry: whoever changes theirs need not be found by the old.

    Returns
    -------
    bool
        Whether it is another name than before.

    Raises
    ------
    FaultsFound
        It is no name, or one that is too long.
    """
    take_turns(session, person)
    if fault := fault_of("name", person_name, name):
        raise FaultsFound([fault])
    name = person_name(name)
    if name == person.name:
        return False
    person.name = name
    audit.record(session, actor, "person:rename", person, now=now)
    return True


def invite(session: Session, person: Person, *, now: datetime) -> None:
    """Have a new account's first way in mailed, once."""
    outbox.post(
        session,
        "password_mail",
        {"person": person.id, "template": "invitation"},
        key=f"invitation:{person.id}",
        now=now,
    )
