"""Checking a list of credentials at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from wtforms import HiddenField, TextAreaField

from grading.authorization.permissions import Permission
from grading.db import db
from grading.errors import PassingFailure, TooMany
from grading.records import sharing, verifying
from grading.web import access, downloads
from grading.web.access import requires
from grading.web.forms import Form, Shown, form_view, refused
from grading.web.labels import STATUS_TAGS
from grading.web.public import front
from grading.web.public.common import bp

COLUMNS = ("status", "name", "program", "issuer", "completed_on", "expires_on", "id", "newer")


class ManyForm(Form):
    ids = TextAreaField(_l("Credential IDs or links"))
    kind = HiddenField(name="as")


@dataclass(frozen=True)
class CheckedRow:
    """One id of many, with what may be said of it."""

    public_id: str
    tag: Any
    found: bool = False
    name: str = ""
    program: str = ""
    issuer: str = ""
    completed_on: date | None = None
    expires_on: date | None = None
    newer: str | None = None


def _row(public_id: str, shown: sharing.Shown | None) -> CheckedRow:
    if shown is None:
        return CheckedRow(public_id, (_("Not found"), "grey"))
    tag = STATUS_TAGS[shown.status]
    if not shown.open:
        return CheckedRow(public_id, tag, True, newer=shown.newer)
    record = shown.record
    return CheckedRow(
        public_id,
        tag,
        True,
        record.name,
        record.program.name,
        record.program.sponsor.issuer,
        record.completed_at.date() if record.completed_at else None,
        record.expires_on,
    )


@bp.route("/verify/many", methods=["GET", "POST"])
@requires(Permission.SIGNED_OUT)
def verify_many() -> ResponseReturnValue:
    """Check a list of ids at once; the status word comes first."""

    def act(session: Session, form: ManyForm) -> Shown:
        ids = sharing.asked_ids(form.ids.data)
        shared = sharing.check_many(
            session, ids, address=request.remote_addr or "", now=access.now()
        )
        checked = _checked(shared)
        rows = [_row(public_id, checked.get(public_id)) for public_id in ids]
        return Shown(_as_table(rows) if form.kind.data == "csv" else _render_many(form, rows))

    form = ManyForm()
    try:
        answer = make_response(form_view(form, act, _render_many, leave=(TooMany,)))
    except TooMany as error:
        answer = make_response(refused(form, error, _render_many, field="ids"))
        answer.headers["Retry-After"] = str(int(str(error.params["minutes"])) * 60)
    except (PassingFailure, SQLAlchemyError):
        answer = make_response(render_template("public/unavailable.html"), 503)
    return front.unlisted(answer)


def _as_table(rows: Sequence[CheckedRow]) -> ResponseReturnValue:
    return downloads.table(
        "credentials.csv",
        COLUMNS,
        [
            (str(row.tag[0]), row.name, row.program, row.issuer, row.completed_on,
             row.expires_on, row.public_id, row.newer)
            for row in rows
        ],
    )  # fmt: skip


def _checked(shared: dict[str, sharing.Shown]) -> dict[str, sharing.Shown]:
    """Put what checking the tokens found in place of the states."""
    installation = access.installation()
    verdicts = verifying.check_all(
        db.session(),
        [one.record for one in shared.values()],
        notary=installation.notary,
        base_url=installation.settings.base_url,
        now=access.now(),
        whole=False,
    )
    return {
        public_id: replace(one, status=verifying.word(one.status, verdicts[one.record.id]))
        for public_id, one in shared.items()
    }


def _render_many(form: ManyForm, rows: Sequence[CheckedRow] = ()) -> str:
    return render_template(
        "public/many.html",
        form=form,
        rows=rows,
        most=sharing.MOST_AT_ONCE,
        hour=sharing.MOST_AN_HOUR,
    )
