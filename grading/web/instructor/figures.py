"""The charts of the agreement and severity pages: each with a question and a finding in words."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from grading.rubric.definition import Rubric
from grading.scores.queries.agreement import ENOUGH
from grading.web import charts

Names = Mapping[str, str]
MINUS = "\N{MINUS SIGN}"
# The band of the severity forest, in logits (Eckes 2015): inside it nobody acts.
BAND = 0.3
POOLS = ("professionals", "peers", "between")


def number(value: float | None, places: int = 2) -> str:
    """Write a number with a real minus sign."""
    if value is None:
        return "–"
    text = f"{value:.{places}f}"
    return (text if float(text) else text.lstrip("-")).replace("-", MINUS)


def not_enough(n: int) -> str:
    return _("Not enough yet (%(n)s of %(enough)s)", n=n, enough=ENOUGH)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def coefficients(found: Mapping[str, Any], pool: str, titles: Names) -> charts.Figure:
    """Alpha of one pool (or between the two), criterion by criterion, with intervals."""
    rows, known = [], []
    for item in found["criteria"]:
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


def pairs(found: Mapping[str, Any], names: Names) -> charts.Figure | None:
    """Who agrees with whom: quadratic kappa of each two graders on the total."""
    data = found["pairs"]
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


def bland_altman(found: Mapping[str, Any]) -> charts.Figure | None:
    """Peers against graders: how far apart, and whether that depends on how good a project is."""
    data = found["bland_altman"]
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


def levels(found: Mapping[str, Any], rubric: Rubric) -> list[charts.Figure]:
    """How each criterion's levels are used by graders."""
    figures = []
    for place, criterion in enumerate(rubric.criteria, 1):
        counts = found["levels"]["counts"][criterion.code]
        graders, peers = counts["professionals"], counts["peers"]
        n = sum(graders)
        if n < ENOUGH:
            continue
        data = []
        for index, level in enumerate(criterion.levels):
            share = 100 * graders[index] / n
            words = f"{share:.0f} % ({graders[index]})"
            if sum(peers) >= ENOUGH:
                words += " · " + _("peers %(n)s %%", n=f"{100 * peers[index] / sum(peers):.0f}")
            data.append(charts.Bar(f"{index} {level.name}", share, words))
        unused = [level.name for index, level in enumerate(criterion.levels) if not graders[index]]
        most = max(range(len(graders)), key=lambda index: graders[index])
        finding = _(
            "Most often “%(level)s”: %(share)s %% of %(n)s sheets.",
            level=criterion.levels[most].name, share=f"{100 * graders[most] / n:.0f}", n=n,
        )  # fmt: skip
        if unused:
            finding += " " + _("Never given: %(levels)s.", levels=", ".join(unused))
        figures.append(
            charts.bars(
                f"levels-{place}", _("Is the scale of “%(title)s” used?", title=criterion.title),
                finding, data, axis=_("Share of graders’ sheets, percent"),
                headings=(_("Level"), _("Share"), _("In words")), high=100,
            )
        )  # fmt: skip
    return figures


def totals(found: Mapping[str, Any], cut: float, sem: float | None) -> charts.Figure | None:
    """Where projects lie, and how many so near the pass mark that one reading could tip them."""
    data = found["totals"]
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
        marks=[charts.Break(_("Pass mark %(n)s", n=f"{cut:g}"), cut)], band=band,
    )  # fmt: skip


def forest(found: Mapping[str, Any], names: Names) -> charts.Figure:
    """Severity of each grader with its interval, and what it is in points."""
    rows, outside = [], []
    for one in sorted(found["raters"], key=lambda item: item["severity"] or 0.0):
        label, n = names[one["id"]], one["works"]
        if n < ENOUGH or one["severity"] is None or one["standard_error"] is None:
            rows.append(charts.Estimate(label, None, None, None, n, not_enough(n)))
            continue
        value, reach = one["severity"], 1.96 * one["standard_error"]
        apart = abs(value) - reach > BAND
        if apart:
            outside.append(label)
        points = -(one["points"] or 0.0)
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
            len(outside), names=", ".join(outside), band=f"{BAND:g}",
        )  # fmt: skip
    else:
        finding = _(
            "No grader is surely stricter or milder than the panel by more than %(band)s logits.",
            band=f"{BAND:g}",
        )
    return charts.intervals(
        "severity", _("Is anyone stricter or milder?"), finding, rows,
        axis=_("Severity in logits, with 95 percent intervals; right is stricter"),
        headings=(_("Grader"), _("Logits"), _("From"), _("To"), _("Projects")),
        centre=0.0, band=(-BAND, BAND),
    )  # fmt: skip


