"""A learner's program record: the whole of it, to take along and to share."""

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import StringField

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import NotFound, Refused
from grading.models import CredentialRecord, Program, ShareLink
from grading.people.queries import identity_checks
from grading.records import records, reissues, sharing, showing
from grading.records.queries import program_record
from grading.records.queries.program_record import ProgramRecord
from grading.records.sharing import SharedAddress
from grading.records.showing import ShownRecord
from grading.web import access, downloads, reading
from grading.web.access import load, requires
from grading.web.forms import Done, Form, Shown, checkboxes, form_view, options, yes_field
from grading.web.labels import FACT_LABELS
from grading.web.learner import credentials
from grading.web.learner.common import bp as learner_bp
from grading.web.public import record as public_record
from grading.workflow.credential import USUALLY_SHOWN, RecordFact, RecordState, chosen_facts
from grading.workflow.submission import HONOUR_STATEMENTS

bp = Blueprint("records", __name__, url_prefix="/learn")

OWN = Permission.SIGNED_IN


FACTS = options(FACT_LABELS.items())


class LinkForm(Form):
    label = StringField(_l("Who or what the link is for"))
    shows = checkboxes(_l("What it shows"), choices=FACTS, default=USUALLY_SHOWN)


class IssueAnewForm(Form):
    confirmed = yes_field()


class ShareForm(Form):
    shared = yes_field()
    shows = checkboxes(_l("What the record’s own address shows"), choices=FACTS, id="facts")


def _program(program_id: str) -> Program:
    """Find a program for somebody who learns in it."""
    program = load(Program, program_id, OWN)
    if not program_record.learns_in(db.session(), program_id, access.person().id):
        raise NotFound("There is no such page.")
    return program


def _render_record(program: Program, link: LinkForm | None = None) -> str:
    session = db.session()
    progress = program_record.gather(session, program, access.person().id, now=access.now())
    record = progress.record
    links = sharing.links_of(session, record) if record else []
    present_name = identity_checks.present_name(session, access.person(), now=access.now())
    addresses = [link.public_id for link in links] + ([record.public_id] if record else [])
    return render_template(
        "learner/record.html",
        found=progress,
        program=program,
        record=record,
        shown=_as_signed(record) if record else None,
        present_name=present_name,
        name_is_another=record is not None
        and record.state == RecordState.VALID
        and reissues.says_another_name(record, present_name),
        credentials=credentials.listed(record) if record else [],
        printing_note=downloads.printing_note(record.name) if record else [],
        assured=identity_checks.assurances_of(
            session, [one.submission for one in progress.attempts], access.person().id
        ),
        statements=HONOUR_STATEMENTS,
        links=[(link, [FACT_LABELS[RecordFact(fact)] for fact in link.shows]) for link in links],
        views=sharing.views(session, addresses),
        base_url=access.installation().settings.base_url,
        link_form=link or LinkForm.blank(),
        share_form=ShareForm.blank(shows=record.shows if record else None),
    )


def _as_signed(record: CredentialRecord) -> ShownRecord:
    """Give what the record's credentials say, as far as they hold."""
    return reading.shown_records([showing.whole(record)], whole=False)[record.public_id]


def _vouched(progress: ProgramRecord) -> set[str]:
    return showing.vouched_for(_as_signed(progress.record)) if progress.record else set()


@bp.get("/programs/<program_id>/record")
@requires(OWN)
def program(program_id: str) -> ResponseReturnValue:
    """All courses and attempts, what counts, what is missing, and who may look."""
    return _render_record(_program(program_id))


@bp.post("/programs/<program_id>/record")
@requires(OWN)
def start(program_id: str) -> ResponseReturnValue:
    """Make the record of what is completed so far, so that it can be shared."""
    with transaction() as session:
        records.open_partial(session, access.person(), _program(program_id), now=access.now())
    flash(_("Your record is made. Nobody sees it until you share it."))
    return redirect(url_for("records.program", program_id=program_id) + "#sharing", 303)


@bp.get("/programs/<program_id>/record.csv")
@requires(OWN)
def as_csv(program_id: str) -> Response:
    progress = program_record.gather(
        db.session(), _program(program_id), access.person().id, now=access.now()
    )
    rows = [list(line.values()) for line in program_record.lines(progress, _vouched(progress))]
    return downloads.table("program-record.csv", program_record.COLUMNS, rows)


