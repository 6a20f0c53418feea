"""Agreement and severity: charts from statistics that a worker computed, with the instant of that."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.db import db, transaction
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
from grading.web.instructor import figures, shell
from grading.web.instructor.shell import render

bp = Blueprint("statistics", __name__, url_prefix="/teach")

SCORES = Permission.SCORES_READ

EFFECTS: dict[str, Any] = {
    "work": _l("Projects themselves"),
    "rater": _l("Severity of graders"),
    "criterion": _l("Difficulty of criteria"),
    "work:rater": _l("How one grader sees one project"),
    "work:criterion": _l("Strengths and weaknesses of projects"),
    "rater:criterion": _l("Graders’ severity by criterion"),
    "residual": _l("All else"),
}


def _titles(cohort: Cohort) -> dict[str, str]:
    return {one.code: one.title for one in cohort.rubric_version.rubric.criteria}


def _effects() -> dict[str, str]:
    return {name: str(label) for name, label in EFFECTS.items()}


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
        "computed_at": min((one.computed_at for one in shown), default=None),
        "current": len(shown) == len(kinds) and all(one.fingerprint == state for one in shown),
        "under_way": statistics.asked(session, cohort),
        "named": request.args.get("names") == "yes",
        "enough": ENOUGH,
    }


def _agreement(session: Session, cohort: Cohort) -> tuple[dict[str, Any], list[charts.Figure]]:
    kept = kept_statistics.kept(session, cohort)
    values = _age(session, cohort, kept, ("agreement", "generalizability"))
    if "agreement" not in kept:
        return values | {"found": None}, []
    found = kept["agreement"].result
    study = kept["generalizability"].result if "generalizability" in kept else {}
    sem = study["by_readings"][0]["sem"] if study.get("by_readings") else None
    rubric = cohort.rubric_version.rubric
    names = _names(session, found["pairs"]["graders"])
    drawn = [
        *(figures.coefficients(found, pool, _titles(cohort)) for pool in figures.POOLS),
        figures.pairs(found, names),
        figures.bland_altman(found),
        figures.totals(found, cohort.plan.cut, sem),
        *figures.levels(found, rubric),
    ]
    return values | {"found": found}, [one for one in drawn if one is not None]


@bp.get("/<cohort_id>/agreement")
@requires(SCORES)
def agreement(cohort_id: str) -> Any:
    cohort = shell.cohort(cohort_id, SCORES)
    session = db.session()
    values, drawn = _agreement(session, cohort)
    return render(
        "agreement.html",
        cohort,
        figures={one.key: one for one in drawn},
        failed={gate.key: gate for gate in gates.agreement_gates(session, cohort)},
        titles=_titles(cohort),
        **values,
    )


def _table(drawn: Sequence[charts.Figure], summary: tuple[Any, Any]) -> Response:
    """Send a chart's numbers; without a name, what the page says in its tables."""
    key = request.args.get("figure")
    if not key:
        headings, rows = summary
        return downloads.table("statistics.csv", headings, rows)
    for one in drawn:
        if one.key == key:
            return downloads.table(f"{key}.csv", one.headings, one.rows)
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
    for item in values["found"]["criteria"] if values["found"] else []:
        for pool in figures.POOLS:
            here = item["pools"][pool]
            row: list[Any] = [item["code"] or "total", pool, here["works"], here["pairs"]]
            if here["works"] >= ENOUGH:
                row += [here["exact"], here["adjacent"]]
                for kind in kinds:
                    one = here[kind]
                    row += [one["estimate"], one["low"], one["high"], one["method"]]
            rows.append(row)
    return _table(drawn, (headings, rows))


def _severity(session: Session, cohort: Cohort) -> tuple[dict[str, Any], list[charts.Figure]]:
    kept = kept_statistics.kept(session, cohort)
    values = _age(session, cohort, kept, ("severity", "generalizability"))
    found = kept["severity"].result if "severity" in kept else None
    study = kept["generalizability"].result if "generalizability" in kept else None
    values |= {"found": found, "study": study, "names": {}}
    drawn: list[charts.Figure | None] = []
    if found is not None and found["reason"] is None:
        names = _names(session, [one["id"] for one in found["raters"]])
        values["names"] = names
        drawn += [
            figures.forest(found, names),
            figures.map_of(found, names, _titles(cohort)),
        ]
    if study is not None and study["reason"] is None:
        drawn += [
            figures.reliability(study, TARGET),
            figures.components(study, "components", _effects()),
            figures.components(study, "single", _effects()),
        ]
    return values, [one for one in drawn if one is not None]


@bp.get("/<cohort_id>/severity")
@requires(SCORES)
def severity(cohort_id: str) -> Any:
    """Who is stricter, on which scale, and how many readings would be enough."""
    cohort = shell.cohort(cohort_id, SCORES)
    values, drawn = _severity(db.session(), cohort)
    return render(
        "severity.html",
        cohort,
        figures={one.key: one for one in drawn},
        titles=_titles(cohort),
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
    found = values["found"]
    rows = [
        [values["names"][one["id"]], *(one[name] for name in fields)]
        for one in (found["raters"] if found and found["reason"] is None else [])
        if one["works"] >= ENOUGH
    ]
    return _table(drawn, (["grader", *fields], rows))


@bp.post("/<cohort_id>/statistics")
@requires(SCORES)
def compute(cohort_id: str) -> Any:
    """Ask for them anew; a worker computes them, so that nobody waits before an empty page."""
    with transaction() as session:
        cohort = shell.cohort(cohort_id, SCORES)
        asked = statistics.ask(session, cohort, now=access.now())
    flash(
        _("The statistics are being computed. Load the page again in a minute.")
        if asked
        else _("Nothing was rated since they were computed.")
    )
    page = "agreement" if request.form.get("page") == "agreement" else "severity"
    return redirect(url_for(f"statistics.{page}", cohort_id=cohort_id), 303)
