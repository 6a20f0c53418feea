"""The lead's pages of examples: chosen, marked blind by two, agreed, in use; and who is cleared."""

from collections.abc import Iterable

import numpy as np
from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import AnchorPaper, Submission
from grading.models.codes import case_code
from grading.readings import anchors
from grading.readings.queries import calibration_progress
from grading.readings.reviews import Sheet
from grading.rubric.definition import Rubric
from grading.web import access, downloads, sheets
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.web.instructor import shell
from grading.web.instructor.shell import render
from grading.workflow import files
from grading.workflow.calibration import AnchorState, AnchorUse

bp = Blueprint("calibration", __name__, url_prefix="/teach")

CALIBRATE = Permission.CALIBRATE


def _anchor(anchor_id: str) -> AnchorPaper:
    found = load(AnchorPaper, anchor_id, CALIBRATE)
    g.cohort_zone = found.submission.cohort.zone
    return found


@bp.get("/<cohort_id>/examples")
@requires(CALIBRATE)
def examples(cohort_id: str) -> ResponseReturnValue:
    """Every example by what it is for, what waits for a lead, and how many check items are left."""
    found = shell.cohort(cohort_id, CALIBRATE)
    session = db.session()
    papers = calibration_progress.papers(session, found)
    state, use = request.args.get("state", ""), request.args.get("use", "")
    me = access.person().id
    return render(
        "examples.html",
        found,
        papers=[
            paper
            for paper in papers
            if (not state or paper.state == state) and (not use or paper.use == use)
        ],
        counts=_counts(papers),
        state=state,
        use=use,
        states=list(AnchorState),
        uses=list(AnchorUse),
        mine={paper.id for paper in papers if _marked_by(paper, me)},
        begun=any(paper.cohort_id == found.id for paper in papers),
        in_use=sum(paper.state == AnchorState.AGREED for paper in papers),
        leads=anchors.leads(session, found),
        fresh=calibration_progress.fresh_checks(session, found),
    )


def _marked_by(paper: AnchorPaper, person_id: str) -> bool:
    return any(marking.person_id == person_id for marking in paper.markings)


def _counts(papers: Iterable[AnchorPaper]) -> list[tuple[str, int, int]]:
    """Agreed papers as (use, set, papers)."""
    found: dict[tuple[str, int], int] = {}
    for paper in papers:
        if paper.state == AnchorState.AGREED and paper.use is not None:
            key = (paper.use, paper.set_number or 1)
            found[key] = found.get(key, 0) + 1
    return [(use, number, count) for (use, number), count in sorted(found.items())]


@bp.post("/<cohort_id>/examples/range-finding")
@requires(CALIBRATE)
def find_range(cohort_id: str) -> ResponseReturnValue:
    """Put early works forward at random, for a program's first cohort."""
    seed = np.random.SeedSequence().generate_state(1)[0]
    with transaction() as session:
        found = shell.cohort(cohort_id, CALIBRATE)
        made = anchors.find_range(
            session, access.person(), found, rng=np.random.default_rng(seed), now=access.now()
        )
        count = len(made)
    flash(_("Range finding has begun with %(n)s projects. Two leads mark each of them.", n=count))
    return redirect(url_for("calibration.examples", cohort_id=cohort_id), 303)


@bp.post("/submission/<submission_id>/example")
@requires(CALIBRATE)
def propose(submission_id: str) -> ResponseReturnValue:
    """Put one work forward."""
    with transaction() as session:
        found = load(Submission, submission_id, CALIBRATE)
        anchor_id = anchors.propose(session, access.person(), found, now=access.now()).id
    flash(_("The project is put forward as an example. A copy of it is kept for that."))
    return redirect(url_for("calibration.example", anchor_id=anchor_id), 303)


def _entered(rubric: Rubric) -> tuple[dict[str, int], dict[str, str]]:
    """Read levels and reasons from a form; a level that is no number is none of the rubric's."""
    levels, reasons = {}, {}
    for criterion in rubric.criteria:
        given = request.form.get(f"level-{criterion.code}", "")
        if given:
            levels[criterion.code] = int(given) if given.isdecimal() else -1
        text = request.form.get(f"reason-{criterion.code}", "")
        reasons[criterion.code] = text.replace("\r\n", "\n")
    return levels, reasons


