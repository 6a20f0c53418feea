"""One submission: its items, readings and history, and the record of one of its learners revoked."""

from flask import g, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import HiddenField, StringField

from grading.authorization.permissions import Permission
from grading.cohorts.queries import group_members
from grading.db import db, transaction
from grading.disputes import decisions
from grading.disputes.queries import dispute_queue, learner_results
from grading.errors import NotFound
from grading.ledger import history
from grading.models import Submission
from grading.readings import exposures
from grading.readings.queries import staff_view
from grading.records import revocations
from grading.records.queries import program_record
from grading.scores.queries import current_scores
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.forms import Done, Form, form_view
from grading.web.instructor import shell
from grading.web.instructor.shell import bp, render, to_sign
from grading.workflow.submission import SubmissionState

READ = Permission.COHORT_READ
SCORES = Permission.SCORES_READ
RELEASE = Permission.RELEASE
GONE = (SubmissionState.DRAFT, SubmissionState.WITHDRAWN, SubmissionState.WITHHELD)


class RevokeForm(Form):
    record = HiddenField()
    reason = StringField(_l("Reason"))


def _render_submission(submission_id: str, refused: RevokeForm | None = None) -> str:
    """Render a submission; ``refused`` is the revocation that has a fault."""
    submission = load(Submission, submission_id, READ)
    session = db.session()
    cohort = submission.cohort
    g.cohort_zone = cohort.zone
    can = shell.abilities(cohort)
    hidden = staff_view.may_still_score(session, submission, access.person().id)
    scores_shown = can["scores"] and not hidden
    authors = group_members.people(session, submission) if can["names"] or can["release"] else []
    record_by_author = [
        (person, program_record.current_record(session, cohort.program_id, person.id))
        for person in (authors if can["release"] else [])
    ]
    entries = (
        history.entries_page(session, cohort.id, page=1, subjects=[submission.id]).entries
        if can["audit"] and scores_shown
        else []
    )
    return render(
        "submission.html",
        cohort,
        submission=submission,
        items=staff_view.items_of_work(session, submission),
        readings=staff_view.shown_readings(session, submission) if scores_shown else [],
        score=current_scores.current_score(session, submission) if scores_shown else None,
        rubric=cohort.rubric_version.rubric,
        hidden=can["scores"] and hidden,
        entries=entries,
        records=[
            (
                person,
                record,
                refused
                if refused is not None and refused.record.data == record.id
                else RevokeForm.blank(ids=f"{record.id}-", record=record.id),
            )
            for person, record in record_by_author
            if record is not None
        ],
        authors=authors,
        group=can["release"] and len(authors) > 1 and scores_shown,
        cases=dispute_queue.cases_of(session, submission) if can["misconduct"] else [],
        suspect=can["scores"] and submission.state not in GONE,
        appeals=[
            (appeal, decisions.outcome_of(session, appeal))
            for appeal in learner_results.appeals_of(session, submission)
        ]
        if scores_shown
        else [],
    )


@bp.get("/submission/<submission_id>")
@requires(READ)
def submission(submission_id: str) -> ResponseReturnValue:
    """One submission: its items, its history, and scores for those who can no longer give one."""
    return _render_submission(submission_id)


@bp.post("/submission/<submission_id>/show")
@requires(SCORES)
def show_scores(submission_id: str) -> ResponseReturnValue:
    """Show what raters gave; from then on the reader cannot be a rater of it."""
    with transaction() as session:
        submission = load(Submission, submission_id, SCORES)
        exposures.expose(session, access.person(), submission, now=access.now())
    return redirect(url_for("instructor.submission", submission_id=submission_id), 303)


@bp.post("/submission/<submission_id>/revoke")
@requires(RELEASE)
def revoke(submission_id: str) -> ResponseReturnValue:
    """Revoke the record of one of its learners, with a reason."""

    def act(session: Session, form: RevokeForm) -> Done:
        submission = load(Submission, submission_id, RELEASE)
        held = [
            program_record.current_record(session, submission.cohort.program_id, person.id)
            for person in group_members.people(session, submission)
        ]
        record = next((item for item in held if item and item.id == form.record.data), None)
        if record is None:
            raise NotFound("There is no such record.")
        me, reason, now = access.person(), form.reason.data, access.now()
        if step_up.asked(session, submission.cohort):
            challenge = revocations.lay_revocation_before(
                session, me, record, submission.cohort, reason=reason, now=now
            )
            return to_sign(challenge)
        revocations.revoke_record(session, me, record, reason=reason, now=now)
        return Done(
            url_for("instructor.submission", submission_id=submission_id),
            _("The record is revoked. Its public page says so."),
        )

    return form_view(
        RevokeForm(),
        act,
        lambda form: _render_submission(submission_id, form),
        refused_at="reason",
    )
