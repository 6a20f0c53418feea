"""The charts of severity: who is stricter, and everything on one scale."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from grading.scores.queries.agreement import ENOUGH
from grading.web import charts
from grading.web.instructor.figures.words import Names, not_enough, number
from grading.web.number_words import list_words, short_number

# The band of the severity forest, in logits (Eckes 2015): inside it nobody acts.
BAND = 0.3


def forest(measures: Mapping[str, Any], names: Names) -> charts.Figure:
    """Severity of each grader with its interval, and what it is in points."""
    rows, outside = [], []
    for rater in sorted(measures["raters"], key=lambda item: item["severity"] or 0.0):
        label, n = names[rater["id"]], rater["works"]
        if n < ENOUGH or rater["severity"] is None or rater["standard_error"] is None:
            rows.append(charts.Estimate(label, None, None, None, n, not_enough(n)))
            continue
        value, reach = rater["severity"], 1.96 * rater["standard_error"]
        apart = abs(value) - reach > BAND
        if apart:
            outside.append(label)
        points = -(rater["points"] or 0.0)
        words = _(
            "%(logits)s, takes off %(points)s points, n = %(n)s",
            logits=number(value), points=number(points, 1), n=n,
        )  # fmt: skip
        rows.append(charts.Estimate(label, value, value - reach, value + reach, n, words, apart))
    known = [row for row in rows if row.value is not None]
    if not known:
        finding = _("No grader has read enough projects yet.")
    elif outside:
        finding = ngettext(
            "%(names)s differs from the panel by more than chance and more than %(band)s logits.",
            "%(names)s differ from the panel by more than chance and more than %(band)s logits.",
            len(outside), names=list_words(outside), band=short_number(BAND),
        )  # fmt: skip
    else:
        finding = _(
            "No grader is surely stricter or milder than the panel by more than %(band)s logits.",
            band=short_number(BAND),
        )
    return charts.intervals(
        "severity", _("Is anyone stricter or milder?"), finding, rows,
        axis=_("Severity in logits, with 95 percent intervals; right is stricter"),
        headings=(_("Grader"), _("Logits"), _("From"), _("To"), _("Projects")),
        centre=0.0, band=(-BAND, BAND),
    )  # fmt: skip


def wright_map(measures: Mapping[str, Any], names: Names, titles: Names) -> charts.Figure:
    """The Wright map: projects, graders, criteria and levels on one scale."""
    graders = [
        charts.Place(names[rater["id"]], f"G{place}", rater["severity"])
        for place, rater in enumerate(measures["raters"], 1)
        if rater["severity"] is not None and rater["works"] >= ENOUGH
    ]
    criteria, steps, disordered = [], [], []
    for place, criterion in enumerate(measures["criteria"], 1):
        if criterion["difficulty"] is None:
            continue
        title = titles[criterion["code"]]
        criteria.append(charts.Place(title, f"C{place}", criterion["difficulty"]))
        reached = [step for step in criterion["thresholds"] if step["at"] is not None]
        steps += [
            charts.Place(
                _("C%(place)s to level %(level)s", place=place, level=step["level"]),
                f"C{place}:{step['level']}", step["at"],
            )
            for step in reached
        ]  # fmt: skip
        if any(a["at"] > b["at"] for a, b in pairwise(reached)):
            disordered.append(title)
    spread = [place.at for place in graders]
    works = measures["spread"] or 0.0
    if len(spread) > 1 and works:
        finding = _(
            "Graders span %(graders)s logits; projects differ with a standard deviation of %(works)s.",
            graders=number(max(spread) - min(spread)), works=number(works),
        )  # fmt: skip
    else:
        finding = _(
            "Projects differ with a standard deviation of %(works)s logits.", works=number(works)
        )
    if disordered:
        finding += " " + _("Levels out of order: %(titles)s.", titles=list_words(disordered))
    line = None
    if measures["cut"] is not None:
        line = (
            _("Dotted: the pass mark, at %(n)s logits", n=number(measures["cut"])),
            measures["cut"],
        )
    return charts.wright(
        "wright", _("Do projects, graders, criteria and levels share one scale?"), finding,
        measures["histogram"]["edges"], measures["histogram"]["counts"],
        [(_("Graders"), graders), (_("Criteria"), criteria), (_("Levels"), steps)],
        works=_("Projects"), axis=_("Logits; up is better, stricter, harder to reach"),
        headings=(_("Kind"), _("Name, or from"), _("Short, or to"), _("Logits, or projects")), line=line,
    )  # fmt: skip