@bp.get("/programs/<program_id>/record.json")
@requires(OWN)
def as_json(program_id: str) -> ResponseReturnValue:
    progress = program_record.gather(
        db.session(), _program(program_id), access.person().id, now=access.now()
    )
    answer = jsonify(
        program=progress.program.name,
        sponsor=progress.program.sponsor.issuer,
        name=progress.record.name if progress.record else access.person().name,
        name_verified=progress.record is not None and progress.record.name_how is not None,
        hours=progress.hours,
        hours_approver=progress.program.hours_approver or None,
        provider_number=progress.program.provider_number or None,
        began_on=progress.began_on.isoformat() if progress.began_on else None,
        passed_on=progress.passed_on.isoformat() if progress.passed_on else None,
        days_taken=progress.days_taken,
        updated_at=progress.updated_at.isoformat() if progress.updated_at else None,
        lines=program_record.lines(progress, _vouched(progress)),
    )
    downloads.attach(answer, "program-record.json")
    return answer


@bp.post("/records/<record_id>/links")
@requires(OWN)
def make_link(record_id: str) -> ResponseReturnValue:
    program_id = load(CredentialRecord, record_id, OWN, owner="person_id").program_id

    def act(session: Session, form: LinkForm) -> Done:
        sharing.make_link(
            session,
            access.person(),
            load(CredentialRecord, record_id, OWN, owner="person_id"),
            label=form.label.data,
            shows=form.shows.data,
            now=access.now(),
        )
        return Done(
            url_for("records.program", program_id=program_id) + "#sharing",
            _("The link is made. Whoever has it can look at your record."),
        )

    return form_view(LinkForm(), act, lambda form: _render_record(_program(program_id), form))


@bp.post("/records/<record_id>/preview")
@requires(OWN)
def preview(record_id: str) -> ResponseReturnValue:
    """Show the owner the page of the record as a reader would see it with what is ticked."""

    def act(_session: Session, form: LinkForm) -> Shown:
        record = load(CredentialRecord, record_id, OWN, owner="person_id")
        facts = frozenset(RecordFact(fact) for fact in chosen_facts(form.shows.data))
        address = SharedAddress("", record, None, facts)
        shown = reading.shown_records([address])[""]
        return Shown(public_record.render_record(shown, record.program, preview=True))

    return form_view(LinkForm(), act)


@bp.post("/links/<link_id>/withdraw")
@requires(OWN)
def withdraw_link(link_id: str) -> ResponseReturnValue:
    with transaction() as session:
        link = load(ShareLink, link_id, OWN)
        program_id = link.record.program_id
        sharing.withdraw_link(session, access.person(), link, now=access.now())
    flash(_("The link is withdrawn. Whoever opens it finds nothing."))
    return redirect(url_for("records.program", program_id=program_id) + "#sharing", 303)


@learner_bp.get("/records/<record_id>")
@requires(OWN)
def record(record_id: str) -> ResponseReturnValue:
    """Lead to the program record; the address is that of older mails and pages."""
    own_record = load(CredentialRecord, record_id, OWN, owner="person_id")
    return redirect(url_for("records.program", program_id=own_record.program_id))


@learner_bp.post("/records/<record_id>/issue-anew")
@requires(OWN)
def issue_anew(record_id: str) -> ResponseReturnValue:
    """Put the present name on the record, which gets a new address by it."""

    def act(session: Session, form: IssueAnewForm) -> Done:
        own_record = load(CredentialRecord, record_id, OWN, owner="person_id")
        if not form.confirmed.data:
            raise Refused("Confirm that the record is to be issued anew.")
        newer = reissues.issue_under_present_name(
            session, access.person(), own_record, now=access.now()
        )
        return Done(
            url_for("records.program", program_id=newer.program_id),
            _(
                "Your record is issued anew under your present name. The old address says “Replaced” and "
                "does not lead to the new one."
            ),
        )

    return form_view(IssueAnewForm(), act)


@learner_bp.post("/records/<record_id>/share")
@requires(OWN)
def share(record_id: str) -> ResponseReturnValue:
    def act(session: Session, form: ShareForm) -> Done:
        own_record = load(CredentialRecord, record_id, OWN, owner="person_id")
        if form.shared.data:
            records.share(
                session, access.person(), own_record, shows=form.shows.data, now=access.now()
            )
            said = _("Your record is shared. Whoever has the address can see it.")
        else:
            records.unshare(session, access.person(), own_record, now=access.now())
            said = _("Your record is no longer shared.")
        return Done(url_for("learner.record", record_id=record_id), said)

    return form_view(ShareForm(), act)
