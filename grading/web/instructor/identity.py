"""Identity checks by a person: who waits for one, what was seen, and the name a record is issued under."""

from datetime import date, datetime

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.widgets import DateInput

from grading.authorization.permissions import Permission
from grading.cohorts import contents
from grading.cohorts.queries import participants
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Cohort, Person
from grading.people import consequences, identity
from grading.people.queries import identity_checks
from grading.phrases import phrase
from grading.records import outdated, reissues
from grading.web import access, downloads
from grading.web.access import requires
from grading.web.consequences import AmendingForm, amending_view, decided
from grading.web.entering import page_number, search_words
from grading.web.forms import Done, options, radio
from grading.web.instructor import shell
from grading.web.labels import DOCUMENT_LABELS
from grading.workflow.credential import DocumentKind, IdentityAssurance
from grading.workflow.deadlines import whole_days

bp = Blueprint("identity", __name__, url_prefix="/teach")

CHECK = Permission.IDENTITY_CHECK
PAST = phrase("The document is out of date, or the date is none.")


@bp.get("/<cohort_id>/identity")
@requires(CHECK)
def queue(cohort_id: str) -> ResponseReturnValue:
    """Learners whose identity nobody has checked; found by name, all others too."""
    cohort = shell.cohort(cohort_id, CHECK)
    session, me = db.session(), access.person()
    text = search_words("q")
    pager = identity_checks.unchecked_learners(
        session, cohort, except_for=me.id, now=access.now(), page=page_number()
    )
    waiting = [person.id for person in pager.entries]
    return shell.render(
        "identity.html",
        cohort,
        q=text,
        learners=participants.learners(session, cohort, text) if text else [],
        waiting=pager.entries,
        works=identity_checks.last_works(session, cohort, waiting),
        pager=pager,
        me=me,
    )


def _learner(cohort: Cohort, person_id: str) -> Person:
    person = participants.learner(db.session(), cohort, person_id)
    # Nobody checks their own identity, so for them there is no such page.
    if person is None or person.id == access.person().id:
        raise NotFound("There is no such page.")
    return person


class CheckForm(AmendingForm):
    name = StringField(_l("Name as it stands on the document"))
    document = radio(
        _l("What did you see?"),
        choices=options((kind, DOCUMENT_LABELS[kind]) for kind in DocumentKind),
    )
    holds_until = StringField(_l("Last day on which the document is valid"), widget=DateInput())
    covers = radio(
        _l("What does the check vouch for?"),
        default="work",
        choices=options(
            [
                ("work", _l("The project that is submitted")),
                ("all", _l("What they submit from now on, while it holds")),
            ]
        ),
    )

    def ends_at(self, cohort: Cohort) -> datetime | None:
        """Give the instant at which the document's last day ends, in the cohort's zone; None without one.

        Raises
        ------
        FaultsFound
        """
        text = self.holds_until.data.strip()
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
            _begins, ends = whole_days(day, day, cohort.zone)
        except (ValueError, OverflowError):
            raise FaultsFound([Fault("holds_until", PAST)]) from None
        if ends <= access.now():
            raise FaultsFound([Fault("holds_until", PAST)])
        return ends


def _render_check(cohort_id: str, person_id: str, form: CheckForm | None = None) -> str:
    cohort = shell.cohort(cohort_id, CHECK)
    learner = _learner(cohort, person_id)
    session, now = db.session(), access.now()
    return shell.render(
        "identity_check.html",
        cohort,
        person=learner,
        checks=identity_checks.checks_of(session, learner.id),
        work=identity_checks.last_works(session, cohort, [learner.id]).get(learner.id),
        says=contents.ASSURANCE[IdentityAssurance.DOCUMENT].removesuffix("."),
        verified_name=identity_checks.present_name(session, learner, now=now).name,
        records=reissues.records_under_another_name(session, learner, now=now),
        form=form or CheckForm.blank(),
    )


@bp.get("/<cohort_id>/identity/<person_id>")
@requires(CHECK)
def person(cohort_id: str, person_id: str) -> ResponseReturnValue:
    """What is known of one learner's identity, and a form to note a check."""
    return _render_check(cohort_id, person_id)


@bp.post("/<cohort_id>/identity/<person_id>")
@requires(CHECK)
def check(cohort_id: str, person_id: str) -> ResponseReturnValue:
    """Note that a document was seen; of the document itself nothing is kept."""

    def act(session: Session, form: CheckForm) -> Done:
        cohort = shell.cohort(cohort_id, CHECK)
        learner = _learner(cohort, person_id)
        work = identity_checks.last_works(session, cohort, [learner.id]).get(learner.id)
        identity.record_check(
            session,
            access.person(),
            learner,
            how=IdentityAssurance.DOCUMENT,
            name=form.name.data,
            document=form.document.data,
            submission=work if form.covers.data == "work" else None,
            holds_until=form.ends_at(cohort),
            now=access.now(),
        )
        session.flush()
        note = downloads.printing_note(form.name.data)
        consequences.settle(
            session,
            access.person(),
            outdated.under_another_name(session, access.person(), learner, now=access.now()),
            decided(form.decisions.data),
            now=access.now(),
        )
        return Done(url_for("identity.queue", cohort_id=cohort_id), _("The check is noted."), *note)

    return amending_view(CheckForm(), act, lambda form: _render_check(cohort_id, person_id, form))


@bp.post("/<cohort_id>/identity/<person_id>/name")
@requires(CHECK)
def rename(cohort_id: str, person_id: str) -> ResponseReturnValue:
    """Issue the learner's records anew under the name that was checked."""
    with transaction() as session:
        cohort = shell.cohort(cohort_id, CHECK)
        learner = _learner(cohort, person_id)
        count = reissues.issue_under_new_name(session, access.person(), learner, now=access.now())
    flash(_("%(n)s records are issued anew under the checked name.", n=count))
    return redirect(url_for("identity.person", cohort_id=cohort_id, person_id=person_id), 303)