def map_of(found: Mapping[str, Any], names: Names, titles: Names) -> charts.Figure:
    """The Wright map: projects, graders, criteria and levels on one scale."""
    graders = [
        charts.Place(names[one["id"]], f"G{place}", one["severity"])
        for place, one in enumerate(found["raters"], 1)
        if one["severity"] is not None and one["works"] >= ENOUGH
    ]
    criteria, steps, disordered = [], [], []
    for place, one in enumerate(found["criteria"], 1):
        if one["difficulty"] is None:
            continue
        title = titles[one["code"]]
        criteria.append(charts.Place(title, f"C{place}", one["difficulty"]))
        given = [step for step in one["thresholds"] if step["at"] is not None]
        steps += [
            charts.Place(
                _("C%(place)s to level %(level)s", place=place, level=step["level"]),
                f"C{place}:{step['level']}", step["at"],
            )
            for step in given
        ]  # fmt: skip
        if any(a["at"] > b["at"] for a, b in pairwise(given)):
            disordered.append(title)
    spread = [place.at for place in graders]
    works = found["spread"] or 0.0
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
        finding += " " + _("Levels out of order: %(titles)s.", titles=", ".join(disordered))
    line = None
    if found["cut"] is not None:
        line = _("Dotted: the pass mark, at %(n)s logits", n=number(found["cut"])), found["cut"]
    return charts.wright(
        "wright", _("Do projects, graders, criteria and levels share one scale?"), finding,
        found["histogram"]["edges"], found["histogram"]["counts"],
        [(_("Graders"), graders), (_("Criteria"), criteria), (_("Levels"), steps)],
        works=_("Projects"), axis=_("Logits; up is better, stricter, harder to reach"),
        headings=(_("Kind"), _("Name, or from"), _("Short, or to"), _("Logits, or projects")), line=line,
    )  # fmt: skip


def components(found: Mapping[str, Any], key: str, words: Names) -> charts.Figure | None:
    """What totals, or single ratings, differ by."""
    data = found["components"] if key == "components" else found["single"]
    rows = [
        charts.Bar(words[one["effect"]], 100 * one["share"], f"{100 * one['share']:.0f} %")
        for one in data
        if one["share"] is not None
    ]
    if not rows:
        return None
    own = next(one["share"] for one in data if one["effect"] == "work")
    strict = next((one["share"] for one in data if one["effect"] == "rater"), 0.0) or 0.0
    finding = _(
        "%(own)s %% of what differs is the projects themselves, %(strict)s %% is who read.",
        own=f"{100 * own:.0f}", strict=f"{100 * strict:.0f}",
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


def reliability(found: Mapping[str, Any], target: float) -> charts.Figure:
    """How reliable the mean of one, two, three, four readings is."""
    rows = []
    for one in found["by_readings"]:
        n, value = one["readings"], one["phi"]
        label = ngettext("%(num)s reading", "%(num)s readings", n)
        if value is None:
            rows.append(charts.Estimate(label, None, None, None, n, _("Undefined")))
            continue
        low, high = one["interval"]
        words = _(
            "%(phi)s, standard error %(sem)s points", phi=number(value), sem=number(one["sem"], 1)
        )
        rows.append(charts.Estimate(label, value, low, high, n, words))
    return charts.intervals(
        "reliability", _("How many readings are enough?"), needed(found, target), rows,
        axis=_("Phi: share of a score that is the project’s own (1: all)"),
        headings=(_("Readings"), _("Phi"), _("From"), _("To"), _("n")), centre=target, span=(0.0, 1.0),
    )  # fmt: skip


def needed(found: Mapping[str, Any], target: float) -> str:
    """Say what a reliability costs in readings, and in hours where sheets are timed."""
    one = found["needed"]["as_read"]
    if one["raters"] is None:
        if one["ceiling"] is None:
            return _("How many are enough cannot be told yet.")
        return _(
            "No number of readings makes a score %(target)s reliable here: at best %(ceiling)s.",
            target=f"{target:g}", ceiling=number(one["ceiling"]),
        )  # fmt: skip
    told = ngettext(
        "%(num)s reading of each project makes scores %(target)s reliable: %(all)s readings in all.",
        "%(num)s readings of each project make scores %(target)s reliable: %(all)s readings in all.",
        one["raters"], target=f"{target:g}", all=one["readings"],
    )  # fmt: skip
    if one["hours"] is not None:
        told += " " + _(
            "At %(minutes)s minutes a sheet that is %(hours)s hours.",
            minutes=number(found["minutes"], 0), hours=number(one["hours"], 0),
        )  # fmt: skip
    out = found["needed"]["severity_out"]
    if out["raters"] is not None and out["raters"] < one["raters"]:
        told += " " + ngettext(
            "With severity taken out, %(num)s would do.",
            "With severity taken out, %(num)s would do.",
            out["raters"],
        )
    return told
