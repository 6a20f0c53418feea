"""The instructor's pages: the cohort, disputed grades, release, audit."""

import math
from typing import Any

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from grading.authorization.permissions import Permission
from grading.cohorts.queries import group_members
from grading.db import db, transaction
from grading.disputes import appeals, decisions
from grading.disputes.queries import dispute_queue, learner_results
from grading.errors import FaultsFound, ListChanged, NotFound
from grading.models import (
    Allocation,
    Appeal,
    CredentialRecord,
    Discrepancy,
    Release,
    StruckReading,
    Submission,
)
from grading.readings import eligibility, exposures, holds
from grading.readings.queries import burndown as burndowns
from grading.records import records
from grading.releases import releases
from grading.releases.queries import candidates, cohort_overview
from grading.scores import adjusting
from grading.web import access, step_up
from grading.web.access import load, page_number, requires
from grading.web.errors import fault_words
from grading.web.instructor import (
    burndown,
    calibration,
    coordinator,
    funnel,
    identity,
    misconduct,
    monitoring,
    points,
    release_page,
    routing,
    shell,
    statistics,
)
from grading.web.instructor.shell import render
from grading.workflow.group import MemberState
from grading.workflow.release import ReleaseState
from grading.workflow.submission import SubmissionState

bp = Blueprint("instructor", __name__, url_prefix="/teach")

READ = Permission.COHORT_READ
SCORES = Permission.SCORES_READ
ADJUDICATE = Permission.ADJUDICATE
RELEASE = Permission.RELEASE
GONE = (SubmissionState.DRAFT, SubmissionState.WITHDRAWN, SubmissionState.WITHHELD)


@bp.get("/")
@requires(Permission.SIGNED_IN)
def home() -> Any:
    found = cohort_overview.cohorts(db.session(), access.person().id)
    if len(found) == 1:
        return redirect(url_for("instructor.cohort", cohort_id=found[0].id))
    return render_template("instructor/home.html", cohorts=found)


@bp.get("/<cohort_id>")
@requires(READ)
def cohort(cohort_id: str) -> Any:
    """Where the cohort stands: counts that are links, and what is stuck."""
    found = shell.cohort(cohort_id, READ)
    session = db.session()
    state = request.args.get("state") or None
    pager = cohort_overview.submissions(session, found, state=state, page=page_number())
    groups = cohort_overview.separate_groups(session, found)
    now = access.now()
    return render(
        "cohort.html",
        found,
        counts=cohort_overview.submission_counts(session, found),
        items=cohort_overview.item_counts(session, found),
        stranded=candidates.stranded_items(session, found),
        groups=groups if len(groups) > 1 else [],
        burndown=burndown.draw(burndowns.of_cohort(session, found, now=now), now),
        submissions=pager.entries,
        names={
            work: [part.person.name for part in parts if part.state == MemberState.JOINED]
            for work, parts in group_members.rows_of(session, pager.entries).items()
        }
        if shell.abilities(found)["names"]
        else {},
        states=[state for state in SubmissionState if state is not SubmissionState.ANCHOR],
        state=state,
        pager=pager,
        total=pager.total,
    )


@bp.get("/submission/<submission_id>")
@requires(READ)
def submission(submission_id: str) -> Any:
    """One submission: its items, its history, and scores for those who can no longer give one."""
    found = load(Submission, submission_id, READ)
    session = db.session()
    cohort = found.cohort
    g.cohort_zone = cohort.zone
    can = shell.abilities(cohort)
    hidden = cohort_overview.may_still_score(session, found, access.person().id)
    shown = can["scores"] and not hidden
    authors = group_members.people(session, found) if can["names"] or can["release"] else []
    held = [
        (person, learner_results.record(session, cohort, person.id))
        for person in (authors if can["release"] else [])
    ]
    entries = (
        cohort_overview.history(session, cohort.id, page=1, subjects=[found.id]).entries
        if can["audit"] and shown
        else []
    )
    return render(
        "submission.html",
        cohort,
        submission=found,
        items=cohort_overview.items(session, found),
        readings=cohort_overview.readings(session, found) if shown else [],
        score=cohort_overview.latest_score(session, found) if shown else None,
        rubric=cohort.rubric_version.rubric,
        hidden=can["scores"] and hidden,
        entries=entries,
        records=[(person, record) for person, record in held if record is not None],
        authors=authors,
        group=can["release"] and len(authors) > 1 and shown,
        cases=dispute_queue.cases_of(session, found) if can["misconduct"] else [],
        suspect=can["scores"] and found.state not in GONE,
        appeals=[
            (one, decisions.outcome(session, one))
            for one in learner_results.appeals(session, found)
        ]
        if shown
        else [],
    )


