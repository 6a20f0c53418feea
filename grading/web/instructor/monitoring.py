"""The lead's pages of graders: what their charts say, and what a lead does about it."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Alarm, Cohort, Person, Quarantine, QueuePause
from grading.readings import graders, monitoring
from grading.readings.queries import calibration_progress, standings
from grading.scores import quarantines
from grading.scores.queries import kept_statistics, routing_board
from grading.web import access, downloads, grader_charts
from grading.web.access import load, requires
from grading.web.charts import Break
from grading.web.errors import fault_words
from grading.web.instructor import shell
from grading.web.instructor.shell import render
from grading.workflow.monitoring import AlarmState, QuarantineState

bp = Blueprint("monitoring", __name__, url_prefix="/teach")

MONITOR = Permission.MONITOR
# Within 60 sheets, at one check item in 20 and the same false alarms: the main world, with and without
# peers, of ``benchmarks/results/drift.md``; a test holds the two together.
CHECKS_ALONE_FIND = 8


def _grader(cohort_id: str, person_id: str) -> tuple[Cohort, Person]:
    """Find a cohort and somebody with a professional part in it, now or before."""
    cohort = shell.cohort(cohort_id, MONITOR)
    person = db.session.get(Person, person_id)
    if person is None or not calibration_progress.was_professional(db.session(), cohort, person_id):
        raise NotFound("There is no such page.")
    return cohort, person


def _back(cohort_id: str, person_id: str, anchor: str = "") -> Any:
    address = url_for("monitoring.grader", cohort_id=cohort_id, person_id=person_id)
    return redirect(address + anchor, 303)


def _outliers(session: Session, cohort: Cohort) -> dict[str, Any]:
    """What stands out, as a worker kept it; by how much only where the reader can not be asked to read."""
    kept = kept_statistics.latest(session, cohort, "outliers")
    rows = kept.result["rows"] if kept else []
    ids = list({row["submission"] for row in rows})
    names = select(Person.id, Person.name).where(Person.id.in_({row["rater"] for row in rows}))
    return {
        "outliers": kept,
        "hidden": routing_board.may_still_be_read_by(session, cohort, ids, access.person().id),
        "names": dict(session.execute(names).all()),
        "titles": cohort.rubric_version.rubric.titles,
    }


@bp.get("/<cohort_id>/graders")
@requires(MONITOR)
def overview(cohort_id: str) -> Any:
    """One row a grader, by name: never in the order of a measure."""
    found = shell.cohort(cohort_id, MONITOR)
    session = db.session()
    return render(
        "graders.html",
        found,
        rows=graders.rows(session, found),
        **_outliers(session, found),
        enough=graders.ENOUGH,
        direction=grader_charts.direction,
        not_enough=grader_charts.not_enough,
        overdue=monitoring.overdue,
    )


def _alarms(cohort: Cohort, person_id: str) -> list[Alarm]:
    return list(
        db.session.scalars(
            select(Alarm)
            .where(Alarm.cohort_id == cohort.id, Alarm.person_id == person_id)
            .order_by(Alarm.found_at.desc(), Alarm.id)
        )
    )


def _page(
    cohort: Cohort, person: Person, *, form: str = "", faults: list[Fault] | None = None
) -> Any:
    """Show what is known of a grader, with what a lead may do; ``form`` names the one with faults."""
    session = db.session()
    rubric = cohort.rubric_version.rubric
    known = graders.of(session, cohort, person.id)
    on = request.args.get("on") or None
    part = known.part(on)
    alarms = _alarms(cohort, person.id)
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
    page = render(
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
        form=form,
        faults={fault.where: fault_words(fault) for fault in faults or ()},
        entered=request.form,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/<cohort_id>/graders/<person_id>")
@requires(MONITOR)
def grader(cohort_id: str, person_id: str) -> Any:
    return _page(*_grader(cohort_id, person_id))


COLUMNS = (
    "criterion", "sheet", "finished_at", "check_item", "level", "expected", "difference",
    "standard_error",
)  # fmt: skip


@bp.get("/<cohort_id>/graders/<person_id>/sheets.csv")
@requires(MONITOR)
def sheets(cohort_id: str, person_id: str) -> Response:
    """What the charts are drawn from; an empty criterion is the total."""
    cohort, person = _grader(cohort_id, person_id)
    known = graders.of(db.session(), cohort, person.id, drift=False)
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


@bp.post("/alarm/<alarm_id>/answer")
@requires(MONITOR)
def answer(alarm_id: str) -> Any:
    """Say what an alarm was. A moved standard leads on to what would be set aside."""
    verdict = request.form.get("verdict", "")
    try:
        with transaction() as session:
            alarm = load(Alarm, alarm_id, MONITOR)
            cohort_id, person_id = alarm.cohort_id, alarm.person_id
            if verdict not in ("upheld", "dismissed"):
                raise FaultsFound([Fault("verdict", "Say whether the standard moved.")])
            monitoring.answer(
                session,
                access.person(),
                alarm,
                upheld=verdict == "upheld",
                reason=request.form.get("reason", ""),
                now=access.now(),
            )
    except FaultsFound as found:
        alarm = load(Alarm, alarm_id, MONITOR)
        return _page(
            *_grader(alarm.cohort_id, alarm.person_id), form=alarm.id, faults=list(found.faults)
        )
    flash(_("The alarm is answered."))
    if verdict == "upheld":
        address = url_for(
            "monitoring.set_aside", cohort_id=cohort_id, person_id=person_id, since=alarm_id
        )
        return redirect(address, 303)
    return _back(cohort_id, person_id)


@bp.post("/<cohort_id>/graders/<person_id>/pause")
@requires(MONITOR)
def pause(cohort_id: str, person_id: str) -> Any:
    """Pause a grader's queue; an answer is owed from then on."""
    try:
        with transaction() as session:
            cohort, person = _grader(cohort_id, person_id)
            monitoring.pause(
                session,
                access.person(),
                cohort,
                person,
                reason=request.form.get("reason", ""),
                now=access.now(),
            )
    except FaultsFound as found:
        return _page(*_grader(cohort_id, person_id), form="pause", faults=list(found.faults))
    flash(_("The queue is paused, and the grader is written to with your reason."))
    return _back(cohort_id, person_id)


