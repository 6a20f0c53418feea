"""The lead's pages of graders: what their charts say, and what a lead does about it."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import Field, TextAreaField, ValidationError

from grading.authorization.permissions import Permission
from grading.db import db
from grading.errors import NotFound
from grading.models import Alarm, Cohort, Person, QueuePause
from grading.readings import graders, monitoring
from grading.readings.queries import calibration_progress, staff_view, standings
from grading.scores import quarantines
from grading.scores.queries import kept_statistics
from grading.web import access, downloads
from grading.web.access import load, requires
from grading.web.charts import Break, grader_charts
from grading.web.forms import Done, Form, form_view, options, radio
from grading.web.instructor import shell
from grading.web.instructor.shell import render
from grading.workflow.monitoring import AlarmState

bp = Blueprint("monitoring", __name__, url_prefix="/teach")

MONITOR = Permission.MONITOR
# Within 60 sheets, at one check item in 20 and the same false alarms: the main world, with and without
# peers, of ``benchmarks/results/drift.md``; a test holds the two together.
CHECKS_ALONE_FIND = 8


def find_grader(cohort_id: str, person_id: str) -> tuple[Cohort, Person]:
    """Find a cohort and somebody with a professional part in it, now or before."""
    cohort = shell.cohort(cohort_id, MONITOR)
    person = db.session.get(Person, person_id)
    if person is None or not calibration_progress.was_professional(db.session(), cohort, person_id):
        raise NotFound("There is no such page.")
    return cohort, person


def _outliers(session: Session, cohort: Cohort) -> dict[str, Any]:
    """What stands out, as a worker kept it; by how much only where the reader can not be asked to read."""
    kept = kept_statistics.latest(session, cohort, "outliers")
    rows = kept.result["rows"] if kept else []
    ids = list({row["submission"] for row in rows})
    names = select(Person.id, Person.name).where(Person.id.in_({row["rater"] for row in rows}))
    return {
        "outliers": kept,
        "hidden": staff_view.works_still_readable_by(session, cohort, ids, access.person().id),
        "names": dict(session.execute(names).all()),
        "titles": cohort.rubric_version.rubric.titles,
    }


@bp.get("/<cohort_id>/graders")
@requires(MONITOR)
def overview(cohort_id: str) -> ResponseReturnValue:
    """One row a grader, by name: never in the order of a measure."""
    cohort = shell.cohort(cohort_id, MONITOR)
    session = db.session()
    return render(
        "graders.html",
        cohort,
        rows=graders.grader_rows(session, cohort),
        **_outliers(session, cohort),
        enough=graders.ENOUGH,
        direction=grader_charts.direction,
        not_enough=grader_charts.not_enough,
        overdue=monitoring.overdue,
    )


def alarms_of(cohort: Cohort, person_id: str) -> list[Alarm]:
    return list(
        db.session.scalars(
            select(Alarm)
            .where(Alarm.cohort_id == cohort.id, Alarm.person_id == person_id)
            .order_by(Alarm.found_at.desc(), Alarm.id)
        )
    )


class AnswerForm(Form):
    verdict = radio(
        _l("Did the standard move?"),
        choices=options(
            [
                ("dismissed", _l("No: nothing found")),
                ("upheld", _l("Yes. Then see what would be set aside")),
            ]
        ),
    )
    reason = TextAreaField(_l("Reason"))

    def validate_verdict(self, field: Field) -> None:
        if field.data not in ("upheld", "dismissed"):
            raise ValidationError(_("Say whether the standard moved."))


class PauseForm(Form):
    reason = TextAreaField(_l("Reason"))


class ResumeForm(Form):
    reason = TextAreaField(_l("Your answer"))


def _render_grader(
    cohort: Cohort,
    person: Person,
    *,
    answers: Mapping[str, AnswerForm] | None = None,
    pause: PauseForm | None = None,
    resume: ResumeForm | None = None,
) -> str:
    """Show what is known of a grader, with what a lead may do; ``answers`` are refused ones by alarm."""
    session = db.session()
    rubric = cohort.rubric_version.rubric
    known = graders.known_of(session, cohort, person.id)
    on = request.args.get("on") or None
    part = known.part(on)
    alarms = alarms_of(cohort, person.id)
    breaks = []
    if part is not None:
        places = {sheet.allocation_id: number for number, sheet in enumerate(part.series.sheets, 1)}
        breaks = [
            Break(_("movement begins"), float(places[alarm.since_id]))
            for alarm in alarms
            if alarm.criterion == on and alarm.since_id in places
        ][:2]
    figures = (
        [
            grader_charts.drift(part, breaks),
            grader_charts.smoothed(part, breaks),
            grader_charts.validity(
                part,
                tolerance=float(cohort.plan.check_tolerance_levels),
            ),
        ]
        if part
        else []
    )
    figures += [
        grader_charts.severity(known.parts, rubric),
        grader_charts.funnel(known),
        grader_charts.levels(known, rubric),
        grader_charts.order(known),
    ]
    return render(
        "grader.html",
        cohort,
        person=person,
        known=known,
        part=part,
        on=on,
        rubric=rubric,
        titles=rubric.titles,
        figures=[figure for figure in figures if figure is not None],
        alarms=alarms,
        paused=standings.pause_of(session, cohort.id, person.id),
        pauses=calibration_progress.pauses_of(session, cohort, person.id),
        quarantines=quarantines.of_person(session, cohort, person.id),
        standings=standings.of_person(session, cohort, person.id),
        direction=grader_charts.direction,
        not_enough=grader_charts.not_enough,
        enough=graders.ENOUGH,
        fewest=monitoring.FEWEST,
        alone=CHECKS_ALONE_FIND,
        overdue=monitoring.overdue,
        myself=person.id == access.person().id,
        answers={
            alarm.id: AnswerForm.blank(ids=f"{alarm.id}-")
            for alarm in alarms
            if alarm.state == AlarmState.OPEN
        }
        | dict(answers or {}),
        pause=pause or PauseForm.blank(ids="pause-"),
        resume=resume or ResumeForm.blank(ids="resume-"),
    )


@bp.get("/<cohort_id>/graders/<person_id>")
@requires(MONITOR)
def grader(cohort_id: str, person_id: str) -> ResponseReturnValue:
    return _render_grader(*find_grader(cohort_id, person_id))


COLUMNS = (
    "criterion", "sheet", "finished_at", "check_item", "level", "expected", "difference",
    "standard_error",
)  # fmt: skip


@bp.get("/<cohort_id>/graders/<person_id>/sheets.csv")
@requires(MONITOR)
def sheets(cohort_id: str, person_id: str) -> Response:
    """What the charts are drawn from; an empty criterion is the total."""
    cohort, person = find_grader(cohort_id, person_id)
    known = graders.known_of(db.session(), cohort, person.id, drift=False)
    rows = [
        (
            part.criterion or "",
            number + 1,
            sheet.finished_at.isoformat(),
            int(part.series.check[number]),
            round(float(part.series.level[number]), 4),
            round(float(part.series.expected[number]), 4),
            round(float(part.series.residual[number]), 4),
            round(float(part.series.variance[number]) ** 0.5, 4),
        )
        for part in known.parts
        for number, sheet in enumerate(part.series.sheets)
    ]
    return downloads.table("sheets.csv", COLUMNS, rows)


def _grader_url(cohort_id: str, person_id: str) -> str:
    return url_for("monitoring.grader", cohort_id=cohort_id, person_id=person_id)


@bp.post("/alarm/<alarm_id>/answer")
@requires(MONITOR)
def answer(alarm_id: str) -> ResponseReturnValue:
    """Say what an alarm was. A moved standard leads on to what would be set aside."""

    def act(session: Session, form: AnswerForm) -> Done:
        alarm = load(Alarm, alarm_id, MONITOR)
        upheld = form.verdict.data == "upheld"
        monitoring.answer(
            session,
            access.person(),
            alarm,
            upheld=upheld,
            reason=form.reason.data,
            now=access.now(),
        )
        cohort_id, person_id = alarm.cohort_id, alarm.person_id
        return Done(
            url_for(
                "monitoring.set_aside", cohort_id=cohort_id, person_id=person_id, since=alarm_id
            )
            if upheld
            else _grader_url(cohort_id, person_id),
            _("The alarm is answered."),
        )

    def show(form: AnswerForm) -> str:
        alarm = load(Alarm, alarm_id, MONITOR)
        grader = find_grader(alarm.cohort_id, alarm.person_id)
        return _render_grader(*grader, answers={alarm_id: form})

    return form_view(AnswerForm(ids=f"{alarm_id}-"), act, show)


@bp.post("/<cohort_id>/graders/<person_id>/pause")
@requires(MONITOR)
def pause(cohort_id: str, person_id: str) -> ResponseReturnValue:
    """Pause a grader's queue; an answer is owed from then on."""

    def act(session: Session, form: PauseForm) -> Done:
        cohort, person = find_grader(cohort_id, person_id)
        monitoring.pause(
            session, access.person(), cohort, person, reason=form.reason.data, now=access.now()
        )
        return Done(
            _grader_url(cohort_id, person_id),
            _("The queue is paused, and the grader is written to with your reason."),
        )

    def show(form: PauseForm) -> str:
        return _render_grader(*find_grader(cohort_id, person_id), pause=form)

    return form_view(PauseForm(ids="pause-"), act, show)


@bp.post("/pause/<pause_id>/resume")
@requires(MONITOR)
def resume(pause_id: str) -> ResponseReturnValue:
    """Open a paused queue with the answer that is owed."""

    def act(session: Session, form: ResumeForm) -> Done:
        paused = load(QueuePause, pause_id, MONITOR)
        monitoring.resume(
            session, access.person(), paused, answer=form.reason.data, now=access.now()
        )
        return Done(
            _grader_url(paused.cohort_id, paused.person_id),
            _("The queue is open again, and the grader is written to with your answer."),
        )

    def show(form: ResumeForm) -> str:
        paused = load(QueuePause, pause_id, MONITOR)
        return _render_grader(*find_grader(paused.cohort_id, paused.person_id), resume=form)

    return form_view(ResumeForm(ids="resume-"), act, show)
