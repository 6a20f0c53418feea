"""What a reader does with an item beside reading it: take one, undo, take it back, hand it back."""

from datetime import datetime

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import TextAreaField

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import Refused
from grading.models import Allocation, Cohort, Person
from grading.readings import check_items, holds, reviews
from grading.readings.queries import workbench
from grading.web import access, labels, rendering
from grading.web.access import load, requires
from grading.web.errors import words
from grading.web.forms import Done, Form, form_view, options, radio
from grading.web.rater import calibration
from grading.web.rater.common import (
    PEER,
    PROFESSIONAL,
    Side,
    add_views,
    bp,
    find_item,
    stored_sheet,
)
from grading.web.rendering import Told
from grading.workflow import reader_page
from grading.workflow.allocation import ATTEMPTED, AllocationState, Purpose
from grading.workflow.cohort import CohortState


class DeclineForm(Form):
    reason = radio(_l("Why can you not grade it?"), choices=options(labels.DECLINE_LABELS.items()))
    note = TextAreaField(_l("Anything the instructor should know"))


@bp.get("/grade/")
@requires(Permission.SIGNED_IN)
def home() -> ResponseReturnValue:
    """Today's grading."""
    session, me, now = db.session(), access.person(), access.now()
    benches = workbench.benches(session, me.id, now=now)
    if len(benches) == 1:
        g.cohort_zone = benches[0].cohort.zone
    return render_template(
        "rater/home.html", benches=[(bench, _told(session, me, bench, now)) for bench in benches]
    )


def _told(session: Session, me: Person, bench: workbench.Bench, now: datetime) -> Told:
    """Find what is said of one bench, and its one act."""
    cohort = bench.cohort
    given = bench.waiting - len(bench.begun)
    open_items = holds.count_claimable(session, me, cohort, now=now)
    state = reader_page.bench_of(
        paused=bench.paused is not None,
        cleared=bench.cleared,
        begun=len(bench.begun),
        given=given,
        open_items=open_items,
    )
    time = reader_page.time_of(
        cohort.due_at, cohort.grading_due_at, now, ended=cohort.state == CohortState.ENDED
    )
    return Told(
        reader_page.BENCH_CELLS[state][time],
        {
            "due": rendering.when(cohort.due_at, cohort.zone),
            "by": rendering.when(cohort.grading_due_at, cohort.zone),
            "begun": len(bench.begun),
            "given": given,
            "open": open_items,
        },
    )


@bp.post("/grade/next/<cohort_id>")
@requires(Permission.REVIEW_PROFESSIONAL)
def next_item(cohort_id: str) -> ResponseReturnValue:
    """Open what is at hand, else take the next open item; nobody picks."""
    with transaction() as session:
        cohort = load(Cohort, cohort_id, Permission.REVIEW_PROFESSIONAL)
        rater = access.person()
        try:
            item = check_items.next_item(session, rater, cohort, now=access.now())
        except Refused as refused:
            # The landing page says more of it: why, by whom, and the way on.
            flash(words(refused))
            return redirect(url_for("rater.home"), 303)
        found_id = item.id if item else None
    if found_id is None:
        flash(_("Nothing to grade now. New items appear here when they are ready."))
        return redirect(url_for("rater.home"), 303)
    return redirect(PROFESSIONAL.url("sheet", allocation_id=found_id), 303)


def _attempted(side: Side, allocation: Allocation) -> ResponseReturnValue:
    """An example that was read: after practice beside the leads' levels, in a qualification without."""
    practice = allocation.purpose == Purpose.PRACTICE
    home = calibration.PEER if side is PEER else calibration.GRADER
    return render_template(
        "rater/attempted.html",
        side=side,
        home=home,
        allocation=allocation,
        cohort=allocation.cohort,
        rubric=allocation.cohort.rubric_version.rubric,
        sheet=stored_sheet(allocation),
        paper=workbench.paper_of(db.session(), allocation) if practice else None,
        can_undo=allocation.state == AllocationState.FINISHED
        and allocation.undo_until is not None
        and access.now() <= allocation.undo_until,
    )


def _finished(side: Side, allocation_id: str) -> ResponseReturnValue:
    allocation = find_item(side, allocation_id)
    if allocation.state not in (AllocationState.FINISHED, AllocationState.SEALED):
        return redirect(side.url("sheet", allocation_id=allocation_id))
    if allocation.purpose in ATTEMPTED:
        return _attempted(side, allocation)
    return render_template(
        "rater/finished.html",
        side=side,
        allocation=allocation,
        cohort=allocation.cohort,
        can_undo=allocation.state == AllocationState.FINISHED
        and allocation.undo_until is not None
        and access.now() <= allocation.undo_until,
    )


def _undo(side: Side, allocation_id: str) -> ResponseReturnValue:
    with transaction() as session:
        reviews.undo(session, access.person(), find_item(side, allocation_id), now=access.now())
    flash(_("The item is open again. All you entered is still there."))
    return redirect(side.url("sheet", allocation_id=allocation_id), 303)


def _reclaim(side: Side, allocation_id: str) -> ResponseReturnValue:
    with transaction() as session:
        holds.reclaim(session, access.person(), find_item(side, allocation_id), now=access.now())
    return redirect(side.url("sheet", allocation_id=allocation_id), 303)


def _render_decline(side: Side, allocation_id: str, form: DeclineForm) -> str:
    allocation = find_item(side, allocation_id)
    return render_template(
        "rater/decline.html",
        side=side,
        allocation=allocation,
        cohort=allocation.cohort,
        form=form,
    )


def _decline_page(side: Side, allocation_id: str) -> ResponseReturnValue:
    return _render_decline(side, allocation_id, DeclineForm.blank())


def _decline(side: Side, allocation_id: str) -> ResponseReturnValue:
    def act(session: Session, form: DeclineForm) -> Done:
        allocation = find_item(side, allocation_id)
        home = (
            url_for("learner.cohort", cohort_id=allocation.cohort_id)
            if side is PEER
            else url_for("rater.home")
        )
        reviews.decline(
            session,
            access.person(),
            allocation,
            reason=form.reason.data,
            note=form.note.data,
            now=access.now(),
        )
        return Done(home, _("The item is handed back. This never counts against you."))

    def show(form: DeclineForm) -> str:
        return _render_decline(side, allocation_id, form)

    return form_view(DeclineForm(), act, show)


for _side in (PROFESSIONAL, PEER):
    add_views(
        bp,
        _side,
        [
            ("finished", "GET", "/<allocation_id>/finished", _finished),
            ("undo", "POST", "/<allocation_id>/undo", _undo),
            ("reclaim", "POST", "/<allocation_id>/take-back", _reclaim),
            ("decline_page", "GET", "/<allocation_id>/hand-back", _decline_page),
            ("decline", "POST", "/<allocation_id>/hand-back", _decline),
        ],
    )
