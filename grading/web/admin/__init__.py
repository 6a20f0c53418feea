"""Setting up: programs, rubrics, cohorts, people. Administrators, and coordinators of their cohort."""

from dataclasses import fields
from datetime import date
from typing import Any

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from wtforms import DateField, FileField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, GradingError, NotFound, Refused
from grading.models import (
    Cohort,
    Completion,
    ConflictOfInterest,
    Course,
    Membership,
    Person,
    Program,
    RubricVersion,
)
from grading.rubric import loading
from grading.services import cohorts, people, programs
from grading.web import access
from grading.web.access import load, permit, requires
from grading.web.admin import grouping
from grading.web.errors import fault_words, words
from grading.web.forms import Form, options
from grading.workflow import plan as plans
from grading.workflow.cohort import Role
from grading.workflow.credential import IdentityAssurance, RubricState

bp = Blueprint("admin", __name__, url_prefix="/admin")

SERVICE = Permission.SERVICE_MANAGE
COHORT = Permission.COHORT_MANAGE
COURSE_ROWS = 9
PAGE = 50

_needed = InputRequired(_l("This cannot be empty."))


class ProgramForm(Form):
    sponsor = StringField(_l("Sponsor"), [_needed, Length(max=200)])
    name = StringField(_l("Name of the program"), [_needed, Length(max=200)])
    capstone_title = StringField(_l("Title of the capstone"), [_needed, Length(max=200)])


class BriefForm(Form):
    text = TextAreaField(_l("The task, in Markdown"), [_needed])


class FileForm(Form):
    file = FileField(_l("File"))


class CompletionForm(Form):
    email = StringField(_l("E-mail address of the learner"), [_needed])
    course = SelectField(_l("Course"))
    completed_on = DateField(_l("Completed on"), [_needed])
    identity_assurance = SelectField(
        _l("How the course knew who it was"),
        choices=options(
            [
                (IdentityAssurance.DOCUMENT, _l("Document checked by a person")),
                (IdentityAssurance.PROCTORED, _l("Proctored examination")),
                (IdentityAssurance.SIGN_IN, _l("Sign-in of an institution")),
                (IdentityAssurance.ATTESTED, _l("Attested by the course's staff")),
            ]
        ),
    )


class CohortForm(Form):
    name = StringField(_l("Name of the cohort"), [_needed, Length(max=200)])
    opens_on = DateField(_l("Opens on"), [_needed])
    time_zone = StringField(_l("Time zone"), [_needed], default="Europe/London")
    rubric = SelectField(_l("Rubric"))
    preset = SelectField(
        _l("Grading plan"), choices=options((name, name) for name in plans.PRESETS)
    )


class ConflictForm(Form):
    rater = StringField(_l("E-mail address of the rater"), [_needed])
    learner = StringField(_l("E-mail address of the learner"), [_needed])
    reason = StringField(_l("Reason"), [_needed, Length(max=500)])


class MemberForm(Form):
    email = StringField(_l("E-mail address"), [_needed])
    name = StringField(_l("Name"), [Length(max=200)])
    role = SelectField(_l("Part"), choices=options((role, role.capitalize()) for role in Role))


def _listed(found: FaultsFound) -> list[str]:
    return [
        f"{fault.where}: {fault_words(fault)}" if fault.where else fault_words(fault)
        for fault in found.faults
    ]


def _upload(name: str = "file") -> bytes:
    sent = request.files.get(name)
    data = sent.read() if sent else b""
    if not data:
        raise FaultsFound([Fault("file", "Choose a file first.")])
    return data


def _program(program_id: str) -> Program:
    permit(SERVICE)
    program = db.session.get(Program, program_id)
    if program is None:
        raise NotFound("There is no such page.")
    return program


def _cohort(cohort_id: str) -> Cohort:
    cohort = load(Cohort, cohort_id, COHORT)
    g.cohort_zone = cohort.zone
    return cohort


