"""Rosters: ``email,name,role`` and ``group``. New people get an account and an invitation by mail.

A ``group`` puts the learners together that it names alike. Where an account has another name, the roster's
is offered: nobody is renamed unasked.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import CompoundSelect, select, true, union
from sqlalchemy.orm import Session

from grading.batches import batches, delete_in, scalars_in
from grading.cohorts import departures, parts
from grading.errors import Fault
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
    Program,
    SponsorMember,
    Submission,
    SubmissionMember,
)
from grading.office.imports import grouping
from grading.office.imports.common import (
    Change,
    Desk,
    Effect,
    Importer,
    Kept,
    Made,
    Undoing,
    made_of,
)
from grading.office.imports.people import RosterRow
from grading.people import accounts
from grading.people.queries import identity_checks
from grading.workflow.cohort import Role


def plan(
    desk: Desk[Cohort], rows: Sequence[RosterRow]
) -> tuple[list[Change[RosterRow]], list[Fault]]:
    """Say who would get an account, who a part, and who has another name; what holds makes no change."""
    parts.not_ended(desk.place)
    # What is read from here on stays so until the end.
    known = (person.id for person in desk.known.values())
    rule = parts.part_rule(desk.session, desk.actor, desk.place, known)
    held: dict[tuple[str, str], datetime | None] = {
        (person_id, role): ended_at
        for person_id, role, ended_at in desk.session.execute(
            select(Membership.person_id, Membership.role, Membership.ended_at).where(
                Membership.cohort_id == desk.place.id
            )
        )
    }
    changes = _renamings(desk, rows)
    new: set[str] = set()
    for row in rows:
        person = desk.known.get(row.email)
        if person is None and row.email not in new:
            new.add(row.email)
            changes.append(Change(row, row.email, Effect.ACCOUNT, row.name))
        key = (person.id, str(row.role)) if person else None
        if key is None or key not in held:
            changes.append(Change(row, row.email, Effect.ENROL, row.role))
        elif held[key] is not None:
            changes.append(Change(row, row.email, Effect.ENROL_AGAIN, row.role))
    together, faults = grouping.plan(desk, rows)
    return changes + together, _faults(desk, rows, rule) + faults


def _faults(desk: Desk[Cohort], rows: Sequence[RosterRow], rule: parts.PartRule) -> list[Fault]:
    faults: list[Fault] = []
    lines: dict[tuple[str, str], int] = {}
    names: dict[str, str] = {}
    roles: dict[str, set[Role]] = {}
    for row in rows:
        person_id = desk.known[row.email].id if row.email in desk.known else None
        if names.setdefault(row.email, row.name) != row.name:
            faults.append(row.fault("name", "The same address stands above with another name."))
        holds_already = row.role in rule.held.get(person_id or "", ())
        refusal = rule.refusal(person_id, row.role, roles.get(row.email, ()))
        if refusal is not None and not holds_already:
            faults.append(row.fault("role", refusal.template, **refusal.params))
        roles.setdefault(row.email, set()).add(row.role)
        if (row.email, row.role) in lines:
            faults.append(
                row.fault(
                    "email",
                    "The same person and role stand on line %(line)s.",
                    line=lines[row.email, row.role],
                )
            )
        lines.setdefault((row.email, row.role), row.line)
    return faults


def _renamings(desk: Desk[Cohort], rows: Sequence[RosterRow]) -> list[Change[RosterRow]]:
    """Say whose account has another name than the file; of those with a checked name, nothing is chosen."""
    differing = {
        desk.known[row.email].id: row
        for row in rows
        if row.email in desk.known and desk.known[row.email].name != row.name
    }
    checked = identity_checks.verified_names(desk.session, differing, now=desk.now)
    strangers = _of_others(desk, differing)
    return [
        Change(row, row.email, Effect.NAME_STAYS, row.name, before=desk.known[row.email].name)
        if person_id in strangers
        else Change(
            row,
            row.email,
            Effect.RENAME,
            row.name,
            before=desk.known[row.email].name,
            offered=person_id not in checked,
        )
        for person_id, row in differing.items()
    ]


def _of_others(desk: Desk[Cohort], person_ids: Iterable[str]) -> set[str]:
    """List the people whose name is not this office's to change: staff of offices, and of other sponsors."""
    others: set[str] = set()
    for ids in batches(person_ids) if desk.actor is not None else ():
        elsewhere = (
            select(Membership.person_id)
            .join(Cohort, Cohort.id == Membership.cohort_id)
            .join(Program, Program.id == Cohort.program_id)
            .where(Program.sponsor_id != desk.place.program.sponsor_id)
        )
        others |= set(
            desk.session.scalars(
                select(Person.id).where(
                    Person.id.in_(ids),
                    Person.administrator
                    | Person.id.in_(select(SponsorMember.person_id))
                    | Person.id.in_(elsewhere),
                )
            )
        )
    return others


