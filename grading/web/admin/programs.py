"""Programs: what they say of themselves, their courses, and single completions."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from wtforms import (
    BooleanField,
    DateField,
    FloatField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional

from grading.db import db, transaction
from grading.errors import FaultsFound, GradingError
from grading.models import (
    Cohort,
    Completion,
    Course,
    ImportBatch,
    Program,
    RubricVersion,
    Sponsor,
)
from grading.people import accounts
from grading.programs import completions, programs
from grading.programs.programs import CourseEntry
from grading.records.queries import entitlement_lists
from grading.web import access
from grading.web.access import load, permit, requires
from grading.web.admin.common import (
    OFFICE,
    PROGRAM,
    bp,
    find_program,
    optional_number,
    recent_batches,
)
from grading.web.errors import words
from grading.web.forms import Form, options
from grading.workflow.credential import IdentityAssurance

_needed = InputRequired(_l("This cannot be empty."))


class ProgramForm(Form):
    name = StringField(_l("Name of the program"), [_needed, Length(max=200)])
    capstone_title = StringField(_l("Title of the capstone"), [_needed, Length(max=200)])


class AboutForm(ProgramForm):
    entitlement_required = BooleanField(_l("A credential asks for an entitlement"))
    retake_terms = TextAreaField(_l("Terms of a retake"), [Length(max=2_000)])
    capstone_hours = FloatField(_l("Hours of the capstone"), [Optional()])
    hours_approver = StringField(_l("Who approved the hours"), [Length(max=200)])
    provider_number = StringField(_l("Provider number"), [Length(max=100)])
    valid_months = IntegerField(_l("A credential holds, months"), [Optional()])


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


@bp.get("/")
@requires(OFFICE)
def home() -> ResponseReturnValue:
    """The sponsors one may see, with their programs and cohorts."""
    who = permit(OFFICE)
    session = db.session
    statement = select(Sponsor).order_by(Sponsor.name)
    if not who.administrator:
        statement = statement.where(Sponsor.id.in_(who.sponsors))
    found = list(session.scalars(statement))
    ids = [item.id for item in found]
    owned: dict[str, list[Program]] = {}
    for item in session.scalars(
        select(Program).where(Program.sponsor_id.in_(ids)).order_by(Program.name)
    ):
        owned.setdefault(item.sponsor_id, []).append(item)
    runs: dict[str, list[Cohort]] = {}
    for cohort in session.scalars(
        select(Cohort)
        .join(Program, Program.id == Cohort.program_id)
        .where(Program.sponsor_id.in_(ids))
        .order_by(Cohort.opens_at.desc())
    ):
        runs.setdefault(cohort.program_id, []).append(cohort)
    return render_template(
        "admin/home.html",
        sponsors=found,
        programs=owned,
        cohorts=runs,
        manages=who.administrator,
    )


@bp.route("/sponsors/<sponsor_id>/programs/new", methods=["GET", "POST"])
@requires(PROGRAM)
def new_program(sponsor_id: str) -> ResponseReturnValue:
    owner = load(Sponsor, sponsor_id, PROGRAM)
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
                made = programs.create_program(
                    session,
                    access.person(),
                    sponsor=load(Sponsor, sponsor_id, PROGRAM).name,
                    name=form.name.data,
                    capstone_title=form.capstone_title.data,
                    courses=[row for row in rows if any(row)],
                    now=access.now(),
                )
                program_id = made.id
            return redirect(url_for("admin.program", program_id=program_id), 303)
        except FaultsFound as found:
            faults = form.take(found)
            owner = load(Sponsor, sponsor_id, PROGRAM)
    shown = rows + [("", "")] * (programs.MOST_COURSES - len(rows))
    page = render_template(
        "admin/new_program.html",
        sponsor=owner,
        form=form,
        rows=shown,
        faults=faults,
        page_error=bool(faults or form.errors),
    )
    return page, 422 if faults or form.errors else 200


@bp.get("/programs/<program_id>")
@requires(PROGRAM)
def program(program_id: str) -> ResponseReturnValue:
    return _page(find_program(program_id))


def _page(found: Program, *, completion: CompletionForm | None = None) -> ResponseReturnValue:
    session = db.session()
    completion = completion or CompletionForm(formdata=None)
    completion.course.choices = options((course.code, course.title) for course in found.courses)
    counts = dict(
        session.execute(
            select(Completion.course_id, func.count())
            .join(Course)
            .where(Course.program_id == found.id)
            .group_by(Completion.course_id)
        ).all()
    )
    page = render_template(
        "admin/program.html",
        program=found,
        completed=counts,
        brief=programs.newest_brief(session, found),
        rubrics=list(
            session.scalars(
                select(RubricVersion)
                .where(RubricVersion.program_id == found.id)
                .order_by(RubricVersion.name, RubricVersion.number.desc())
            )
        ),
        cohorts=list(
            session.scalars(
                select(Cohort).where(Cohort.program_id == found.id).order_by(Cohort.opens_at.desc())
            )
        ),
        batches=recent_batches(ImportBatch.program_id == found.id, ImportBatch.cohort_id.is_(None)),
        scores=entitlement_lists.is_scorer(session, found, access.person().id),
        completion=completion,
        page_error=bool(completion.errors),
    )
    return page, 422 if completion.errors else 200


@bp.route("/programs/<program_id>/about", methods=["GET", "POST"])
@requires(PROGRAM)
def about(program_id: str) -> ResponseReturnValue:
    """Names, entitlement, retakes, and hours for professional development."""
    found = find_program(program_id)
    form = AboutForm(obj=found)
    faults: list[str] = []
    if form.validate_on_submit():
        try:
            with transaction() as session:
                programs.revise_program(
                    session,
                    access.person(),
                    find_program(program_id),
                    name=form.name.data,
                    capstone_title=form.capstone_title.data,
                    entitlement_required=form.entitlement_required.data,
                    retake_terms=(form.retake_terms.data or "").replace("\r\n", "\n"),
                    capstone_hours=form.capstone_hours.data,
                    hours_approver=form.hours_approver.data or "",
                    provider_number=form.provider_number.data or "",
                    valid_months=form.valid_months.data,
                    now=access.now(),
                )
            flash(_("The program is saved."))
            return redirect(url_for("admin.program", program_id=program_id), 303)
        except FaultsFound as error:
            faults = form.take(error)
    page = render_template(
        "admin/about.html",
        program=find_program(program_id),
        form=form,
        faults=faults,
        page_error=bool(faults or form.errors),
    )
    return page, 422 if faults or form.errors else 200


@bp.route("/programs/<program_id>/courses", methods=["GET", "POST"])
@requires(PROGRAM)
def courses(program_id: str) -> ResponseReturnValue:
    """What counts as each course, how long a completion holds, and its hours."""
    found = find_program(program_id)
    entered = request.method == "POST"
    faults: list[str] = []
    if entered:
        try:
            entries, faults = _entries()
            if not faults:
                with transaction() as session:
                    programs.revise_courses(
                        session,
                        access.person(),
                        find_program(program_id),
                        entries,
                        now=access.now(),
                    )
                flash(_("The courses are saved."))
                return redirect(url_for("admin.program", program_id=program_id), 303)
        except FaultsFound as error:
            faults = Form().take(error)
    found = find_program(program_id)
    rows = _course_rows() if entered else [_shown(course) for course in found.courses]
    blank = dict.fromkeys(("code", "title", "equivalents", "expires_months", "hours"), "")
    rows += [blank | {"required": True}] * (programs.MOST_COURSES - len(rows))
    page = render_template(
        "admin/courses.html",
        program=found,
        rows=rows,
        fixed=programs.codes_fixed(db.session(), found),
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


def _shown(course: Course) -> dict[str, Any]:
    return {
        "code": course.code,
        "title": course.title,
        "required": course.required,
        "equivalents": ", ".join(course.equivalents),
        "expires_months": course.expires_months or "",
        "hours": f"{course.hours:g}" if course.hours else "",
    }


def _course_rows() -> list[dict[str, Any]]:
    """Read the rows of the form as they were written; `required` names the rows that are ticked."""
    names = ("code", "title", "equivalents", "expires_months", "hours")
    columns = [request.form.getlist(name) for name in names]
    ticked = set(request.form.getlist("required"))
    rows = [
        dict(zip(names, (cell.strip() for cell in cells), strict=True))
        | {"required": str(number) in ticked}
        for number, cells in enumerate(zip(*columns, strict=False), 1)
    ]
    return [row for row in rows if row["code"] or row["title"]]


def _entries() -> tuple[list[CourseEntry], list[str]]:
    entries, faults = [], []
    for number, row in enumerate(_course_rows(), 1):
        months = hours = None
        try:
            months = optional_number(row["expires_months"], int)
            hours = optional_number(row["hours"])
        except ValueError:
            faults.append(
                _("course %(n)s: Months are a whole number, and hours a number.", n=number)
            )
        entries.append(
            CourseEntry(
                row["code"],
                row["title"],
                row["required"],
                tuple(code for code in row["equivalents"].replace(",", " ").split() if code),
                months,
                hours,
            )
        )
    return entries, faults


@bp.post("/programs/<program_id>/completion")
@requires(PROGRAM)
def record_completion(program_id: str) -> ResponseReturnValue:
    """Record one completion by hand."""
    form = CompletionForm()
    form.course.choices = options(
        (course.code, course.title) for course in find_program(program_id).courses
    )
    if form.validate_on_submit():
        try:
            with transaction() as session:
                found = find_program(program_id)
                completions.record_completion(
                    session,
                    access.person(),
                    next(course for course in found.courses if course.code == form.course.data),
                    accounts.find_account(session, form.email.data),
                    completed_on=form.completed_on.data,
                    identity_assurance=form.identity_assurance.data,
                    now=access.now(),
                )
            flash(_("The completion is recorded."))
            return redirect(url_for("admin.program", program_id=program_id), 303)
        except GradingError as error:
            form.email.errors = [*form.email.errors, words(error)]
    return _page(find_program(program_id), completion=form)
