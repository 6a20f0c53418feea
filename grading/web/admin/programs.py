"""Programs: what they say of themselves, their courses, and single completions."""

from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session
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

from grading.db import db
from grading.errors import Fault, FaultsFound
from grading.models import (
    Cohort,
    Completion,
    Course,
    ImportBatch,
    Program,
    RubricVersion,
    Sponsor,
)
from grading.people import accounts, consequences
from grading.programs import completions, programs
from grading.programs.programs import CourseEntry
from grading.records import outdated
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
from grading.web.consequences import AmendingForm, amending_view, decided
from grading.web.forms import Done, Form, form_view, options, several
from grading.workflow.credential import IdentityAssurance

_needed = InputRequired(_l("This cannot be empty."))


COURSE_COLUMNS = ("code", "title", "equivalents", "expires_months", "hours")


class ProgramForm(Form):
    name = StringField(_l("Name of the program"), [_needed, Length(max=200)])
    capstone_title = StringField(_l("Title of the capstone"), [_needed, Length(max=200)])


class NewProgramForm(ProgramForm):
    code = several()
    title = several()

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Give the code and title of each course as they were written."""
        return [
            (code.strip(), title.strip())
            for code, title in zip(self.code.data, self.title.data, strict=False)
        ]


class AboutForm(ProgramForm):
    entitlement_required = BooleanField(_l("A credential asks for an entitlement"))
    retake_terms = TextAreaField(_l("Terms of a retake"), [Length(max=2_000)])
    capstone_hours = FloatField(_l("Hours of the capstone"), [Optional()])
    hours_approver = StringField(_l("Who approved the hours"), [Length(max=200)])
    provider_number = StringField(_l("Provider number"), [Length(max=100)])
    valid_months = IntegerField(_l("A credential holds, months"), [Optional()])


class CoursesForm(Form):
    """A row for each course; `required` names the rows that are ticked."""

    code = several()
    title = several()
    equivalents = several()
    expires_months = several()
    hours = several()
    required = several()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Give the rows as they were written, without those that name no course."""
        columns = [self[name].data for name in COURSE_COLUMNS]
        rows = [
            dict(zip(COURSE_COLUMNS, (cell.strip() for cell in cells), strict=True))
            | {"required": str(number) in self.required.data}
            for number, cells in enumerate(zip(*columns, strict=False), 1)
        ]
        return [row for row in rows if row["code"] or row["title"]]

    @property
    def entries(self) -> list[CourseEntry]:
        """Read the rows; raises `FaultsFound` for each with a number that is none."""
        entries, faults = [], []
        for number, row in enumerate(self.rows, 1):
            months = hours = None
            try:
                months = optional_number(row["expires_months"], int)
                hours = optional_number(row["hours"])
            except ValueError:
                faults.append(
                    Fault(f"course {number}", "Months are a whole number, and hours a number.")
                )
            entries.append(
                CourseEntry(
                    row["code"],
                    row["title"],
                    row["required"],
                    tuple(row["equivalents"].replace(",", " ").split()),
                    months,
                    hours,
                )
            )
        if faults:
            raise FaultsFound(faults)
        return entries


class CompletionForm(AmendingForm):
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
    sponsors = list(session.scalars(statement))
    ids = [sponsor.id for sponsor in sponsors]
    programs_by_sponsor: dict[str, list[Program]] = {}
    for program in session.scalars(
        select(Program).where(Program.sponsor_id.in_(ids)).order_by(Program.name)
    ):
        programs_by_sponsor.setdefault(program.sponsor_id, []).append(program)
    cohorts_by_program: dict[str, list[Cohort]] = {}
    for cohort in session.scalars(
        select(Cohort)
        .join(Program, Program.id == Cohort.program_id)
        .where(Program.sponsor_id.in_(ids))
        .order_by(Cohort.opens_at.desc())
    ):
        cohorts_by_program.setdefault(cohort.program_id, []).append(cohort)
    return render_template(
        "admin/home.html",
        sponsors=sponsors,
        programs=programs_by_sponsor,
        cohorts=cohorts_by_program,
        manages=who.administrator,
    )


@bp.route("/sponsors/<sponsor_id>/programs/new", methods=["GET", "POST"])
@requires(PROGRAM)
def new_program(sponsor_id: str) -> ResponseReturnValue:
    def act(session: Session, form: NewProgramForm) -> Done:
        program = programs.create_program(
            session,
            access.person(),
            sponsor=load(Sponsor, sponsor_id, PROGRAM).name,
            name=form.name.data,
            capstone_title=form.capstone_title.data,
            courses=[row for row in form.rows if any(row)],
            now=access.now(),
        )
        return Done(url_for("admin.program", program_id=program.id))

    def show(form: NewProgramForm) -> str:
        rows = form.rows
        return render_template(
            "admin/new_program.html",
            sponsor=load(Sponsor, sponsor_id, PROGRAM),
            form=form,
            rows=rows + [("", "")] * (programs.MOST_COURSES - len(rows)),
        )

    load(Sponsor, sponsor_id, PROGRAM)
    return form_view(NewProgramForm(), act, show)