def carry_out(desk: Desk[Cohort], changes: Sequence[Change[RosterRow]]) -> Iterable[Made]:
    """Make the accounts and the parts, and take over the names that were chosen."""
    session, actor, now = desk.session, desk.actor, desk.now
    of_effect: dict[Effect, list[Change[RosterRow]]] = {effect: [] for effect in Effect}
    for change in changes:
        of_effect[change.effect].append(change)
    new = [(change.who, change.detail) for change in of_effect[Effect.ACCOUNT]]
    made = [
        Made("person", person.id)
        for person in accounts.create_accounts(session, actor, new, now=now)
    ]
    known = accounts.by_address(session, (change.who for change in changes))
    for change in of_effect[Effect.RENAME]:
        accounts.rename_person(session, actor, known[change.who], change.row.name, now=now)
        made.append(Made("renamed", known[change.who].id))
    again = {
        (membership.person_id, membership.role): membership
        for membership in scalars_in(
            session,
            select(Membership).where(Membership.cohort_id == desk.place.id),
            Membership.person_id,
            (known[change.who].id for change in of_effect[Effect.ENROL_AGAIN]),
        )
    }
    taken_up = [
        again[known[change.who].id, change.row.role] for change in of_effect[Effect.ENROL_AGAIN]
    ]
    for membership in taken_up:
        membership.ended_at = None
    begun = [
        Membership(
            cohort_id=desk.place.id,
            person_id=known[change.who].id,
            role=change.row.role,
            since=now,
        )
        for change in of_effect[Effect.ENROL]
    ]
    session.add_all(begun)
    session.flush()
    parts.begin(session, actor, desk.place, taken_up + begun, now=now)
    made += [Made("again", membership.id) for membership in taken_up]
    made += [Made("membership", membership.id) for membership in begun]
    return made + grouping.carry_out(desk, known, of_effect[Effect.GROUP])


def look_back(desk: Desk[Cohort], batch: ImportBatch) -> Undoing:
    """Find the parts nobody has acted in, and the accounts nobody has used for anything."""
    given = made_of(batch, "membership", "again")
    fresh = made_of(batch, "person")
    renamed = made_of(batch, "renamed")
    memberships = list(scalars_in(desk.session, select(Membership), Membership.id, given))
    persons = {
        person.id: person
        for person in scalars_in(
            desk.session,
            select(Person),
            Person.id,
            {item.person_id for item in memberships} | set(fresh) | set(renamed),
        )
    }
    works = grouping.untouched(desk.session, batch)
    acted = _acted(desk.session, batch, works)
    made = [Made("group", work) for work in works]
    # The name before is kept nowhere, so that nobody is found by it.
    kept = [Kept(persons[key].email, "keeps the name of the file") for key in renamed]
    gone: set[str] = set()
    for membership in memberships:
        if membership.person_id in acted:
            kept.append(Kept(persons[membership.person_id].email, "has taken part since"))
        elif membership.ended_at is None:
            made.append(given[membership.id])
            if given[membership.id].word == "membership":
                gone.add(membership.id)
    referred = _referred(desk.session, list(fresh), gone, works)
    stays = {item.who for item in kept}
    for key in fresh:
        person = persons.get(key)
        if person is None or person.email in stays:
            continue
        if person.password_hash is not None:
            kept.append(Kept(person.email, "uses the account"))
        elif key in referred:
            kept.append(Kept(person.email, "is entered elsewhere by now"))
        else:
            made.append(fresh[key])
    return Undoing(tuple(made), tuple(kept))


def _acted(session: Session, batch: ImportBatch, works: Sequence[str]) -> set[str]:
    """List everybody who did something in the cohort, or was given something to do, ``works`` apart."""
    cohort_id = batch.cohort_id
    sources: CompoundSelect[tuple[str]] = union(
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


def take_back(desk: Desk[Cohort], undoing: Undoing) -> None:
    """Remove parts and accounts as if the file had never come; the chain keeps that it did."""
    session = desk.session
    grouping.take_back(session, undoing.ids("group"))
    for membership in scalars_in(session, select(Membership), Membership.id, undoing.ids("again")):
        departures.end_part(session, desk.actor, membership, reason="undone", now=desk.now)
    delete_in(session, Membership.id, undoing.ids("membership"))
    delete_in(session, PasswordReset.person_id, undoing.ids("person"))
    delete_in(session, Person.id, undoing.ids("person"))


IMPORTER = Importer(RosterRow, plan, carry_out, look_back, take_back)
