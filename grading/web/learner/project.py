"""The project: writing it, its files, checking it, handing it in, taking it back."""

from typing import BinaryIO, cast

from flask import Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from sqlalchemy.orm import Session
from wtforms import HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import Optional

from grading.cohorts import objections, submissions, withdrawals
from grading.cohorts.queries import calendars, group_members
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, GradingError, NotFound, Refused, StaleRecord
from grading.models import Cohort, Submission, SubmissionFile
from grading.office import retention
from grading.readings import anchors
from grading.releases import results
from grading.web import access, downloads
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.web.forms import Done, Form, form_view, refused, several, yes_field
from grading.web.learner.common import LEARN, bp, find_cohort, own_submission, told_of
from grading.workflow import files
from grading.workflow.capstone_page import Act
from grading.workflow.submission import CURRENT_STATEMENT, HONOUR_STATEMENTS, SubmissionState

EMPTY_LINKS = 3


class DraftForm(Form):
    version = IntegerField(validators=[Optional()])
    title = StringField(_l("Title"))
    text = TextAreaField(_l("Text"))
    links = several(_l("Links"))
    then = HiddenField()

    def take(self, error: FaultsFound) -> list[str]:
        """Put faults beside their fields; what names no other is about one of the links, and says which."""
        self.links.errors = [*self.links.errors, *super().take(error)]
        return []


class UploadForm(Form):
    files = MultipleFileField(_l("Add files"))


class ConsentForm(Form):
    example = yes_field(_l("It may be used to train graders, without my name"))


class SubmitForm(ConsentForm):
    version = IntegerField(validators=[Optional()])
    statement = IntegerField(default=0, validators=[Optional()])

    faults: tuple[Fault, ...] = ()

    def take(self, error: FaultsFound) -> list[str]:
        """Keep the faults of what was written before, for the page to lead to their places."""
        self.faults = error.faults
        return []


@bp.post("/<cohort_id>/project/start")
@requires(LEARN)
def start(cohort_id: str) -> ResponseReturnValue:
    with transaction() as session:
        submissions.start(session, access.person(), find_cohort(cohort_id), now=access.now())
    return redirect(url_for("learner.draft", cohort_id=cohort_id), 303)


@bp.get("/<cohort_id>/project")
@requires(LEARN)
def draft(cohort_id: str) -> ResponseReturnValue:
    """The draft to write on, what was handed in, or the way to begin."""
    return _render_draft(find_cohort(cohort_id))


def _render_draft(
    cohort: Cohort,
    form: DraftForm | None = None,
    *,
    upload: UploadForm | None = None,
    conflict: bool = False,
) -> str:
    session = db.session()
    told = told_of(session, cohort)
    submission = told.standing.submission
    if submission is None:
        return render_template("learner/not_begun.html", cohort=cohort, told=told)
    group = group_members.people(session, submission)
    # What was typed when the time ran out stays on the page.
    typed = form is not None and submission.state == SubmissionState.DRAFT
    if told.cell.act != Act.WRITE and not typed:
        return render_template(
            "learner/handed_in.html",
            form=form,
            cohort=cohort,
            submission=submission,
            told=told,
            group=group,
            own=told.standing.own,
            may_object=len(group) > 1 and objections.may_object(submission, access.now()),
        )
    form = form or DraftForm.blank(obj=submission)
    links = [link for link in form.links.data if link.strip()]
    return render_template(
        "learner/draft.html",
        cohort=cohort,
        submission=submission,
        form=form,
        upload=upload or UploadForm.blank(ids="upload-"),
        links=links + [""] * max(1, EMPTY_LINKS - len(links)),
        conflict=conflict,
        told=told,
        late=results.points_lost(session, submission, at=access.now()),
        group=group,
        kinds=files.KINDS,
        limit=access.installation().settings.upload_limit,
        removed=[file for file in submission.files if file.removed_at is not None],
    )


