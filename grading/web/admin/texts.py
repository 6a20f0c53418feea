"""What learners and raters read: the brief with its example, and the rubric."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import TextAreaField
from wtforms.validators import InputRequired

from grading.db import db, transaction
from grading.errors import FaultsFound, NotFound, Refused
from grading.models import Brief, Cohort, RubricVersion
from grading.programs import programs, rubric_versions
from grading.readings.reviews import Sheet
from grading.rubric import loading
from grading.web import access, sheets
from grading.web.access import load, requires
from grading.web.admin.common import PROGRAM, bp, find_program, listed, sent_bytes
from grading.web.errors import words
from grading.web.forms import Form

LARGEST_RUBRIC = 500_000


class BriefForm(Form):
    text = TextAreaField(_l("The task, in Markdown"), [InputRequired(_l("This cannot be empty."))])
    example = TextAreaField(_l("An annotated example, in Markdown"))


@bp.route("/programs/<program_id>/brief", methods=["GET", "POST"])
@requires(PROGRAM)
def brief(program_id: str) -> ResponseReturnValue:
    """Write a new version of the task and its example; a preview changes nothing."""
    found = find_program(program_id)
    session = db.session()
    newest = programs.newest_brief(session, found)
    form = BriefForm(obj=newest)
    valid = form.validate_on_submit()
    if valid and not request.form.get("preview"):
        with transaction() as opened:
            programs.add_brief(
                opened,
                access.person(),
                find_program(program_id),
                form.text.data.replace("\r\n", "\n"),
                example=(form.example.data or "").replace("\r\n", "\n"),
                now=access.now(),
            )
        flash(_("The brief is saved as a new version."))
        return redirect(url_for("admin.program", program_id=program_id), 303)
    versions = session.scalars(
        select(Brief).where(Brief.program_id == found.id).order_by(Brief.version.desc())
    )
    page = render_template(
        "admin/brief.html",
        program=found,
        form=form,
        preview=valid,
        versions=list(versions),
        page_error=bool(form.errors),
    )
    return page, 422 if form.errors else 200


@bp.get("/programs/<program_id>/briefs/<int:version>")
@requires(PROGRAM)
def brief_version(program_id: str, version: int) -> ResponseReturnValue:
    """One version as learners read it, and the cohorts that have it."""
    found = find_program(program_id)
    session = db.session()
    shown = session.scalar(
        select(Brief).where(Brief.program_id == found.id, Brief.version == version)
    )
    if shown is None:
        raise NotFound("There is no such page.")
    cohorts = session.scalars(
        select(Cohort).where(Cohort.brief_id == shown.id).order_by(Cohort.opens_at.desc())
    )
    return render_template(
        "admin/brief_version.html", program=found, brief=shown, cohorts=list(cohorts)
    )


@bp.route("/programs/<program_id>/rubrics/new", methods=["GET", "POST"])
@requires(PROGRAM)
def add_rubric(program_id: str) -> ResponseReturnValue:
    """Upload a rubric; all its faults are named, or it is kept as a draft to look at."""
    found = find_program(program_id)
    faults: list[str] = []
    text = ""
    if request.method == "POST":
        try:
            text = sent_bytes(LARGEST_RUBRIC).decode("utf-8-sig")
            sent = request.files.get("file")
            rubric = loading.loads(text, path=(sent.filename if sent else None) or "rubric.toml")
            with transaction() as session:
                version = rubric_versions.add_rubric(
                    session, access.person(), find_program(program_id), rubric, now=access.now()
                )
                rubric_id = version.id
            return redirect(url_for("admin.rubric", rubric_id=rubric_id), 303)
        except UnicodeDecodeError:
            faults = [_("The file is not UTF-8 text.")]
        except FaultsFound as error:
            faults = listed(error)
        except Refused as error:
            faults = [words(error)]
        found = find_program(program_id)
    page = render_template(
        "admin/new_rubric.html", program=found, text=text, faults=faults, page_error=bool(faults)
    )
    return page, 422 if faults else 200


def _rubric_page(version: RubricVersion, faults: list[str]) -> ResponseReturnValue:
    page = render_template(
        "admin/rubric.html",
        version=version,
        rubric=version.rubric,
        criteria=sheets.criteria(version.rubric, Sheet(), []),
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/rubrics/<rubric_id>")
@requires(PROGRAM)
def rubric(rubric_id: str) -> ResponseReturnValue:
    """The rubric as raters will read it: the sheet of the bench itself."""
    return _rubric_page(load(RubricVersion, rubric_id, PROGRAM), [])


@bp.post("/rubrics/<rubric_id>/publish")
@requires(PROGRAM)
def publish_rubric(rubric_id: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            rubric_versions.publish_rubric(
                session,
                access.person(),
                load(RubricVersion, rubric_id, PROGRAM),
                now=access.now(),
            )
    except FaultsFound as found:
        return _rubric_page(load(RubricVersion, rubric_id, PROGRAM), listed(found))
    flash(_("The rubric is published. It never changes from now on."))
    return redirect(url_for("admin.rubric", rubric_id=rubric_id), 303)