def _page(anchor: AnchorPaper, faults: list[Fault] | None = None) -> ResponseReturnValue:
    """Show an example as far as the reader may see it: the other's marking only when both are in."""
    rubric = anchor.submission.cohort.rubric_version.rubric
    me = access.person().id
    mine = _marked_by(anchor, me)
    marks = anchor.state == AnchorState.PROPOSED and not mine
    agrees = anchor.state == AnchorState.MARKED and mine
    levels, reasons = _entered(rubric) if faults else _suggested(anchor, agrees)
    copy = anchor.submission.copies[-1]
    by_id = {file.id: file for file in anchor.submission.files}
    code = case_code(anchor.submission_id)
    page = render(
        "example.html",
        anchor.submission.cohort,
        anchor=anchor,
        code=code,
        copy=copy,
        files=[
            (
                number,
                files.neutral_name(code, number, files.KINDS[by_id[key].kind]),
                by_id[key].size,
            )
            for number, key in enumerate(copy.files, 1)
        ],
        rubric=rubric,
        criteria=sheets.criteria(rubric, Sheet(levels, reasons), faults or []),
        reason_faults={
            fault.where.removeprefix("reason-"): fault_words(fault)
            for fault in faults or ()
            if fault.where.startswith("reason-")
        },
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults),
        marks=marks,
        agrees=agrees,
        mine=mine,
        markings=[] if anchor.state == AnchorState.PROPOSED else anchor.markings,
        uses=list(AnchorUse),
        entered=request.form,
        withdrawable=anchor.state != AnchorState.WITHDRAWN,
    )
    return page, 422 if faults else 200


def _suggested(anchor: AnchorPaper, agrees: bool) -> tuple[dict[str, int], dict[str, str]]:
    """Where both leads gave the same level, the consensus starts from it; reasons are written anew."""
    if not agrees:
        return {}, {}
    first, second = (marking.levels for marking in anchor.markings)
    return {code: level for code, level in first.items() if second[code] == level}, {}


@bp.get("/example/<anchor_id>")
@requires(CALIBRATE)
def example(anchor_id: str) -> ResponseReturnValue:
    return _page(_anchor(anchor_id))


@bp.get("/example/<anchor_id>/files/<int:number>")
@requires(CALIBRATE)
def file(anchor_id: str, number: int) -> Response:
    """Send a file of an example under its neutral name."""
    submission = _anchor(anchor_id).submission
    listed = submission.copies[-1].files
    if not 1 <= number <= len(listed):
        raise NotFound("There is no such file.")
    by_id = {one.id: one for one in submission.files}
    found = by_id[listed[number - 1]]
    name = files.neutral_name(case_code(submission.id), number, files.KINDS[found.kind])
    return downloads.send(found, name)


@bp.post("/example/<anchor_id>/mark")
@requires(CALIBRATE)
def mark(anchor_id: str) -> ResponseReturnValue:
    """Keep one's own blind marking."""
    try:
        with transaction() as session:
            anchor = _anchor(anchor_id)
            levels, reasons = _entered(anchor.submission.cohort.rubric_version.rubric)
            anchors.mark(
                session,
                access.person(),
                anchor,
                levels=levels,
                reasons=reasons,
                now=access.now(),
            )
    except FaultsFound as found:
        return _page(_anchor(anchor_id), list(found.faults))
    flash(_("Your levels and reasons are kept."))
    return redirect(url_for("calibration.example", anchor_id=anchor_id), 303)


@bp.post("/example/<anchor_id>/agree")
@requires(CALIBRATE)
def agree(anchor_id: str) -> ResponseReturnValue:
    """Write down what both leads agreed on, and put the example to use."""
    try:
        with transaction() as session:
            anchor = _anchor(anchor_id)
            levels, reasons = _entered(anchor.submission.cohort.rubric_version.rubric)
            anchors.agree(
                session,
                access.person(),
                anchor,
                levels=levels,
                reasons=reasons,
                use=request.form.get("use", ""),
                set_number=request.form.get("set_number", 0, type=int),
                now=access.now(),
            )
    except FaultsFound as found:
        return _page(_anchor(anchor_id), list(found.faults))
    flash(_("The example is in use."))
    return redirect(url_for("calibration.example", anchor_id=anchor_id), 303)


@bp.post("/example/<anchor_id>/withdraw")
@requires(CALIBRATE)
def withdraw(anchor_id: str) -> ResponseReturnValue:
    """Take an example out of use."""
    try:
        with transaction() as session:
            anchors.withdraw(
                session,
                access.person(),
                _anchor(anchor_id),
                reason=request.form.get("reason", ""),
                now=access.now(),
            )
    except FaultsFound as found:
        return _page(_anchor(anchor_id), list(found.faults))
    flash(_("The example is out of use. What was judged by it stays."))
    return redirect(url_for("calibration.example", anchor_id=anchor_id), 303)


@bp.get("/<cohort_id>/standings")
@requires(CALIBRATE)
def standings(cohort_id: str) -> ResponseReturnValue:
    """Who is cleared for what, and until when."""
    found = shell.cohort(cohort_id, CALIBRATE)
    return render(
        "standings.html",
        found,
        rows=calibration_progress.standings(db.session(), found),
        rubric=found.rubric_version.rubric,
    )
