"""An item's sheet: shown, saved, finished, kept by itself, and what becomes of it when the hold is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session

from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, HoldLost, NotFound, Refused, StaleRecord
from grading.models import Allocation, SubmissionFile, SubmittedCopy
from grading.readings import holds, reviews
from grading.readings.queries import workbench
from grading.readings.reviews import Sheet
from grading.texts import clean_text, whole_number
from grading.web import access, downloads, rendering, sheets
from grading.web.errors import fault_words, words
from grading.web.forms import Done, form_view
from grading.web.rater.common import (
    PEER,
    PROFESSIONAL,
    Side,
    add_views,
    bp,
    find_item,
    stored_sheet,
)
from grading.web.sheets import SheetForm, sheet_form
from grading.workflow import files
from grading.workflow.allocation import HELD, AllocationState


def _entered_json() -> Sheet:
    """Read the sheet from an autosave; raises `FaultsFound` where it has not the form."""
    try:
        body: Any = request.get_json(silent=True)
        levels = {
            clean_text(code): level
            for code, level in dict(body["levels"]).items()
            if level is not None
        }
        comments = {
            clean_text(code): clean_text(text) for code, text in dict(body["comments"]).items()
        }
        comment = clean_text(body.get("comment", ""))
        if not all(type(level) is int for level in levels.values()):
            raise TypeError
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError):
        raise FaultsFound([Fault("body", "The sheet cannot be read.")]) from None
    return Sheet(levels, comments, comment)


@dataclass(frozen=True)
class ReadFile:
    """A file of the work under the neutral name this reader knows it by."""

    number: int
    name: str
    size: int
    image: bool


def _files(allocation: Allocation, copy: SubmittedCopy) -> list[SubmissionFile]:
    by_id = {file.id: file for file in allocation.submission.files}
    return [by_id[file_id] for file_id in copy.files]


def _render_sheet(
    side: Side,
    allocation: Allocation,
    sheet: Sheet,
    *,
    version: int,
    faults: Sequence[Fault] = (),
    conflict: bool = False,
) -> str:
    copy = workbench.copy_to_read(db.session(), allocation)
    if copy is None:
        raise NotFound("There is no such page.")
    rubric = allocation.cohort.rubric_version.rubric
    listed = [
        ReadFile(
            number,
            files.neutral_name(allocation.blind_code, number, files.KINDS[file.kind]),
            file.size,
            files.KINDS[file.kind].is_image,
        )
        for number, file in enumerate(_files(allocation, copy), 1)
    ]
    return render_template(
        "rater/item.html",
        side=side,
        allocation=allocation,
        cohort=allocation.cohort,
        rubric=rubric,
        copy=copy,
        files=listed,
        sheet=sheet,
        criteria=sheets.criteria(
            rubric, sheet, {fault.where: fault_words(fault) for fault in faults}
        ),
        version=version,
        faults=[(fault.where, fault_words(fault)) for fault in faults],
        conflict=conflict,
        single_keys=current_user.single_keys,
        editable=allocation.state in HELD,
    )


def _sheet(side: Side, allocation_id: str) -> ResponseReturnValue:
    """Show an item. Opening it changes nothing."""
    allocation = find_item(side, allocation_id)
    try:
        holds.own(db.session(), access.person(), allocation, access.now())
        if allocation.state in HELD:
            reviews.still_gradable(allocation)
    except HoldLost as lost:
        return _lost(side, allocation, lost)
    review = allocation.review
    return _render_sheet(
        side, allocation, stored_sheet(allocation), version=review.version if review else 0
    )


def _lost(
    side: Side, allocation: Allocation, lost: HoldLost, entered: Sheet | None = None
) -> ResponseReturnValue:
    """Say why the item is gone, keep what was typed, and offer the way on."""
    rubric = allocation.cohort.rubric_version.rubric
    sheet = entered or stored_sheet(allocation)
    page = render_template(
        "rater/lost.html",
        side=side,
        allocation=allocation,
        cohort=allocation.cohort,
        reason=lost.reason,
        message=words(lost),
        criteria=sheets.criteria(rubric, sheet),
        sheet=sheet,
        page_error=True,
    )
    return page, 410


def _save(side: Side, allocation_id: str) -> ResponseReturnValue:
    """Keep the sheet, and finish it if that button was pressed. What was typed is never lost."""
    rubric = find_item(side, allocation_id).cohort.rubric_version.rubric
    form = sheet_form(rubric)
    sheet, version = form.sheet, form.version.data or 0
    finishing = form.then.data == "finish"
    gaps = reviews.gaps(rubric, sheet) if finishing else []

    def act(session: Session, form: SheetForm) -> Done | FaultsFound:
        nonlocal version
        allocation, rater, now = find_item(side, allocation_id), access.person(), access.now()
        keep = reviews.finish if finishing and not gaps else reviews.save_draft
        version = keep(session, rater, allocation, sheet, version=version, now=now).version
        if gaps:
            return FaultsFound(gaps)
        if finishing:
            return Done(side.url("finished", allocation_id=allocation_id))
        return Done(side.url("sheet", allocation_id=allocation_id), _("Your draft is saved."))

    def show(form: SheetForm) -> str:
        allocation = find_item(side, allocation_id)
        return _render_sheet(side, allocation, sheet, version=version, faults=form.faults)

    try:
        return form_view(form, act, show, leave=(Refused,))
    except StaleRecord:
        g.page_error = True
        allocation = find_item(side, allocation_id)
        return _render_sheet(side, allocation, sheet, version=version, conflict=True), 409
    except HoldLost as lost:
        return _lost(side, find_item(side, allocation_id), lost, sheet)


def _draft(side: Side, allocation_id: str) -> ResponseReturnValue:
    """Autosave: ``If-Match`` carries the version the page holds."""
    match = (request.if_match.as_set(include_weak=True) or {"0"}).copy()
    version = whole_number(match.pop())
    try:
        with transaction() as session:
            allocation = find_item(side, allocation_id)
            review = reviews.save_draft(
                session,
                access.person(),
                allocation,
                _entered_json(),
                version=-1 if version is None else version,
                now=access.now(),
            )
            version, hold = review.version, allocation.hold_until
    except StaleRecord as error:
        return jsonify(error="newer_version", message=words(error)), 409
    body = {
        "version": version,
        "saved_at": access.now().isoformat(),
        "saved_at_words": rendering.clock_words(access.now().astimezone(rendering.viewer_zone())),
        "hold_until": hold.isoformat() if hold else None,
    }
    return jsonify(body)


def _file(side: Side, allocation_id: str, number: int) -> Response:
    """Send a file of the copy that was handed in, under its neutral name."""
    allocation = find_item(side, allocation_id)
    copy = workbench.copy_to_read(db.session(), allocation)
    listed = _files(allocation, copy) if copy else []
    readable = (*HELD, AllocationState.FINISHED, AllocationState.SEALED)
    if allocation.state not in readable or not 1 <= number <= len(listed):
        raise NotFound("There is no such file.")
    file = listed[number - 1]
    return downloads.send(
        file, files.neutral_name(allocation.blind_code, number, files.KINDS[file.kind])
    )


for _side in (PROFESSIONAL, PEER):
    add_views(
        bp,
        _side,
        [
            ("sheet", "GET", "/<allocation_id>", _sheet),
            ("save", "POST", "/<allocation_id>", _save),
            ("draft", "PUT", "/<allocation_id>/draft", _draft),
            ("file", "GET", "/<allocation_id>/files/<int:number>", _file),
        ],
    )