@bp.get("/")
@requires(SERVICE)
def home() -> Any:
    """All programs with their cohorts."""
    permit(SERVICE)
    found = list(db.session.scalars(select(Program).order_by(Program.name)))
    runs: dict[str, list[Cohort]] = {}
    for cohort in db.session.scalars(select(Cohort).order_by(Cohort.opens_at.desc())):
        runs.setdefault(cohort.program_id, []).append(cohort)
    return render_template("admin/home.html", programs=found, cohorts=runs)


@bp.route("/programs/new", methods=["GET", "POST"])
@requires(SERVICE)
def new_program() -> Any:
    permit(SERVICE)
    form = ProgramForm()
    rows = [
        (code.strip(), title.strip())
        for code, title in zip(
            request.form.getlist("code"), request.form.getlist("title"), strict=False
        )
    ]
    faults: list[str] = []
    if form.validate_on_submit():
        try:
            with transaction() as session:
                program = programs.create_program(
                    session,
                    access.person(),
                    sponsor=form.sponsor.data,
                    name=form.name.data,
                    capstone_title=form.capstone_title.data,
                    courses=[row for row in rows if any(row)],
                    now=access.now(),
                )
                program_id = program.id
            return redirect(url_for("admin.program", program_id=program_id), 303)
        except FaultsFound as found:
            faults = form.take(found)
    shown = rows + [("", "")] * (COURSE_ROWS - len(rows))
    page = render_template(
        "admin/new_program.html",
        form=form,
        rows=shown,
        faults=faults,
        page_error=bool(faults or form.errors),
    )
    return page, 422 if faults or form.errors else 200


@bp.get("/programs/<program_id>")
@requires(SERVICE)
def program(program_id: str) -> Any:
    return _program_page(_program(program_id))


def _program_page(
    program: Program, *, faults: list[str] | None = None, completion: CompletionForm | None = None
) -> Any:
    session = db.session()
    completion = completion or CompletionForm(formdata=None)
    completion.course.choices = options((course.code, course.title) for course in program.courses)
    counts = dict(
        session.execute(
            select(Completion.course_id, func.count())
            .join(Course)
            .where(Course.program_id == program.id)
            .group_by(Completion.course_id)
        ).all()
    )
    page = render_template(
        "admin/program.html",
        program=program,
        completed=counts,
        brief=programs.newest_brief(session, program),
        rubrics=list(
            session.scalars(
                select(RubricVersion)
                .where(RubricVersion.program_id == program.id)
                .order_by(RubricVersion.name, RubricVersion.number.desc())
            )
        ),
        cohorts=list(
            session.scalars(
                select(Cohort)
                .where(Cohort.program_id == program.id)
                .order_by(Cohort.opens_at.desc())
            )
        ),
        file_form=FileForm(formdata=None),
        completion=completion,
        faults=faults or [],
        page_error=bool(faults or completion.errors),
    )
    return page, 422 if faults or completion.errors else 200


@bp.route("/programs/<program_id>/brief", methods=["GET", "POST"])
@requires(SERVICE)
def brief(program_id: str) -> Any:
    """Write a new version of the task."""
    found = _program(program_id)
    newest = programs.newest_brief(db.session(), found)
    form = BriefForm(text=newest.text if newest else "")
    if not form.validate_on_submit():
        page = render_template(
            "admin/brief.html", program=found, form=form, page_error=bool(form.errors)
        )
        return page, 422 if form.errors else 200
    with transaction() as session:
        programs.add_brief(
            session,
            access.person(),
            _program(program_id),
            form.text.data.replace("\r\n", "\n"),
            now=access.now(),
        )
    flash(_("The brief is saved as a new version."))
    return redirect(url_for("admin.program", program_id=program_id), 303)


@bp.post("/programs/<program_id>/rubrics")
@requires(SERVICE)
def add_rubric(program_id: str) -> Any:
    """Upload a rubric; all its faults are named, or it is kept as a draft to look at."""
    try:
        sent = request.files.get("file")
        text = _upload().decode("utf-8")
        rubric = loading.loads(text, path=(sent.filename if sent else None) or "rubric.toml")
        with transaction() as session:
            version = programs.add_rubric(
                session, access.person(), _program(program_id), rubric, now=access.now()
            )
            rubric_id = version.id
    except UnicodeDecodeError:
        return _program_page(_program(program_id), faults=[_("The file is not UTF-8 text.")])
    except FaultsFound as found:
        return _program_page(_program(program_id), faults=_listed(found))
    except Refused as error:
        return _program_page(_program(program_id), faults=[words(error)])
    return redirect(url_for("admin.rubric", rubric_id=rubric_id), 303)


