"""A cohort as those who teach it see it: where it stands, and all that was done in it."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from grading.authorization.permissions import Permission
from grading.cohorts.queries import group_members, submission_lists
from grading.db import db
from grading.ledger import history
from grading.readings.queries import staff_view
from grading.readings.queries.burndown import cohort_burndown
from grading.releases.queries import candidates
from grading.web import access
from grading.web.access import requires
from grading.web.entering import page_number
from grading.web.instructor import shell
from grading.web.instructor.figures.burndown import draw_burndown
from grading.web.instructor.shell import bp, render
from grading.workflow.group import MemberState
from grading.workflow.submission import SubmissionState

READ = Permission.COHORT_READ


@bp.get("/")
@requires(Permission.SIGNED_IN)
def home() -> ResponseReturnValue:
    cohorts = submission_lists.staff_cohorts(db.session(), access.person().id)
    if len(cohorts) == 1:
        return redirect(url_for("instructor.cohort", cohort_id=cohorts[0].id))
    return render_template("instructor/home.html", cohorts=cohorts)


@bp.get("/<cohort_id>")
@requires(READ)
def cohort(cohort_id: str) -> ResponseReturnValue:
    """Where the cohort stands: counts that are links, and what is stuck."""
    cohort = shell.cohort(cohort_id, READ)
    session = db.session()
    state = request.args.get("state") or None
    pager = submission_lists.submissions_page(session, cohort, state=state, page=page_number())
    groups = staff_view.separate_groups(session, cohort)
    now = access.now()
    return render(
        "cohort.html",
        cohort,
        counts=submission_lists.submission_counts(session, cohort),
        items=staff_view.item_counts(session, cohort),
        stranded=candidates.stranded_items(session, cohort),
        groups=groups if len(groups) > 1 else [],
        burndown=draw_burndown(cohort_burndown(session, cohort, now=now), now),
        submissions=pager.entries,
        names={
            work: [part.person.name for part in parts if part.state == MemberState.JOINED]
            for work, parts in group_members.rows_of(session, pager.entries).items()
        }
        if shell.abilities(cohort)["names"]
        else {},
        states=[state for state in SubmissionState if state is not SubmissionState.ANCHOR],
        state=state,
        pager=pager,
        total=pager.total,
    )


@bp.get("/<cohort_id>/audit")
@requires(Permission.AUDIT_READ)
def audit(cohort_id: str) -> ResponseReturnValue:
    """Every state change and decision, newest first, without what was given on any sheet."""
    cohort = shell.cohort(cohort_id, Permission.AUDIT_READ)
    session = db.session()
    action = request.args.get("action") or None
    pager = history.entries_page(session, cohort.id, page=page_number(), action=action)
    return render(
        "audit.html",
        cohort,
        pager=pager,
        actions=history.actions(session, cohort.id),
        action=action,
    )
