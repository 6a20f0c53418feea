"""Suspected misconduct: the cases of a cohort, their evidence, the hearing, and two who decide."""

from flask import Blueprint, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import Field, StringField, TextAreaField, ValidationError

from grading.authorization.permissions import Permission
from grading.db import db
from grading.disputes import misconduct
from grading.disputes.queries import dispute_queue
from grading.models import MisconductCase, Submission
from grading.models.codes import case_code
from grading.people import approvals
from grading.people.queries import account_makers
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.forms import Done, Form, form_view, options, radio, yes_field
from grading.web.instructor import shell
from grading.web.shared_forms import ReportForm, render_report
from grading.workflow.misconduct import PENDING, MisconductState

bp = Blueprint("misconduct", __name__, url_prefix="/teach")

DECIDE = Permission.MISCONDUCT
# Whoever sees what was handed in, and what it was given, can say what they saw.
REPORT = Permission.SCORES_READ


def find_case(suspicion_id: str) -> MisconductCase:
    case = load(MisconductCase, suspicion_id, DECIDE)
    g.cohort_zone = case.submission.cohort.zone
    return case


@bp.get("/<cohort_id>/suspicions")
@requires(DECIDE)
def cases(cohort_id: str) -> ResponseReturnValue:
    """The cases of a cohort: undecided ones with the day they are to be decided by."""
    cohort = shell.cohort(cohort_id, DECIDE)
    session = db.session()
    pending = dispute_queue.misconduct_cases(session, cohort, pending=True)
    return shell.render(
        "suspicions.html",
        cohort,
        pending=sorted(
            ((misconduct.decide_by(cohort, case), case) for case in pending),
            key=lambda row: (row[0], row[1].id),
        ),
        decided=dispute_queue.misconduct_cases(session, cohort, pending=False),
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
    people = [case.opened_by, *(evidence.by for evidence in case.evidence)]
    return {
        person.id: parts[pools[person.id]] if person.id in pools else person.name
        for person in people
    }


class EvidenceForm(Form):
    text = TextAreaField(_l("What you saw"))
    source = StringField(_l("Where it comes from, if you know (a title or an address)"))


class AllegationForm(Form):
    allegation = TextAreaField(_l("What is suspected, in words for the learner"))


class OutcomeForm(Form):
    outcome = radio(_l("What do you decide?"))
    reason = TextAreaField(_l("Reason"))

    def validate_outcome(self, field: Field) -> None:
        if field.data not in ("upheld", "dismissed"):
            raise ValidationError(_("Choose what you decide."))


class AgreementForm(Form):
    agree = yes_field()


def _render_case(
    suspicion_id: str,
    *,
    evidence: EvidenceForm | None = None,
    allegation: AllegationForm | None = None,
    outcome: OutcomeForm | None = None,
) -> str:
    case = find_case(suspicion_id)
    session = db.session()
    cohort = case.submission.cohort
    me = access.person()
    pending = case.state in PENDING
    released = case.submission.state == "released"
    outcome = outcome or OutcomeForm.blank()
    outcome.outcome.choices = options(
        [
            (
                "upheld",
                _("Upheld: the record that rests on this project is revoked")
                if released
                else _("Upheld: the result is held back"),
            ),
            ("dismissed", _("Dismissed: nothing of it stays with the result")),
        ]
    )
    if case.state == MisconductState.OPEN:
        outcome.reason.label.text = _("Why it is dismissed unheard")
    return shell.render(
        "suspicion.html",
        cohort,
        case=case,
        pending=pending,
        reporters=_reporters(session, case),
        decide_by=misconduct.decide_by(cohort, case),
        may_decide=pending and misconduct.may_decide_case(session, me, case),
        released=released,
        copy=dispute_queue.latest_copy(session, case.submission),
        me=me.id,
        signed=approvals.approvals_of(session, case.id),
        made_by_one=account_makers.made_by_one(
            session, cohort.id, [case.proposed_by_id or me.id, case.decided_by_id or me.id]
        ),
        evidence=evidence or EvidenceForm.blank(),
        allegation=allegation or AllegationForm.blank(),
        outcome=outcome,
    )


def _done(suspicion_id: str, message: str) -> Done:
    return Done(url_for("misconduct.case", suspicion_id=suspicion_id), message)


@bp.get("/suspicion/<suspicion_id>")
@requires(DECIDE)
def case(suspicion_id: str) -> ResponseReturnValue:
    """One case: what was seen, what the learner says, and what comes next."""
    return _render_case(suspicion_id)


@bp.post("/suspicion/<suspicion_id>/evidence")
@requires(DECIDE)
def add_evidence(suspicion_id: str) -> ResponseReturnValue:
    def act(session: Session, form: EvidenceForm) -> Done:
        misconduct.add_evidence(
            session,
            access.person(),
            find_case(suspicion_id),
            text=form.text.data,
            source=form.source.data,
            now=access.now(),
        )
        return _done(suspicion_id, _("Your evidence is kept with the case. Others decide it."))

    return form_view(EvidenceForm(), act, lambda form: _render_case(suspicion_id, evidence=form))


@bp.post("/suspicion/<suspicion_id>/hear")
@requires(DECIDE)
def hear(suspicion_id: str) -> ResponseReturnValue:
    def act(session: Session, form: AllegationForm) -> Done:
        misconduct.put_to_learner(
            session,
            access.person(),
            find_case(suspicion_id),
            allegation=form.allegation.data,
            now=access.now(),
        )
        return _done(suspicion_id, _("The learner is asked. You see the answer here."))

    return form_view(
        AllegationForm(), act, lambda form: _render_case(suspicion_id, allegation=form)
    )


@bp.post("/suspicion/<suspicion_id>/propose")
@requires(DECIDE)
def propose(suspicion_id: str) -> ResponseReturnValue:
    def act(session: Session, form: OutcomeForm) -> Done:
        misconduct.propose_outcome(
            session,
            access.person(),
            find_case(suspicion_id),
            upheld=form.outcome.data == "upheld",
            reason=form.reason.data,
            now=access.now(),
        )
        return _done(
            suspicion_id, _("Your decision is kept. It takes effect when another person agrees.")
        )

    return form_view(OutcomeForm(), act, lambda form: _render_case(suspicion_id, outcome=form))


@bp.post("/suspicion/<suspicion_id>/second")
@requires(DECIDE)
def second(suspicion_id: str) -> ResponseReturnValue:
    """Agree with the first decision, or not."""

    def act(session: Session, form: AgreementForm) -> Done:
        case, me, now = find_case(suspicion_id), access.person(), access.now()
        agree = form.agree.data
        revokes = agree and misconduct.lines_to_revoke(session, case)
        if revokes and step_up.asked(session, case.submission.cohort):
            return shell.to_sign(misconduct.lay_revocations_before(session, me, case, now=now))
        misconduct.second_outcome(session, me, case, agree=agree, now=now)
        return _done(
            suspicion_id,
            _("The case is decided, and it has taken effect.")
            if agree
            else _("You disagree. The case waits for a decision again."),
        )

    return form_view(AgreementForm(), act)
