"""Ratings set aside: what it would touch, doing it, and letting them count again."""

from datetime import datetime

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import HiddenField, StringField, TextAreaField

from grading.db import db
from grading.models import Alarm, Cohort, Person, Quarantine
from grading.scores import quarantines
from grading.web import access
from grading.web.access import load, requires
from grading.web.forms import Done, Form, form_view
from grading.web.instructor import shell
from grading.web.instructor.monitoring import MONITOR, alarms_of, bp, find_grader
from grading.web.instructor.shell import render
from grading.workflow.monitoring import AlarmState, QuarantineState


class SetAsideForm(Form):
    criterion = HiddenField()
    since = HiddenField()
    reason = TextAreaField(_l("Reason"))


class LiftForm(Form):
    reason = StringField(_l("Reason"))


def _since(cohort: Cohort, person: Person, chosen: str, criterion: str | None) -> datetime:
    """Turn a choice into an instant: an alarm's, the last check item that was met, or the beginning."""
    session = db.session()
    alarm = session.get(Alarm, chosen) if chosen not in ("", "check", "all") else None
    if alarm is not None and (alarm.cohort_id, alarm.person_id) == (cohort.id, person.id):
        return quarantines.since_of(session, cohort, alarm)
    last_good = None
    if chosen != "all":
        last_good = quarantines.last_good_check(
            session, cohort, person.id, criterion, before=access.now()
        )
    return last_good or cohort.opens_at


def _criterion(cohort: Cohort, code: str) -> str | None:
    return code if code in cohort.rubric_version.rubric.titles else None


def _render_set_aside(
    cohort: Cohort,
    person: Person,
    chosen: str,
    code: str | None,
    refused: SetAsideForm | None = None,
) -> str:
    """Show what setting aside touches from what was chosen; no code is the alarm's criterion, or all."""
    alarms = alarms_of(cohort, person.id)
    alarm = next((alarm for alarm in alarms if alarm.id == chosen), None)
    if code is None and alarm is not None:
        criterion = alarm.criterion
    else:
        criterion = _criterion(cohort, code or "")
    since = _since(cohort, person, chosen, criterion)
    rubric = cohort.rubric_version.rubric
    return render(
        "set_aside.html",
        cohort,
        person=person,
        rubric=rubric,
        titles=rubric.titles,
        alarms=alarms,
        chosen=chosen,
        criterion=criterion,
        since=since,
        effect=quarantines.preview(db.session(), cohort, person.id, criterion, since),
        form=refused or SetAsideForm.blank(criterion=criterion or "", since=chosen),
    )


@bp.get("/<cohort_id>/graders/<person_id>/set-aside")
@requires(MONITOR)
def set_aside(cohort_id: str, person_id: str) -> ResponseReturnValue:
    """What setting aside would touch, before it does."""
    return _render_set_aside(
        *find_grader(cohort_id, person_id),
        request.args.get("since", ""),
        request.args.get("criterion"),
    )


@bp.post("/<cohort_id>/graders/<person_id>/set-aside")
@requires(MONITOR)
def impose(cohort_id: str, person_id: str) -> ResponseReturnValue:
    """Set aside what the page before showed."""

    def act(session: Session, form: SetAsideForm) -> Done:
        cohort, person = find_grader(cohort_id, person_id)
        chosen, criterion = form.since.data, _criterion(cohort, form.criterion.data)
        upheld = [a for a in alarms_of(cohort, person.id) if a.state == AlarmState.UPHELD]
        _quarantine, effect = quarantines.impose(
            session,
            access.person(),
            cohort,
            person,
            criterion=criterion,
            since=_since(cohort, person, chosen, criterion),
            reason=form.reason.data,
            now=access.now(),
            alarm=next((alarm for alarm in upheld if alarm.id == chosen), None),
        )
        message = _(
            "Set aside: %(ratings)s ratings. Read again: %(again)s projects. For you to look at: "
            "%(released)s released ones.",
            ratings=effect.ratings,
            again=len(effect.again),
            released=len(effect.released),
        )
        return Done(url_for("monitoring.aside", cohort_id=cohort_id), message)

    def show(form: SetAsideForm) -> str:
        grader = find_grader(cohort_id, person_id)
        return _render_set_aside(*grader, form.since.data, form.criterion.data, form)

    return form_view(SetAsideForm(), act, show)


def _render_aside(
    cohort: Cohort, refused: LiftForm | None = None, refused_id: str | None = None
) -> str:
    """Show what is set aside; ``refused`` is the form of the quarantine that was not lifted."""
    session = db.session()
    listed = quarantines.of_cohort(session, cohort)
    me = access.person().id
    return render(
        "aside.html",
        cohort,
        quarantines=listed,
        liftable={
            quarantine.id: refused
            if refused is not None and quarantine.id == refused_id
            else LiftForm.blank(ids=f"{quarantine.id}-")
            for quarantine, _count in listed
            if quarantine.state == QuarantineState.IN_FORCE and quarantine.person_id != me
        },
        amendments=quarantines.possible_amendments(session, cohort),
        titles=cohort.rubric_version.rubric.titles,
    )


@bp.get("/<cohort_id>/set-aside")
@requires(MONITOR)
def aside(cohort_id: str) -> ResponseReturnValue:
    """Everything that is set aside, and the released results that rest on it."""
    return _render_aside(shell.cohort(cohort_id, MONITOR))


@bp.post("/quarantine/<quarantine_id>/lift")
@requires(MONITOR)
def lift(quarantine_id: str) -> ResponseReturnValue:
    """Let it count again."""

    def act(session: Session, form: LiftForm) -> Done:
        quarantine = load(Quarantine, quarantine_id, MONITOR)
        works = quarantines.lift(
            session, access.person(), quarantine, reason=form.reason.data, now=access.now()
        )
        return Done(
            url_for("monitoring.aside", cohort_id=quarantine.cohort_id),
            _("It counts again, in %(n)s projects.", n=len(works)),
        )

    def show(form: LiftForm) -> str:
        quarantine = load(Quarantine, quarantine_id, MONITOR)
        cohort = shell.cohort(quarantine.cohort_id, MONITOR)
        return _render_aside(cohort, form, quarantine.id)

    return form_view(LiftForm(ids=f"{quarantine_id}-"), act, show)
