"""The charts of agreement: between graders, peers and the two, and how levels and totals are used."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from grading.rubric.definition import Rubric
from grading.scores.queries.agreement import ENOUGH
from grading.web import charts
from grading.web.instructor.figures.words import Names, not_enough, number
from grading.web.number_words import list_words, percent_words, short_number

POOLS = ("professionals", "peers", "between")


def coefficients(measures: Mapping[str, Any], pool: str, titles: Names) -> charts.Figure:
    """Alpha of one pool (or between the two), criterion by criterion, with intervals."""
    rows, known = [], []
    for item in measures["criteria"]:
        here = item["pools"][pool]
        label = titles[item["code"]] if item["code"] else _("Total")
        alpha, works = here["alpha"], here["works"]
        if works < ENOUGH:
            rows.append(charts.Estimate(label, None, None, None, works, not_enough(works)))
        elif alpha["estimate"] is None:
            rows.append(charts.Estimate(label, None, None, None, works, _("Undefined")))
        else:
            words = number(alpha["estimate"])
            if alpha["low"] is not None:
                words += f" [{number(alpha['low'])}, {number(alpha['high'])}]"
            words += f" n = {works}"
            rows.append(
                charts.Estimate(label, alpha["estimate"], alpha["low"], alpha["high"], works, words)
            )
            if item["code"]:
                known.append((alpha["estimate"], label))
    questions = {
        "professionals": _("Do two graders of one project agree?"),
        "peers": _("Do peers of one project agree?"),
        "between": _("Do peers agree with graders?"),
    }
    if len(known) > 1:
        finding = _(
            "Least on “%(low)s” (alpha %(a)s), most on “%(high)s” (%(b)s).",
            low=min(known)[1], a=number(min(known)[0]), high=max(known)[1], b=number(max(known)[0]),
        )  # fmt: skip
    elif known:
        finding = _("Alpha is %(a)s on “%(high)s”.", a=number(known[0][0]), high=known[0][1])
    else:
        finding = _("There are not enough projects with two readings to tell.")
    return charts.intervals(
        f"alpha-{pool}", questions[pool], finding, rows,
        axis=_("Krippendorff’s alpha: 1 full agreement, 0 what chance alone would give"),
        headings=(_("Criterion"), _("Alpha"), _("From"), _("To"), _("Projects")), centre=0.0,
    )  # fmt: skip


def pairs(measures: Mapping[str, Any], names: Names) -> charts.Figure | None:
    """Who agrees with whom: quadratic kappa of each two graders on the total."""
    data = measures["pairs"]
    shown = [i for i, row in enumerate(data["kappa"]) if any(value is not None for value in row)]
    if not shown:
        return None
    labels = [names[data["graders"][i]] for i in shown]
    values = [[data["kappa"][i][j] for j in shown] for i in shown]
    known = [
        (value, labels[i], labels[j])
        for i, row in enumerate(values)
        for j, value in enumerate(row)
        if value is not None and i < j
    ]
    low = min(known)
    finding = ngettext(
        "One pair of graders shares enough projects: kappa %(kappa)s.",
        "%(num)s pairs of graders share enough projects; %(one)s and %(other)s agree least (%(kappa)s).",
        len(known), kappa=number(low[0]), one=low[1], other=low[2],
    )  # fmt: skip
    return charts.heat_map(
        "pairs", _("Who agrees with whom?"), finding, labels, labels, values,
        span=(0.0, 1.0), words=number, headings=(_("Grader"),),
    )  # fmt: skip


def bland_altman(measures: Mapping[str, Any]) -> charts.Figure | None:
    """Peers against graders: how far apart, and whether that depends on how good a project is."""
    data = measures["bland_altman"]
    if data["works"] < ENOUGH:
        return None
    bias, low, high = (data[key]["estimate"] for key in ("bias", "lower", "upper"))
    way = _("higher") if bias >= 0 else _("lower")
    finding = _(
        "Peers give %(points)s points %(way)s than graders on average; for 95 of 100 projects the "
        "difference lies between %(low)s and %(high)s.",
        points=number(abs(bias), 1), way=way, low=number(low, 1), high=number(high, 1),
    )  # fmt: skip
    if data["slope"] is not None and abs(data["slope"]) >= 0.2:
        finding += " " + _(
            "The difference changes by %(n)s points for every 10 points of the total.",
            n=number(10 * data["slope"], 1),
        )
    limits = [
        charts.Limit(_("mean %(n)s", n=number(bias, 1)), bias, centre=True),
        charts.Limit(_("95 %%: %(n)s", n=number(high, 1)), high),
        charts.Limit(_("95 %%: %(n)s", n=number(low, 1)), low),
    ]
    bands = [
        (data[key]["low"], data[key]["high"])
        for key in ("bias", "lower", "upper")
        if data[key]["low"] is not None
    ]
    return charts.scatter(
        "bland-altman", _("Do peers mark as graders do, weak projects and strong ones alike?"), finding,
        [(x, y, n) for x, y, n in data["points"]],
        x_axis=_("Mean of graders and peers, points of 100"),
        y_axis=_("Peers less graders, points"),
        headings=(_("Mean"), _("Difference"), _("Projects")), limits=limits, bands=bands,
    )  # fmt: skip


def levels(measures: Mapping[str, Any], rubric: Rubric) -> list[charts.Figure]:
    """How each criterion's levels are used by graders."""
    figures = []
    for place, criterion in enumerate(rubric.criteria, 1):
        counts = measures["levels"]["counts"][criterion.code]
        graders, peers = counts["professionals"], counts["peers"]
        n = sum(graders)
        if n < ENOUGH:
            continue
        data = []
        for index, level in enumerate(criterion.levels):
            share = 100 * graders[index] / n
            words = f"{percent_words(share)} ({graders[index]})"
            if sum(peers) >= ENOUGH:
                words += " · " + _("peers %(n)s %%", n=number(100 * peers[index] / sum(peers), 0))
            data.append(charts.Bar(f"{index} {level.name}", share, words))
        unused = [level.name for index, level in enumerate(criterion.levels) if not graders[index]]
        most = max(range(len(graders)), key=lambda index: graders[index])
        finding = _(
            "Most often “%(level)s”: %(share)s %% of %(n)s sheets.",
            level=criterion.levels[most].name, share=number(100 * graders[most] / n, 0), n=n,
        )  # fmt: skip
        if unused:
            finding += " " + _("Never given: %(levels)s.", levels=list_words(unused))
        figures.append(
            charts.bars(
                f"levels-{place}", _("Is the scale of “%(title)s” used?", title=criterion.title),
                finding, data, axis=_("Share of graders’ sheets, percent"),
                headings=(_("Level"), _("Share"), _("In words")), high=100,
            )
        )  # fmt: skip
    return figures


def totals(measures: Mapping[str, Any], cut: float, sem: float | None) -> charts.Figure | None:
    """Where projects lie, and how many so near the pass mark that one reading could tip them."""
    data = measures["totals"]
    if data["works"] < ENOUGH:
        return None
    band = None if sem is None else (max(cut - sem, 0.0), min(cut + sem, 100.0))
    if band is None:
        finding = _("%(n)s projects; how sure one reading is, is not known yet.", n=data["works"])
    else:
        near = sum(count for value, count in enumerate(data["near"]) if band[0] <= value <= band[1])
        finding = _(
            "%(near)s of %(n)s projects lie within one standard error of one reading (%(sem)s points) of the "
            "pass mark.",
            near=near, n=data["works"], sem=number(sem, 1),
        )  # fmt: skip
    return charts.histogram(
        "totals", _("Where do projects lie, and where is the pass mark?"), finding,
        data["edges"], data["counts"], x_axis=_("Mean of the graders’ totals, points of 100"),
        y_axis=_("Projects"), headings=(_("From"), _("To"), _("Projects")),
        marks=[charts.Break(_("Pass mark %(n)s", n=short_number(cut)), cut)], band=band,
    )  # fmt: skip
