"""Rosters: ``email,name,role`` and ``group``. New people get an account and an invitation by mail.

A ``group`` puts the learners together that it names alike.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, select, true, union
from sqlalchemy.orm import Session

from grading.batches import batches, delete_in, scalars_in
from grading.cohorts import cohorts
from grading.errors import Fault, FaultsFound
from grading.ledger import audit
from grading.models import (
    Absence,
    Allocation,
    AuditEntry,
    Base,
    Cohort,
    ConflictOfInterest,
    Extension,
    ImportBatch,
    Membership,
    PasswordReset,
    Person,
    Submission,
    SubmissionMember,
)
from grading.office.imports import grouping
from grading.office.imports.common import (
    Change,
    Effect,
    Importer,
    Kept,
    Undoing,
    of_kind,
)
from grading.office.imports.tables import TableRow
from grading.people import accounts as people
from grading.texts import address_sought, email_address, fault_of, person_name
from grading.workflow.cohort import Role


def plan(
    session: Session, actor: Person | None, cohort: Cohort, rows: Sequence[TableRow], now: datetime
) -> list[Change]:
    """Say who would get an account, and who a part; a part that is held makes no change."""
    cohorts.not_ended(cohort)
    known = people.by_address(session, (row.values["email"] for row in rows))
    grouped, faults = grouping.plan(session, cohort, known, rows)
    if faults := _faults(actor, known, rows) + faults:
        raise FaultsFound(faults)
    held: dict[tuple[str, str], datetime | None] = {
        (person_id, role): ended_at
        for person_id, role, ended_at in session.execute(
            select(Membership.person_id, Membership.role, Membership.ended_at).where(
                Membership.cohort_id == cohort.id
            )
        )
    }
    changes: list[Change] = []
    new: set[str] = set()
    for row in rows:
        email, name = address_sought(row.values["email"]), person_name(row.values["name"])
        role = row.values["role"].lower()
        person = known.get(email)
        if person is None and email not in new:
            new.add(email)
            changes.append(Change(row.line, email, Effect.ACCOUNT, name))
        key = (person.id, role) if person else None
        if key is None or key not in held:
            changes.append(Change(row.line, email, Effect.ENROL, role))
        elif held[key] is not None:
            changes.append(Change(row.line, email, Effect.ENROL_AGAIN, role))
    return changes + grouped


def _faults(
    actor: Person | None, known: dict[str, Person], rows: Sequence[TableRow]
) -> list[Fault]:
    faults: list[Fault] = []
    seen: dict[tuple[str, str], int] = {}
    named: dict[str, str] = {}
    for row in rows:
        email, name, role = row.values["email"], row.values["name"], row.values["role"].lower()
        email = address_sought(email)
        person = known.get(email)
        if person is None and (fault := fault_of(row.place("email"), email_address, email)):
            faults.append(fault)
        if person is not None and not person.active:
            faults.append(row.fault("email", "This account is closed."))
        if fault := fault_of(row.place("name"), person_name, name):
            faults.append(fault)
        elif named.setdefault(email, name) != name:
            faults.append(row.fault("name", "The same address stands above with another name."))
        if role not in set(Role):
            faults.append(
                row.fault("role", "“%(role)s” is none of %(words)s.", role=role, words=tuple(Role))
            )
        elif person is not None and cohorts.gives_themself(actor, person.id, role):
            faults.append(
                row.fault("role", "Nobody gives themselves a part in scoring. A colleague does.")
            )
        if (email, role) in seen:
            faults.append(
                row.fault(
                    "email",
                    "The same person and role stand on line %(line)s.",
                    line=seen[email, role],
                )
            )
        seen.setdefault((email, role), row.line)
    return faults


def carry_out(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    changes: Sequence[Change],
    now: datetime,
) -> list[tuple[Any, ...]]:
    """Make the accounts and the parts."""
    new = [(item.who, item.detail) for item in changes if item.effect is Effect.ACCOUNT]
    made: list[tuple[Any, ...]] = [
        ("person", person.id) for person in people.create_accounts(session, actor, new, now=now)
    ]
    known = people.by_address(session, (item.who for item in changes))
    again = {
        (membership.person_id, membership.role): membership
        for membership in scalars_in(
            session,
            select(Membership).where(Membership.cohort_id == cohort.id),
            Membership.person_id,
            (known[item.who].id for item in changes if item.effect is Effect.ENROL_AGAIN),
        )
    }
    begun: list[Membership] = []
    for item in changes:
        person = known[item.who]
        if item.effect is Effect.ENROL:
            membership = Membership(
                cohort_id=cohort.id, person_id=person.id, role=Role(item.detail), since=now
            )
            session.add(membership)
            begun.append(membership)
        elif item.effect is Effect.ENROL_AGAIN:
            membership = again[person.id, item.detail]
            membership.ended_at = None
            made.append(("again", membership.id))
            cohorts.note_membership(session, actor, membership, person.id, cohort, now=now)
    session.flush()
    for membership in begun:
        made.append(("membership", membership.id))
        cohorts.note_membership(session, actor, membership, membership.person_id, cohort, now=now)
    together = [item for item in changes if item.effect is Effect.GROUP]
    return made + grouping.carry_out(session, actor, cohort, known, together, now)


def look_back(session: Session, actor: Person | None, batch: ImportBatch) -> Undoing:
    """Find the parts nobody has acted in, and the accounts nobody has used for anything."""
    parts = {key: word for word in ("membership", "again") for (key,) in of_kind(batch, word)}
    accounts = [key for (key,) in of_kind(batch, "person")]
    memberships = list(scalars_in(session, select(Membership), Membership.id, parts))
    persons = {
        person.id: person
        for person in scalars_in(
            session,
            select(Person),
            Person.id,
            {item.person_id for item in memberships} | set(accounts),
        )
    }
    works = grouping.untouched(session, batch)
    acted = _acted(session, batch, works)
    made: list[tuple[Any, ...]] = [("group", work) for work in works]
    kept: list[Kept] = []
    gone: set[str] = set()
    for membership in memberships:
        if membership.person_id in acted:
            kept.append(Kept(persons[membership.person_id].email, "has taken part since"))
        elif membership.ended_at is None:
            word = parts[membership.id]
            made.append((word, membership.id))
            if word == "membership":
                gone.add(membership.id)
    referred = _referred(session, accounts, gone, works)
    stays = {item.who for item in kept}
    for key in accounts:
        person = persons.get(key)
        if person is None or person.email in stays:
            continue
        if person.password_hash is not None:
            kept.append(Kept(person.email, "uses the account"))
        elif key in referred:
            kept.append(Kept(person.email, "is entered elsewhere by now"))
        else:
            made.append(("person", key))
    return Undoing(tuple(made), tuple(kept))


def _acted(session: Session, batch: ImportBatch, works: Sequence[str]) -> set[str]:
    """List everybody who did something in the cohort, or was given something to do, ``works`` apart."""
    cohort_id = batch.cohort_id
    sources: CompoundSelect[Any] = union(
        select(SubmissionMember.person_id).where(
            SubmissionMember.cohort_id == cohort_id, SubmissionMember.submission_id.not_in(works)
        ),
        select(Allocation.rater_id).where(
            Allocation.cohort_id == cohort_id, Allocation.rater_id.is_not(None)
        ),
        select(Extension.person_id).where(Extension.cohort_id == cohort_id),
        select(Absence.person_id).where(Absence.cohort_id == cohort_id),
        select(ConflictOfInterest.rater_id).where(ConflictOfInterest.cohort_id == cohort_id),
        select(ConflictOfInterest.learner_id).where(ConflictOfInterest.cohort_id == cohort_id),
        select(AuditEntry.actor_id).where(
            AuditEntry.chain == cohort_id,
            AuditEntry.actor_id.is_not(None),
            AuditEntry.at > batch.at,
        ),
    )
    return {str(row[0]) for row in session.execute(sources)}


def _referred(
    session: Session, accounts: Sequence[str], gone: set[str], works: Sequence[str]
) -> set[str]:
    """List the accounts that some row of some table names, what is to be taken back apart."""
    referred: set[str] = set()
    apart = (PasswordReset.__table__, Membership.__table__)
    leaves = {
        Submission.__table__: Submission.id.not_in(works),
        SubmissionMember.__table__: SubmissionMember.submission_id.not_in(works),
    }
    columns = [
        (key.parent, leaves.get(table, true()))
        for table in Base.metadata.sorted_tables
        if table not in apart
        for key in table.foreign_keys
        if key.column.table is Person.__table__
    ]
    for chunk in batches(accounts):
        referred |= {
            person_id
            for key, person_id in session.execute(
                select(Membership.id, Membership.person_id).where(Membership.person_id.in_(chunk))
            )
            if key not in gone
        }
        referred |= {
            str(row[0])
            for row in session.execute(
                union(*(select(column).where(column.in_(chunk), left) for column, left in columns))
            )
        }
    return referred


def take_back(
    session: Session,
    actor: Person | None,
    batch: ImportBatch,
    made: Sequence[tuple[Any, ...]],
    now: datetime,
) -> None:
    """Remove parts and accounts as if the file had never come; the chain keeps that it did."""
    ids = {word: [key for kind, key in made if kind == word] for word in ("membership", "again")}
    accounts = [key for kind, key in made if kind == "person"]
    grouping.take_back(session, [key for kind, key in made if kind == "group"])
    for membership in scalars_in(session, select(Membership), Membership.id, ids["again"]):
        membership.ended_at = now
        audit.record(session, actor, "membership:end", membership, now=now, reason="undone")
    delete_in(session, Membership.id, ids["membership"])
    delete_in(session, PasswordReset.person_id, accounts)
    delete_in(session, Person.id, accounts)


IMPORTER = Importer(
    columns=("email", "name", "role"),
    optional=("group",),
    plan=plan,
    carry_out=carry_out,
    look_back=look_back,
    take_back=take_back,
)
