"""The learner's pages: the capstone, handing it in, the result, the record."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, BinaryIO, cast

from flask import Blueprint, Flask, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.cohorts import objections, submissions
from grading.cohorts.queries import calendars, group_members
from grading.db import db, transaction
from grading.disputes import decisions, explanations
from grading.disputes.queries import dispute_queue, learner_results
from grading.errors import (
    Fault,
    FaultsFound,
    GradingError,
    NotFound,
    PassingFailure,
    Refused,
    StaleRecord,
)
from grading.models import Cohort, CredentialRecord, Grade, Submission, SubmissionFile
from grading.readings import anchors
from grading.records import records
from grading.records.queries import entitlement_lists
from grading.records.queries.program_record import counting_grade
from grading.releases import grades, results
from grading.web import access, downloads
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.web.learner import credentials, grouping, program_record, questions, working
from grading.workflow import files
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import end_of_day
from grading.workflow.submission import CURRENT_STATEMENT, HONOUR_STATEMENTS, SubmissionState

bp = Blueprint("learner", __name__, url_prefix="/learn")

LEARN = Permission.SUBMISSION_WRITE
EMPTY_LINKS = 3


def _cohort(cohort_id: str, permission: Permission = LEARN) -> Cohort:
    cohort = load(Cohort, cohort_id, permission)
    g.cohort_zone = cohort.zone
    return cohort


def _submission(session: Session, cohort: Cohort) -> Submission:
    found = learner_results.submission(session, cohort, access.person().id)
    if found is None:
        raise NotFound("There is no such page.")
    return found


@bp.get("/")
@requires(Permission.SIGNED_IN)
def home() -> Any:
    """The one cohort at once, several as a list."""
    found = learner_results.cohorts(db.session(), access.person().id)
    if len({cohort.id for cohort, _role in found}) == 1:
        return redirect(url_for("learner.cohort", cohort_id=found[0][0].id))
    return render_template("learner/home.html", cohorts=found)


@bp.get("/<cohort_id>")
@requires(Permission.REVIEW_PEER)
def cohort(cohort_id: str) -> Any:
    """Your capstone: what is to do now, what comes next, and why something cannot start yet."""
    found = _cohort(cohort_id, Permission.REVIEW_PEER)
    session = db.session()
    now = access.now()
    who = access.identity(found.id)
    standing = learner_results.standing(session, found, access.person().id)
    return render_template(
        "learner/cohort.html",
        cohort=found,
        learns="learner" in who.roles,
        record=learner_results.record(session, found, access.person().id),
        standing=standing,
        open_now=found.state == CohortState.OPEN and found.opens_at <= now <= standing.closes_at,
        in_grace=standing.due_at < now <= standing.closes_at,
        return_until=submissions.may_return_until(standing.own),
        may_object=standing.submission is not None
        and standing.in_group
        and objections.may_object(standing.submission, now),
    )


@bp.get("/<cohort_id>/brief")
@requires(Permission.REVIEW_PEER)
def brief(cohort_id: str) -> Any:
    found = _cohort(cohort_id, Permission.REVIEW_PEER)
    return render_template("learner/brief.html", cohort=found, rubric=found.rubric_version.rubric)


@bp.post("/<cohort_id>/project/start")
@requires(LEARN)
def start(cohort_id: str) -> Any:
    with transaction() as session:
        submissions.start(session, access.person(), _cohort(cohort_id), now=access.now())
    return redirect(url_for("learner.draft", cohort_id=cohort_id), 303)


@bp.get("/<cohort_id>/project")
@requires(LEARN)
def draft(cohort_id: str) -> Any:
    """The draft to write on, or what was handed in."""
    found = _cohort(cohort_id)
    submission = _submission(db.session(), found)
    return _draft_page(found, submission)


def _draft_page(
    cohort: Cohort,
    submission: Submission,
    *,
    entered: dict[str, Any] | None = None,
    faults: list[Fault] | None = None,
    status: int = 200,
    conflict: bool = False,
) -> Any:
    session = db.session()
    group = group_members.people(session, submission)
    if submission.state != SubmissionState.DRAFT:
        page = render_template(
            "learner/handed_in.html",
            cohort=cohort,
            submission=submission,
            closes_at=calendars.window(session, submission)[1],
            group=group,
            own=group_members.part(session, submission, access.person().id),
            may_object=len(group) > 1 and objections.may_object(submission, access.now()),
        )
        return page, status
    values = entered or {
        "title": submission.title,
        "text": submission.text,
        "links": list(submission.links),
    }
    shown = values["links"] + [""] * max(1, EMPTY_LINKS - len(values["links"]))
    page = render_template(
        "learner/draft.html",
        cohort=cohort,
        submission=submission,
        values=values | {"links": shown},
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults) or conflict,
        conflict=conflict,
        due_at=calendars.window(session, submission)[0],
        closes_at=calendars.window(session, submission)[1],
        late=results.points_lost(session, submission, at=access.now()),
        group=group,
        kinds=files.KINDS,
        limit=access.installation().settings.upload_limit,
        removed=[file for file in submission.files if file.removed_at is not None],
    )
    return page, status


@bp.post("/<cohort_id>/project")
@requires(LEARN)
def save(cohort_id: str) -> Any:
    """Keep the draft. On a conflict nothing is overwritten, and what was typed stays on the page."""
    entered: dict[str, Any] = {
        "title": request.form.get("title", ""),
        "text": request.form.get("text", "").replace("\r\n", "\n"),
        "links": [link for link in request.form.getlist("links") if link.strip()],
    }
    try:
        with transaction() as session:
            submission = _submission(session, _cohort(cohort_id))
            submissions.save_draft(
                session,
                access.person(),
                submission,
                **entered,
                version=request.form.get("version", type=int),
                now=access.now(),
            )
    except (FaultsFound, StaleRecord) as error:
        found = _cohort(cohort_id)
        faults = list(error.faults) if isinstance(error, FaultsFound) else []
        return _draft_page(
            found,
            _submission(db.session(), found),
            entered=entered,
            faults=faults,
            status=422 if faults else 409,
            conflict=not faults,
        )
    if request.form.get("then") == "check":
        return redirect(url_for("learner.check", cohort_id=cohort_id), 303)
    flash(_("Your draft is saved."))
    return redirect(url_for("learner.draft", cohort_id=cohort_id), 303)


@bp.post("/<cohort_id>/project/files")
@requires(LEARN)
def upload(cohort_id: str) -> Any:
    """Take files one by one: a refused one is named, the others are kept."""
    load(Cohort, cohort_id, LEARN)
    house = access.installation()
    refused: list[Fault] = []
    kept = 0
    for sent in request.files.getlist("files"):
        name = sent.filename or ""
        if not name:
            continue
        try:
            stored = submissions.keep_file(
                house.files, name, cast(BinaryIO, sent.stream), limit=house.settings.upload_limit
            )
        except Refused as error:
            refused.append(Fault("files", error.template, error.params))
            continue
        try:
            with transaction() as session:
                submissions.add_file(
                    session,
                    access.person(),
                    _submission(session, _cohort(cohort_id)),
                    stored,
                    now=access.now(),
                )
            kept += 1
        except GradingError:
            # Nothing points at the bytes, so they must not stay.
            house.files.delete(stored.key)
            raise
    if not kept and not refused:
        refused.append(Fault("files", "Choose a file first."))
    if kept:
        flash(_("Files added: %(n)s.", n=kept))
    if refused:
        found = _cohort(cohort_id)
        return _draft_page(found, _submission(db.session(), found), faults=refused, status=422)
    return redirect(url_for("learner.draft", cohort_id=cohort_id) + "#files", 303)


def _file(session: Session, cohort_id: str, file_id: str) -> SubmissionFile:
    submission = _submission(session, _cohort(cohort_id))
    for file in submission.files:
        if file.id == file_id:
            return file
    raise NotFound("There is no such file.")


@bp.post("/<cohort_id>/project/files/<file_id>/remove")
@requires(LEARN)
def remove_file(cohort_id: str, file_id: str) -> Any:
    with transaction() as session:
        file = _file(session, cohort_id, file_id)
        submissions.remove_file(session, access.person(), file, now=access.now())
        name = file.name
    flash(_("“%(name)s” is removed. You can put it back below.", name=name))
    return redirect(url_for("learner.draft", cohort_id=cohort_id) + "#files", 303)


@bp.post("/<cohort_id>/project/files/<file_id>/restore")
@requires(LEARN)
def restore_file(cohort_id: str, file_id: str) -> Any:
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
def check(cohort_id: str) -> Any:
    """Check answers before handing in."""
    found = _cohort(cohort_id)
    submission = _submission(db.session(), found)
    if submission.state != SubmissionState.DRAFT:
        return redirect(url_for("learner.draft", cohort_id=cohort_id))
    return _check_page(
        found, submission, submissions.submission_faults(db.session(), submission), 200
    )


def _check_page(cohort: Cohort, submission: Submission, faults: list[Fault], status: int) -> Any:
    session = db.session()
    page = render_template(
        "learner/check.html",
        cohort=cohort,
        submission=submission,
        statement_number=CURRENT_STATEMENT,
        statement=HONOUR_STATEMENTS[CURRENT_STATEMENT],
        faults=[(fault.where, fault_words(fault)) for fault in faults],
        page_error=status != 200,
        due_at=calendars.window(session, submission)[0],
        late=results.points_lost(session, submission, at=access.now()),
        group=group_members.people(session, submission),
        neutral=[
            files.neutral_name("K7Q-M4X", number, files.kind_of(file.name))
            for number, file in enumerate(submission.current_files, 1)
        ],
    )
    return page, status


@bp.post("/<cohort_id>/project/submit")
@requires(LEARN)
def submit(cohort_id: str) -> Any:
    try:
        with transaction() as session:
            submission = _submission(session, _cohort(cohort_id))
            submissions.submit(
                session,
                access.person(),
                submission,
                statement=request.form.get("statement", 0, type=int),
                version=request.form.get("version", type=int),
                now=access.now(),
            )
            _consent(session, submission)
    except FaultsFound as found:
        cohort = _cohort(cohort_id)
        return _check_page(cohort, _submission(db.session(), cohort), list(found.faults), 422)
    return redirect(url_for("learner.receipt", cohort_id=cohort_id), 303)


def _consent(session: Session, submission: Submission) -> None:
    given = request.form.get("example") == "yes"
    anchors.consent(session, access.person(), submission, given=given, now=access.now())


@bp.post("/<cohort_id>/project/example")
@requires(LEARN)
def example(cohort_id: str) -> Any:
    """Say whether the project may train graders; this can be changed at any time."""
    with transaction() as session:
        submission = _submission(session, _cohort(cohort_id))
        _consent(session, submission)
        given = submission.example_consent_at is not None
    flash(
        _("Your project may train graders, without your name.")
        if given
        else _("Your project is not used to train graders.")
    )
    return redirect(url_for("learner.draft", cohort_id=cohort_id) + "#example", 303)


@bp.get("/<cohort_id>/project/receipt")
@requires(LEARN)
def receipt(cohort_id: str) -> Any:
    found = _cohort(cohort_id)
    submission = _submission(db.session(), found)
    if not submission.copies:
        raise NotFound("There is no such page.")
    copy = submission.copies[-1]
    by_id = {file.id: file for file in submission.files}
    return render_template(
        "learner/receipt.html",
        cohort=found,
        submission=submission,
        copy=copy,
        files=[by_id[file_id] for file_id in copy.files],
        statement=HONOUR_STATEMENTS[copy.statement],
        late=results.points_lost(db.session(), submission, at=copy.submitted_at),
        results_at=calendars.results_of(db.session(), submission),
        group=group_members.people(db.session(), submission),
    )


@bp.post("/<cohort_id>/project/take-back")
@requires(LEARN)
def take_back(cohort_id: str) -> Any:
    with transaction() as session:
        submission = _submission(session, _cohort(cohort_id))
        submissions.take_back(session, access.person(), submission, now=access.now())
    flash(_("Your project is a draft again. Submit it before the deadline."))
    return redirect(url_for("learner.draft", cohort_id=cohort_id), 303)


@bp.route("/<cohort_id>/project/withdraw", methods=["GET", "POST"])
@requires(LEARN)
def withdraw(cohort_id: str) -> Any:
    """Ask once more, then leave the capstone."""
    if request.method == "GET":
        found = _cohort(cohort_id)
        submission = _submission(db.session(), found)
        return render_template(
            "learner/withdraw.html",
            cohort=found,
            submission=submission,
            group=group_members.people(db.session(), submission),
        )
    with transaction() as session:
        submission = _submission(session, _cohort(cohort_id))
        submissions.withdraw(session, access.person(), submission, now=access.now())
    flash(_("You have withdrawn from the capstone."))
    return redirect(url_for("learner.cohort", cohort_id=cohort_id), 303)


def _asked_for(attempts: Sequence[tuple[Submission, Grade]]) -> tuple[Submission, Grade]:
    """Pick the attempt that the address names, or the newest."""
    wanted = request.args.get("attempt", type=int)
    return next((one for one in attempts if one[0].attempt == wanted), attempts[0])


@bp.get("/<cohort_id>/result")
@requires(Permission.RESULT_READ)
def result(cohort_id: str) -> Any:
    """The released result; before release this page holds no score at all."""
    found = _cohort(cohort_id, Permission.RESULT_READ)
    session = db.session()
    me = access.person().id
    attempts = learner_results.released(session, found, me)
    if not attempts:
        submission = _submission(session, found)
        return render_template(
            "learner/no_result.html",
            cohort=found,
            submission=submission,
            results_at=calendars.results_of(session, submission),
        )
    submission, grade = _asked_for(attempts)
    newest = learner_results.submission(session, found, me)
    taken = dispute_queue.upheld_case(session, submission)
    page = render_template(
        "learner/result.html",
        cohort=found,
        submission=submission,
        grade=grade,
        attempts=attempts,
        best=counting_grade([grade for _submission, grade in attempts]),
        earlier=learner_results.earlier_grades(session, grade),
        appeals=[
            (one, decisions.outcome(session, one))
            for one in learner_results.appeals(session, submission)
        ],
        taken=taken,
        questions=explanations.asked(session, submission),
        retakes_left=submissions.retakes_left(newest or submission),
        under_way=newest if newest is not None and newest.id != attempts[0][0].id else None,
        may_retake=found.state == CohortState.OPEN
        and taken is None
        and newest is not None
        and newest.id == attempts[0][0].id
        and submissions.retakes_left(newest) > 0,
        retake_due=end_of_day(access.now(), found.plan.retake_days, found.zone),
        me=me,
        entitled=entitlement_lists.entitled(session, found.program, me, None),
        rubric=found.rubric_version.rubric,
        comments=learner_results.comments(session, grade),
        working=working.of(session, grade, found.rubric_version.rubric),
        overall=learner_results.overall_comments(session, grade),
        record=learner_results.record(session, found, me),
    )
    if not learner_results.seen(session, grade):
        grade_id = grade.id
        with suppress(PassingFailure), transaction() as opened:
            grades.see(opened, access.person(), opened.get_one(Grade, grade_id), now=access.now())
    return page


@bp.get("/<cohort_id>/result.csv")
@requires(Permission.RESULT_READ)
def result_csv(cohort_id: str) -> Response:
    """Every level and weight of a released result, and the figures it comes to."""
    found = _cohort(cohort_id, Permission.RESULT_READ)
    session = db.session()
    attempts = learner_results.released(session, found, access.person().id)
    if not attempts:
        raise NotFound("There is no such page.")
    _submitted, grade = _asked_for(attempts)
    laid_out = working.of(session, grade, found.rubric_version.rubric)
    return downloads.table("result.csv", *working.as_table(laid_out, grade.value))


@bp.get("/records/<record_id>")
@requires(Permission.SIGNED_IN)
def record(record_id: str) -> Any:
    """Lead to the program record; the address is that of older mails and pages."""
    found = load(CredentialRecord, record_id, Permission.SIGNED_IN, owner="person_id")
    return redirect(url_for("records.program", program_id=found.program_id))


@bp.post("/records/<record_id>/issue-anew")
@requires(Permission.SIGNED_IN)
def issue_anew(record_id: str) -> Any:
    """Put the present name on the record, which gets a new address by it."""
    with transaction() as session:
        found = load(CredentialRecord, record_id, Permission.SIGNED_IN, owner="person_id")
        if request.form.get("confirmed") != "yes":
            raise Refused("Confirm that the record is to be issued anew.")
        newer = records.issue_under_present_name(session, access.person(), found, now=access.now())
        program_id = newer.program_id
    flash(_("Your record is issued anew under your present name. The old address says “Replaced”."))
    return redirect(url_for("records.program", program_id=program_id), 303)


@bp.post("/records/<record_id>/share")
@requires(Permission.SIGNED_IN)
def share(record_id: str) -> Any:
    with transaction() as session:
        found = load(CredentialRecord, record_id, Permission.SIGNED_IN, owner="person_id")
        if request.form.get("shared") == "yes":
            records.share(session, access.person(), found, now=access.now())
            flash(_("Your record is shared. Whoever has the address can see it."))
        else:
            records.unshare(session, access.person(), found, now=access.now())
            flash(_("Your record is no longer shared."))
    return redirect(url_for("learner.record", record_id=record_id), 303)


def register(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(questions.bp)
    app.register_blueprint(program_record.bp)
    app.register_blueprint(credentials.bp)
    app.register_blueprint(grouping.bp)
