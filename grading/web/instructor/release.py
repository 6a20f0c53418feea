"""The page of releases: the dry run, what stands in the way, and the releases there are."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.disputes.queries import dispute_queue
from grading.errors import FaultsFound, ListChanged
from grading.models import Cohort, Release
from grading.releases import releases
from grading.releases.queries import candidates, cohort_overview, gates
from grading.scores import adjusting
from grading.scores.queries import adjustments
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.web.instructor import shell
from grading.web.instructor.shell import bp, render
from grading.workflow.approval import StepUp
from grading.workflow.release import Hindrance, ReleaseState

RELEASE = Permission.RELEASE


def _fix(hindrance: Hindrance, cohort: Cohort, submission_id: str, cases: Mapping[str, str]) -> str:
    """Where a hindrance is mended."""
    if hindrance == Hindrance.MISCONDUCT and submission_id in cases:
        return url_for("misconduct.case", suspicion_id=cases[submission_id])
    if hindrance == Hindrance.DISCREPANT:
        return url_for("instructor.disputed", cohort_id=cohort.id)
    if hindrance in (Hindrance.NOBODY_ELIGIBLE, Hindrance.NOT_ALLOCATED):
        return url_for("instructor.cohort", cohort_id=cohort.id) + "#stuck"
    if hindrance == Hindrance.NOT_ADJUSTED:
        return "#adjustment"
    if hindrance == Hindrance.IN_ANOTHER_RELEASE:
        return "#releases"
    return url_for("instructor.submission", submission_id=submission_id)


def render_dry_run(
    session: Session,
    cohort: Cohort,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
    entered: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    """Render the dry run, with what was entered before where something is wrong with it."""
    listed = candidates.candidates(session, cohort, now=access.now())
    hindered = [item for item in listed if not item.ready]
    cases = dispute_queue.pending_cases(session, cohort)
    stepped = cohort.plan.step_up != StepUp.OFF
    shown = render(
        "release.html",
        cohort,
        ready=len(listed) - len(hindered),
        hindered=[
            (
                item,
                [
                    (reason, _fix(reason, cohort, item.submission_id, cases))
                    for reason in item.hindrances
                ],
            )
            for item in hindered[:200]
        ],
        hindered_count=len(hindered),
        gates=gates.failed(session, cohort, listed),
        adjustment=adjustments.summary(session, cohort) if adjustments.asked(cohort.plan) else None,
        releases=cohort_overview.releases(session, cohort),
        proofs=cohort_overview.proofs(session, cohort) if stepped else {},
        stepped=stepped,
        way=step_up.way(session, cohort) if stepped else None,
        me=access.person().id,
        faults=faults or {},
        entered=entered or {},
        page_error=bool(faults),
    )
    return shown, status


def failed_gates(session: Session, cohort: Cohort) -> list[str]:
    """Name the plan's gates that are not met now."""
    listed = candidates.candidates(session, cohort, now=access.now())
    return [gate.key for gate in gates.failed(session, cohort, listed)]


def void_proposal(release_id: str, error: ListChanged) -> ResponseReturnValue:
    """Void a proposal that cannot be signed any more, and show it where the releases are."""
    with transaction() as session:
        proposal = load(Release, release_id, Permission.RELEASE)
        cohort_id = proposal.cohort_id
        releases.void(session, access.person(), proposal, error.changes, now=access.now())
    flash(
        ngettext(
            "%(num)s line changed since the list was signed, so the proposal is void. Nothing was sent.",
            "%(num)s lines changed since the list was signed, so the proposal is void. Nothing was sent.",
            len(error.changes),
        )
    )
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#releases", 303)


@bp.post("/<cohort_id>/adjust")
@requires(RELEASE)
def adjust(cohort_id: str) -> ResponseReturnValue:
    """Adjust what awaits release now, from the readings that are in."""
    with transaction() as session:
        cohort = shell.cohort(cohort_id, RELEASE)
        adjustment = adjusting.adjust(session, access.person(), cohort, now=access.now())
        message = ngettext(
            "%(num)s result is adjusted.", "%(num)s results are adjusted.", adjustment.works
        )
    flash(message)
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#adjustment", 303)


@bp.get("/<cohort_id>/release")
@requires(RELEASE)
def release(cohort_id: str) -> ResponseReturnValue:
    """The dry run: who is ready, who is not and why."""
    return render_dry_run(db.session(), shell.cohort(cohort_id, RELEASE))


@bp.post("/<cohort_id>/release")
@requires(RELEASE)
def propose(cohort_id: str) -> ResponseReturnValue:
    """Propose what is ready; where the plan asks for it, the list is first put before the proposer."""
    challenge_id = None
    try:
        with transaction() as session:
            cohort = shell.cohort(cohort_id, RELEASE)
            failed_keys = failed_gates(session, cohort)
            particulars: dict[str, Any] = {
                "failed_gates": failed_keys,
                "overrides": {key: request.form.get(key, "") for key in failed_keys},
                "now": access.now(),
            }
            if step_up.asked(session, cohort):
                challenge_id = releases.lay_before(
                    session, access.person(), cohort, **particulars
                ).id
            else:
                releases.propose(session, access.person(), cohort, **particulars)
    except FaultsFound as error:
        faults = {fault.where: fault_words(fault) for fault in error.faults}
        cohort = shell.cohort(cohort_id, RELEASE)
        return render_dry_run(db.session(), cohort, faults, 422, request.form)
    if challenge_id:
        return redirect(url_for("approving.page", challenge_id=challenge_id), 303)
    flash(_("The release is proposed, with your sign-off."))
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#releases", 303)


@bp.post("/release/<release_id>/sign")
@requires(RELEASE)
def sign(release_id: str) -> ResponseReturnValue:
    """Sign a proposed release; one whose list changed since becomes void instead."""
    challenge_id = None
    try:
        with transaction() as session:
            proposal = load(Release, release_id, RELEASE)
            cohort_id, now = proposal.cohort_id, access.now()
            if step_up.asked(session, proposal.cohort):
                challenge_id = releases.lay_before_next(
                    session, access.person(), proposal, now=now
                ).id
            else:
                releases.sign(session, access.person(), proposal, now=now)
    except ListChanged as error:
        return void_proposal(release_id, error)
    if challenge_id:
        return redirect(url_for("approving.page", challenge_id=challenge_id), 303)
    flash(_("You have signed the release."))
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#releases", 303)


@bp.post("/release/<release_id>/stop")
@requires(RELEASE)
def stop(release_id: str) -> ResponseReturnValue:
    with transaction() as session:
        release = load(Release, release_id, RELEASE)
        cohort_id = release.cohort_id
        proposed = release.state == ReleaseState.PROPOSED
        releases.stop(
            session,
            access.person(),
            release,
            reason=request.form.get("reason", ""),
            now=access.now(),
        )
    flash(
        _("The proposal is withdrawn. Nothing was sent.")
        if proposed
        else _("The release is stopped. Nothing was sent.")
    )
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#releases", 303)
