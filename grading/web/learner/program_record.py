"""A learner's program record: the whole of it, to take along and to share."""

from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import CredentialRecord, Program, ShareLink
from grading.people.queries import identity_checks
from grading.records import records, sharing
from grading.records.queries import program_record
from grading.web import access, downloads
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.web.learner import credentials
from grading.workflow.submission import HONOUR_STATEMENTS

bp = Blueprint("records", __name__, url_prefix="/learn")

OWN = Permission.SIGNED_IN


def _program(program_id: str) -> Program:
    """Find a program for somebody who learns in it."""
    found = load(Program, program_id, OWN)
    if not program_record.takes_part(db.session(), program_id, access.person().id):
        raise NotFound("There is no such page.")
    return found


def _page(program: Program, faults: list[Fault] | None = None) -> Any:
    session = db.session()
    found = program_record.gather(session, program, access.person().id, now=access.now())
    record = found.record
    links = sharing.links_of(session, record) if record else []
    addresses = [link.public_id for link in links] + ([record.public_id] if record else [])
    page = render_template(
        "learner/record.html",
        found=found,
        program=program,
        record=record,
        present_name=identity_checks.verified_name(session, access.person(), now=access.now()),
        credentials=credentials.listed(record) if record else [],
        assured=identity_checks.of_works(
            session, [one.submission for one in found.attempts], access.person().id
        ),
        statements=HONOUR_STATEMENTS,
        links=links,
        views=sharing.views(session, addresses),
        base_url=access.installation().settings.base_url,
        entered=request.form,
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/programs/<program_id>/record")
@requires(OWN)
def program(program_id: str) -> Any:
    """All courses and attempts, what counts, what is missing, and who may look."""
    return _page(_program(program_id))


@bp.post("/programs/<program_id>/record")
@requires(OWN)
def start(program_id: str) -> Any:
    """Make the record of what is completed so far, so that it can be shared."""
    with transaction() as session:
        records.open_partial(session, access.person(), _program(program_id), now=access.now())
    flash(_("Your record is made. Nobody sees it until you share it."))
    return redirect(url_for("records.program", program_id=program_id) + "#sharing", 303)


@bp.get("/programs/<program_id>/record.csv")
@requires(OWN)
def as_csv(program_id: str) -> Response:
    found = program_record.gather(
        db.session(), _program(program_id), access.person().id, now=access.now()
    )
    rows = [list(line.values()) for line in program_record.lines(found)]
    return downloads.table("program-record.csv", program_record.COLUMNS, rows)


@bp.get("/programs/<program_id>/record.json")
@requires(OWN)
def as_json(program_id: str) -> Any:
    found = program_record.gather(
        db.session(), _program(program_id), access.person().id, now=access.now()
    )
    answer = jsonify(
        program=found.program.name,
        sponsor=found.program.sponsor.issuer,
        name=found.record.name if found.record else access.person().name,
        hours=found.hours,
        hours_approver=found.program.hours_approver or None,
        provider_number=found.program.provider_number or None,
        began_on=found.began_on.isoformat() if found.began_on else None,
        passed_on=found.passed_on.isoformat() if found.passed_on else None,
        days_taken=found.days_taken,
        updated_at=found.updated_at.isoformat() if found.updated_at else None,
        lines=program_record.lines(found),
    )
    answer.headers.set("Content-Disposition", "attachment", filename="program-record.json")
    return answer


@bp.post("/records/<record_id>/links")
@requires(OWN)
def make_link(record_id: str) -> Any:
    record = load(CredentialRecord, record_id, OWN, owner="person_id")
    program_id = record.program_id
    try:
        with transaction() as session:
            sharing.make_link(
                session,
                access.person(),
                load(CredentialRecord, record_id, OWN, owner="person_id"),
                label=request.form.get("label", ""),
                show_score="score" in request.form,
                show_criteria="criteria" in request.form,
                now=access.now(),
            )
    except FaultsFound as error:
        return _page(_program(program_id), list(error.faults))
    flash(_("The link is made. Whoever has it can look at your record."))
    return redirect(url_for("records.program", program_id=program_id) + "#sharing", 303)


@bp.post("/links/<link_id>/withdraw")
@requires(OWN)
def withdraw_link(link_id: str) -> Any:
    with transaction() as session:
        link = load(ShareLink, link_id, OWN)
        program_id = link.record.program_id
        sharing.withdraw_link(session, access.person(), link, now=access.now())
    flash(_("The link is withdrawn. Whoever opens it finds nothing."))
    return redirect(url_for("records.program", program_id=program_id) + "#sharing", 303)