@bp.post("/<cohort_id>/project")
@requires(LEARN)
def save(cohort_id: str) -> ResponseReturnValue:
    """Keep the draft. On a conflict nothing is overwritten, and what was typed stays on the page."""

    def act(session: Session, form: DraftForm) -> Done:
        submissions.save_draft(
            session,
            access.person(),
            own_submission(session, find_cohort(cohort_id)),
            title=form.title.data,
            text=form.text.data,
            links=[link for link in form.links.data if link.strip()],
            version=form.version.data,
            now=access.now(),
        )
        if form.then.data == "check":
            return Done(url_for("learner.check", cohort_id=cohort_id))
        return Done(url_for("learner.draft", cohort_id=cohort_id), _("Your draft is saved."))

    def show(form: DraftForm) -> str:
        return _render_draft(find_cohort(cohort_id), form)

    form = DraftForm()
    try:
        return form_view(form, act, show)
    except StaleRecord:
        g.page_error = True
        return _render_draft(find_cohort(cohort_id), form, conflict=True), 409


@bp.post("/<cohort_id>/project/files")
@requires(LEARN)
def upload(cohort_id: str) -> ResponseReturnValue:
    """Take files one by one: a refused one is named, the others are kept."""
    load(Cohort, cohort_id, LEARN)
    house = access.installation()
    form = UploadForm(ids="upload-")
    faults: list[Fault] = []
    kept = 0
    for sent in form.files.data or ():
        try:
            stored = submissions.keep_file(
                house.files,
                sent.filename or "",
                cast(BinaryIO, sent.stream),
                limit=house.settings.upload_limit,
            )
        except Refused as error:
            faults.append(Fault("files", error.template, error.params))
            continue
        try:
            with transaction() as session:
                submission = own_submission(session, find_cohort(cohort_id))
                submissions.add_file(session, access.person(), submission, stored, now=access.now())
                gone = retention.forget_removed(session, submission, now=access.now())
            kept += 1
            for key in gone:
                house.files.delete(key)
        except GradingError:
            # Nothing points at the bytes, so they must not stay.
            house.files.delete(stored.key)
            raise
    if not kept and not faults:
        faults.append(Fault("files", "Choose a file first."))
    if kept:
        flash(_("Files added: %(n)s.", n=kept))
    if faults:
        return refused(
            form,
            FaultsFound(faults),
            lambda form: _render_draft(find_cohort(cohort_id), upload=form),
        )
    return redirect(url_for("learner.draft", cohort_id=cohort_id) + "#files", 303)


def _file(session: Session, cohort_id: str, file_id: str) -> SubmissionFile:
    submission = own_submission(session, find_cohort(cohort_id))
    for file in submission.files:
        if file.id == file_id:
            return file
    raise NotFound("There is no such file.")


@bp.post("/<cohort_id>/project/files/<file_id>/remove")
@requires(LEARN)
def remove_file(cohort_id: str, file_id: str) -> ResponseReturnValue:
    with transaction() as session:
        file = _file(session, cohort_id, file_id)
        submissions.remove_file(session, access.person(), file, now=access.now())
        name = file.name
    flash(_("“%(name)s” is removed. You can put it back below.", name=name))
    return redirect(url_for("learner.draft", cohort_id=cohort_id) + "#files", 303)


@bp.post("/<cohort_id>/project/files/<file_id>/restore")
@requires(LEARN)
def restore_file(cohort_id: str, file_id: str) -> ResponseReturnValue:
    with transaction() as session:
        file = _file(session, cohort_id, file_id)
        submissions.restore_file(session, access.person(), file, now=access.now())
    return redirect(url_for("learner.draft", cohort_id=cohort_id) + "#files", 303)


@bp.get("/<cohort_id>/project/files/<file_id>")
@requires(LEARN)
def own_file(cohort_id: str, file_id: str) -> Response:
    file = _file(db.session(), cohort_id, file_id)
    return downloads.send(file, file.name)


@bp.get("/<cohort_id>/project/check")
@requires(LEARN)
def check(cohort_id: str) -> ResponseReturnValue:
    """Check answers before handing in."""
    cohort = find_cohort(cohort_id)
    submission = group_members.newest(db.session(), cohort, access.person().id)
    if submission is None or submission.state != SubmissionState.DRAFT:
        return redirect(url_for("learner.draft", cohort_id=cohort_id))
    form = SubmitForm.blank()
    form.take(FaultsFound(submissions.submission_faults(db.session(), submission)))
    return _render_check(cohort, form)


