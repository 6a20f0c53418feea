"""What a learner asks about a result, or is asked: explanation, appeal, hearing, retake, return."""

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import TextAreaField

from grading.authorization.permissions import Permission
from grading.cohorts import retakes, withdrawals
from grading.cohorts.queries import group_members
from grading.db import db, transaction
from grading.disputes import appeals, explanations, misconduct
from grading.disputes.queries import learner_results
from grading.errors import NotFound
from grading.models import Appeal, Cohort, Explanation, Grade, MisconductCase, Submission
from grading.web import access
from grading.web.access import load, requires
from grading.web.forms import Done, Form, checkboxes, form_view, options

bp = Blueprint("questions", __name__, url_prefix="/learn")

RESULT = Permission.RESULT_READ


def _cohort(cohort_id: str) -> Cohort:
    cohort = load(Cohort, cohort_id, RESULT)
    g.cohort_zone = cohort.zone
    return cohort


def _released(cohort: Cohort) -> tuple[Submission, Grade]:
    attempts = learner_results.released_attempts(db.session(), cohort, access.person().id)
    if not attempts:
        raise NotFound("There is no such page.")
    return attempts[0]


class ExplainForm(Form):
    criteria = checkboxes(_l("Which criteria do you mean?"))
    reason = TextAreaField(_l("Your question"))


class AppealForm(Form):
    criteria = checkboxes(_l("Which criteria do you mean?"))
    reason = TextAreaField(_l("What was overlooked?"))


def _render_ask(
    cohort: Cohort, *, explain: ExplainForm | None = None, appeal: AppealForm | None = None
) -> str:
    session = db.session()
    submission, grade = _released(cohort)
    opens, ends = appeals.appeal_window(cohort, grade)
    explain = explain or ExplainForm.blank(ids="explain-")
    appeal = appeal or AppealForm.blank(ids="appeal-")
    for form in (explain, appeal):
        form.criteria.choices = options(
            (criterion.code, criterion.title) for criterion in cohort.rubric_version.rubric.criteria
        )
    return render_template(
        "learner/ask.html",
        cohort=cohort,
        submission=submission,
        grade=grade,
        opens=opens,
        ends=ends,
        tokens=appeals.tokens_left(session, cohort, access.person().id),
        pending=appeals.pending_appeal(session, submission),
        asked=[
            one for one in explanations.questions_of(session, submission) if one.state == "open"
        ],
        explain=explain,
        appeal=appeal,
    )


@bp.get("/<cohort_id>/result/ask")
@requires(RESULT)
def ask(cohort_id: str) -> ResponseReturnValue:
    """Explain or re-mark: two questions, one page that tells them apart."""
    return _render_ask(_cohort(cohort_id))


@bp.post("/<cohort_id>/result/explain")
@requires(RESULT)
def explain(cohort_id: str) -> ResponseReturnValue:
    def act(session: Session, form: ExplainForm) -> Done:
        submission, grade = _released(_cohort(cohort_id))
        explanations.request_explanation(
            session,
            access.person(),
            submission,
            grade,
            criteria=form.criteria.data,
            question=form.reason.data,
            now=access.now(),
        )
        return Done(
            url_for("learner.result", cohort_id=cohort_id) + "#questions",
            _("Your question is on its way to somebody who read your project."),
        )

    def show(form: ExplainForm) -> str:
        return _render_ask(_cohort(cohort_id), explain=form)

    return form_view(ExplainForm(ids="explain-"), act, show)


@bp.post("/<cohort_id>/result/appeal")
@requires(RESULT)
def appeal(cohort_id: str) -> ResponseReturnValue:
    def act(session: Session, form: AppealForm) -> Done:
        submission, _grade = _released(_cohort(cohort_id))
        appeals.lodge_appeal(
            session,
            access.person(),
            submission,
            criteria=form.criteria.data,
            reason=form.reason.data,
            now=access.now(),
        )
        return Done(
            url_for("learner.result", cohort_id=cohort_id) + "#questions",
            _("Your appeal is made. Somebody who has not scored your project reads it again."),
        )

    def show(form: AppealForm) -> str:
        return _render_ask(_cohort(cohort_id), appeal=form)

    return form_view(AppealForm(ids="appeal-"), act, show)


@bp.post("/appeal/<own_appeal_id>/withdraw")
@requires(RESULT)
def withdraw_appeal(own_appeal_id: str) -> ResponseReturnValue:
    with transaction() as session:
        appeal = load(Appeal, own_appeal_id, RESULT, owner="learner_id")
        cohort_id = appeal.cohort_id
        appeals.withdraw_appeal(session, access.person(), appeal, now=access.now())
    flash(_("Your appeal is withdrawn. You can appeal again while the time for it runs."))
    return redirect(url_for("learner.result", cohort_id=cohort_id) + "#questions", 303)


@bp.post("/question/<own_question_id>/withdraw")
@requires(RESULT)
def withdraw_question(own_question_id: str) -> ResponseReturnValue:
    with transaction() as session:
        question = load(Explanation, own_question_id, RESULT, owner="learner_id")
        cohort_id = question.cohort_id
        explanations.withdraw_question(session, access.person(), question, now=access.now())
    flash(_("Your question is withdrawn."))
    return redirect(url_for("learner.result", cohort_id=cohort_id) + "#questions", 303)


def _hearing(cohort: Cohort) -> MisconductCase:
    case = learner_results.latest_hearing(db.session(), cohort, access.person().id)
    if case is None:
        raise NotFound("There is no such page.")
    return case


class HearingForm(Form):
    answer = TextAreaField(_l("Your own account"))


@bp.route("/<cohort_id>/hearing", methods=["GET", "POST"])
@requires(RESULT)
def hearing(cohort_id: str) -> ResponseReturnValue:
    """What is suspected, and the learner's own account of it."""

    def act(session: Session, form: HearingForm) -> Done:
        case = _hearing(_cohort(cohort_id))
        misconduct.answer_suspicion(
            session, access.person(), case, text=form.answer.data, now=access.now()
        )
        message = _("Your answer is with those who decide.")
        return Done(url_for("questions.hearing", cohort_id=cohort_id), message)

    def show(form: HearingForm) -> str:
        cohort = _cohort(cohort_id)
        return render_template(
            "learner/hearing.html", cohort=cohort, case=_hearing(cohort), form=form
        )

    return form_view(HearingForm(), act, show)


@bp.post("/<cohort_id>/project/retake")
@requires(RESULT)
def retake(cohort_id: str) -> ResponseReturnValue:
    with transaction() as session:
        submission, _grade = _released(_cohort(cohort_id))
        retakes.retake(session, access.person(), submission, now=access.now())
    flash(_("Your retake has begun, with a copy of your text. Your earlier result stays."))
    return redirect(url_for("learner.draft", cohort_id=cohort_id), 303)


@bp.post("/<cohort_id>/project/come-back")
@requires(RESULT)
def come_back(cohort_id: str) -> ResponseReturnValue:
    with transaction() as session:
        submission = group_members.newest(session, _cohort(cohort_id), access.person().id)
        if submission is None:
            raise NotFound("There is no such page.")
        withdrawals.come_back(session, access.person(), submission, now=access.now())
    flash(_("Welcome back. Your project is as you left it."))
    return redirect(url_for("learner.cohort", cohort_id=cohort_id), 303)
