"""Agreement and severity: charts from statistics that a worker computed, with the instant of that."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import HiddenField

from grading.authorization.permissions import Permission
from grading.db import db
from grading.errors import NotFound
from grading.models import Cohort, CohortStatistics, Person
from grading.readings.queries.ratings import fingerprint
from grading.releases.queries import gates
from grading.scores import statistics
from grading.scores.queries import kept_statistics
from grading.scores.queries.agreement import ENOUGH
from grading.scores.queries.generalizability import TARGET
from grading.web import access, charts, downloads
from grading.web.access import requires
from grading.web.forms import Done, Form, form_view
from grading.web.instructor import shell
from grading.web.instructor.figures.agreement import (
    POOLS,
    bland_altman,
    coefficients,
    levels,
    pairs,
    totals,
)
from grading.web.instructor.figures.reliability import components, reliability
from grading.web.instructor.figures.severity import forest, wright_map
from grading.web.instructor.shell import render

bp = Blueprint("statistics", __name__, url_prefix="/teach")

SCORES = Permission.SCORES_READ


def _names(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """Call graders by a number that stays, or by name where that is asked for."""
    if request.args.get("names") == "yes" and ids:
        rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
        return dict(rows.all())
    return {person_id: _("Grader %(n)s", n=place) for place, person_id in enumerate(sorted(ids), 1)}


def _age(
    session: Session, cohort: Cohort, kept: dict[str, CohortStatistics], kinds: Sequence[str]
) -> dict[str, Any]:
    """When what a page shows was computed, whether ratings changed since, and whether it is under way."""
    shown = [kept[kind] for kind in kinds if kind in kept]
    state = fingerprint(session, cohort)
    return {
        "computed_at": min((statistic.computed_at for statistic in shown), default=None),
        "current": len(shown) == len(kinds)
        and all(statistic.fingerprint == state for statistic in shown),
        "under_way": statistics.asked(session, cohort),
        "named": request.args.get("names") == "yes",
        "enough": ENOUGH,
    }


def _agreement(session: Session, cohort: Cohort) -> tuple[dict[str, Any], list[charts.Figure]]:
    kept = kept_statistics.kept(session, cohort)
    values = _age(session, cohort, kept, ("agreement", "generalizability"))
    if "agreement" not in kept:
        return values | {"measures": None}, []
    measures = kept["agreement"].result
    study = kept["generalizability"].result if "generalizability" in kept else {}
    sem = study["by_readings"][0]["sem"] if study.get("by_readings") else None
    rubric = cohort.rubric_version.rubric
    names = _names(session, measures["pairs"]["graders"])
    drawn = [
        *(coefficients(measures, pool, cohort.rubric_version.rubric.titles) for pool in POOLS),
        pairs(measures, names),
        bland_altman(measures),
        totals(measures, cohort.plan.cut, sem),
        *levels(measures, rubric),
    ]
    return values | {"measures": measures}, [figure for figure in drawn if figure is not None]


@bp.get("/<cohort_id>/agreement")
@requires(SCORES)
def agreement(cohort_id: str) -> ResponseReturnValue:
    cohort = shell.cohort(cohort_id, SCORES)
    session = db.session()
    values, drawn = _agreement(session, cohort)
    return render(
        "agreement.html",
        cohort,
        figures={figure.key: figure for figure in drawn},
        failed={gate.key: gate for gate in gates.agreement_gates(session, cohort)},
        titles=cohort.rubric_version.rubric.titles,
        **values,
    )


def _table(drawn: Sequence[charts.Figure], summary: tuple[Any, Any]) -> Response:
    """Send a chart's numbers; without a name, what the page says in its tables."""
    key = request.args.get("figure")
    if not key:
        headings, rows = summary
        return downloads.table("statistics.csv", headings, rows)
    for figure in drawn:
        if figure.key == key:
            return downloads.table(f"{key}.csv", figure.headings, figure.rows)
    raise NotFound("There is no such chart.")