def _render_check(cohort: Cohort, form: SubmitForm) -> str:
    session = db.session()
    submission = own_submission(session, cohort)
    return render_template(
        "learner/check.html",
        cohort=cohort,
        submission=submission,
        statement_number=CURRENT_STATEMENT,
        statement=HONOUR_STATEMENTS[CURRENT_STATEMENT],
        faults=[(fault.where, fault_words(fault)) for fault in form.faults],
        refusals=form.form_errors,
        due_at=calendars.window(session, submission)[0],
        late=results.points_lost(session, submission, at=access.now()),
        group=group_members.people(session, submission),
        neutral=[
            files.neutral_name("K7Q-M4X", number, files.kind_of(file.name))
            for number, file in enumerate(submission.current_files, 1)
        ],
    )


@bp.post("/<cohort_id>/project/submit")
@requires(LEARN)
def submit(cohort_id: str) -> ResponseReturnValue:
    def act(session: Session, form: SubmitForm) -> Done:
        submission = own_submission(session, find_cohort(cohort_id))
        submissions.submit(
            session,
            access.person(),
            submission,
            statement=form.statement.data or 0,
            version=form.version.data,
            now=access.now(),
        )
        _consent(session, submission, form)
        return Done(url_for("learner.receipt", cohort_id=cohort_id))

    def show(form: SubmitForm) -> str:
        return _render_check(find_cohort(cohort_id), form)

    return form_view(SubmitForm(), act, show)


def _consent(session: Session, submission: Submission, form: ConsentForm) -> None:
    anchors.consent(session, access.person(), submission, given=form.example.data, now=access.now())


@bp.post("/<cohort_id>/project/example")
@requires(LEARN)
def example(cohort_id: str) -> ResponseReturnValue:
    """Say whether the project may train graders; this can be changed at any time."""

    def act(session: Session, form: ConsentForm) -> Done:
        submission = own_submission(session, find_cohort(cohort_id))
        _consent(session, submission, form)
        return Done(
            url_for("learner.draft", cohort_id=cohort_id) + "#example",
            _("Your project may train graders, without your name.")
            if submission.example_consent_at is not None
            else _("Your project is not used to train graders."),
        )

    return form_view(ConsentForm(), act)


@bp.get("/<cohort_id>/project/receipt")
@requires(LEARN)
def receipt(cohort_id: str) -> ResponseReturnValue:
    cohort = find_cohort(cohort_id)
    submission = group_members.newest(db.session(), cohort, access.person().id)
    if submission is None or not submission.copies:
        return redirect(url_for("learner.draft", cohort_id=cohort_id))
    copy = submission.copies[-1]
    by_id = {file.id: file for file in submission.files}
    return render_template(
        "learner/receipt.html",
        cohort=cohort,
        submission=submission,
        copy=copy,
        files=[by_id[file_id] for file_id in copy.files],
        statement=HONOUR_STATEMENTS[copy.statement],
        late=results.points_lost(db.session(), submission, at=copy.submitted_at),
        told=told_of(db.session(), cohort),
        group=group_members.people(db.session(), submission),
    )


@bp.post("/<cohort_id>/project/take-back")
@requires(LEARN)
def take_back(cohort_id: str) -> ResponseReturnValue:
    with transaction() as session:
        submission = own_submission(session, find_cohort(cohort_id))
        submissions.take_back(session, access.person(), submission, now=access.now())
    flash(_("Your project is a draft again. Submit it before the deadline."))
    return redirect(url_for("learner.draft", cohort_id=cohort_id), 303)


@bp.route("/<cohort_id>/project/withdraw", methods=["GET", "POST"])
@requires(LEARN)
def withdraw(cohort_id: str) -> ResponseReturnValue:
    """Ask once more, then leave the capstone."""
    if request.method == "GET":
        cohort = find_cohort(cohort_id)
        submission = group_members.newest(db.session(), cohort, access.person().id)
        if submission is None:
            return redirect(url_for("learner.draft", cohort_id=cohort_id))
        return render_template(
            "learner/withdraw.html",
            cohort=cohort,
            submission=submission,
            group=group_members.people(db.session(), submission),
        )
    with transaction() as session:
        submission = own_submission(session, find_cohort(cohort_id))
        withdrawals.withdraw(session, access.person(), submission, now=access.now())
    flash(_("You have withdrawn from the capstone."))
    return redirect(url_for("learner.cohort", cohort_id=cohort_id), 303)