def _rubric(rubric_id: str) -> RubricVersion:
    permit(SERVICE)
    version = db.session.get(RubricVersion, rubric_id)
    if version is None:
        raise NotFound("There is no such page.")
    return version


@bp.get("/rubrics/<rubric_id>")
@requires(SERVICE)
def rubric(rubric_id: str) -> Any:
    """The rubric as raters will read it."""
    version = _rubric(rubric_id)
    return render_template("admin/rubric.html", version=version, rubric=version.rubric, faults=[])


@bp.post("/rubrics/<rubric_id>/publish")
@requires(SERVICE)
def publish_rubric(rubric_id: str) -> Any:
    try:
        with transaction() as session:
            programs.publish_rubric(session, access.person(), _rubric(rubric_id), now=access.now())
    except FaultsFound as found:
        version = _rubric(rubric_id)
        page = render_template(
            "admin/rubric.html",
            version=version,
            rubric=version.rubric,
            faults=_listed(found),
            page_error=True,
        )
        return page, 422
    flash(_("The rubric is published. It never changes from now on."))
    return redirect(url_for("admin.rubric", rubric_id=rubric_id), 303)


@bp.post("/programs/<program_id>/completions")
@requires(SERVICE)
def import_completions(program_id: str) -> Any:
    try:
        data = _upload()
        with transaction() as session:
            added = programs.import_completions(
                session, access.person(), _program(program_id), data, now=access.now()
            )
    except FaultsFound as found:
        return _program_page(_program(program_id), faults=_listed(found))
    flash(_("Completions recorded: %(n)s.", n=added))
    return redirect(url_for("admin.program", program_id=program_id), 303)


@bp.post("/programs/<program_id>/completion")
@requires(SERVICE)
def record_completion(program_id: str) -> Any:
    """Record one completion by hand."""
    form = CompletionForm()
    form.course.choices = options(
        (course.code, course.title) for course in _program(program_id).courses
    )
    if form.validate_on_submit():
        try:
            with transaction() as session:
                found = _program(program_id)
                programs.record_completion(
                    session,
                    access.person(),
                    next(course for course in found.courses if course.code == form.course.data),
                    people.find(session, form.email.data),
                    completed_on=form.completed_on.data,
                    identity_assurance=form.identity_assurance.data,
                    now=access.now(),
                )
            flash(_("The completion is recorded."))
            return redirect(url_for("admin.program", program_id=program_id), 303)
        except GradingError as error:
            form.email.errors = [*form.email.errors, words(error)]
    return _program_page(_program(program_id), completion=form)


@bp.route("/programs/<program_id>/cohorts/new", methods=["GET", "POST"])
@requires(SERVICE)
def new_cohort(program_id: str) -> Any:
    found = _program(program_id)
    form = CohortForm()
    published = db.session.scalars(
        select(RubricVersion)
        .where(RubricVersion.program_id == found.id, RubricVersion.state == RubricState.PUBLISHED)
        .order_by(RubricVersion.name, RubricVersion.number.desc())
    )
    form.rubric.choices = options(
        (version.id, f"{version.name} {version.number}") for version in published
    )
    faults: list[str] = []
    if form.validate_on_submit():
        try:
            with transaction() as session:
                cohort = cohorts.create_cohort(
                    session,
                    access.person(),
                    _program(program_id),
                    name=form.name.data,
                    opens_on=form.opens_on.data or date.min,
                    time_zone=form.time_zone.data.strip(),
                    rubric_version=_rubric(form.rubric.data),
                    plan=plans.PRESETS[form.preset.data],
                    now=access.now(),
                )
                cohort_id = cohort.id
            return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)
        except FaultsFound as error:
            faults = form.take(error)
    page = render_template(
        "admin/new_cohort.html",
        program=_program(program_id),
        form=form,
        faults=faults,
        page_error=bool(faults or form.errors),
    )
    return page, 422 if faults or form.errors else 200


