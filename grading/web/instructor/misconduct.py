"""Suspected misconduct: the cases of a cohort, their evidence, the hearing, and two who decide."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.disputes import misconduct
from grading.disputes.queries import dispute_queue
from grading.errors import Fault, FaultsFound
from grading.models import MisconductCase, Person, Submission
from grading.people import approvals
from grading.releases.queries.cohort_overview import case_code
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.web.forms import Done, form_view
from grading.web.instructor import shell
from grading.web.report_form import ReportForm, render_report
from grading.workflow.misconduct import PENDING

bp = Blueprint("misconduct", __name__, url_prefix="/teach")

DECIDE = Permission.MISCONDUCT
# Whoever sees what was handed in, and what it was given, can say what they saw.
REPORT = Permission.SCORES_READ


def find(suspicion_id: str) -> MisconductCase:
    found = load(MisconductCase, suspicion_id, DECIDE)
    g.cohort_zone = found.submission.cohort.zone
    return found


@bp.get("/<cohort_id>/suspicions")
@requires(DECIDE)
def cases(cohort_id: str) -> Any:
    """The cases of a cohort: undecided ones with the day they are to be decided by."""
    found = shell.cohort(cohort_id, DECIDE)
    session = db.session()
    pending = dispute_queue.misconduct_cases(session, found, pending=True)
    return shell.render(
        "suspicions.html",
        found,
        pending=sorted(
            ((misconduct.decide_by(found, case), case) for case in pending),
            key=lambda row: (row[0], row[1].id),
        ),
        decided=dispute_queue.misconduct_cases(session, found, pending=False),
        me=access.person().id,
    )


@bp.route("/submission/<submission_id>/suspect", methods=["GET", "POST"])
@requires(REPORT)
def suspect(submission_id: str) -> ResponseReturnValue:
    """Open a case, or add to the one there is."""

    def act(session: Session, form: ReportForm) -> Done:
        misconduct.report_suspicion(
            session,
            access.person(),
            load(Submission, submission_id, REPORT),
            kind=form.kind.data,
            text=form.text.data,
            source=form.source.data,
            now=access.now(),
        )
        return Done(
            url_for("instructor.submission", submission_id=submission_id),
            _("Reported. The learner is heard, and two others decide."),
        )

    def show(form: ReportForm) -> str:
        suspected = load(Submission, submission_id, REPORT)
        back = url_for("instructor.submission", submission_id=submission_id)
        code = case_code(suspected.id)
        return render_report(form, suspected.cohort, code=code, back=back, grades=False)

    return form_view(ReportForm(), act, show)


def _reporters(session: Session, case: MisconductCase) -> dict[str, str]:
    """Name those who gave evidence: raters by their part, staff by name."""
    pools = dispute_queue.pools_of(session, case.submission_id)
    parts = {"professional": _("A grader"), "peer": _("A peer")}
    people = [case.opened_by, *(one.by for one in case.evidence)]
    return {
        person.id: parts[pools[person.id]] if person.id in pools else person.name
        for person in people
    }


def _page(
    case: MisconductCase,
    faults: list[Fault] | None = None,
    *,
    shown: str = "",
) -> Any:
    session = db.session()
    cohort = case.submission.cohort
    me = access.person()
    pending = case.state in PENDING
    page = shell.render(
        "suspicion.html",
        cohort,
        case=case,
        pending=pending,
        reporters=_reporters(session, case),
        decide_by=misconduct.decide_by(cohort, case),
        may_decide=pending and misconduct.may_decide_case(session, me, case),
        released=case.submission.state == "released",
        copy=dispute_queue.latest_copy(session, case.submission),
        me=me.id,
        signed=approvals.approvals_of(session, case.id),
        form=shown,
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        entered=request.form,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/suspicion/<suspicion_id>")
@requires(DECIDE)
def case(suspicion_id: str) -> Any:
    """One case: what was seen, what the learner says, and what comes next."""
    return _page(find(suspicion_id))


def _act(
    suspicion_id: str, form: str, act: Callable[[Session, Person, MisconductCase], str]
) -> Any:
    """Do one act on a case; what is wrong with it is said on the case's page."""
    try:
        with transaction() as session:
            said = act(session, access.person(), find(suspicion_id))
    except FaultsFound as error:
        return _page(find(suspicion_id), list(error.faults), shown=form)
    flash(said)
    return redirect(url_for("misconduct.case", suspicion_id=suspicion_id), 303)


@bp.post("/suspicion/<suspicion_id>/evidence")
@requires(DECIDE)
def add_evidence(suspicion_id: str) -> Any:
    def act(session: Session, me: Person, found: MisconductCase) -> str:
        misconduct.add_evidence(
            session,
            me,
            found,
            text=request.form.get("text", ""),
            source=request.form.get("source", ""),
            now=access.now(),
        )
        return _("Your evidence is kept with the case. Others decide it.")

    return _act(suspicion_id, "evidence", act)


@bp.post("/suspicion/<suspicion_id>/hear")
@requires(DECIDE)
def hear(suspicion_id: str) -> Any:
    def act(session: Session, me: Person, found: MisconductCase) -> str:
        misconduct.put_to_learner(
            session,
            me,
            found,
            allegation=request.form.get("allegation", ""),
            now=access.now(),
        )
        return _("The learner is asked. You see the answer here.")

    return _act(suspicion_id, "hear", act)


@bp.post("/suspicion/<suspicion_id>/propose")
@requires(DECIDE)
def propose(suspicion_id: str) -> Any:
    def act(session: Session, me: Person, found: MisconductCase) -> str:
        outcome = request.form.get("outcome", "")
        if outcome not in ("upheld", "dismissed"):
            raise FaultsFound([Fault("outcome", "Choose what you decide.")])
        misconduct.propose_outcome(
            session,
            me,
            found,
            upheld=outcome == "upheld",
            reason=request.form.get("reason", ""),
            now=access.now(),
        )
        return _("Your decision is kept. It takes effect when another person agrees.")

    return _act(suspicion_id, "propose", act)


@bp.post("/suspicion/<suspicion_id>/second")
@requires(DECIDE)
def second(suspicion_id: str) -> Any:
    agree = request.form.get("agree") == "yes"
    challenge_id = None
    with transaction() as session:
        found, me, now = find(suspicion_id), access.person(), access.now()
        signs = agree and misconduct.lines_to_revoke(session, found)
        if signs and step_up.asked(session, found.submission.cohort):
            challenge_id = misconduct.lay_revocations_before(session, me, found, now=now).id
        else:
            misconduct.second_outcome(session, me, found, agree=agree, now=now)
    if challenge_id:
        return redirect(url_for("approving.page", challenge_id=challenge_id), 303)
    flash(
        _("The case is decided, and it has taken effect.")
        if agree
        else _("You disagree. The case waits for a decision again.")
    )
    return redirect(url_for("misconduct.case", suspicion_id=suspicion_id), 303)
