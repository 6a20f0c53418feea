"""What a learner asks about a result, or is asked: explanation, appeal, hearing, retake, return."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.cohorts import submissions
from grading.db import db, transaction
from grading.disputes import appeals, explanations, misconduct
from grading.disputes.queries import learner_results
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Appeal, Cohort, Explanation, Grade, MisconductCase, Submission
from grading.web import access
from grading.web.access import load, requires
from grading.web.errors import fault_words

bp = Blueprint("questions", __name__, url_prefix="/learn")

RESULT = Permission.RESULT_READ


def _cohort(cohort_id: str) -> Cohort:
    cohort = load(Cohort, cohort_id, RESULT)
    g.cohort_zone = cohort.zone
    return cohort


def _released(cohort: Cohort) -> tuple[Submission, Grade]:
    found = learner_results.released(db.session(), cohort, access.person().id)
    if not found:
        raise NotFound("There is no such page.")
    return found[0]


def _ask_page(
    cohort: Cohort, *, faults: list[Fault] | None = None, kind: str = "", status: int = 200
) -> Any:
    session = db.session()
    submission, grade = _released(cohort)
    opens, ends = appeals.window(cohort, grade)
    page = render_template(
        "learner/ask.html",
        cohort=cohort,
        submission=submission,
        grade=grade,
        criteria=cohort.rubric_version.rubric.criteria,
        opens=opens,
        ends=ends,
        tokens=appeals.tokens_left(session, cohort, access.person().id),
        pending=appeals.pending(session, submission),
        asked=[one for one in explanations.asked(session, submission) if one.state == "open"],
        kind=kind,
        entered=request.form,
        chosen=request.form.getlist("criteria"),
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults),
    )
    return page, status


@bp.get("/<cohort_id>/result/ask")
@requires(RESULT)
def ask(cohort_id: str) -> Any:
    """Explain or re-mark: two questions, one page that tells them apart."""
    return _ask_page(_cohort(cohort_id))


@bp.post("/<cohort_id>/result/explain")
@requires(RESULT)
def explain(cohort_id: str) -> Any:
    try:
        with transaction() as session:
            submission, grade = _released(_cohort(cohort_id))
            explanations.ask(
                session,
                access.person(),
                submission,
                grade,
                criteria=request.form.getlist("criteria"),
                question=request.form.get("reason", ""),
                now=access.now(),
            )
    except FaultsFound as found:
        return _ask_page(_cohort(cohort_id), faults=list(found.faults), kind="explain", status=422)
    flash(_("Your question is on its way to somebody who read your project."))
    return redirect(url_for("learner.result", cohort_id=cohort_id) + "#questions", 303)


@bp.post("/<cohort_id>/result/appeal")
@requires(RESULT)
def appeal(cohort_id: str) -> Any:
    try:
        with transaction() as session:
            submission, _grade = _released(_cohort(cohort_id))
            appeals.make(
                session,
                access.person(),
                submission,
                criteria=request.form.getlist("criteria"),
                reason=request.form.get("reason", ""),
                now=access.now(),
            )
    except FaultsFound as found:
        return _ask_page(_cohort(cohort_id), faults=list(found.faults), kind="appeal", status=422)
    flash(_("Your appeal is made. Somebody who has not scored your project reads it again."))
    return redirect(url_for("learner.result", cohort_id=cohort_id) + "#questions", 303)


@bp.post("/appeal/<own_appeal_id>/withdraw")
@requires(RESULT)
def withdraw_appeal(own_appeal_id: str) -> Any:
    with transaction() as session:
        found = load(Appeal, own_appeal_id, RESULT, owner="learner_id")
        cohort_id = found.cohort_id
        appeals.withdraw(session, access.person(), found, now=access.now())
    flash(_("Your appeal is withdrawn. You can appeal again while the time for it runs."))
    return redirect(url_for("learner.result", cohort_id=cohort_id) + "#questions", 303)


@bp.post("/question/<own_question_id>/withdraw")
@requires(RESULT)
def withdraw_question(own_question_id: str) -> Any:
    with transaction() as session:
        found = load(Explanation, own_question_id, RESULT, owner="learner_id")
        cohort_id = found.cohort_id
        explanations.withdraw(session, access.person(), found, now=access.now())
    flash(_("Your question is withdrawn."))
    return redirect(url_for("learner.result", cohort_id=cohort_id) + "#questions", 303)


def _hearing(cohort: Cohort) -> MisconductCase:
    found = learner_results.hearing(db.session(), cohort, access.person().id)
    if found is None:
        raise NotFound("There is no such page.")
    return found


@bp.route("/<cohort_id>/hearing", methods=["GET", "POST"])
@requires(RESULT)
def hearing(cohort_id: str) -> Any:
    """What is suspected, and the learner's own account of it."""
    faults: list[Fault] = []
    if request.method == "POST":
        try:
            with transaction() as session:
                misconduct.answer(
                    session,
                    access.person(),
                    _hearing(_cohort(cohort_id)),
                    text=request.form.get("answer", ""),
                    now=access.now(),
                )
            flash(_("Your answer is with those who decide."))
            return redirect(url_for("questions.hearing", cohort_id=cohort_id), 303)
        except FaultsFound as found:
            faults = list(found.faults)
    cohort = _cohort(cohort_id)
    page = render_template(
        "learner/hearing.html",
        cohort=cohort,
        case=_hearing(cohort),
        entered=request.form.get("answer", ""),
        faults=[(fault.where, fault_words(fault)) for fault in faults],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.post("/<cohort_id>/project/retake")
@requires(RESULT)
def retake(cohort_id: str) -> Any:
    with transaction() as session:
        submission, _grade = _released(_cohort(cohort_id))
        submissions.retake(session, access.person(), submission, now=access.now())
    flash(_("Your retake has begun, with a copy of your text. Your earlier result stays."))
    return redirect(url_for("learner.draft", cohort_id=cohort_id), 303)


@bp.post("/<cohort_id>/project/come-back")
@requires(RESULT)
def come_back(cohort_id: str) -> Any:
    with transaction() as session:
        found = learner_results.submission(session, _cohort(cohort_id), access.person().id)
        if found is None:
            raise NotFound("There is no such page.")
        submissions.come_back(session, access.person(), found, now=access.now())
    flash(_("Welcome back. Your project is as you left it."))
    return redirect(url_for("learner.cohort", cohort_id=cohort_id), 303)
