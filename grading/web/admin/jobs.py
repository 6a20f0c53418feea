"""Jobs: what the service does in the background, for administrators."""

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.db import db
from grading.ledger import outbox
from grading.models import Job, JobState
from grading.paging import page_of
from grading.web import access
from grading.web.access import load, permit, requires
from grading.web.admin.common import SERVICE, bp
from grading.web.entering import page_number
from grading.web.forms import HEAD, Done, Form, form_view


@bp.get("/jobs")
@requires(SERVICE)
def jobs() -> ResponseReturnValue:
    permit(SERVICE)
    return render_jobs(Form.blank())


def render_jobs(form: Form) -> str:
    session = db.session()
    counts = dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).all())
    state = request.args.get("state", "")
    if state not in set(JobState):
        # What needs somebody comes first.
        state = JobState.FAILED if counts.get(JobState.FAILED) else JobState.RUNNING
    order = Job.run_at if state == JobState.WAITING else Job.run_at.desc()
    statement = select(Job).where(Job.state == state).order_by(order, Job.id)
    pager = page_of(session, statement, page_number())
    return render_template(
        "admin/jobs.html",
        jobs=pager.entries,
        counts=counts,
        states=list(JobState),
        chosen=state,
        pager=pager,
        backlog=outbox.backlog(session, now=access.now()),
        mail_goes_to=access.installation().mailer.where,
        form=form,
    )


@bp.post("/jobs/<job_id>/retry")
@requires(SERVICE)
def retry_job(job_id: str) -> ResponseReturnValue:
    def act(session: Session, _form: Form) -> Done:
        outbox.retry(session, access.person(), load(Job, job_id, SERVICE), now=access.now())
        return Done(url_for("admin.jobs"), _("It runs with the next worker."))

    return form_view(Form(), act, render_jobs, refused_at=HEAD)
