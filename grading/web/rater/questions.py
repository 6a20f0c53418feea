"""What comes back to those who read: an appeal to decide, a question to answer, a suspicion to report."""

from flask import Blueprint, g, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import StringField, TextAreaField

from grading.authorization.permissions import Permission
from grading.authorization.policy import permits
from grading.db import db
from grading.disputes import decisions, explanations, misconduct
from grading.disputes.queries import dispute_queue
from grading.errors import NotFound
from grading.models import Allocation, Appeal, Explanation, Grade, StruckReading
from grading.models.codes import case_code
from grading.people import approvals
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.forms import Done, Form, checkboxes, form_view, options
from grading.web.shared_forms import ReportForm, render_report
from grading.workflow.allocation import GONE, Pool
from grading.workflow.appeal import AppealState

bp = Blueprint("answers", __name__)

READ = Permission.REVIEW_PROFESSIONAL


def find_appeal(appeal_id: str) -> Appeal:
    """Find an appeal for whoever decides it, or decided it."""
    appeal = load(Appeal, appeal_id, READ)
    me = access.person()
    mine = decisions.is_remarker(appeal, me) or appeal.decided_by_id == me.id
    if not mine and not (
        permits(access.identity(appeal.cohort_id), Permission.ADJUDICATE)
        and decisions.may_decide_appeal(db.session(), me, appeal, now=access.now())
    ):
        raise NotFound("There is no such page.")
    if appeal.state in (AppealState.OPEN, AppealState.WITHDRAWN):
        raise NotFound("There is no such page.")
    g.cohort_zone = appeal.submission.cohort.zone
    return appeal


class StrikeForm(Form):
    fault = StringField(_l("What was wrong with it"))
    criteria = checkboxes(_l("Which criteria does it touch?"))


class DecideForm(Form):
    answer = TextAreaField(_l("Reason"))


class AnswerForm(Form):
    answer = TextAreaField(_l("Your answer"))


def _render_appeal(
    appeal: Appeal,
    decision: DecideForm | None = None,
    *,
    reading_id: str = "",
    strike: StrikeForm | None = None,
) -> str:
    """Show an appeal to whoever decides it; ``strike`` is the form that was sent about ``reading_id``."""
    session = db.session()
    cohort = appeal.submission.cohort
    rubric = cohort.rubric_version.rubric
    readings = dispute_queue.sealed_sheets(session, appeal)
    strikes = {}
    for reading in readings:
        ids = f"strike-{reading.allocation_id}-"
        form = strike if reading.allocation_id == reading_id else None
        form = form or StrikeForm.blank(ids=ids, data={"criteria": appeal.criteria})
        form.criteria.choices = options((one.code, one.title) for one in rubric.criteria)
        strikes[reading.allocation_id] = form
    return render_template(
        "rater/appeal.html",
        appeal=appeal,
        cohort=cohort,
        rubric=rubric,
        readings=readings,
        outcome=decisions.outcome_of(session, appeal),
        may_decide=decisions.may_decide_appeal(session, access.person(), appeal, now=access.now()),
        copy=dispute_queue.latest_copy(session, appeal.submission),
        signed=approvals.approvals_of(session, appeal.id),
        case_code=case_code,
        decision=decision or DecideForm.blank(),
        strikes=strikes,
        reading_id=reading_id,
    )


@bp.get("/grade/appeal/<appeal_id>")
@requires(READ)
def appeal(appeal_id: str) -> ResponseReturnValue:
    """All sheets side by side, after one's own blind reading, and the decision."""
    return _render_appeal(find_appeal(appeal_id))


@bp.post("/grade/appeal/<appeal_id>/strike/<reading_id>")
@requires(READ)
def strike(appeal_id: str, reading_id: str) -> ResponseReturnValue:
    def act(session: Session, form: StrikeForm) -> Done:
        appeal = find_appeal(appeal_id)
        reading = session.get(Allocation, reading_id)
        if reading is None:
            raise NotFound("There is no such reading.")
        decisions.strike_reading(
            session,
            access.person(),
            appeal,
            reading,
            fault=form.fault.data,
            criteria=form.criteria.data,
            now=access.now(),
        )
        return Done(
            url_for("answers.siblings", appeal_id=appeal_id, reading_id=reading_id),
            _("The reading no longer counts. Look at what else this reader gave."),
        )

    def show(form: StrikeForm) -> str:
        return _render_appeal(find_appeal(appeal_id), reading_id=reading_id, strike=form)

    return form_view(StrikeForm(ids=f"strike-{reading_id}-"), act, show)


