"""Checking a list of credentials at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from wtforms import HiddenField, TextAreaField

from grading.authorization.permissions import Permission
from grading.errors import PassingFailure, TooMany
from grading.records import sharing
from grading.records.showing import ShownRecord
from grading.web import access, downloads, reading
from grading.web.access import requires
from grading.web.forms import Form, Shown, form_view, refused
from grading.web.labels import STATUS_TAGS
from grading.web.public import front, looks
from grading.web.public.common import bp

COLUMNS = (
    "status", "name", "name_verified", "program", "issuer", "completed_on", "expires_on", "id", "newer",
)  # fmt: skip


class ManyForm(Form):
    ids = TextAreaField(_l("Credential IDs or links"))
    kind = HiddenField(name="as")


@dataclass(frozen=True)
class CheckedRow:
    """One id of many, with what may be said of it; ``shown`` is None where nothing is found."""

    public_id: str
    tag: Any
    shown: ShownRecord | None

    def cells(self) -> tuple[Any, ...]:
        """Give the row as `COLUMNS`."""
        shown = self.shown
        said = shown.person if shown else None
        return (
            str(self.tag[0]),
            said.learner if said else "",
            ("yes" if said.name_verified else "no") if said else "",
            shown.program if shown else "",
            said.issuer if said else "",
            shown.completed if shown else None,
            shown.until if shown else None,
            self.public_id,
            shown.newer if shown else None,
        )


def _row(public_id: str, shown: ShownRecord | None) -> CheckedRow:
    tag = STATUS_TAGS[shown.status] if shown else (_("Not found"), "grey")
    return CheckedRow(public_id, tag, shown)


@bp.route("/verify/many", methods=["GET", "POST"])
@requires(Permission.SIGNED_OUT)
def verify_many() -> ResponseReturnValue:
    """Check a list of ids at once; the status word comes first."""

    def act(session: Session, form: ManyForm) -> Shown:
        ids = sharing.asked_ids(form.ids.data)
        shared = sharing.check_many(
            session, ids, address=request.remote_addr or "", now=access.now()
        )
        checked = reading.shown_records(shared.values(), whole=False)
        looks.add(session, list(shared))
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
    return downloads.table("credentials.csv", COLUMNS, [row.cells() for row in rows])


def _render_many(form: ManyForm, rows: Sequence[CheckedRow] = ()) -> str:
    return render_template(
        "public/many.html",
        form=form,
        rows=rows,
        most=sharing.MOST_AT_ONCE,
        hour=sharing.MOST_AN_HOUR,
    )
