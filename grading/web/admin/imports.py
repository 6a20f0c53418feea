"""Imports: a file or a pasted table is looked at first, then carried out, and can be undone."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from sqlalchemy.orm import Session
from wtforms import HiddenField, SelectField

from grading.authorization.permissions import Permission
from grading.db import db
from grading.errors import Fault, FaultsFound, NotFound, Refused, StaleRecord
from grading.models import Cohort, ImportBatch, Person, Program
from grading.office import imports
from grading.office.imports import Choice, DayOrder, Effect, Preview, Undoing
from grading.web import access
from grading.web.access import load, requires
from grading.web.admin.common import (
    COHORT,
    PROGRAM,
    UploadForm,
    bp,
    find_cohort,
    find_program,
)
from grading.web.consequences import AmendingForm, amending_view, decided
from grading.web.forms import HEAD, Done, Form, Shown, form_view, options, refused, several
from grading.workflow.cohort import ImportKind

SHOWN = 50
OF_COHORT = (ImportKind.ROSTER, ImportKind.CONFLICTS)
OF_PROGRAM = (ImportKind.COMPLETIONS, ImportKind.ENTITLEMENTS)
TITLES: dict[str, Any] = {
    ImportKind.ROSTER: _l("Import people"),
    ImportKind.CONFLICTS: _l("Import conflicts of interest"),
    ImportKind.COMPLETIONS: _l("Import completions"),
    ImportKind.ENTITLEMENTS: _l("Import entitlements"),
}
EFFECTS: dict[str, Any] = {
    Effect.ACCOUNT: _l("New accounts, invited by mail"),
    Effect.RENAME: _l("Names that differ"),
    Effect.NAME_STAYS: _l("Names that differ, and are not this office’s to change"),
    Effect.ENROL: _l("Newly enrolled"),
    Effect.ENROL_AGAIN: _l("Enrolled again"),
    Effect.GROUP: _l("Put into groups"),
    Effect.COMPLETE: _l("New completions"),
    Effect.RENEW: _l("Completions renewed"),
    Effect.GRANT: _l("New entitlements"),
    Effect.CHANGE: _l("Entitlements changed"),
    Effect.KEEP_APART: _l("Kept apart"),
}
# The same, of one row.
EFFECT_OF_ONE: dict[str, Any] = {
    Effect.ACCOUNT: _l("New account"),
    Effect.RENAME: _l("Name differs"),
    Effect.NAME_STAYS: _l("Name differs, and stays"),
    Effect.ENROL: _l("Enrolled"),
    Effect.ENROL_AGAIN: _l("Enrolled again"),
    Effect.GROUP: _l("Put into the group"),
    Effect.COMPLETE: _l("Completed"),
    Effect.RENEW: _l("Renewed"),
    Effect.GRANT: _l("New entitlement"),
    Effect.CHANGE: _l("Changed"),
    Effect.KEEP_APART: _l("Kept apart from"),
}


ENCODING_LABELS: dict[str, Any] = {
    "utf-8": _l("UTF-8"),
    "utf-16": _l("UTF-16"),
    "windows-1252": _l("Western European (Windows-1252)"),
    "windows-1250": _l("Central European (Windows-1250)"),
    "windows-1251": _l("Cyrillic (Windows-1251)"),
    "windows-1253": _l("Greek (Windows-1253)"),
    "windows-1254": _l("Turkish (Windows-1254)"),
    "windows-1255": _l("Hebrew (Windows-1255)"),
    "windows-1256": _l("Arabic (Windows-1256)"),
    "mac-roman": _l("Western European (Mac)"),
    "shift_jis": _l("Japanese (Shift JIS)"),
    "euc-kr": _l("Korean (EUC-KR)"),
    "gb18030": _l("Chinese (GB 18030)"),
    "big5": _l("Chinese (Big5)"),
}
DELIMITER_LABELS: dict[str, Any] = {
    ",": _l("Comma"),
    ";": _l("Semicolon"),
    "\t": _l("Tab"),
    "|": _l("Vertical bar"),
}
DAY_LABELS: dict[str, Any] = {
    DayOrder.DAY_FIRST: _l("The day comes first: 31/12/2026"),
    DayOrder.MONTH_FIRST: _l("The month comes first: 12/31/2026"),
}


def _choice_of(label: Any, labels: Mapping[str, Any]) -> SelectField:
    return SelectField(label, choices=options([("", _l("As it is found")), *labels.items()]))


class ImportForm(UploadForm, AmendingForm):
    """A table to look at, and how to read it; with the digest of what was looked at, one to import.

    The bytes that were looked at come back as they were sent, so that they can be read in another way.
    """

    file = FileField(_l("File"), render_kw={"accept": ".csv,.tsv,.txt,.xlsx,.xls,.ods"})
    sent = HiddenField()
    encoding = _choice_of(_l("Encoding"), ENCODING_LABELS)
    delimiter = _choice_of(_l("Between cells"), DELIMITER_LABELS)
    sheet = SelectField(_l("Sheet"), choices=[], validate_choice=False)
    days = _choice_of(_l("Dates such as 3/4/2026"), DAY_LABELS)
    names = several()
    seen = HiddenField()
    stale = False

    @property
    def bytes_sent(self) -> bytes:
        """What was looked at; nothing where it does not come back as it was sent."""
        try:
            return b64decode(self.sent.data)
        except ValueError:
            return b""

    def table(self) -> tuple[bytes, Choice]:
        """Give the file that was sent, pasted or looked at before, and how it is to be read."""
        if self.file.data or self.text.data.strip() or not self.sent.data:
            self.sent.data = b64encode(self.read(imports.LONGEST_IMPORT)).decode()
            self.file.data = None
        data = self.bytes_sent
        if not data:
            raise FaultsFound([Fault("file", "Choose a file, or paste its text.")])
        choice = Choice(self.encoding.data, self.delimiter.data, self.sheet.data, self.days.data)
        return data, choice


def _kind(word: str, allowed: tuple[ImportKind, ...]) -> ImportKind:
    if word not in allowed:
        raise NotFound("There is no such page.")
    return ImportKind(word)


@bp.route("/cohorts/<cohort_id>/import/<kind>", methods=["GET", "POST"])
@requires(COHORT)
def import_to_cohort(cohort_id: str, kind: str) -> ResponseReturnValue:
    find_cohort(cohort_id)
    return _import(_kind(kind, OF_COHORT), lambda: find_cohort(cohort_id))


@bp.route("/programs/<program_id>/import/<kind>", methods=["GET", "POST"])
@requires(PROGRAM)
def import_to_program(program_id: str, kind: str) -> ResponseReturnValue:
    find_program(program_id)
    return _import(_kind(kind, OF_PROGRAM), lambda: find_program(program_id))


def _import(kind: ImportKind, find: Callable[[], Cohort | Program]) -> ResponseReturnValue:
    """Look at what was sent; with the digest of what was looked at, carry it out."""

    def look(form: ImportForm) -> Preview:
        data, choice = form.table()
        return imports.preview(
            db.session(), access.person(), kind, find(), data, choice=choice, now=access.now()
        )

    def act(session: Session, form: ImportForm) -> Done | Shown:
        if not form.seen.data:
            return Shown(render_import(kind, find(), form, preview=look(form)))
        data, choice = form.table()
        try:
            preview, batch = imports.carry_out(
                session,
                access.person(),
                kind,
                find(),
                data,
                choice=choice,
                seen=form.seen.data,
                take=form.names.data,
                decided=decided(form.decisions.data),
                now=access.now(),
            )
        except StaleRecord as error:
            form.stale = True
            raise FaultsFound([Fault("", error.template, error.params)]) from None
        return Done(
            _batch_url(batch) if batch else _place_url(find()),
            _("%(n)s rows are imported.", n=len({c.line for c in preview.chosen(form.names.data)})),
        )

    def show(form: ImportForm) -> str:
        seen = form.stale or form.asked
        return render_import(kind, find(), form, preview=look(form) if seen else None)

    return amending_view(ImportForm(), act, show, refused_at="text")


def _place_url(place: Cohort | Program) -> str:
    if isinstance(place, Cohort):
        return url_for("admin.cohort", cohort_id=place.id)
    return url_for("admin.program", program_id=place.id)


def _batch_url(batch: ImportBatch) -> str:
    if batch.cohort_id is not None:
        return url_for("admin.cohort_batch", cohort_id=batch.cohort_id, batch_id=batch.id)
    return url_for("admin.program_batch", program_id=batch.program_id, batch_id=batch.id)


def render_import(
    kind: ImportKind, place: Cohort | Program, form: ImportForm, *, preview: Preview | None
) -> str:
    """Render what would change, with its text to send again; and the form for a file or another one."""
    sheets = preview.table.sheets if preview else imports.sheets_of(form.bytes_sent)
    form.sheet.choices = options((sheet, sheet) for sheet in sheets)
    return render_template(
        "admin/import.html",
        kind=kind,
        title=TITLES[kind],
        cohort=place if isinstance(place, Cohort) else None,
        program=place.program if isinstance(place, Cohort) else place,
        columns=imports.columns_of(kind),
        preview=preview,
        certain=[change for change in preview.changes if change.offered is None] if preview else [],
        effects=EFFECTS,
        effect_of_one=EFFECT_OF_ONE,
        encodings=ENCODING_LABELS,
        delimiters=DELIMITER_LABELS,
        day_orders=DAY_LABELS,
        shown=SHOWN,
        looked_at=form,
        form=ImportForm.blank() if preview else form,
    )


@bp.get("/cohorts/<cohort_id>/imports/<batch_id>")
@requires(COHORT)
def cohort_batch(cohort_id: str, batch_id: str) -> ResponseReturnValue:
    return _show_batch(_batch_of(find_cohort(cohort_id), batch_id, COHORT))


@bp.get("/programs/<program_id>/imports/<batch_id>")
@requires(PROGRAM)
def program_batch(program_id: str, batch_id: str) -> ResponseReturnValue:
    return _show_batch(_batch_of(find_program(program_id), batch_id, PROGRAM))


@bp.post("/cohorts/<cohort_id>/imports/<batch_id>/undo")
@requires(COHORT)
def undo_cohort_batch(cohort_id: str, batch_id: str) -> ResponseReturnValue:
    return _undo(lambda: _batch_of(find_cohort(cohort_id), batch_id, COHORT))


@bp.post("/programs/<program_id>/imports/<batch_id>/undo")
@requires(PROGRAM)
def undo_program_batch(program_id: str, batch_id: str) -> ResponseReturnValue:
    return _undo(lambda: _batch_of(find_program(program_id), batch_id, PROGRAM))


def _batch_of(place: Cohort | Program, batch_id: str, permission: Permission) -> ImportBatch:
    batch = load(ImportBatch, batch_id, permission)
    if imports.place_of(db.session(), batch) is not place:
        raise NotFound("There is no such page.")
    return batch


def _show_batch(batch: ImportBatch) -> ResponseReturnValue:
    """Show what an import made, and what undoing it would take back, or why it cannot be undone."""
    try:
        undoing = None
        if batch.undone_at is None:
            undoing = imports.look_back(db.session(), access.person(), batch)
    except Refused as error:
        return refused(Form.blank(), error, partial(render_batch, batch), field=HEAD)
    return render_batch(batch, Form.blank(), undoing=undoing)


def render_batch(batch: ImportBatch, form: Form, *, undoing: Undoing | None = None) -> str:
    session = db.session()
    cohort = session.get(Cohort, batch.cohort_id) if batch.cohort_id else None
    return render_template(
        "admin/batch.html",
        batch=batch,
        title=TITLES[batch.kind],
        cohort=cohort,
        program=session.get_one(Program, batch.program_id),
        by=session.get(Person, batch.by_id) if batch.by_id else None,
        undoing=undoing,
        undo_url=url_for("admin.undo_cohort_batch", cohort_id=cohort.id, batch_id=batch.id)
        if cohort
        else url_for("admin.undo_program_batch", program_id=batch.program_id, batch_id=batch.id),
        shown=SHOWN,
        form=form,
    )


def _undo(find: Callable[[], ImportBatch]) -> ResponseReturnValue:
    def act(session: Session, _form: Form) -> Done:
        batch = find()
        done = imports.undo(session, access.person(), batch, now=access.now())
        return Done(
            _batch_url(batch),
            _(
                "Taken back: %(n)s. What was used since stays: %(kept)s.",
                n=len(done.made),
                kept=len(done.kept),
            ),
        )

    return form_view(Form(), act, lambda form: render_batch(find(), form), refused_at=HEAD)
