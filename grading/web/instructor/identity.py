"""Identity checks by a person: who waits for one, what was seen, and the name a record is issued under."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.cohorts import contents
from grading.cohorts.queries import participants
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Cohort, Person
from grading.people import identity
from grading.people.queries import identity_checks
from grading.records import reissues
from grading.web import access
from grading.web.access import page_number, requires
from grading.web.errors import fault_words
from grading.web.instructor import shell
from grading.workflow.credential import DocumentKind, IdentityAssurance

bp = Blueprint("identity", __name__, url_prefix="/teach")

CHECK = Permission.IDENTITY_CHECK
PAST = "The document is out of date, or the date is none."


@bp.get("/<cohort_id>/identity")
@requires(CHECK)
def queue(cohort_id: str) -> Any:
    """Learners whose identity nobody has checked; found by name, all others too."""
    found = shell.cohort(cohort_id, CHECK)
    session, me = db.session(), access.person()
    text = request.args.get("q", "").strip()
    pager = identity_checks.unchecked_learners(
        session, found, except_for=me.id, now=access.now(), page=page_number()
    )
    waiting = [person.id for person in pager.entries]
    return shell.render(
        "identity.html",
        found,
        q=text,
        learners=participants.learners(session, found, text) if text else [],
        waiting=pager.entries,
        works=identity_checks.last_works(session, found, waiting),
        pager=pager,
        me=me,
    )


def _learner(cohort: Cohort, person_id: str) -> Person:
    person = participants.learner(db.session(), cohort, person_id)
    # Nobody checks their own identity, so for them there is no such page.
    if person is None or person.id == access.person().id:
        raise NotFound("There is no such page.")
    return person


def _page(cohort: Cohort, person: Person, faults: list[Fault] | None = None) -> Any:
    session, now = db.session(), access.now()
    page = shell.render(
        "identity_check.html",
        cohort,
        person=person,
        checks=identity_checks.checks_of(session, person.id),
        work=identity_checks.last_works(session, cohort, [person.id]).get(person.id),
        kinds=list(DocumentKind),
        says=contents.ASSURANCE[IdentityAssurance.DOCUMENT].removesuffix("."),
        verified_name=identity_checks.verified_name(session, person, now=now),
        records=reissues.records_under_another_name(session, person, now=now),
        entered=request.form,
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/<cohort_id>/identity/<person_id>")
@requires(CHECK)
def person(cohort_id: str, person_id: str) -> Any:
    """What is known of one learner's identity, and a form to note a check."""
    found = shell.cohort(cohort_id, CHECK)
    return _page(found, _learner(found, person_id))


def _holds_until(cohort: Cohort) -> datetime | None:
    """Read the last day of a document as the instant it ends, in the cohort's zone; None without one.

    Raises
    ------
    FaultsFound
    """
    given = request.form.get("holds_until", "").strip()
    if not given:
        return None
    try:
        day = date.fromisoformat(given) + timedelta(days=1)
        ends = datetime.combine(day, time(), tzinfo=cohort.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise FaultsFound([Fault("holds_until", PAST)]) from None
    if ends <= access.now():
        raise FaultsFound([Fault("holds_until", PAST)])
    return ends


@bp.post("/<cohort_id>/identity/<person_id>")
@requires(CHECK)
def check(cohort_id: str, person_id: str) -> Any:
    """Note that a document was seen; of the document itself nothing is kept."""
    form = request.form
    try:
        with transaction() as session:
            found = shell.cohort(cohort_id, CHECK)
            learner = _learner(found, person_id)
            work = identity_checks.last_works(session, found, [learner.id]).get(learner.id)
            identity.record_check(
                session,
                access.person(),
                learner,
                how=IdentityAssurance.DOCUMENT,
                name=form.get("name", ""),
                document=form.get("document", ""),
                submission=work if form.get("covers") == "work" else None,
                holds_until=_holds_until(found),
                now=access.now(),
            )
            session.flush()
            another = bool(reissues.records_under_another_name(session, learner, now=access.now()))
    except FaultsFound as error:
        found = shell.cohort(cohort_id, CHECK)
        return _page(found, _learner(found, person_id), list(error.faults))
    if another:
        flash(_("The check is noted. The record has another name: see below."))
        return redirect(
            url_for("identity.person", cohort_id=cohort_id, person_id=person_id) + "#name", 303
        )
    flash(_("The check is noted."))
    return redirect(url_for("identity.queue", cohort_id=cohort_id), 303)


@bp.post("/<cohort_id>/identity/<person_id>/name")
@requires(CHECK)
def rename(cohort_id: str, person_id: str) -> Any:
    """Issue the learner's records anew under the name that was checked."""
    with transaction() as session:
        found = shell.cohort(cohort_id, CHECK)
        learner = _learner(found, person_id)
        count = reissues.issue_under_new_name(session, access.person(), learner, now=access.now())
    flash(_("%(n)s records are issued anew under the checked name.", n=count))
    return redirect(url_for("identity.person", cohort_id=cohort_id, person_id=person_id), 303)
