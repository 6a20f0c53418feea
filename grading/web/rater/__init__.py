"""The bench: one sheet for professional graders, peers and adjudicators alike.

The same page is served under two addresses, because the role is part of an address: ``/grade`` for
professionals, ``/learn/review`` for peers. A page knows its own item and nothing of any other's.
"""

from dataclasses import dataclass
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, HoldLost, NotFound, Refused, StaleRecord
from grading.models import Allocation, Cohort, SubmissionFile, SubmittedCopy
from grading.readings import check_items, holds, reviews
from grading.readings.queries import workbench
from grading.readings.reviews import Sheet
from grading.rubric.definition import Rubric
from grading.web import access, downloads, labels, rendering, sheets
from grading.web.access import load, requires
from grading.web.errors import fault_words, words
from grading.web.rater import absence, calibration, questions
from grading.workflow import files
from grading.workflow.allocation import ATTEMPTED, HELD, AllocationState, Pool, Purpose

bp = Blueprint("rater", __name__)


@dataclass(frozen=True)
class Side:
    """One of the two ways to the bench."""

    name: str
    prefix: str
    pool: Pool
    permission: Permission

    def url(self, view: str, **values: Any) -> str:
        return url_for(f"rater.{self.name}_{view}", **values)


PROFESSIONAL = Side("item", "/grade/item", Pool.PROFESSIONAL, Permission.REVIEW_PROFESSIONAL)
PEER = Side("review", "/learn/review", Pool.PEER, Permission.REVIEW_PEER)


def side_of(allocation: Allocation) -> Side:
    """Give the side an item is read on."""
    return PEER if allocation.pool == Pool.PEER else PROFESSIONAL


def _item(side: Side, allocation_id: str) -> Allocation:
    allocation = load(Allocation, allocation_id, side.permission, owner="rater_id")
    if allocation.pool != side.pool:
        raise NotFound("There is no such page.")
    g.cohort_zone = allocation.cohort.zone
    return allocation


def _stored(allocation: Allocation) -> Sheet:
    review = allocation.review
    return Sheet(review.levels, review.comments, review.comment) if review else Sheet()


def _entered(rubric: Rubric) -> Sheet:
    """Read the sheet from a form; a level that is no number is none of the rubric's."""
    levels = {}
    for criterion in rubric.criteria:
        given = request.form.get(f"level-{criterion.code}", "")
        if given:
            levels[criterion.code] = int(given) if given.isdecimal() else -1
    comments = {
        criterion.code: request.form.get(f"comment-{criterion.code}", "").replace("\r\n", "\n")
        for criterion in rubric.criteria
    }
    return Sheet(levels, comments, request.form.get("comment", "").replace("\r\n", "\n"))


def _entered_json() -> Sheet:
    """Read the sheet from an autosave; raises `FaultsFound` where it has not the form."""
    body: Any = request.get_json(silent=True)
    try:
        levels = {
            str(code): level for code, level in dict(body["levels"]).items() if level is not None
        }
        comments = {str(code): str(text) for code, text in dict(body["comments"]).items()}
        comment = str(body.get("comment", ""))
        if not all(isinstance(level, int) for level in levels.values()):
            raise TypeError
    except (TypeError, KeyError, ValueError):
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


def _page(
    side: Side,
    allocation: Allocation,
    sheet: Sheet,
    *,
    version: int,
    faults: list[Fault] | None = None,
    conflict: bool = False,
    status: int = 200,
) -> Any:
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
    page = render_template(
        "rater/item.html",
        side=side,
        allocation=allocation,
        cohort=allocation.cohort,
        rubric=rubric,
        copy=copy,
        files=listed,
        sheet=sheet,
        criteria=sheets.criteria(rubric, sheet, faults or []),
        version=version,
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults) or conflict,
        conflict=conflict,
        single_keys=current_user.single_keys,
        editable=allocation.state in HELD,
    )
    return page, status


@bp.get("/grade/")
@requires(Permission.SIGNED_IN)
def home() -> Any:
    """Today's grading."""
    found = workbench.benches(db.session(), access.person().id, now=access.now())
    if len(found) == 1:
        g.cohort_zone = found[0].cohort.zone
    return render_template("rater/home.html", benches=found)


