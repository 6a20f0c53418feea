"""Identity checks: made by a person or an institution, never by a machine's guess about a body."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, Refused
from grading.ledger import audit
from grading.models import IdentityCheck, Person, Submission
from grading.models.conditions import is_member
from grading.texts import fault_of, person_name
from grading.workflow.credential import DocumentKind, IdentityAssurance


def record_check(
    session: Session,
    actor: Person | None,
    person: Person,
    *,
    how: str,
    name: str,
    now: datetime,
    submission: Submission | None = None,
    holds_until: datetime | None = None,
    document: str | None = None,
    issuer: str | None = None,
) -> IdentityCheck:
    """Record that somebody's identity was checked.

    The name goes into the record's credentials once the record is issued anew (`records.rename`).

    Parameters
    ----------
    actor : Person or None
        Who checked; None for an operator at the command line.
    name : str
        The name as it stands on what was looked at.
    submission : Submission, optional
        The work that the check vouches for; by default everything while it holds.
    document : str, optional
        What kind of document was seen.
    issuer : str, optional
        The provider that vouched at a sign-in.

    Raises
    ------
    FaultsFound
        An unknown way or kind of document, no name, or an end that is past.
    Refused
        It is one's own identity, or another person's work.
    """
    faults = []
    if how not in [str(word) for word in IdentityAssurance]:
        faults.append(Fault("how", "Choose how identity was checked."))
    if fault := fault_of("name", person_name, name):
        faults.append(fault)
    if document is not None and document not in [str(word) for word in DocumentKind]:
        faults.append(Fault("document", "Choose what kind of document you saw."))
    if holds_until is not None and holds_until <= now:
        faults.append(Fault("holds_until", "The check ends before it begins."))
    if faults:
        raise FaultsFound(faults)
    if actor is not None and actor.id == person.id:
        raise Refused("Nobody checks their own identity.")
    if submission is not None and not _took_part_in(session, submission, person):
        raise Refused("This is another person's work.")
    made = IdentityCheck(
        person_id=person.id,
        submission_id=submission.id if submission else None,
        how=how,
        name=person_name(name),
        document=document,
        issuer=issuer,
        by_id=actor.id if actor else None,
        at=now,
        holds_until=holds_until,
    )
    session.add(made)
    session.flush()
    # Never the name: the chain outlives the right to know who somebody was.
    audit.record(
        session,
        actor,
        "identity:check",
        made,
        now=now,
        after={"person": person.id, "how": how, "submission": made.submission_id},
    )
    return made


def _took_part_in(session: Session, submission: Submission, person: Person) -> bool:
    statement = select(Submission.id).where(Submission.id == submission.id, is_member(person.id))
    return session.scalar(statement) is not None
