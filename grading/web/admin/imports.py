"""Imports: a file or a pasted table is looked at first, then carried out, and can be undone."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from sqlalchemy.orm import Session
from wtforms import HiddenField

from grading.db import db
from grading.errors import Fault, FaultsFound, NotFound, Refused, StaleRecord
from grading.models import Cohort, ImportBatch, Person, Program
from grading.office import imports
from grading.office.imports import Effect, Preview, Undoing
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
from grading.web.forms import HEAD, Done, Form, Shown, form_view, refused
from grading.workflow.cohort import ImportKind

# What was looked at comes back in a field of the page, and a form holds no more.
LARGEST = 1_500_000
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
    Effect.ENROL: _l("Enrolled"),
    Effect.ENROL_AGAIN: _l("Enrolled again"),
    Effect.GROUP: _l("Put into the group"),
    Effect.COMPLETE: _l("Completed"),
    Effect.RENEW: _l("Renewed"),
    Effect.GRANT: _l("New entitlement"),
    Effect.CHANGE: _l("Changed"),
    Effect.KEEP_APART: _l("Kept apart from"),
}


class ImportForm(UploadForm):
    """A table to look at; with the digest of what was looked at, one to import."""

    file = FileField(_l("CSV file"), render_kw={"accept": ".csv"})
    seen = HiddenField()
    stale = False


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
        data = form.read(LARGEST)
        return imports.preview(db.session(), access.person(), kind, find(), data, now=access.now())

    def act(session: Session, form: ImportForm) -> Done | Shown:
        if not form.seen.data:
            return Shown(render_import(kind, find(), form, preview=look(form)))
        data = form.read(LARGEST)
        try:
            preview, batch = imports.carry_out(
                session,
                access.person(),
                kind,
                find(),
                data,
                seen=form.seen.data,
                now=access.now(),
            )
        except StaleRecord as error:
            form.stale = True
            raise FaultsFound([Fault("", error.template, error.params)]) from None
        return Done(
            _batch_url(batch) if batch else _place_url(find()),
            _("%(n)s rows are imported.", n=preview.rows - preview.unchanged),
        )

    def show(form: ImportForm) -> str:
        return render_import(kind, find(), form, preview=look(form) if form.stale else None)

    return form_view(ImportForm(), act, show, refused_at="text")


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
    importer = imports.IMPORTERS[kind]
    return render_template(
        "admin/import.html",
        kind=kind,
        title=TITLES[kind],
        cohort=place if isinstance(place, Cohort) else None,
        program=place.program if isinstance(place, Cohort) else place,
        columns=importer.columns + importer.optional,
        preview=preview,
        effects=EFFECTS,
        effect_of_one=EFFECT_OF_ONE,
        shown=SHOWN,
        looked_at=form,
        form=ImportForm.blank() if preview else form,
    )


@bp.get("/cohorts/<cohort_id>/imports/<batch_id>")
@requires(COHORT)
def cohort_batch(cohort_id: str, batch_id: str) -> ResponseReturnValue:
    return _show_batch(_cohort_batch(cohort_id, batch_id))


@bp.get("/programs/<program_id>/imports/<batch_id>")
@requires(PROGRAM)
def program_batch(program_id: str, batch_id: str) -> ResponseReturnValue:
    return _show_batch(_program_batch(program_id, batch_id))


@bp.post("/cohorts/<cohort_id>/imports/<batch_id>/undo")
@requires(COHORT)
def undo_cohort_batch(cohort_id: str, batch_id: str) -> ResponseReturnValue:
    return _undo(lambda: _cohort_batch(cohort_id, batch_id))


@bp.post("/programs/<program_id>/imports/<batch_id>/undo")
@requires(PROGRAM)
def undo_program_batch(program_id: str, batch_id: str) -> ResponseReturnValue:
    return _undo(lambda: _program_batch(program_id, batch_id))


def _cohort_batch(cohort_id: str, batch_id: str) -> ImportBatch:
    find_cohort(cohort_id)
    batch = load(ImportBatch, batch_id, COHORT)
    if batch.cohort_id != cohort_id:
        raise NotFound("There is no such page.")
    return batch


def _program_batch(program_id: str, batch_id: str) -> ImportBatch:
    find_program(program_id)
    batch = load(ImportBatch, batch_id, PROGRAM)
    if batch.program_id != program_id or batch.cohort_id is not None:
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
