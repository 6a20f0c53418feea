"""The page of releases: the dry run, what stands in the way, and the releases there are."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session
from wtforms import HiddenField, StringField

from grading.authorization.permissions import Permission
from grading.authorization.predicates import has_own_interest
from grading.db import db, transaction
from grading.disputes.queries import dispute_queue
from grading.errors import ListChanged
from grading.models import Cohort, Release
from grading.people.queries import account_makers
from grading.releases import releases, signed_list
from grading.releases.queries import candidates, gates, release_lists
from grading.scores import adjusting
from grading.scores.queries import adjustments
from grading.web import access, step_up
from grading.web.access import load, requires
from grading.web.forms import Done, Form, form_view
from grading.web.instructor import shell
from grading.web.instructor.shell import bp, render, to_sign
from grading.workflow.approval import StepUp
from grading.workflow.release import PENDING, Hindrance, ReleaseState

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


class GatesForm(Form):
    """The reasons to release all the same, one for each gate of the plan."""

    @property
    def reasons(self) -> dict[str, str]:
        """Each gate's reason by its key."""
        return {key: text for key, text in self.data.items() if key != "csrf_token"}


class StopForm(Form):
    reason = HiddenField()


def gates_form(cohort: Cohort, **values: Any) -> GatesForm:
    """Give the form with a field for each gate there can be; ``values`` are those of any form."""
    keys = [gates.WRONG_SIDE, "kappa:total"]
    keys += [f"kappa:{criterion.code}" for criterion in cohort.rubric_version.rubric.criteria]
    fields = {key: StringField() for key in keys}
    form: GatesForm = type("GatesForm", (GatesForm,), fields)(**values)
    return form


def render_dry_run(cohort: Cohort, form: GatesForm | None = None) -> str:
    """Render the dry run, with the reasons that were given before where something is wrong with them."""
    session, me = db.session(), access.person().id
    listed = candidates.candidates(session, cohort, now=access.now())
    hindered = [item for item in listed if not item.ready]
    cases = dispute_queue.pending_cases(session, cohort)
    proposals = release_lists.releases_of(session, cohort)
    stepped = cohort.plan.step_up != StepUp.OFF
    return render(
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
        releases=proposals,
        proofs=release_lists.proofs(session, cohort) if stepped else {},
        made_by_one={
            proposal.id: account_makers.made_by_one(session, cohort.id, _signers(proposal, me))
            for proposal, _count in proposals
        },
        stepped=stepped,
        way=step_up.way(session, cohort) if stepped else None,
        me=me,
        own_ready=has_own_interest(
            session, me, [item.submission_id for item in listed if item.ready]
        ),
        own_releases={
            proposal.id
            for proposal, _count in proposals
            if proposal.state in PENDING
            and has_own_interest(session, me, [item.submission_id for item in proposal.items])
        },
        form=form or gates_form(cohort, formdata=None),
    )


def _signers(proposal: Release, me: str) -> set[str]:
    """Give who signed a release, and who looks at it while it can still be signed."""
    signers = {sign_off.person_id for sign_off in proposal.sign_offs}
    return signers | {me} if proposal.state == ReleaseState.PROPOSED else signers


def failed_gates(session: Session, cohort: Cohort) -> list[str]:
    """Name the plan's gates that are not met now."""
    listed = candidates.candidates(session, cohort, now=access.now())
    return [gate.key for gate in gates.failed(session, cohort, listed)]


def _releases_url(cohort_id: str) -> str:
    return url_for("instructor.release", cohort_id=cohort_id) + "#releases"


def void_proposal(release_id: str, error: ListChanged) -> ResponseReturnValue:
    """Void a proposal that cannot be signed any more, and show it where the releases are."""
    with transaction() as session:
        proposal = load(Release, release_id, Permission.RELEASE)
        cohort_id = proposal.cohort_id
        signed_list.void(session, access.person(), proposal, error.changes, now=access.now())
    flash(
        ngettext(
            "%(num)s line changed since the list was signed, so the proposal is void. Nothing was sent.",
            "%(num)s lines changed since the list was signed, so the proposal is void. Nothing was sent.",
            len(error.changes),
        )
    )
    return redirect(_releases_url(cohort_id), 303)


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
    return render_dry_run(shell.cohort(cohort_id, RELEASE))


@bp.post("/<cohort_id>/release")
@requires(RELEASE)
def propose(cohort_id: str) -> ResponseReturnValue:
    """Propose what is ready; where the plan asks for it, the list is first put before the proposer."""

    def act(session: Session, form: GatesForm) -> Done:
        cohort, me, now = shell.cohort(cohort_id, RELEASE), access.person(), access.now()
        failed, reasons = failed_gates(session, cohort), form.reasons
        if step_up.asked(session, cohort):
            challenge = releases.lay_before(
                session, me, cohort, failed_gates=failed, overrides=reasons, now=now
            )
            return to_sign(challenge)
        releases.propose(session, me, cohort, failed_gates=failed, overrides=reasons, now=now)
        return Done(_releases_url(cohort_id), _("The release is proposed, with your sign-off."))

    def show(form: GatesForm) -> str:
        return render_dry_run(shell.cohort(cohort_id, RELEASE), form)

    return form_view(gates_form(shell.cohort(cohort_id, RELEASE)), act, show)


@bp.post("/release/<release_id>/sign")
@requires(RELEASE)
def sign(release_id: str) -> ResponseReturnValue:
    """Sign a proposed release; one whose list changed since becomes void instead."""

    def act(session: Session, _form: Form) -> Done:
        proposal = load(Release, release_id, RELEASE)
        me, now = access.person(), access.now()
        if step_up.asked(session, proposal.cohort):
            return to_sign(releases.lay_before_next(session, me, proposal, now=now))
        releases.sign(session, me, proposal, now=now)
        return Done(_releases_url(proposal.cohort_id), _("You have signed the release."))

    try:
        return form_view(Form(), act)
    except ListChanged as error:
        return void_proposal(release_id, error)


@bp.post("/release/<release_id>/stop")
@requires(RELEASE)
def stop(release_id: str) -> ResponseReturnValue:
    """Stop a release before it goes out, or withdraw its proposal."""

    def act(session: Session, form: StopForm) -> Done:
        stopped = load(Release, release_id, RELEASE)
        proposed = stopped.state == ReleaseState.PROPOSED
        releases.stop(session, access.person(), stopped, reason=form.reason.data, now=access.now())
        message = (
            _("The proposal is withdrawn. Nothing was sent.")
            if proposed
            else _("The release is stopped. Nothing was sent.")
        )
        return Done(_releases_url(stopped.cohort_id), message)

    return form_view(StopForm(), act)