@bp.post("/grade/next/<cohort_id>")
@requires(Permission.REVIEW_PROFESSIONAL)
def next_item(cohort_id: str) -> Any:
    """Open what is at hand, else take the next open item; nobody picks."""
    with transaction() as session:
        cohort = load(Cohort, cohort_id, Permission.REVIEW_PROFESSIONAL)
        rater = access.person()
        try:
            found = check_items.next_item(session, rater, cohort, now=access.now())
        except Refused as refused:
            # The landing page says more of it: why, by whom, and the way on.
            flash(words(refused))
            return redirect(url_for("rater.home"), 303)
        found_id = found.id if found else None
    if found_id is None:
        flash(_("Nothing to grade now. New items appear here when they are ready."))
        return redirect(url_for("rater.home"), 303)
    return redirect(PROFESSIONAL.url("sheet", allocation_id=found_id), 303)


def _sheet(side: Side, allocation_id: str) -> Any:
    """Show an item. Opening it changes nothing."""
    allocation = _item(side, allocation_id)
    try:
        holds.own(db.session(), access.person(), allocation, access.now())
        if allocation.state in HELD:
            reviews.still_gradable(allocation)
    except HoldLost as lost:
        return _lost(side, allocation, lost)
    review = allocation.review
    return _page(side, allocation, _stored(allocation), version=review.version if review else 0)


def _lost(side: Side, allocation: Allocation, lost: HoldLost, entered: Sheet | None = None) -> Any:
    """Say why the item is gone, keep what was typed, and offer the way on."""
    rubric = allocation.cohort.rubric_version.rubric
    sheet = entered or _stored(allocation)
    page = render_template(
        "rater/lost.html",
        side=side,
        allocation=allocation,
        cohort=allocation.cohort,
        reason=lost.reason,
        message=words(lost),
        criteria=sheets.criteria(rubric, sheet, []),
        sheet=sheet,
        page_error=True,
    )
    return page, 410


def _save(side: Side, allocation_id: str) -> Any:
    """Keep the sheet, and finish it if that button was pressed. What was typed is never lost."""
    finishing = request.form.get("then") == "finish"
    version = request.form.get("version", 0, type=int)
    rubric = _item(side, allocation_id).cohort.rubric_version.rubric
    sheet = _entered(rubric)
    try:
        with transaction() as session:
            allocation = _item(side, allocation_id)
            rater = access.person()
            if finishing and not reviews.gaps(rubric, sheet):
                reviews.finish(session, rater, allocation, sheet, version=version, now=access.now())
            else:
                reviews.save_draft(
                    session, rater, allocation, sheet, version=version, now=access.now()
                )
    except FaultsFound as found:
        return _page(
            side,
            _item(side, allocation_id),
            sheet,
            version=version,
            faults=list(found.faults),
            status=422,
        )
    except StaleRecord:
        return _page(
            side, _item(side, allocation_id), sheet, version=version, conflict=True, status=409
        )
    except HoldLost as lost:
        return _lost(side, _item(side, allocation_id), lost, sheet)
    allocation = _item(side, allocation_id)
    review = allocation.review
    if finishing and (gaps := reviews.gaps(rubric, sheet)):
        saved = review.version if review else 0
        return _page(side, allocation, sheet, version=saved, faults=gaps, status=422)
    if finishing:
        return redirect(side.url("finished", allocation_id=allocation_id), 303)
    flash(_("Your draft is saved."))
    return redirect(side.url("sheet", allocation_id=allocation_id), 303)