@bp.post("/pause/<pause_id>/resume")
@requires(MONITOR)
def resume(pause_id: str) -> Any:
    """Open a paused queue with the answer that is owed."""
    try:
        with transaction() as session:
            paused = load(QueuePause, pause_id, MONITOR)
            cohort_id, person_id = paused.cohort_id, paused.person_id
            monitoring.resume(
                session,
                access.person(),
                paused,
                answer=request.form.get("reason", ""),
                now=access.now(),
            )
    except FaultsFound as found:
        paused = load(QueuePause, pause_id, MONITOR)
        return _page(
            *_grader(paused.cohort_id, paused.person_id),
            form="resume",
            faults=list(found.faults),
        )
    flash(_("The queue is open again, and the grader is written to with your answer."))
    return _back(cohort_id, person_id)


def _since(cohort: Cohort, person: Person, chosen: str, criterion: str | None) -> datetime:
    """Turn a choice into an instant: an alarm's, the last check item that was met, or the beginning."""
    session = db.session()
    alarm = session.get(Alarm, chosen) if chosen not in ("", "check", "all") else None
    if alarm is not None and (alarm.cohort_id, alarm.person_id) == (cohort.id, person.id):
        return quarantines.since_of(session, cohort, alarm)
    good = None
    if chosen != "all":
        good = quarantines.last_good_check(
            session, cohort, person.id, criterion, before=access.now()
        )
    return good or cohort.opens_at


def _criterion(cohort: Cohort, given: str) -> str | None:
    codes = {one.code for one in cohort.rubric_version.rubric.criteria}
    return given if given in codes else None