@bp.get("/<cohort_id>/agreement.csv")
@requires(SCORES)
def agreement_csv(cohort_id: str) -> Response:
    """The numbers of a chart, or all coefficients; what is undefined or too little is empty."""
    cohort = shell.cohort(cohort_id, SCORES)
    values, drawn = _agreement(db.session(), cohort)
    headings = ["criterion", "pool", "works", "pairs", "exact", "adjacent"]
    kinds = ("quadratic_kappa", "alpha", "ac2")
    headings += [f"{kind}{part}" for kind in kinds for part in ("", "_low", "_high", "_method")]
    rows = []
    for item in values["measures"]["criteria"] if values["measures"] else []:
        for pool in POOLS:
            in_pool = item["pools"][pool]
            row: list[Any] = [item["code"] or "total", pool, in_pool["works"], in_pool["pairs"]]
            if in_pool["works"] >= ENOUGH:
                row += [in_pool["exact"], in_pool["adjacent"]]
                for kind in kinds:
                    row += [in_pool[kind][part] for part in ("estimate", "low", "high", "method")]
            rows.append(row)
    return _table(drawn, (headings, rows))


def _severity(session: Session, cohort: Cohort) -> tuple[dict[str, Any], list[charts.Figure]]:
    kept = kept_statistics.kept(session, cohort)
    values = _age(session, cohort, kept, ("severity", "generalizability"))
    measures = kept["severity"].result if "severity" in kept else None
    study = kept["generalizability"].result if "generalizability" in kept else None
    values |= {"measures": measures, "study": study, "names": {}}
    drawn: list[charts.Figure | None] = []
    if measures is not None and measures["reason"] is None:
        names = _names(session, [rater["id"] for rater in measures["raters"]])
        values["names"] = names
        drawn += [
            forest(measures, names),
            wright_map(measures, names, cohort.rubric_version.rubric.titles),
        ]
    if study is not None and study["reason"] is None:
        drawn += [
            reliability(study, TARGET),
            components(study, "components"),
            components(study, "single"),
        ]
    return values, [figure for figure in drawn if figure is not None]


@bp.get("/<cohort_id>/severity")
@requires(SCORES)
def severity(cohort_id: str) -> ResponseReturnValue:
    """Who is stricter, on which scale, and how many readings would be enough."""
    cohort = shell.cohort(cohort_id, SCORES)
    values, drawn = _severity(db.session(), cohort)
    return render(
        "severity.html",
        cohort,
        figures={figure.key: figure for figure in drawn},
        titles=cohort.rubric_version.rubric.titles,
        **values,
    )


@bp.get("/<cohort_id>/severity.csv")
@requires(SCORES)
def severity_csv(cohort_id: str) -> Response:
    """The numbers of a chart, or every grader's measures."""
    cohort = shell.cohort(cohort_id, SCORES)
    values, drawn = _severity(db.session(), cohort)
    fields = ("severity", "standard_error", "points", "infit", "infit_z", "outfit", "outfit_z",
              "fair_average", "observed_average", "works", "n", "group")  # fmt: skip
    measures = values["measures"]
    rows = [
        [values["names"][rater["id"]], *(rater[name] for name in fields)]
        for rater in (measures["raters"] if measures and measures["reason"] is None else [])
        if rater["works"] >= ENOUGH
    ]
    return _table(drawn, (["grader", *fields], rows))


class ComputeForm(Form):
    page = HiddenField()


@bp.post("/<cohort_id>/statistics")
@requires(SCORES)
def compute(cohort_id: str) -> ResponseReturnValue:
    """Ask for them anew; a worker computes them, so that nobody waits before an empty page."""

    def act(session: Session, form: ComputeForm) -> Done:
        cohort = shell.cohort(cohort_id, SCORES)
        asked = statistics.ask(session, cohort, now=access.now())
        page = "agreement" if form.page.data == "agreement" else "severity"
        return Done(
            url_for(f"statistics.{page}", cohort_id=cohort_id),
            _("The statistics are being computed. Load the page again in a minute.")
            if asked
            else _("Nothing was rated since they were computed."),
        )

    return form_view(ComputeForm(), act)
