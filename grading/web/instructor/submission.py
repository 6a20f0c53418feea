"""One submission: its items, readings and history, and the record of one of its learners revoked."""

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.cohorts.queries import group_members
from grading.db import db, transaction
from grading.disputes import decisions
from grading.disputes.queries import dispute_queue, learner_results
from grading.errors import NotFound
from grading.models import CredentialRecord, Submission
from grading.readings import exposures
from grading.records import records
from grading.releases.queries import cohort_overview
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.instructor import shell
from grading.web.instructor.shell import bp, render
from grading.workflow.submission import SubmissionState

READ = Permission.COHORT_READ
SCORES = Permission.SCORES_READ
RELEASE = Permission.RELEASE
GONE = (SubmissionState.DRAFT, SubmissionState.WITHDRAWN, SubmissionState.WITHHELD)


@bp.get("/submission/<submission_id>")
@requires(READ)
def submission(submission_id: str) -> ResponseReturnValue:
    """One submission: its items, its history, and scores for those who can no longer give one."""
    submission = load(Submission, submission_id, READ)
    session = db.session()
    cohort = submission.cohort
    g.cohort_zone = cohort.zone
    can = shell.abilities(cohort)
    hidden = cohort_overview.may_still_score(session, submission, access.person().id)
    scores_shown = can["scores"] and not hidden
    authors = group_members.people(session, submission) if can["names"] or can["release"] else []
    record_by_author = [
        (person, learner_results.record(session, cohort, person.id))
        for person in (authors if can["release"] else [])
    ]
    entries = (
        cohort_overview.history(session, cohort.id, page=1, subjects=[submission.id]).entries
        if can["audit"] and scores_shown
        else []
    )
    return render(
        "submission.html",
        cohort,
        submission=submission,
        items=cohort_overview.items(session, submission),
        readings=cohort_overview.readings(session, submission) if scores_shown else [],
        score=cohort_overview.latest_score(session, submission) if scores_shown else None,
        rubric=cohort.rubric_version.rubric,
        hidden=can["scores"] and hidden,
        entries=entries,
        records=[(person, record) for person, record in record_by_author if record is not None],
        authors=authors,
        group=can["release"] and len(authors) > 1 and scores_shown,
        cases=dispute_queue.cases_of(session, submission) if can["misconduct"] else [],
        suspect=can["scores"] and submission.state not in GONE,
        appeals=[
            (appeal, decisions.outcome(session, appeal))
            for appeal in learner_results.appeals(session, submission)
        ]
        if scores_shown
        else [],
    )


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
    challenge_id = None
    with transaction() as session:
        submission = load(Submission, submission_id, RELEASE)
        issued: list[CredentialRecord | None] = [
            learner_results.record(session, submission.cohort, person.id)
            for person in group_members.people(session, submission)
        ]
        wanted = request.form.get("record", "")
        record = next(
            (record for record in issued if record is not None and record.id == wanted), None
        )
        if record is None:
            raise NotFound("There is no such record.")
        reason, now = request.form.get("reason", ""), access.now()
        if step_up.asked(session, submission.cohort):
            challenge_id = records.lay_revocation_before(
                session, access.person(), record, submission.cohort, reason=reason, now=now
            ).id
        else:
            records.revoke(session, access.person(), record, reason=reason, now=now)
    if challenge_id:
        return redirect(url_for("approving.page", challenge_id=challenge_id), 303)
    flash(_("The record is revoked. Its public page says so."))
    return redirect(url_for("instructor.submission", submission_id=submission_id), 303)