@bp.post("/submission/<submission_id>/show")
@requires(SCORES)
def show_scores(submission_id: str) -> Any:
    """Show what raters gave; from then on the reader cannot be a rater of it."""
    with transaction() as session:
        found = load(Submission, submission_id, SCORES)
        exposures.expose(session, access.person(), found, now=access.now())
    return redirect(url_for("instructor.submission", submission_id=submission_id), 303)


@bp.post("/submission/<submission_id>/revoke")
@requires(RELEASE)
def revoke(submission_id: str) -> Any:
    """Revoke the record of one of its learners, with a reason."""
    challenge_id = None
    with transaction() as session:
        found = load(Submission, submission_id, RELEASE)
        held: list[CredentialRecord | None] = [
            learner_results.record(session, found.cohort, person.id)
            for person in group_members.people(session, found)
        ]
        wanted = request.form.get("record", "")
        record = next((one for one in held if one is not None and one.id == wanted), None)
        if record is None:
            raise NotFound("There is no such record.")
        reason, now = request.form.get("reason", ""), access.now()
        if step_up.asked(session, found.cohort):
            challenge_id = records.lay_revocation_before(
                session, access.person(), record, found.cohort, reason=reason, now=now
            ).id
        else:
            records.revoke(session, access.person(), record, reason=reason, now=now)
    if challenge_id:
        return redirect(url_for("approving.page", challenge_id=challenge_id), 303)
    flash(_("The record is revoked. Its public page says so."))
    return redirect(url_for("instructor.submission", submission_id=submission_id), 303)


@bp.get("/<cohort_id>/disputed")
@requires(SCORES)
def disputed(cohort_id: str) -> Any:
    """One queue of third readings, appeals and questions, by the day they are to be decided."""
    found = shell.cohort(cohort_id, SCORES)
    session = db.session()
    me = access.person().id
    queue = dispute_queue.queue(session, found, now=access.now())
    return render(
        "disputed.html",
        found,
        queue=queue,
        settled=dispute_queue.settled(session, found),
        struck=dispute_queue.struck(session, found),
        involved=dispute_queue.involved(session, found, me),
        barriers=eligibility.barriers_of(
            session, access.person(), [dispute.submission_id for dispute in queue]
        ),
        barrier_words=eligibility.BARRIER_WORDS,
        stranded={item.id for item in candidates.stranded_items(session, found)},
        me=me,
    )


@bp.get("/struck/<reading_id>")
@requires(SCORES)
def struck(reading_id: str) -> Any:
    """What else the reader of a struck reading gave, for whoever decides what is read again."""
    reading = load(Allocation, reading_id, SCORES)
    found = db.session.get(StruckReading, reading.id)
    if found is None:
        raise NotFound("There is no such page.")
    g.cohort_zone = reading.cohort.zone
    return render(
        "struck.html",
        reading.cohort,
        struck=found,
        rubric=reading.cohort.rubric_version.rubric,
        items=decisions.siblings(db.session(), found),
    )


@bp.get("/case/<case_id>")
@requires(SCORES)
def case(case_id: str) -> Any:
    """One case. While the reader could still settle it, they learn nothing of the others."""
    found = load(Discrepancy, case_id, SCORES)
    session = db.session()
    cohort = found.submission.cohort
    g.cohort_zone = cohort.zone
    hidden = cohort_overview.may_still_score(session, found.submission, access.person().id)
    return render(
        "case.html",
        cohort,
        case=found,
        hidden=hidden,
        readings=[] if hidden else cohort_overview.readings(session, found.submission),
        score=None if hidden else cohort_overview.latest_score(session, found.submission),
        rubric=cohort.rubric_version.rubric,
        me=access.person().id,
    )


@bp.post("/case/<discrepancy_id>/take")
@requires(ADJUDICATE)
def take_case(discrepancy_id: str) -> Any:
    """Take a case to read it oneself, blind."""
    with transaction() as session:
        found = load(Discrepancy, discrepancy_id, ADJUDICATE)
        allocation = holds.claim_case(session, access.person(), found.allocation, now=access.now())
        allocation_id = allocation.id
    return redirect(url_for("rater.item_sheet", allocation_id=allocation_id), 303)


@bp.post("/appeal/<appeal_id>/take")
@requires(ADJUDICATE)
def take_appeal(appeal_id: str) -> Any:
    """Take an appeal to read the project again oneself, blind."""
    with transaction() as session:
        found = load(Appeal, appeal_id, ADJUDICATE)
        if found.allocation is None:
            raise NotFound("There is no such case.")
        item = holds.claim_case(session, access.person(), found.allocation, now=access.now())
        item_id = item.id
    return redirect(url_for("rater.item_sheet", allocation_id=item_id), 303)