@bp.get("/cohorts/<cohort_id>")
@requires(COHORT)
def cohort(cohort_id: str) -> Any:
    return _cohort_page(_cohort(cohort_id))


def _cohort_page(
    cohort: Cohort,
    *,
    faults: list[str] | None = None,
    member: MemberForm | None = None,
    conflict: ConflictForm | None = None,
) -> Any:
    session = db.session()
    number = max(request.args.get("page", 1, type=int), 1)
    counts = dict(
        session.execute(
            select(Membership.role, func.count())
            .where(Membership.cohort_id == cohort.id, Membership.ended_at.is_(None))
            .group_by(Membership.role)
        ).all()
    )
    members = session.execute(
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.cohort_id == cohort.id, Membership.ended_at.is_(None))
        .order_by(Membership.role, Person.name, Person.email)
        .limit(PAGE)
        .offset((number - 1) * PAGE)
    )
    member = member or MemberForm(formdata=None)
    conflict = conflict or ConflictForm(formdata=None)
    failed = bool(faults or member.errors or conflict.errors)
    page = render_template(
        "admin/cohort.html",
        cohort=cohort,
        plan=cohort.plan,
        plan_version=cohort.plan_version,
        groups=plan_groups(cohort.plan),
        counts=counts,
        members=list(members),
        page=number,
        pages=max(-(-sum(counts.values()) // PAGE), 1),
        conflicts=list(
            session.scalars(
                select(ConflictOfInterest)
                .where(ConflictOfInterest.cohort_id == cohort.id)
                .order_by(ConflictOfInterest.created_at.desc())
                .limit(PAGE)
            )
        ),
        file_form=FileForm(formdata=None),
        member=member,
        conflict=conflict,
        faults=faults or [],
        page_error=failed,
    )
    return page, 422 if failed else 200


def plan_groups(plan: plans.GradingPlan) -> dict[str, list[dict[str, Any]]]:
    """Give the plan's fields by group, each with its value, its kind of entry and its reason."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in fields(plans.GradingPlan):
        value = getattr(plan, item.name)
        optional = "None" in str(item.type)
        kind = (
            "bands"
            if item.name == "bands"
            else "words"
            if item.metadata["words"]
            else "yes_no"
            if isinstance(value, bool)
            else "number"
        )
        groups.setdefault(item.metadata["group"], []).append(
            {"name": item.name, "value": value, "kind": kind, "optional": optional}
            | {key: item.metadata[key] for key in ("label", "why", "low", "high", "words")}
        )
    return groups


def _read_plan(plan: plans.GradingPlan) -> plans.GradingPlan:
    """Read the plan's form; what cannot be a value goes to `from_dict` as it is, to be named there."""
    data: dict[str, Any] = {"preset": request.form.get("preset", plan.preset)}
    for group in plan_groups(plan).values():
        for item in group:
            name, text = item["name"], request.form.get(item["name"], "").strip()
            if name == "preset":
                continue
            if item["kind"] == "bands":
                data[name] = [
                    [_as_number(low), label.strip()]
                    for low, label in zip(
                        request.form.getlist("band_low"),
                        request.form.getlist("band_name"),
                        strict=False,
                    )
                    if low.strip() or label.strip()
                ]
            elif item["kind"] == "yes_no":
                data[name] = text == "yes"
            elif item["kind"] == "words":
                data[name] = text
            else:
                data[name] = None if item["optional"] and not text else _as_number(text)
    return plans.from_dict(data)


def _as_number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


@bp.route("/cohorts/<cohort_id>/plan", methods=["GET", "POST"])
@requires(COHORT)
def plan(cohort_id: str) -> Any:
    """Every choice with its reason; a preset fills them all."""
    found = _cohort(cohort_id)
    shown = found.plan
    faults: dict[str, str] = {}
    if request.method == "POST":
        try:
            if request.form.get("load"):
                shown = plans.PRESETS.get(request.form["load"], shown)
            else:
                revised = _read_plan(shown)
                with transaction() as session:
                    cohorts.revise_plan(
                        session, access.person(), _cohort(cohort_id), revised, now=access.now()
                    )
                flash(_("The plan is saved as a new version."))
                return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)
        except FaultsFound as error:
            faults = {fault.where: fault_words(fault) for fault in error.faults}
    page = render_template(
        "admin/plan.html",
        cohort=_cohort(cohort_id),
        plan=shown,
        groups=plan_groups(shown),
        presets=list(plans.PRESETS),
        faults=faults,
        entered=request.form if faults else None,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.post("/cohorts/<cohort_id>/open")
@requires(COHORT)
def open_cohort(cohort_id: str) -> Any:
    try:
        with transaction() as session:
            cohorts.open_cohort(session, access.person(), _cohort(cohort_id), now=access.now())
    except FaultsFound as found:
        return _cohort_page(_cohort(cohort_id), faults=_listed(found))
    flash(_("The cohort is open. Its plan is fixed from now on."))
    return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)


@bp.post("/cohorts/<cohort_id>/end")
@requires(COHORT)
def end_cohort(cohort_id: str) -> Any:
    with transaction() as session:
        cohorts.end_cohort(session, access.person(), _cohort(cohort_id), now=access.now())
    flash(_("The cohort has ended."))
    return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)


