"""Cohorts: their beginning, their calendar, the staffing check, opening and ending."""

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from grading.cohorts import cohorts
from grading.cohorts.queries import calendars, cohort_ending, staffing_facts
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound
from grading.models import Brief, Cohort, ImportBatch, Membership, Program, RubricVersion
from grading.models.conditions import takes_part
from grading.web import access
from grading.web.access import load, requires
from grading.web.admin.common import (
    COHORT,
    PROGRAM,
    bp,
    by_field,
    find_cohort,
    find_program,
    listed,
    recent_batches,
)
from grading.web.forms import Form, options
from grading.workflow import deadlines
from grading.workflow import plan as plans
from grading.workflow.cohort import CohortState, obstacles
from grading.workflow.credential import RubricState
from grading.workflow.deadlines import Calendar
from grading.workflow.staffing import Staffing

_needed = InputRequired(_l("This cannot be empty."))
# What the staffing check assumes until somebody says otherwise.
MINUTES, HOURS = 20.0, 10.0


class BasicForm(Form):
    name = StringField(_l("Name of the cohort"), [_needed, Length(max=200)])
    time_zone = SelectField(_l("Time zone"), validate_choice=False)
    rubric = SelectField(_l("Rubric"))


class CohortForm(BasicForm):
    opens_on = DateField(_l("Opens on"), [_needed])
    preset = SelectField(
        _l("Grading plan"), choices=options((name, name) for name in plans.PRESETS)
    )


class SettingsForm(BasicForm):
    brief = SelectField(_l("Brief"))


def _choices(form: BasicForm, program: Program) -> None:
    zones = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
    form.time_zone.choices = options((name, name.replace("_", " ")) for name in zones)
    published = db.session.scalars(
        select(RubricVersion)
        .where(RubricVersion.program_id == program.id, RubricVersion.state == RubricState.PUBLISHED)
        .order_by(RubricVersion.name, RubricVersion.number.desc())
    )
    form.rubric.choices = options(
        (version.id, f"{version.name} {version.number}") for version in published
    )


@bp.route("/programs/<program_id>/cohorts/new", methods=["GET", "POST"])
@requires(PROGRAM)
def new_cohort(program_id: str) -> ResponseReturnValue:
    found = find_program(program_id)
    form = CohortForm(time_zone=access.person().time_zone or "Europe/London")
    _choices(form, found)
    faults: list[str] = []
    if form.validate_on_submit():
        try:
            with transaction() as session:
                cohort = cohorts.create_cohort(
                    session,
                    access.person(),
                    find_program(program_id),
                    name=form.name.data,
                    opens_on=form.opens_on.data or date.min,
                    time_zone=form.time_zone.data,
                    rubric_version=load(RubricVersion, form.rubric.data, PROGRAM),
                    plan=plans.PRESETS[form.preset.data],
                    now=access.now(),
                )
                cohort_id = cohort.id
            flash(_("The cohort is created. Look at its dates."))
            return redirect(url_for("admin.calendar", cohort_id=cohort_id), 303)
        except FaultsFound as error:
            faults = form.take(error)
    page = render_template(
        "admin/new_cohort.html",
        program=find_program(program_id),
        form=form,
        faults=faults,
        page_error=bool(faults or form.errors),
    )
    return page, 422 if faults or form.errors else 200


def _asked() -> dict[str, Any]:
    """Read what the staffing check is to assume; nonsense is passed over."""
    return {
        "learners": request.values.get("learners", None, type=int),
        "minutes": request.values.get("minutes", MINUTES, type=float),
        "hours": request.values.get("hours", HOURS, type=float),
    }


def checked(cohort: Cohort, plan: plans.GradingPlan) -> Staffing:
    """Ask the staffing check for a page."""
    asked = _asked()
    return staffing_facts.check(
        db.session(),
        cohort,
        plan,
        learners=max(asked["learners"], 0) if asked["learners"] is not None else None,
        minutes=max(asked["minutes"], 0.0),
        hours=max(asked["hours"], 0.0),
    )


@bp.get("/cohorts/<cohort_id>")
@requires(COHORT)
def cohort(cohort_id: str) -> ResponseReturnValue:
    """What is done, what is left to do, and what the plan makes impossible with these people."""
    found = find_cohort(cohort_id)
    session = db.session()
    counts = dict(
        session.execute(
            select(Membership.role, func.count())
            .where(takes_part(cohort_id=found.id))
            .group_by(Membership.role)
        ).all()
    )
    preparing = found.state == CohortState.PREPARING
    return render_template(
        "admin/cohort.html",
        cohort=found,
        plan=found.plan,
        plan_version=found.plan_version,
        changed=plans.changed_from_preset(found.plan),
        counts=counts,
        staffing=checked(found, found.plan),
        asked=_asked(),
        newer_brief=_newest_brief(found) if preparing else None,
        batches=recent_batches(ImportBatch.cohort_id == found.id),
    )


def _newest_brief(found: Cohort) -> int | None:
    """Give the number of a version of the brief that is newer than the cohort's."""
    newest = db.session.scalar(
        select(func.max(Brief.version)).where(Brief.program_id == found.program_id)
    )
    return newest if newest and newest > found.brief.version else None


