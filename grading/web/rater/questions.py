"""What comes back to those who read: an appeal to decide, a question to answer, a suspicion to report."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.authorization.policy import permits
from grading.db import db, transaction
from grading.disputes import decisions, explanations, misconduct
from grading.disputes.queries import dispute_queue
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Allocation, Appeal, Explanation, Grade, StruckReading
from grading.people import approvals
from grading.releases.queries import cohort_overview
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.workflow.allocation import GONE, Pool
from grading.workflow.appeal import AppealState
from grading.workflow.misconduct import MisconductKind

bp = Blueprint("answers", __name__)

READ = Permission.REVIEW_PROFESSIONAL


def find_appeal(appeal_id: str) -> Appeal:
    """Find an appeal for whoever decides it, or decided it."""
    found = load(Appeal, appeal_id, READ)
    me = access.person()
    mine = decisions.is_remarker(found, me) or found.decided_by_id == me.id
    if not mine and not (
        permits(access.identity(found.cohort_id), Permission.ADJUDICATE)
        and decisions.may_decide_appeal(db.session(), me, found, now=access.now())
    ):
        raise NotFound("There is no such page.")
    if found.state in (AppealState.OPEN, AppealState.WITHDRAWN):
        raise NotFound("There is no such page.")
    g.cohort_zone = found.submission.cohort.zone
    return found


def _rows(faults: list[Fault]) -> list[tuple[str, str]]:
    return [(fault.where, fault_words(fault)) for fault in faults]


def _appeal_page(
    found: Appeal, faults: list[Fault] | None = None, *, reading_id: str | None = None
) -> Any:
    session = db.session()
    cohort = found.submission.cohort
    page = render_template(
        "rater/appeal.html",
        appeal=found,
        cohort=cohort,
        rubric=cohort.rubric_version.rubric,
        readings=dispute_queue.sealed_sheets(session, found),
        outcome=decisions.outcome_of(session, found),
        may_decide=decisions.may_decide_appeal(session, access.person(), found, now=access.now()),
        copy=dispute_queue.latest_copy(session, found.submission),
        signed=approvals.approvals_of(session, found.id),
        case_code=cohort_overview.case_code,
        faults=_rows(faults or []),
        entered=request.form,
        reading_id=reading_id,
        chosen=request.form.getlist("criteria") if reading_id else found.criteria,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/grade/appeal/<appeal_id>")
@requires(READ)
def appeal(appeal_id: str) -> Any:
    """All sheets side by side, after one's own blind reading, and the decision."""
    return _appeal_page(find_appeal(appeal_id))


@bp.post("/grade/appeal/<appeal_id>/strike/<reading_id>")
@requires(READ)
def strike(appeal_id: str, reading_id: str) -> Any:
    try:
        with transaction() as session:
            found = find_appeal(appeal_id)
            reading = session.get(Allocation, reading_id)
            if reading is None:
                raise NotFound("There is no such reading.")
            decisions.strike_reading(
                session,
                access.person(),
                found,
                reading,
                fault=request.form.get("fault", ""),
                criteria=request.form.getlist("criteria"),
                now=access.now(),
            )
    except FaultsFound as error:
        return _appeal_page(find_appeal(appeal_id), list(error.faults), reading_id=reading_id)
    flash(_("The reading no longer counts. Look at what else this reader gave."))
    return redirect(url_for("answers.siblings", appeal_id=appeal_id, reading_id=reading_id), 303)


@bp.get("/grade/appeal/<appeal_id>/strike/<reading_id>/others")
@requires(READ)
def siblings(appeal_id: str, reading_id: str) -> Any:
    """The other projects of a reader whose reading was struck."""
    found = find_appeal(appeal_id)
    struck = db.session.get(StruckReading, reading_id)
    if struck is None or struck.allocation.submission_id != found.submission_id:
        raise NotFound("There is no such page.")
    return render_template(
        "rater/siblings.html",
        appeal=found,
        cohort=found.submission.cohort,
        rubric=found.submission.cohort.rubric_version.rubric,
        struck=struck,
        items=decisions.doubtful_siblings(db.session(), struck),
        case_code=cohort_overview.case_code,
    )