@bp.post("/cohorts/<cohort_id>/roster")
@requires(COHORT)
def import_roster(cohort_id: str) -> Any:
    try:
        data = _upload()
        with transaction() as session:
            added = cohorts.import_roster(
                session, access.person(), _cohort(cohort_id), data, now=access.now()
            )
    except FaultsFound as found:
        return _cohort_page(_cohort(cohort_id), faults=_listed(found))
    flash(_("People enrolled: %(n)s.", n=added))
    return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)


@bp.post("/cohorts/<cohort_id>/members")
@requires(COHORT)
def add_member(cohort_id: str) -> Any:
    """Enrol one person; whoever has no account gets one, with an invitation by mail."""
    form = MemberForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                now = access.now()
                actor = access.person()
                found = people.look_up(session, form.email.data)
                if found is None:
                    found = people.create(
                        session, actor, email=form.email.data, name=form.name.data or "", now=now
                    )
                    people.invite(session, found, now=now)
                cohorts.enrol(
                    session, actor, _cohort(cohort_id), found, Role(form.role.data), now=now
                )
            flash(_("The person is enrolled."))
            return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)
        except GradingError as error:
            form.email.errors = [*form.email.errors, words(error)]
    return _cohort_page(_cohort(cohort_id), member=form)


@bp.post("/cohorts/<cohort_id>/members/<membership_id>/end")
@requires(COHORT)
def end_member(cohort_id: str, membership_id: str) -> Any:
    with transaction() as session:
        membership = load(Membership, membership_id, COHORT)
        if membership.cohort_id != cohort_id:
            raise NotFound("There is no such page.")
        cohorts.end_membership(
            session,
            access.person(),
            membership,
            reason=request.form.get("reason", ""),
            now=access.now(),
        )
    flash(_("The person has left the cohort. What they hold goes to others."))
    return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)


@bp.post("/cohorts/<cohort_id>/conflicts")
@requires(COHORT)
def declare_conflict(cohort_id: str) -> Any:
    form = ConflictForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                cohorts.declare_conflict(
                    session,
                    access.person(),
                    _cohort(cohort_id),
                    rater=people.find(session, form.rater.data),
                    learner=people.find(session, form.learner.data),
                    reason=form.reason.data,
                    now=access.now(),
                )
            flash(_("The two will not meet."))
            return redirect(url_for("admin.cohort", cohort_id=cohort_id), 303)
        except GradingError as error:
            form.rater.errors = [*form.rater.errors, words(error)]
    return _cohort_page(_cohort(cohort_id), conflict=form)


def register(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(grouping.bp)