@bp.post("/appeal/<appeal_id>/unblind")
@requires(ADJUDICATE)
def unblind_appeal(appeal_id: str) -> Any:
    """Decide without a fresh reading, where nobody is left who could give one."""
    with transaction() as session:
        found = load(Appeal, appeal_id, ADJUDICATE)
        appeals.go_on_unblind(session, access.person(), found, now=access.now())
    return redirect(url_for("answers.appeal", appeal_id=appeal_id), 303)


@bp.post("/<cohort_id>/adjust")
@requires(RELEASE)
def adjust(cohort_id: str) -> Any:
    """Adjust what awaits release now, from the readings that are in."""
    with transaction() as session:
        found = shell.cohort(cohort_id, RELEASE)
        made = adjusting.adjust(session, access.person(), found, now=access.now())
        words = ngettext("%(num)s result is adjusted.", "%(num)s results are adjusted.", made.works)
    flash(words)
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#adjustment", 303)


@bp.get("/<cohort_id>/release")
@requires(RELEASE)
def release(cohort_id: str) -> Any:
    """The dry run: who is ready, who is not and why."""
    return release_page.page(db.session(), shell.cohort(cohort_id, RELEASE))


@bp.post("/<cohort_id>/release")
@requires(RELEASE)
def propose(cohort_id: str) -> Any:
    """Propose what is ready; where the plan asks for it, the list is first put before the proposer."""
    challenge_id = None
    try:
        with transaction() as session:
            found = shell.cohort(cohort_id, RELEASE)
            failed = release_page.failed(session, found)
            given: dict[str, Any] = {
                "failed_gates": failed,
                "overrides": {key: request.form.get(key, "") for key in failed},
                "now": access.now(),
            }
            if step_up.asked(session, found):
                challenge_id = releases.lay_before(session, access.person(), found, **given).id
            else:
                releases.propose(session, access.person(), found, **given)
    except FaultsFound as error:
        faults = {fault.where: fault_words(fault) for fault in error.faults}
        cohort = shell.cohort(cohort_id, RELEASE)
        return release_page.page(db.session(), cohort, faults, 422, request.form)
    if challenge_id:
        return redirect(url_for("approving.page", challenge_id=challenge_id), 303)
    flash(_("The release is proposed, with your sign-off."))
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#releases", 303)


@bp.post("/release/<release_id>/sign")
@requires(RELEASE)
def sign(release_id: str) -> Any:
    """Sign a proposed release; one whose list changed since becomes void instead."""
    challenge_id = None
    try:
        with transaction() as session:
            found = load(Release, release_id, RELEASE)
            cohort_id, now = found.cohort_id, access.now()
            if step_up.asked(session, found.cohort):
                challenge_id = releases.lay_before_next(session, access.person(), found, now=now).id
            else:
                releases.sign(session, access.person(), found, now=now)
    except ListChanged as error:
        return release_page.voided(release_id, error)
    if challenge_id:
        return redirect(url_for("approving.page", challenge_id=challenge_id), 303)
    flash(_("You have signed the release."))
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#releases", 303)


@bp.post("/release/<release_id>/stop")
@requires(RELEASE)
def stop(release_id: str) -> Any:
    with transaction() as session:
        found = load(Release, release_id, RELEASE)
        cohort_id = found.cohort_id
        proposed = found.state == ReleaseState.PROPOSED
        releases.stop(
            session,
            access.person(),
            found,
            reason=request.form.get("reason", ""),
            now=access.now(),
        )
    flash(
        _("The proposal is withdrawn. Nothing was sent.")
        if proposed
        else _("The release is stopped. Nothing was sent.")
    )
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#releases", 303)


@bp.get("/<cohort_id>/audit")
@requires(Permission.AUDIT_READ)
def audit(cohort_id: str) -> Any:
    """Every state change and decision, newest first, without what was given on any sheet."""
    found = shell.cohort(cohort_id, Permission.AUDIT_READ)
    session = db.session()
    action = request.args.get("action") or None
    pager = cohort_overview.history(session, found.id, page=page_number(), action=action)
    return render(
        "audit.html",
        found,
        pager=pager,
        actions=cohort_overview.actions(session, found.id),
        action=action,
    )


def register(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(statistics.bp)
    app.register_blueprint(misconduct.bp)
    app.register_blueprint(coordinator.bp)
    app.register_blueprint(identity.bp)
    app.register_blueprint(funnel.bp)
    app.register_blueprint(points.bp)
    app.register_blueprint(calibration.bp)
    app.register_blueprint(monitoring.bp)
    app.register_blueprint(routing.bp)
    app.jinja_env.globals["is_nan"] = math.isnan
