"""Jobs: what the service does in the background, for administrators."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select

from grading.db import db, transaction
from grading.errors import Refused
from grading.ledger import outbox
from grading.models import Job, JobState
from grading.paging import page_of
from grading.web import access
from grading.web.access import load, page_number, permit, requires
from grading.web.admin.common import SERVICE, bp
from grading.web.errors import words


@bp.get("/jobs")
@requires(SERVICE)
def jobs() -> ResponseReturnValue:
    permit(SERVICE)
    return _page()


def _page(faults: list[str] | None = None) -> ResponseReturnValue:
    session = db.session()
    counts = dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).all())
    state = request.args.get("state", "")
    if state not in set(JobState):
        # What needs somebody comes first.
        state = JobState.FAILED if counts.get(JobState.FAILED) else JobState.RUNNING
    order = Job.run_at if state == JobState.WAITING else Job.run_at.desc()
    statement = select(Job).where(Job.state == state).order_by(order, Job.id)
    pager = page_of(session, statement, page_number())
    page = render_template(
        "admin/jobs.html",
        jobs=pager.entries,
        counts=counts,
        states=list(JobState),
        chosen=state,
        pager=pager,
        faults=faults or [],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.post("/jobs/<job_id>/retry")
@requires(SERVICE)
def retry_job(job_id: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            outbox.retry(session, access.person(), load(Job, job_id, SERVICE), now=access.now())
    except Refused as error:
        return _page([words(error)])
    flash(_("It runs with the next worker."))
    return redirect(url_for("admin.jobs"), 303)
