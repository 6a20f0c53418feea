"""The funnel: from enrolment to a shared record, for whoever offers the program."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from grading.authorization.permissions import Permission
from grading.authorization.policy import permits
from grading.db import db
from grading.models import Cohort
from grading.office.queries import funnel
from grading.office.queries.funnel import ENOUGH, Funnel, FunnelStep, Stage
from grading.web import access, charts, downloads
from grading.web.access import load, requires
from grading.web.number_words import percent_words

bp = Blueprint("funnel", __name__, url_prefix="/teach")

READ = Permission.FUNNEL_READ

LABELS: dict[Stage, Any] = {
    Stage.ENROLLED: _l("Enrolled"),
    Stage.ELIGIBLE: _l("Eligible to submit"),
    Stage.SUBMITTED: _l("Submitted"),
    Stage.RELEASED: _l("Result released"),
    Stage.PASSED: _l("Passed"),
    Stage.SHARED: _l("Shared the record"),
}


def finding(counts: Funnel) -> str:
    """Say in a sentence where most stop."""
    if not counts.enough:
        return _(
            "Not enough people yet to show anything without telling of single ones (%(n)s of %(enough)s).",
            n=counts.people,
            enough=ENOUGH,
        )
    shown = [step for step in counts.steps if step.count is not None]
    loss = counts.widest_loss
    if loss is None:
        return _("Nobody has stopped between the steps that can be shown.")
    before, after, count = loss
    words = ngettext(
        "Most stop between “%(before)s” and “%(after)s”: %(num)s of %(all)s.",
        "Most stop between “%(before)s” and “%(after)s”: %(num)s of %(all)s.",
        count,
        before=LABELS[before.stage],
        after=LABELS[after.stage],
        all=before.count,
    )
    last = shown[-1]
    return _(
        "%(words)s %(last)s of %(people)s came as far as “%(stage)s”.",
        words=words,
        last=last.count,
        people=counts.people,
        stage=LABELS[last.stage],
    )


def _words(step: FunnelStep) -> str:
    if step.count is None or step.share is None:
        return _("Not shown (too few)")
    return f"{step.count} ({percent_words(100 * step.share)})"


def draw(counts: Funnel) -> charts.Figure:
    """Draw the stages as bars, with counts and shares beside them."""
    return charts.bars(
        "funnel",
        _("How far do learners come?"),
        finding(counts),
        [charts.Bar(str(LABELS[step.stage]), step.count, _words(step)) for step in counts.steps],
        axis=_("Learners"),
        headings=(_("Step"), _("Learners"), _("Share of those enrolled")),
        high=None if counts.enough else 1,
    )


COLUMNS = ("cohort", "stage", "learners", "share_of_enrolled", "median_days_from_the_step_before")


def _rows(several: Sequence[tuple[str, Funnel]]) -> list[tuple[Any, ...]]:
    return [
        (name, step.stage.value, step.count, step.share, step.days)
        for name, counts in several
        for step in counts.steps
    ]


@bp.get("/<cohort_id>/funnel")
@requires(READ)
def cohort(cohort_id: str) -> ResponseReturnValue:
    cohort = load(Cohort, cohort_id, READ)
    g.cohort_zone = cohort.zone
    result = funnel.cohort_funnel(db.session(), cohort)
    return render_template(
        "instructor/funnel.html",
        cohort=cohort,
        reads=permits(access.identity(cohort.id), Permission.COHORT_READ),
        program=cohort.program,
        whole=result,
        each=[],
        figure=draw(result) if result.enough else None,
        finding=finding(result),
        labels=LABELS,
        enough=ENOUGH,
    )


@bp.get("/<cohort_id>/funnel.csv")
@requires(READ)
def cohort_csv(cohort_id: str) -> Response:
    cohort = load(Cohort, cohort_id, READ)
    rows = _rows([(cohort.name, funnel.cohort_funnel(db.session(), cohort))])
    return downloads.table("funnel.csv", COLUMNS, rows)


@bp.get("/programs/<program_id>/funnel")
@requires(READ)
def program(program_id: str) -> ResponseReturnValue:
    """All cohorts large enough together, and each beside the others."""
    program = access.load_program(program_id, READ)
    whole, each = funnel.program_funnel(db.session(), program_id)
    return render_template(
        "instructor/funnel.html",
        program=program,
        whole=whole,
        each=each,
        figure=draw(whole) if whole.enough else None,
        finding=finding(whole),
        labels=LABELS,
        enough=ENOUGH,
    )


@bp.get("/programs/<program_id>/funnel.csv")
@requires(READ)
def program_csv(program_id: str) -> Response:
    access.load_program(program_id, READ)
    whole, each = funnel.program_funnel(db.session(), program_id)
    named = [(counts.cohort.name, counts) for counts in each if counts.cohort is not None]
    return downloads.table("funnel.csv", COLUMNS, _rows([("all", whole), *named]))
