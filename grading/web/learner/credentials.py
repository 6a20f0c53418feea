"""The learner's signed credentials: as a document, a token, a page to print; and the record as a table."""

import json
from typing import Any

from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.credential import content
from grading.credential.content import Content
from grading.db import db
from grading.errors import Refused
from grading.models import CredentialRecord, IssuedCredential
from grading.records import credentials, showing, verifying
from grading.records.queries import issued_credentials, program_record
from grading.web import access, downloads, reading
from grading.web.access import load, requires
from grading.web.forms import Done, Form, form_view, yes_field
from grading.web.rendering import date_words
from grading.web.rendering import said as word_of
from grading.workflow.credential import PublicStatus
from grading.workflow.issued import CredentialKind, IssuedState

bp = Blueprint("credentials", __name__, url_prefix="/learn")


class PublishForm(Form):
    published = yes_field()


def listed(record: CredentialRecord) -> list[IssuedCredential]:
    """The valid credentials of a record's owner: courses in their order, the capstone, the program."""
    issued = issued_credentials.issued(db.session(), record.program_id, record.person_id)
    order = {kind: place for place, kind in enumerate(CredentialKind)}
    return sorted(
        (one for one in issued if one.state == IssuedState.VALID),
        key=lambda one: (order[CredentialKind(one.kind)], one.course.position if one.course else 0),
    )


def _own(credential_id: str) -> IssuedCredential:
    return load(IssuedCredential, credential_id, Permission.SIGNED_IN, owner="person_id")


def _attached(body: str | bytes, media_type: str, name: str) -> Response:
    return downloads.attach(Response(body, mimetype=media_type), name)


@bp.get("/credentials/<credential_id>/document")
@requires(Permission.SIGNED_IN)
def document(credential_id: str) -> Response:
    """The signed document."""
    credential = _own(credential_id)
    return _attached(
        json.dumps(credential.document, indent=2), "application/vc", f"{credential.about}.json"
    )


@bp.get("/credentials/<credential_id>/token")
@requires(Permission.SIGNED_IN)
def token(credential_id: str) -> Response:
    """The same as a token."""
    credential = _own(credential_id)
    return _attached(credential.token or "", "application/vc+jwt", f"{credential.about}.jwt")


@bp.get("/credentials/<credential_id>/certificate")
@requires(Permission.SIGNED_IN)
def certificate(credential_id: str) -> Response:
    """A page to print, with the address where the record is checked."""
    credential = _own(credential_id)
    record = program_record.current_record(
        db.session(), credential.program_id, credential.person_id
    )
    installation = access.installation()
    verdict = verifying.check_credential(
        db.session(),
        credential,
        notary=installation.notary,
        base_url=installation.settings.base_url,
        now=access.now(),
    )
    status = verifying.word(credential.state, verdict)
    if record is None or credential.document is None or status != PublicStatus.VALID:
        raise Refused("This credential no longer holds, so there is no certificate of it.")
    facts = _facts(record, content.read(credential.document), CredentialKind(credential.kind))
    printed = installation.printer.certificate(facts)
    return _attached(printed, "application/pdf", "certificate.pdf")


def _facts(record: CredentialRecord, said: Content, kind: CredentialKind) -> dict[str, Any]:
    lines = []
    if kind == CredentialKind.COURSE:
        lines.append(_("A course of the program %(program)s", program=said.program))
    elif kind == CredentialKind.CAPSTONE:
        lines.append(_("The capstone of the program %(program)s", program=said.program))
    else:
        lines.append(_("A program of courses and a capstone"))
    if said.band:
        lines.append(word_of(said.band))
    # The record's page is what is checked; the learner decides what it shows.
    address = access.installation().settings.base_url + url_for(
        "public.record", public_id=record.public_id
    )
    return {
        "language": str(get_locale()),
        "issuer": said.issuer,
        "title": said.title,
        "name": said.learner,
        "name_note": "" if said.name_verified else _("This name was not verified."),
        "lines": lines,
        "signatories": record.program.sponsor.signatories,
        "date": date_words(said.awarded),
        "at": said.made.isoformat(),
        "id": record.public_id,
        "address": address,
        "labels": {
            "awarded": _("Awarded to"),
            "issued": _("Awarded on"),
            "id": _("Credential ID:"),
            "check": _("Check it at"),
            "proof": _("This page is no proof; what the address above shows is."),
            "code": _("Square code of the address"),
        },
    }


@bp.post("/credentials/<credential_id>/publish")
@requires(Permission.SIGNED_IN)
def publish(credential_id: str) -> ResponseReturnValue:
    def act(session: Session, form: PublishForm) -> Done:
        credential = _own(credential_id)
        published = form.published.data
        credentials.set_published(
            session, access.person(), credential, published=published, now=access.now()
        )
        record = program_record.current_record(session, credential.program_id, credential.person_id)
        return Done(
            url_for("learner.record", record_id=record.id if record else credential.record_id),
            _("Whoever has its address can now fetch the signed file, with all its results.")
            if published
            else _("The signed file can no longer be fetched. Copies that were made stay valid."),
        )

    return form_view(PublishForm(), act)


@bp.get("/records/<record_id>/record.csv")
@requires(Permission.SIGNED_IN)
def table(record_id: str) -> Response:
    """What the record's credentials say, for a spreadsheet."""
    record = load(CredentialRecord, record_id, Permission.SIGNED_IN, owner="person_id")
    shown = reading.shown_records([showing.whole(record)], whole=False)[record.public_id]
    rows: list[tuple[Any, ...]] = [
        ("course", one.title, one.awarded, None, None, None, one.hours, one.identity)
        for one in shown.courses
    ]
    if shown.capstone is not None:
        one = shown.capstone
        rows.append(
            ("capstone", one.title, one.awarded, one.value, one.band, True, one.hours, one.identity)
        )
    name = (shown.person.learner, shown.person.name_verified) if shown.person else ()
    headings = (
        "kind", "title", "on", "value", "band", "passed", "hours", "identity", "name", "name_verified",
    )  # fmt: skip
    return downloads.table("record.csv", headings, [(*row, *name) for row in rows])