def _draft(side: Side, allocation_id: str) -> Any:
    """Autosave: ``If-Match`` carries the version the page holds."""
    match = (request.if_match.as_set(include_weak=True) or {"0"}).copy()
    given = match.pop()
    try:
        with transaction() as session:
            allocation = _item(side, allocation_id)
            review = reviews.save_draft(
                session,
                access.person(),
                allocation,
                _entered_json(),
                version=int(given) if given.isdecimal() else -1,
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


def _attempted(side: Side, allocation: Allocation) -> Any:
    """An example that was read: after practice beside the leads' levels, in a qualification without."""
    practice = allocation.purpose == Purpose.PRACTICE
    home = calibration.PEER if side is PEER else calibration.GRADER
    return render_template(
        "rater/attempted.html",
        side=side,
        home=home,
        allocation=allocation,
        cohort=allocation.cohort,
        rubric=allocation.cohort.rubric_version.rubric,
        sheet=_stored(allocation),
        paper=workbench.paper_of(db.session(), allocation) if practice else None,
        can_undo=allocation.state == AllocationState.FINISHED
        and allocation.undo_until is not None
        and access.now() <= allocation.undo_until,
    )


def _finished(side: Side, allocation_id: str) -> Any:
    allocation = _item(side, allocation_id)
    if allocation.state not in (AllocationState.FINISHED, AllocationState.SEALED):
        return redirect(side.url("sheet", allocation_id=allocation_id))
    if allocation.purpose in ATTEMPTED:
        return _attempted(side, allocation)
    return render_template(
        "rater/finished.html",
        side=side,
        allocation=allocation,
        cohort=allocation.cohort,
        can_undo=allocation.state == AllocationState.FINISHED
        and allocation.undo_until is not None
        and access.now() <= allocation.undo_until,
    )


def _undo(side: Side, allocation_id: str) -> Any:
    with transaction() as session:
        reviews.undo(session, access.person(), _item(side, allocation_id), now=access.now())
    flash(_("The item is open again. All you entered is still there."))
    return redirect(side.url("sheet", allocation_id=allocation_id), 303)


def _reclaim(side: Side, allocation_id: str) -> Any:
    with transaction() as session:
        holds.reclaim(session, access.person(), _item(side, allocation_id), now=access.now())
    return redirect(side.url("sheet", allocation_id=allocation_id), 303)


def _decline_page(side: Side, allocation_id: str) -> Any:
    allocation = _item(side, allocation_id)
    return render_template(
        "rater/decline.html",
        side=side,
        allocation=allocation,
        cohort=allocation.cohort,
        reasons=labels.DECLINE_LABELS,
    )


def _decline(side: Side, allocation_id: str) -> Any:
    try:
        with transaction() as session:
            allocation = _item(side, allocation_id)
            cohort_id = allocation.cohort_id
            reviews.decline(
                session,
                access.person(),
                allocation,
                reason=request.form.get("reason", ""),
                note=request.form.get("note", ""),
                now=access.now(),
            )
    except FaultsFound as found:
        allocation = _item(side, allocation_id)
        page = render_template(
            "rater/decline.html",
            side=side,
            allocation=allocation,
            cohort=allocation.cohort,
            reasons=labels.DECLINE_LABELS,
            note=request.form.get("note", ""),
            faults=[(fault.where, fault_words(fault)) for fault in found.faults],
            page_error=True,
        )
        return page, 422
    flash(_("The item is handed back. This never counts against you."))
    if side is PEER:
        return redirect(url_for("learner.cohort", cohort_id=cohort_id), 303)
    return redirect(url_for("rater.home"), 303)


def _file(side: Side, allocation_id: str, number: int) -> Response:
    """Send a file of the copy that was handed in, under its neutral name."""
    allocation = _item(side, allocation_id)
    copy = workbench.copy_to_read(db.session(), allocation)
    listed = _files(allocation, copy) if copy else []
    readable = (*HELD, AllocationState.FINISHED, AllocationState.SEALED)
    if allocation.state not in readable or not 1 <= number <= len(listed):
        raise NotFound("There is no such file.")
    file = listed[number - 1]
    return downloads.send(
        file, files.neutral_name(allocation.blind_code, number, files.KINDS[file.kind])
    )


def _add(side: Side) -> None:
    """Put the bench's views on one side."""
    views: tuple[tuple[str, str, str, Any], ...] = (
        ("sheet", "", "GET", _sheet),
        ("save", "", "POST", _save),
        ("draft", "/draft", "PUT", _draft),
        ("finished", "/finished", "GET", _finished),
        ("undo", "/undo", "POST", _undo),
        ("reclaim", "/take-back", "POST", _reclaim),
        ("decline_page", "/hand-back", "GET", _decline_page),
        ("decline", "/hand-back", "POST", _decline),
        ("file", "/files/<int:number>", "GET", _file),
    )
    for name, path, method, act in views:

        def view(act: Any = act, **values: Any) -> Any:
            return act(side, **values)

        bp.add_url_rule(
            f"{side.prefix}/<allocation_id>{path}",
            f"{side.name}_{name}",
            requires(side.permission)(view),
            methods=[method],
        )


def register(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(questions.bp)
    app.register_blueprint(absence.bp)
    app.register_blueprint(calibration.bp)


_add(PROFESSIONAL)
_add(PEER)
