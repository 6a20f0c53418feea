"""The board of further readings: where one more buys most, what it costs, and what more would buy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.db import db
from grading.measurement.allocation.forecast import what_if
from grading.measurement.allocation.routing import Board
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.scoring.decision import band_probabilities
from grading.measurement.scoring.scale import band_cuts
from grading.models import Cohort, Submission
from grading.paging import Page, page_in
from grading.readings.queries import staff_view
from grading.scores import routing
from grading.scores.queries import routing_board
from grading.web import access
from grading.web.access import requires
from grading.web.entering import page_number, query_number
from grading.web.instructor import shell
from grading.web.instructor.shell import render
from grading.web.number_words import number, short_number

bp = Blueprint("routing", __name__, url_prefix="/teach")

MONITOR = Permission.MONITOR
MOST = 500


@dataclass(frozen=True)
class BoardRow:
    """One work: what is known of its decision, and what one more professional reading would change.

    ``bands`` is None while the reader of the page could still be asked to read the work.
    """

    work: Submission
    professionals: int
    peers: int
    side: float
    band: float
    band_after: float
    settled: bool
    outstanding: bool
    bands: tuple[float, ...] | None


def sentence(row: BoardRow, limit: float) -> str:
    """Say why a work is, or is not, read again."""
    if row.outstanding:
        return _("A reading is under way; what comes next depends on it.")
    if row.settled:
        return _(
            "Settled: its band is wrong with a probability below %(limit)s %%.",
            limit=short_number(100 * limit),
        )
    if row.band - row.band_after < 0.005:
        return _("One more reading is not expected to change anything.")
    return _(
        "Its band is wrong with %(now)s %%; one more reading is expected to bring that to %(then)s %%.",
        now=number(100 * row.band, 0),
        then=number(100 * row.band_after, 0),
    )


def _rows(
    session: Session, cohort: Cohort, board: Board, result: Aggregation, order: Sequence[int]
) -> list[BoardRow]:
    """One page's works, in the order given; two queries."""
    plan = cohort.plan
    labels = [str(result.labels[index]) for index in order]
    works = routing_board.works(session, labels)
    hidden = staff_view.works_still_readable_by(session, cohort, labels, access.person().id)
    outstanding = routing_board.outstanding(session, labels)
    side, band = board.wrong()
    after = np.full(len(side), np.nan)
    known = np.isfinite(side)
    after[known] = board.decisions.expected(
        board.mean[known], board.variance[known], board.precision(None)
    )[1]
    cuts = band_cuts(plan.bands)
    bands = np.ones((len(side), 1))
    if cuts:
        bands = band_probabilities(result.mean, result.standard_error, cuts)
    settled = board.settled()
    return [
        BoardRow(
            works[label],
            int(result.n_professionals[index]),
            int(result.n_peers[index]),
            float(side[index]),
            float(band[index]),
            float(after[index]),
            bool(settled[index]),
            label in outstanding,
            None if label in hidden else tuple(bands[index].tolist()),
        )
        for index, label in zip(order, labels, strict=True)
    ]


@bp.get("/<cohort_id>/readings")
@requires(MONITOR)
def board(cohort_id: str) -> ResponseReturnValue:
    """Works by the probability that their band is wrong, and on demand what more readings would buy."""
    cohort = shell.cohort(cohort_id, MONITOR)
    session = db.session()
    plan = cohort.plan
    paid, spent = routing.budget(session, cohort)
    result = routing_board.posterior(routing_board.totals(session, cohort), plan)
    more = query_number("more")
    pager: Page[int] = Page([], 1, 0)
    rows: list[BoardRow] = []
    forecast = None
    if result is not None:
        laid_out = routing_board.board(result, plan, max(paid - spent, 0))
        band = laid_out.wrong()[1]
        known = np.flatnonzero(np.isfinite(band))
        order = known[np.argsort(-band[known], kind="stable")]
        pager = page_in(order.tolist(), page_number())
        rows = _rows(session, cohort, laid_out, result, pager.entries)
        if more is not None and 0 < more <= MOST:
            # The seed is fixed, so that asking again gives the same answer.
            forecast = what_if(laid_out, more, rng=np.random.default_rng(1))
    return render(
        "readings.html",
        cohort,
        rows=[(row, sentence(row, plan.routing_limit)) for row in rows],
        band_names=[_("Not passed"), *(name for _low, name in plan.bands)],
        paid=paid,
        spent=spent,
        known=result is not None,
        forecast=forecast,
        more=more or 50,
        most=MOST,
        pager=pager,
        total=pager.total,
    )
