"""The page of releases: the dry run, what stands in the way, and the releases there are."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import ngettext
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.db import transaction
from grading.disputes.queries import dispute_queue
from grading.errors import ListChanged
from grading.models import Cohort, Release
from grading.releases import releases
from grading.releases.queries import candidates as releasing
from grading.releases.queries import cohort_overview, gates
from grading.scores.queries import adjustments
from grading.web import access, step_up
from grading.web.access import load
from grading.web.instructor.shell import render
from grading.workflow.approval import StepUp
from grading.workflow.release import Hindrance


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


def page(
    session: Session,
    cohort: Cohort,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
    entered: Mapping[str, str] | None = None,
) -> Any:
    """Render the dry run, with what was entered before where something is wrong with it."""
    candidates = releasing.candidates(session, cohort, now=access.now())
    hindered = [item for item in candidates if not item.ready]
    cases = dispute_queue.pending_cases(session, cohort)
    stepped = cohort.plan.step_up != StepUp.OFF
    shown = render(
        "release.html",
        cohort,
        ready=len(candidates) - len(hindered),
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
        gates=gates.failed(session, cohort, candidates),
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


def failed(session: Session, cohort: Cohort) -> list[str]:
    """Name the plan's gates that are not met now."""
    candidates = releasing.candidates(session, cohort, now=access.now())
    return [gate.key for gate in gates.failed(session, cohort, candidates)]


def voided(release_id: str, error: ListChanged) -> Any:
    """Void a proposal that cannot be signed any more, and show it where the releases are."""
    with transaction() as session:
        found = load(Release, release_id, Permission.RELEASE)
        cohort_id = found.cohort_id
        releases.void(session, access.person(), found, error.changes, now=access.now())
    flash(
        ngettext(
            "%(num)s line changed since the list was signed, so the proposal is void. Nothing was sent.",
            "%(num)s lines changed since the list was signed, so the proposal is void. Nothing was sent.",
            len(error.changes),
        )
    )
    return redirect(url_for("instructor.release", cohort_id=cohort_id) + "#releases", 303)