@bp.get("/programs/<program_id>")
@requires(PROGRAM)
def program(program_id: str) -> ResponseReturnValue:
    program = find_program(program_id)
    return render_program(program, _completion_form(program, CompletionForm.blank()))


def render_program(program: Program, completion: CompletionForm) -> str:
    session = db.session()
    counts = dict(
        session.execute(
            select(Completion.course_id, func.count())
            .join(Course)
            .where(Course.program_id == program.id)
            .group_by(Completion.course_id)
        ).all()
    )
    return render_template(
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
        batches=recent_batches(
            ImportBatch.program_id == program.id, ImportBatch.cohort_id.is_(None)
        ),
        scores=entitlement_lists.is_scorer(session, program, access.person().id),
        completion=completion,
    )


@bp.route("/programs/<program_id>/about", methods=["GET", "POST"])
@requires(PROGRAM)
def about(program_id: str) -> ResponseReturnValue:
    """Names, entitlement, retakes, and hours for professional development."""

    def act(session: Session, form: AboutForm) -> Done:
        programs.revise_program(
            session,
            access.person(),
            find_program(program_id),
            name=form.name.data,
            capstone_title=form.capstone_title.data,
            entitlement_required=form.entitlement_required.data,
            retake_terms=form.retake_terms.data or "",
            capstone_hours=form.capstone_hours.data,
            hours_approver=form.hours_approver.data or "",
            provider_number=form.provider_number.data or "",
            valid_months=form.valid_months.data,
            now=access.now(),
        )
        return Done(url_for("admin.program", program_id=program_id), _("The program is saved."))

    def show(form: AboutForm) -> str:
        return render_template("admin/about.html", program=find_program(program_id), form=form)

    return form_view(AboutForm(obj=find_program(program_id)), act, show)


@bp.route("/programs/<program_id>/courses", methods=["GET", "POST"])
@requires(PROGRAM)
def courses(program_id: str) -> ResponseReturnValue:
    """What counts as each course, how long a completion holds, and its hours."""

    def act(session: Session, form: CoursesForm) -> Done:
        programs.revise_courses(
            session,
            access.person(),
            find_program(program_id),
            form.entries,
            now=access.now(),
        )
        return Done(url_for("admin.program", program_id=program_id), _("The courses are saved."))

    def show(form: CoursesForm) -> str:
        program = find_program(program_id)
        rows = form.rows if form.is_submitted() else list(map(_course_row, program.courses))
        blank = dict.fromkeys(COURSE_COLUMNS, "") | {"required": True}
        return render_template(
            "admin/courses.html",
            program=program,
            rows=rows + [blank] * (programs.MOST_COURSES - len(rows)),
            fixed=programs.codes_fixed(db.session(), program),
            form=form,
        )

    find_program(program_id)
    return form_view(CoursesForm(), act, show)


def _course_row(course: Course) -> dict[str, Any]:
    return {
        "code": course.code,
        "title": course.title,
        "required": course.required,
        "equivalents": ", ".join(course.equivalents),
        "expires_months": course.expires_months or "",
        "hours": f"{course.hours:g}" if course.hours else "",
    }


def _completion_form(program: Program, form: CompletionForm) -> CompletionForm:
    """Offer the program's courses."""
    form.course.choices = options((course.code, course.title) for course in program.courses)
    return form


@bp.post("/programs/<program_id>/completion")
@requires(PROGRAM)
def record_completion(program_id: str) -> ResponseReturnValue:
    """Record one completion by hand."""

    def act(session: Session, form: CompletionForm) -> Done:
        program = find_program(program_id)
        completion = completions.record_completion(
            session,
            access.person(),
            next(course for course in program.courses if course.code == form.course.data),
            accounts.find_account(session, form.email.data),
            completed_on=form.completed_on.data,
            identity_assurance=form.identity_assurance.data,
            now=access.now(),
        )
        consequences.settle(
            session,
            access.person(),
            outdated.without_completion(session, access.person(), completion, now=access.now()),
            decided(form.decisions.data),
            now=access.now(),
        )
        return Done(
            url_for("admin.program", program_id=program_id), _("The completion is recorded.")
        )

    def show(form: CompletionForm) -> str:
        return render_program(find_program(program_id), form)

    form = _completion_form(find_program(program_id), CompletionForm())
    return amending_view(form, act, show, refused_at="email")