def _set_aside_page(cohort: Cohort, person: Person, faults: list[Fault] | None = None) -> Any:
    alarms = _alarms(cohort, person.id)
    chosen = request.values.get("since", "")
    alarm = next((one for one in alarms if one.id == chosen), None)
    given = request.values.get("criterion")
    if given is None and alarm is not None:
        criterion = alarm.criterion
    else:
        criterion = _criterion(cohort, given or "")
    since = _since(cohort, person, chosen, criterion)
    effect = quarantines.preview(db.session(), cohort, person.id, criterion, since)
    page = render(
        "set_aside.html",
        cohort,
        person=person,
        rubric=cohort.rubric_version.rubric,
        titles=cohort.rubric_version.rubric.titles,
        alarms=alarms,
        chosen=chosen,
        criterion=criterion,
        since=since,
        effect=effect,
        faults={fault.where: fault_words(fault) for fault in faults or ()},
        entered=request.form,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/<cohort_id>/graders/<person_id>/set-aside")
@requires(MONITOR)
def set_aside(cohort_id: str, person_id: str) -> Any:
    """What setting aside would touch, before it does."""
    return _set_aside_page(*_grader(cohort_id, person_id))


@bp.post("/<cohort_id>/graders/<person_id>/set-aside")
@requires(MONITOR)
def impose(cohort_id: str, person_id: str) -> Any:
    """Set aside what the page before showed."""
    try:
        with transaction() as session:
            cohort, person = _grader(cohort_id, person_id)
            chosen = request.form.get("since", "")
            criterion = _criterion(cohort, request.form.get("criterion", ""))
            alarm = next(
                (
                    one
                    for one in _alarms(cohort, person.id)
                    if one.id == chosen and one.state == AlarmState.UPHELD
                ),
                None,
            )
            _quarantine, effect = quarantines.impose(
                session,
                access.person(),
                cohort,
                person,
                criterion=criterion,
                since=_since(cohort, person, chosen, criterion),
                reason=request.form.get("reason", ""),
                now=access.now(),
                alarm=alarm,
            )
            counts = {
                "ratings": effect.ratings,
                "again": len(effect.again),
                "released": len(effect.released),
            }
    except FaultsFound as found:
        return _set_aside_page(*_grader(cohort_id, person_id), faults=list(found.faults))
    flash(
        _(
            "Set aside: %(ratings)s ratings. Read again: %(again)s projects. For you to look at: "
            "%(released)s released ones.",
            **counts,
        )
    )
    return redirect(url_for("monitoring.aside", cohort_id=cohort_id), 303)


def _aside_page(cohort: Cohort, form: str = "", faults: list[Fault] | None = None) -> Any:
    session = db.session()
    page = render(
        "aside.html",
        cohort,
        quarantines=quarantines.of_cohort(session, cohort),
        in_force=QuarantineState.IN_FORCE,
        amendments=quarantines.possible_amendments(session, cohort),
        titles=cohort.rubric_version.rubric.titles,
        form=form,
        faults={fault.where: fault_words(fault) for fault in faults or ()},
        entered=request.form,
        page_error=bool(faults),
        me=access.person().id,
    )
    return page, 422 if faults else 200


@bp.get("/<cohort_id>/set-aside")
@requires(MONITOR)
def aside(cohort_id: str) -> Any:
    """Everything that is set aside, and the released results that rest on it."""
    return _aside_page(shell.cohort(cohort_id, MONITOR))


@bp.post("/quarantine/<quarantine_id>/lift")
@requires(MONITOR)
def lift(quarantine_id: str) -> Any:
    """Let it count again."""
    try:
        with transaction() as session:
            found = load(Quarantine, quarantine_id, MONITOR)
            cohort_id = found.cohort_id
            works = quarantines.lift(
                session,
                access.person(),
                found,
                reason=request.form.get("reason", ""),
                now=access.now(),
            )
            count = len(works)
    except FaultsFound as error:
        found = load(Quarantine, quarantine_id, MONITOR)
        cohort = shell.cohort(found.cohort_id, MONITOR)
        return _aside_page(cohort, form=found.id, faults=list(error.faults))
    flash(_("It counts again, in %(n)s projects.", n=count))
    return redirect(url_for("monitoring.aside", cohort_id=cohort_id), 303)
