"""Cohorts: their beginning, their calendar, the staffing check, opening and ending."""

from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms import (
    DateField,
    FloatField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length

from grading.cohorts import cohorts
from grading.cohorts.queries import calendars, cohort_ending
from grading.db import db
from grading.errors import Fault, FaultsFound
from grading.models import Brief, Cohort, ImportBatch, Membership, Program, RubricVersion
from grading.models.conditions import takes_part
from grading.readings import openings
from grading.readings.queries import staffing_facts
from grading.web import access
from grading.web.access import load, requires
from grading.web.admin.common import (
    COHORT,
    PROGRAM,
    bp,
    find_cohort,
    find_program,
    recent_batches,
)
from grading.web.forms import Done, Form, Shown, form_view, options, yes_field
from grading.web.labels import PLAN_WORDS
from grading.workflow import deadlines
from grading.workflow.cohort import CohortState, obstacles
from grading.workflow.credential import RubricState
from grading.workflow.deadlines import Calendar, local_day
from grading.workflow.plan import PRESETS, GradingPlan, changed_from_preset
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
    preset = SelectField(_l("Grading plan"), choices=options(PLAN_WORDS["preset"].items()))


class SettingsForm(BasicForm):
    brief = SelectField(_l("Brief"))


class StaffingForm(Form):
    """What the staffing check assumes; the address of a page says it."""

    learners = IntegerField()
    minutes = FloatField()
    hours = FloatField()


class CalendarForm(Form):
    """An opening day from which the plan lays all dates, or each date in the cohort's zone."""

    lay = yes_field()
    opens_on = StringField()
    opens_at = StringField()
    due_at = StringField()
    closes_at = StringField()
    peers_due_at = StringField()
    grading_due_at = StringField()
    results_at = StringField()

    @property
    def opening_day(self) -> date:
        try:
            return date.fromisoformat(self.opens_on.data)
        except ValueError:
            raise FaultsFound([Fault("opens_on", "Write the day as 2026-11-30.")]) from None

    def show_days(self, days: Calendar, zone: ZoneInfo) -> None:
        """Fill in the dates as clocks in a zone show them."""
        for name in deadlines.LABELS:
            self[name].data = getattr(days, name).astimezone(zone).strftime("%Y-%m-%dT%H:%M")

    def days_in(self, zone: ZoneInfo) -> Calendar:
        """Read the dates as those of a zone; each that cannot be read is named."""
        instants: dict[str, datetime] = {}
        faults: list[Fault] = []
        for name in deadlines.LABELS:
            try:
                local = datetime.fromisoformat(self[name].data).replace(tzinfo=None)
            except ValueError:
                faults.append(Fault(name, "Write day and time as 2026-11-30T23:59."))
                continue
            instants[name] = deadlines.instant(local.date(), local.time(), zone)
            if instants[name].astimezone(zone).replace(tzinfo=None) != local:
                faults.append(Fault(name, "The clocks skip this hour on that day."))
        if faults:
            raise FaultsFound(faults)
        return Calendar(**instants)


class EndForm(Form):
    reason = TextAreaField(_l("Reason"))

    def field_of(self, where: str) -> str:
        """What is unfinished is a matter of the reason."""
        return "reason"


def _offer_choices(form: BasicForm, program: Program) -> None:
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
    def act(session: Session, form: CohortForm) -> Done:
        cohort = cohorts.create_cohort(
            session,
            access.person(),
            find_program(program_id),
            name=form.name.data,
            opens_on=form.opens_on.data or date.min,
            time_zone=form.time_zone.data,
            rubric_version=load(RubricVersion, form.rubric.data, PROGRAM),
            plan=PRESETS[form.preset.data],
            now=access.now(),
        )
        return Done(
            url_for("admin.calendar", cohort_id=cohort.id),
            _("The cohort is created. Look at its dates."),
        )

    def show(form: CohortForm) -> str:
        return render_template("admin/new_cohort.html", program=find_program(program_id), form=form)

    form = CohortForm(time_zone=access.person().time_zone or "Europe/London")
    _offer_choices(form, find_program(program_id))
    return form_view(form, act, show)


def staffing_form() -> StaffingForm:
    """Read what the staffing check is to assume; nonsense is passed over."""
    form = StaffingForm(formdata=request.args)
    for name, assumed in (("learners", None), ("minutes", MINUTES), ("hours", HOURS)):
        if form[name].data is None:
            form[name].data = assumed
    return form


def checked(cohort: Cohort, plan: GradingPlan) -> Staffing:
    """Ask the staffing check for a page."""
    form = staffing_form()
    return staffing_facts.check(
        db.session(),
        cohort,
        plan,
        learners=max(form.learners.data, 0) if form.learners.data is not None else None,
        minutes=max(form.minutes.data, 0.0),
        hours=max(form.hours.data, 0.0),
    )


@bp.get("/cohorts/<cohort_id>")
@requires(COHORT)
def cohort(cohort_id: str) -> ResponseReturnValue:
    """What is done, what is left to do, and what the plan makes impossible with these people."""
    cohort = find_cohort(cohort_id)
    session = db.session()
    counts = dict(
        session.execute(
            select(Membership.role, func.count())
            .where(takes_part(cohort_id=cohort.id))
            .group_by(Membership.role)
        ).all()
    )
    preparing = cohort.state == CohortState.PREPARING
    return render_template(
        "admin/cohort.html",
        cohort=cohort,
        plan=cohort.plan,
        plan_version=cohort.plan_version,
        changed=changed_from_preset(cohort.plan),
        counts=counts,
        staffing=checked(cohort, cohort.plan),
        asked=staffing_form().data,
        newer_brief=_newer_brief(cohort) if preparing else None,
        batches=recent_batches(ImportBatch.cohort_id == cohort.id),
    )


def _newer_brief(cohort: Cohort) -> int | None:
    """Give the number of a version of the brief that is newer than the cohort's."""
    newest = db.session.scalar(
        select(func.max(Brief.version)).where(Brief.program_id == cohort.program_id)
    )
    return newest if newest and newest > cohort.brief.version else None


@bp.route("/cohorts/<cohort_id>/settings", methods=["GET", "POST"])
@requires(COHORT)
def settings(cohort_id: str) -> ResponseReturnValue:
    """Name, zone, brief and rubric, until it opens."""

    def act(session: Session, form: SettingsForm) -> Done:
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
        return Done(url_for("admin.cohort", cohort_id=cohort_id), _("The cohort is saved."))

    def show(form: SettingsForm) -> str:
        return render_template("admin/settings.html", cohort=find_cohort(cohort_id), form=form)

    cohort = find_cohort(cohort_id)
    form = SettingsForm(
        name=cohort.name,
        time_zone=cohort.time_zone,
        rubric=cohort.rubric_version_id,
        brief=cohort.brief_id,
    )
    _offer_choices(form, cohort.program)
    briefs = db.session.scalars(
        select(Brief).where(Brief.program_id == cohort.program_id).order_by(Brief.version.desc())
    )
    form.brief.choices = options(
        (brief.id, _("Version %(n)s", n=brief.version)) for brief in briefs
    )
    return form_view(form, act, show)


@bp.route("/cohorts/<cohort_id>/calendar", methods=["GET", "POST"])
@requires(COHORT)
def calendar(cohort_id: str) -> ResponseReturnValue:
    """Every date in the cohort's zone; the plan's windows lay them all from an opening day."""

    def act(session: Session, form: CalendarForm) -> Done | Shown:
        cohort = find_cohort(cohort_id)
        if form.lay.data:
            days = deadlines.calendar(form.opening_day, cohort.zone, cohort.plan)
            form.show_days(days, cohort.zone)
            return Shown(render_calendar(cohort, form, laid=True))
        cohorts.set_calendar(
            session, access.person(), cohort, form.days_in(cohort.zone), now=access.now()
        )
        return Done(url_for("admin.cohort", cohort_id=cohort_id), _("The calendar is saved."))

    def show(form: CalendarForm) -> str:
        cohort = find_cohort(cohort_id)
        if not form.is_submitted() or form.lay.data:
            form.show_days(calendars.of_cohort(cohort), cohort.zone)
        return render_calendar(cohort, form)

    find_cohort(cohort_id)
    return form_view(CalendarForm(), act, show)


def render_calendar(cohort: Cohort, form: CalendarForm, *, laid: bool = False) -> str:
    """Render a cohort's dates; ``laid`` ones are the plan's, and not yet saved."""
    form.opens_on.data = local_day(cohort.opens_at, cohort.zone).isoformat()
    return render_template(
        "admin/calendar.html", cohort=cohort, labels=deadlines.LABELS, form=form, laid=laid
    )


@bp.route("/cohorts/<cohort_id>/open", methods=["GET", "POST"])
@requires(COHORT)
def open_cohort(cohort_id: str) -> ResponseReturnValue:
    """What will be impossible, said once more before the plan is fixed."""

    def act(session: Session, _form: Form) -> Done:
        openings.open_cohort(session, access.person(), find_cohort(cohort_id), now=access.now())
        return Done(
            url_for("admin.cohort", cohort_id=cohort_id),
            _("The cohort is open. Its plan is fixed from now on."),
        )

    def show(form: Form) -> str:
        cohort = find_cohort(cohort_id)
        return render_template(
            "admin/open.html", cohort=cohort, staffing=checked(cohort, cohort.plan), form=form
        )

    return form_view(Form(), act, show)


@bp.route("/cohorts/<cohort_id>/end", methods=["GET", "POST"])
@requires(COHORT)
def end_cohort(cohort_id: str) -> ResponseReturnValue:
    """What is unfinished, and what of it a reason overrides."""

    def act(session: Session, form: EndForm) -> Done:
        cohorts.end_cohort(
            session,
            access.person(),
            find_cohort(cohort_id),
            reason=form.reason.data,
            now=access.now(),
        )
        return Done(url_for("admin.cohort", cohort_id=cohort_id), _("The cohort has ended."))

    def show(form: EndForm) -> str:
        cohort = find_cohort(cohort_id)
        unfinished = obstacles(cohort_ending.unfinished(db.session(), cohort, now=access.now()))
        return render_template(
            "admin/end.html",
            cohort=cohort,
            obstacles=unfinished,
            texts=cohorts.UNFINISHED,
            possible=all(obstacle.overridable for obstacle in unfinished),
            reads=g.who.roles,
            form=form,
        )

    return form_view(EndForm(), act, show)