@bp.get("/grade/appeal/<appeal_id>/strike/<reading_id>/others")
@requires(READ)
def siblings(appeal_id: str, reading_id: str) -> ResponseReturnValue:
    """The other projects of a reader whose reading was struck."""
    appeal = find_appeal(appeal_id)
    struck = db.session.get(StruckReading, reading_id)
    if struck is None or struck.allocation.submission_id != appeal.submission_id:
        raise NotFound("There is no such page.")
    return render_template(
        "rater/siblings.html",
        appeal=appeal,
        cohort=appeal.submission.cohort,
        rubric=appeal.submission.cohort.rubric_version.rubric,
        struck=struck,
        items=decisions.doubtful_siblings(db.session(), struck),
        case_code=case_code,
    )


@bp.post("/grade/appeal/<appeal_id>/decide")
@requires(READ)
def decide(appeal_id: str) -> ResponseReturnValue:
    def act(session: Session, form: DecideForm) -> Done:
        appeal = find_appeal(appeal_id)
        me, now, answer = access.person(), access.now(), form.answer.data
        if decisions.grades_to_amend(session, appeal) and step_up.asked(
            session, appeal.submission.cohort
        ):
            challenge = decisions.lay_decision_before(session, me, appeal, answer=answer, now=now)
            return Done(url_for("approving.page", challenge_id=challenge.id))
        amended = decisions.decide_appeal(session, me, appeal, answer=answer, now=now)
        return Done(url_for("answers.appeal", appeal_id=appeal_id), decided_words(appeal, amended))

    return form_view(DecideForm(), act, lambda form: _render_appeal(find_appeal(appeal_id), form))


def decided_words(appeal: Appeal, amended: Grade | None) -> str:
    """Say what became of an appeal, to whoever decided it."""
    if appeal.state == AppealState.UPHELD:
        return str(_("The appeal is upheld. The learner is told, and the record is replaced."))
    if amended is not None:
        return str(
            _("The result falls, as the plan allows. The learner is told, with your reason.")
        )
    return str(_("The appeal is not upheld. The learner is told, with your reason."))


def _question(question_id: str) -> Explanation:
    """Find a question for its owner, or for whoever adjudicates where it has none or is overdue."""
    question = load(Explanation, question_id, READ)
    me = access.person()
    lead = permits(access.identity(question.cohort_id), Permission.ADJUDICATE)
    free = explanations.may_take_question(db.session(), question, now=access.now())
    mine = me.id in (question.owner_id, question.answered_by_id)
    if not (mine or (lead and free)):
        raise NotFound("There is no such page.")
    g.cohort_zone = question.submission.cohort.zone
    return question


@bp.route("/grade/question/<question_id>", methods=["GET", "POST"])
@requires(READ)
def question(question_id: str) -> ResponseReturnValue:
    """A learner's question, the work and one's own sheet."""

    def act(session: Session, form: AnswerForm) -> Done:
        explanations.answer_question(
            session,
            access.person(),
            _question(question_id),
            text=form.answer.data,
            now=access.now(),
        )
        return Done(
            url_for("sign_in.home"),
            _("Your answer is with the learner, who does not learn who you are."),
        )

    def show(form: AnswerForm) -> str:
        asked = _question(question_id)
        session = db.session()
        cohort = asked.submission.cohort
        return render_template(
            "rater/question.html",
            question=asked,
            cohort=cohort,
            rubric=cohort.rubric_version.rubric,
            sheet=dispute_queue.own_sheet(session, asked.submission, access.person().id),
            copy=dispute_queue.latest_copy(session, asked.submission),
            form=form,
        )

    return form_view(AnswerForm(), act, show)


def _report(pool: Pool, permission: Permission, allocation_id: str) -> ResponseReturnValue:
    """Say what one suspects. The item stays: it is graded for what it is, and others decide."""

    def find_item() -> Allocation:
        allocation = load(Allocation, allocation_id, permission, owner="rater_id")
        if allocation.pool != pool or allocation.state in GONE:
            raise NotFound("There is no such page.")
        return allocation

    side = "review" if pool is Pool.PEER else "item"
    back = url_for(f"rater.{side}_sheet", allocation_id=allocation_id)

    def act(session: Session, form: ReportForm) -> Done:
        misconduct.report_suspicion(
            session,
            access.person(),
            find_item().submission,
            kind=form.kind.data,
            text=form.text.data,
            source=form.source.data,
            now=access.now(),
        )
        message = _("Thank you. Two others look into it. Grade the project for what it is.")
        return Done(back, message)

    def show(form: ReportForm) -> str:
        item = find_item()
        return render_report(form, item.cohort, code=item.blind_code, back=back, grades=True)

    return form_view(ReportForm(), act, show)


@bp.route("/grade/item/<allocation_id>/report", methods=["GET", "POST"])
@requires(READ)
def item_report(allocation_id: str) -> ResponseReturnValue:
    return _report(Pool.PROFESSIONAL, READ, allocation_id)


@bp.route("/learn/review/<allocation_id>/report", methods=["GET", "POST"])
@requires(Permission.REVIEW_PEER)
def review_report(allocation_id: str) -> ResponseReturnValue:
    return _report(Pool.PEER, Permission.REVIEW_PEER, allocation_id)