@bp.post("/grade/appeal/<appeal_id>/decide")
@requires(READ)
def decide(appeal_id: str) -> Any:
    challenge_id = None
    try:
        with transaction() as session:
            found = find_appeal(appeal_id)
            me, now, text = access.person(), access.now(), request.form.get("answer", "")
            if decisions.grades_to_amend(session, found) and step_up.asked(
                session, found.submission.cohort
            ):
                challenge_id = decisions.lay_decision_before(
                    session, me, found, answer=text, now=now
                ).id
            else:
                amended = decisions.decide_appeal(session, me, found, answer=text, now=now)
                said = decided_words(found, amended)
    except FaultsFound as error:
        return _appeal_page(find_appeal(appeal_id), list(error.faults))
    if challenge_id:
        return redirect(url_for("approving.page", challenge_id=challenge_id), 303)
    flash(said)
    return redirect(url_for("answers.appeal", appeal_id=appeal_id), 303)


def decided_words(found: Appeal, amended: Grade | None) -> str:
    """Say what became of an appeal, to whoever decided it."""
    if found.state == AppealState.UPHELD:
        return str(_("The appeal is upheld. The learner is told, and the record is replaced."))
    if amended is not None:
        return str(
            _("The result falls, as the plan allows. The learner is told, with your reason.")
        )
    return str(_("The appeal is not upheld. The learner is told, with your reason."))


def _question(question_id: str) -> Explanation:
    """Find a question for its owner, or for whoever adjudicates where it has none or is overdue."""
    found = load(Explanation, question_id, READ)
    me = access.person()
    lead = permits(access.identity(found.cohort_id), Permission.ADJUDICATE)
    free = explanations.may_take_question(db.session(), found, now=access.now())
    mine = me.id in (found.owner_id, found.answered_by_id)
    if not (mine or (lead and free)):
        raise NotFound("There is no such page.")
    g.cohort_zone = found.submission.cohort.zone
    return found


@bp.route("/grade/question/<question_id>", methods=["GET", "POST"])
@requires(READ)
def question(question_id: str) -> Any:
    """A learner's question, the work and one's own sheet."""
    faults: list[Fault] = []
    if request.method == "POST":
        try:
            with transaction() as session:
                explanations.answer_question(
                    session,
                    access.person(),
                    _question(question_id),
                    text=request.form.get("answer", ""),
                    now=access.now(),
                )
            flash(_("Your answer is with the learner, who does not learn who you are."))
            return redirect(url_for("sign_in.home"), 303)
        except FaultsFound as error:
            faults = list(error.faults)
    found = _question(question_id)
    session = db.session()
    cohort = found.submission.cohort
    page = render_template(
        "rater/question.html",
        question=found,
        cohort=cohort,
        rubric=cohort.rubric_version.rubric,
        sheet=dispute_queue.own_sheet(session, found.submission, access.person().id),
        copy=dispute_queue.latest_copy(session, found.submission),
        faults=_rows(faults),
        entered=request.form.get("answer", ""),
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


def _report(pool: Pool, permission: Permission, allocation_id: str) -> Any:
    """Say what one suspects. The item stays: it is graded for what it is, and others decide."""
    allocation = load(Allocation, allocation_id, permission, owner="rater_id")
    if allocation.pool != pool or allocation.state in GONE:
        raise NotFound("There is no such page.")
    faults: list[Fault] = []
    side = "review" if pool is Pool.PEER else "item"
    if request.method == "POST":
        try:
            with transaction() as session:
                misconduct.report_suspicion(
                    session,
                    access.person(),
                    load(Allocation, allocation_id, permission, owner="rater_id").submission,
                    kind=request.form.get("kind", ""),
                    text=request.form.get("text", ""),
                    source=request.form.get("source", ""),
                    now=access.now(),
                )
            flash(_("Thank you. Two others look into it. Grade the project for what it is."))
            return redirect(url_for(f"rater.{side}_sheet", allocation_id=allocation_id), 303)
        except FaultsFound as error:
            faults = list(error.faults)
    page = render_template(
        "rater/report.html",
        code=allocation.blind_code,
        grades=True,
        cohort=allocation.cohort,
        back=url_for(f"rater.{side}_sheet", allocation_id=allocation_id),
        kinds=list(MisconductKind),
        faults=_rows(faults),
        entered=request.form,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.route("/grade/item/<allocation_id>/report", methods=["GET", "POST"])
@requires(READ)
def item_report(allocation_id: str) -> Any:
    return _report(Pool.PROFESSIONAL, READ, allocation_id)


@bp.route("/learn/review/<allocation_id>/report", methods=["GET", "POST"])
@requires(Permission.REVIEW_PEER)
def review_report(allocation_id: str) -> Any:
    return _report(Pool.PEER, Permission.REVIEW_PEER, allocation_id)
