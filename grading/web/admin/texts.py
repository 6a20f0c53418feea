"""What learners and raters read: the brief with its example, and the rubric."""

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import TextAreaField
from wtforms.validators import InputRequired

from grading.db import db
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Brief, Cohort, Program, RubricVersion
from grading.programs import programs, rubric_versions
from grading.readings.reviews import Sheet
from grading.rubric import loading
from grading.texts import file_name
from grading.web import access, sheets
from grading.web.access import load, requires
from grading.web.admin.common import PROGRAM, UploadForm, bp, find_program
from grading.web.forms import Done, Form, Shown, form_view, yes_field

LARGEST_RUBRIC = 500_000


class BriefForm(Form):
    text = TextAreaField(_l("The task, in Markdown"), [InputRequired(_l("This cannot be empty."))])
    example = TextAreaField(_l("An annotated example, in Markdown"))
    preview = yes_field()


class RubricForm(UploadForm):
    file = FileField(_l("Rubric, TOML"), render_kw={"accept": ".toml"})


@bp.route("/programs/<program_id>/brief", methods=["GET", "POST"])
@requires(PROGRAM)
def brief(program_id: str) -> ResponseReturnValue:
    """Write a new version of the task and its example; a preview changes nothing."""

    def act(session: Session, form: BriefForm) -> Done | Shown:
        program = find_program(program_id)
        if form.preview.data:
            return Shown(render_brief(program, form, preview=True))
        programs.add_brief(
            session,
            access.person(),
            program,
            form.text.data,
            example=form.example.data,
            now=access.now(),
        )
        return Done(
            url_for("admin.program", program_id=program_id),
            _("The brief is saved as a new version."),
        )

    def show(form: BriefForm) -> str:
        return render_brief(find_program(program_id), form)

    newest = programs.newest_brief(db.session(), find_program(program_id))
    return form_view(BriefForm(obj=newest), act, show)


def render_brief(program: Program, form: BriefForm, *, preview: bool = False) -> str:
    versions = db.session.scalars(
        select(Brief).where(Brief.program_id == program.id).order_by(Brief.version.desc())
    )
    return render_template(
        "admin/brief.html", program=program, form=form, preview=preview, versions=list(versions)
    )


@bp.get("/programs/<program_id>/briefs/<int:version>")
@requires(PROGRAM)
def brief_version(program_id: str, version: int) -> ResponseReturnValue:
    """One version as learners read it, and the cohorts that have it."""
    program = find_program(program_id)
    session = db.session()
    shown = session.scalar(
        select(Brief).where(Brief.program_id == program.id, Brief.version == version)
    )
    if shown is None:
        raise NotFound("There is no such page.")
    cohorts = session.scalars(
        select(Cohort).where(Cohort.brief_id == shown.id).order_by(Cohort.opens_at.desc())
    )
    return render_template(
        "admin/brief_version.html", program=program, brief=shown, cohorts=list(cohorts)
    )


@bp.route("/programs/<program_id>/rubrics/new", methods=["GET", "POST"])
@requires(PROGRAM)
def add_rubric(program_id: str) -> ResponseReturnValue:
    """Upload a rubric; all its faults are named, or it is kept as a draft to look at."""

    def act(session: Session, form: RubricForm) -> Done:
        try:
            text = form.read(LARGEST_RUBRIC).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise FaultsFound([Fault("file", "The file is not UTF-8 text.")]) from None
        rubric = loading.loads(
            text, path=file_name(form.file.data.filename) if form.file.data else "rubric.toml"
        )
        version = rubric_versions.add_rubric(
            session, access.person(), find_program(program_id), rubric, now=access.now()
        )
        return Done(url_for("admin.rubric", rubric_id=version.id))

    def show(form: RubricForm) -> str:
        return render_template("admin/new_rubric.html", program=find_program(program_id), form=form)

    find_program(program_id)
    return form_view(RubricForm(), act, show, refused_at="text")


def render_rubric(version: RubricVersion, form: Form) -> str:
    return render_template(
        "admin/rubric.html",
        version=version,
        rubric=version.rubric,
        criteria=sheets.criteria(version.rubric, Sheet()),
        form=form,
    )


@bp.get("/rubrics/<rubric_id>")
@requires(PROGRAM)
def rubric(rubric_id: str) -> ResponseReturnValue:
    """The rubric as raters will read it: the sheet of the bench itself."""
    return render_rubric(load(RubricVersion, rubric_id, PROGRAM), Form.blank())


@bp.post("/rubrics/<rubric_id>/publish")
@requires(PROGRAM)
def publish_rubric(rubric_id: str) -> ResponseReturnValue:
    def act(session: Session, _form: Form) -> Done:
        version = load(RubricVersion, rubric_id, PROGRAM)
        rubric_versions.publish_rubric(session, access.person(), version, now=access.now())
        return Done(
            url_for("admin.rubric", rubric_id=rubric_id),
            _("The rubric is published. It never changes from now on."),
        )

    def show(form: Form) -> str:
        return render_rubric(load(RubricVersion, rubric_id, PROGRAM), form)

    return form_view(Form(), act, show)
