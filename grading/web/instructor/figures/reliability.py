"""The charts of reliability: what scores differ by, and how many readings are enough."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from grading.web import charts
from grading.web.instructor.figures.words import number
from grading.web.number_words import percent_words, short_number

EFFECTS: dict[str, Any] = {
    "work": _l("Projects themselves"),
    "rater": _l("Severity of graders"),
    "criterion": _l("Difficulty of criteria"),
    "work:rater": _l("How one grader sees one project"),
    "work:criterion": _l("Strengths and weaknesses of projects"),
    "rater:criterion": _l("Graders’ severity by criterion"),
    "residual": _l("All else"),
}


def components(study: Mapping[str, Any], key: str) -> charts.Figure | None:
    """What totals, or single ratings, differ by."""
    data = study["components"] if key == "components" else study["single"]
    rows = [
        charts.Bar(
            str(EFFECTS[component["effect"]]),
            100 * component["share"],
            percent_words(100 * component["share"]),
        )
        for component in data
        if component["share"] is not None
    ]
    if not rows:
        return None
    own = next(component["share"] for component in data if component["effect"] == "work")
    strict = (
        next((component["share"] for component in data if component["effect"] == "rater"), 0.0)
        or 0.0
    )
    finding = _(
        "%(own)s %% of what differs is the projects themselves, %(strict)s %% is who read.",
        own=number(100 * own, 0), strict=number(100 * strict, 0),
    )  # fmt: skip
    question = (
        _("Why do two totals differ?")
        if key == "components"
        else _("Why do two single levels differ?")
    )
    return charts.bars(
        key, question, finding, rows, axis=_("Share of the variance, percent"),
        headings=(_("What differs"), _("Share"), _("In words")), high=100,
    )  # fmt: skip


def reliability(study: Mapping[str, Any], target: float) -> charts.Figure:
    """How reliable the mean of one, two, three, four readings is."""
    rows = []
    for forecast in study["by_readings"]:
        n, value = forecast["readings"], forecast["phi"]
        label = ngettext("%(num)s reading", "%(num)s readings", n)
        if value is None:
            rows.append(charts.Estimate(label, None, None, None, n, _("Undefined")))
            continue
        low, high = forecast["interval"]
        words = _(
            "%(phi)s, standard error %(sem)s points",
            phi=number(value),
            sem=number(forecast["sem"], 1),
        )
        rows.append(charts.Estimate(label, value, low, high, n, words))
    return charts.intervals(
        "reliability", _("How many readings are enough?"), needed(study, target), rows,
        axis=_("Phi: share of a score that is the project’s own (1: all)"),
        headings=(_("Readings"), _("Phi"), _("From"), _("To"), _("n")), centre=target, span=(0.0, 1.0),
    )  # fmt: skip


def needed(study: Mapping[str, Any], target: float) -> str:
    """Say what a reliability costs in readings, and in hours where sheets are timed."""
    as_read = study["needed"]["as_read"]
    if as_read["raters"] is None:
        if as_read["ceiling"] is None:
            return _("How many are enough cannot be told yet.")
        return _(
            "No number of readings makes a score %(target)s reliable here: at best %(ceiling)s.",
            target=short_number(target), ceiling=number(as_read["ceiling"]),
        )  # fmt: skip
    told = ngettext(
        "%(num)s reading of each project makes scores %(target)s reliable: %(all)s readings in all.",
        "%(num)s readings of each project make scores %(target)s reliable: %(all)s readings in all.",
        as_read["raters"], target=short_number(target), all=as_read["readings"],
    )  # fmt: skip
    if as_read["hours"] is not None:
        told += " " + _(
            "At %(minutes)s minutes a sheet that is %(hours)s hours.",
            minutes=number(study["minutes"], 0), hours=number(as_read["hours"], 0),
        )  # fmt: skip
    severity_out = study["needed"]["severity_out"]
    if severity_out["raters"] is not None and severity_out["raters"] < as_read["raters"]:
        told += " " + ngettext(
            "With severity taken out, %(num)s would do.",
            "With severity taken out, %(num)s would do.",
            severity_out["raters"],
        )
    return told