@bp.route("/cohorts/<cohort_id>/settings", methods=["GET", "POST"])
@requires(COHORT)
def settings(cohort_id: str) -> ResponseReturnValue:
    """Name, zone, brief and rubric, until it opens."""
    found = find_cohort(cohort_id)
    form = SettingsForm(
        name=found.name,
        time_zone=found.time_zone,
        rubric=found.rubric_version_id,
        brief=found.brief_id,
    )
    _choices(form, found.program)
    briefs = db.session.scalars(
        select(Brief).where(Brief.program_id == found.program_id).order_by(Brief.version.desc())
    )
    form.brief.choices = options((item.id, _("Version %(n)s", n=item.version)) for item in briefs)
    faults: list[str] = []
    if form.validate_on_submit():
        try:
            with transaction() as session:
                cohorts.revise_cohort(
                    session,
                    access.person(),
                    find_cohort(cohort_id),
                    name=form.name.data,
                    time_zone=form.time_zone.data,
                    brief=session.get_one(Brief, form.brief.data),
                    rubric_version=session.get_one(RubricVersion, form.rubric.data),
                    now=access.now(),
                )
            flash(_("The cohort is saved."))
            return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)
        except FaultsFound as error:
            faults = form.take(error)
    page = render_template(
        "admin/settings.html",
        cohort=find_cohort(cohort_id),
        form=form,
        faults=faults,
        page_error=bool(faults or form.errors),
    )
    return page, 422 if faults or form.errors else 200


@bp.route("/cohorts/<cohort_id>/calendar", methods=["GET", "POST"])
@requires(COHORT)
def calendar(cohort_id: str) -> ResponseReturnValue:
    """Every date in the cohort's zone; the plan's windows lay them all from an opening day."""
    found = find_cohort(cohort_id)
    entered: dict[str, str] = {}
    faults: dict[str, str] = {}
    if request.method == "POST":
        try:
            if request.form.get("lay"):
                days = _laid(found)
                entered = _local(days, found.zone)
            else:
                entered = {name: request.form.get(name, "") for name in deadlines.LABELS}
                days = _read_days(found.zone)
                with transaction() as session:
                    cohorts.set_calendar(
                        session, access.person(), find_cohort(cohort_id), days, now=access.now()
                    )
                flash(_("The calendar is saved."))
                return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)
        except FaultsFound as error:
            faults = by_field(error)
        found = find_cohort(cohort_id)
    days = calendars.of_cohort(found)
    page = render_template(
        "admin/calendar.html",
        cohort=found,
        labels=deadlines.LABELS,
        shown=entered or _local(days, found.zone),
        laid=bool(entered) and not faults,
        opens_on=found.opens_at.astimezone(found.zone).date(),
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


def _laid(cohort: Cohort) -> Calendar:
    try:
        opens_on = date.fromisoformat(request.form.get("opens_on", ""))
    except ValueError:
        raise FaultsFound([Fault("opens_on", "Write the day as 2026-11-30.")]) from None
    return deadlines.calendar(opens_on, cohort.zone, cohort.plan)


def _local(days: Calendar, zone: ZoneInfo) -> dict[str, str]:
    return {
        item.name: getattr(days, item.name).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
        for item in fields(Calendar)
    }


def _read_days(zone: ZoneInfo) -> Calendar:
    """Read the dates of the form, in the cohort's zone; each that cannot be read is named."""
    found: dict[str, datetime] = {}
    faults: list[Fault] = []
    for name in deadlines.LABELS:
        try:
            local = datetime.fromisoformat(request.form.get(name, "")).replace(tzinfo=zone)
        except ValueError:
            faults.append(Fault(name, "Write day and time as 2026-11-30T23:59."))
            continue
        found[name] = local.astimezone(UTC)
        if found[name].astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            faults.append(Fault(name, "The clocks skip this hour on that day."))
    if faults:
        raise FaultsFound(faults)
    return Calendar(**found)


@bp.route("/cohorts/<cohort_id>/open", methods=["GET", "POST"])
@requires(COHORT)
def open_cohort(cohort_id: str) -> ResponseReturnValue:
    """What will be impossible, said once more before the plan is fixed."""
    faults: list[str] = []
    if request.method == "POST":
        try:
            with transaction() as session:
                cohorts.open_cohort(
                    session, access.person(), find_cohort(cohort_id), now=access.now()
                )
            flash(_("The cohort is open. Its plan is fixed from now on."))
            return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)
        except FaultsFound as found:
            faults = listed(found)
    cohort = find_cohort(cohort_id)
    page = render_template(
        "admin/open.html",
        cohort=cohort,
        staffing=checked(cohort, cohort.plan),
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.route("/cohorts/<cohort_id>/end", methods=["GET", "POST"])
@requires(COHORT)
def end_cohort(cohort_id: str) -> ResponseReturnValue:
    """What is unfinished, and what of it a reason overrides."""
    faults: list[str] = []
    if request.method == "POST":
        try:
            with transaction() as session:
                cohorts.end_cohort(
                    session,
                    access.person(),
                    find_cohort(cohort_id),
                    reason=request.form.get("reason", ""),
                    now=access.now(),
                )
            flash(_("The cohort has ended."))
            return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)
        except FaultsFound as found:
            faults = [line.partition(": ")[2] for line in listed(found)]
    cohort = find_cohort(cohort_id)
    found_obstacles = obstacles(cohort_ending.unfinished(db.session(), cohort, now=access.now()))
    page = render_template(
        "admin/end.html",
        cohort=cohort,
        obstacles=found_obstacles,
        texts=cohorts.UNFINISHED,
        possible=all(item.overridable for item in found_obstacles),
        reason=request.form.get("reason", ""),
        reads=g.who.roles,
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200
