"""Charts about one grader, for the lead and for the grader: each a question with its finding.

Levels count from the lowest; what is above zero is milder than expected, what is below it stricter.
"""

import math
from collections.abc import Sequence

import numpy as np
from flask_babel import gettext as _
from flask_babel import ngettext

from grading.measurement.monitoring.effects import Effect
from grading.readings.graders import ENOUGH, Known, Part
from grading.rubric.definition import Rubric
from grading.web import charts
from grading.web.charts import Break, Estimate, Figure, Limit, Series
from grading.web.number_words import number, percent_words, signed_number

# Both tails of a funnel: what chance alone leaves inside.
INNER, OUTER = 1.959964, 3.090232


def not_enough(n: int) -> str:
    """Say that nothing is said yet."""
    return _("Not enough yet (%(n)s of %(enough)s)", n=n, enough=ENOUGH)


def direction(effect: Effect | None) -> str:
    """Say in words how strict a grader is, as far as the interval lets one say it."""
    if effect is None or math.isnan(effect.estimate):
        return _("Not known")
    if effect.n < ENOUGH:
        return not_enough(effect.n)
    low, high = effect.interval
    if low > 0:
        return _("%(n)s levels stricter than expected", n=number(effect.estimate, 2))
    if high < 0:
        return _("%(n)s levels milder than expected", n=number(-effect.estimate, 2))
    return _("As expected, within what chance does")


def _sheets(part: Part) -> range:
    return range(1, len(part.series.sheets) + 1)


def smoothed(part: Part, breaks: Sequence[Break] = ()) -> Figure | None:
    """Each sheet's difference from what was expected, and their weighted mean with its limits."""
    if part.ewma is None:
        return None
    outside = len(part.ewma.outside)
    limit = float(part.ewma.limit[-1])
    finding = (
        ngettext(
            "The weighted mean left its limits at %(num)s sheet.",
            "The weighted mean left its limits at %(num)s sheets.",
            outside,
        )
        if outside
        else _("The weighted mean stayed within its limits at every sheet.")
    )
    return charts.lines(
        "smoothed",
        _("How far from expected is each sheet?"),
        finding,
        [
            Series(
                _("Sheet"),
                list(zip(_sheets(part), part.series.residual.tolist(), strict=True)),
                joined=False,
            ),
            Series(
                _("Weighted mean"),
                list(zip(_sheets(part), part.ewma.value.tolist(), strict=True)),
                alarms=frozenset(part.ewma.outside),
                dots=False,
            ),
        ],
        x_axis=_("Sheet, in the order they were finished"),
        y_axis=_("Levels above (milder) or below (stricter) what was expected"),
        headings=(_("Series"), _("Sheet"), _("Levels")),
        limits=[
            Limit(_("+3 s"), part.ewma.centre + limit),
            Limit(_("own mean"), part.ewma.centre, centre=True),
            Limit(_("−3 s"), part.ewma.centre - limit),
        ],
        breaks=breaks,
    )


def drift(part: Part, breaks: Sequence[Break] = ()) -> Figure | None:
    """The two sums that alarm, against their limit."""
    if part.chart is None:
        return None
    chart = part.chart
    if chart.alarms:
        last = chart.alarms[-1]
        finding = (
            _(
                "Since sheet %(since)s this grader marks %(n)s levels stricter than before.",
                since=last.since + 1,
                n=number(abs(last.shift), 2),
            )
            if last.side == "stricter"
            else _(
                "Since sheet %(since)s this grader marks %(n)s levels milder than before.",
                since=last.since + 1,
                n=number(abs(last.shift), 2),
            )
        )
    else:
        finding = _("No movement of the standard shows in %(n)s sheets.", n=len(chart.milder))
    # At an alarm a sum starts anew; the point shows that it had reached the limit.
    milder, stricter = (sums.copy() for sums in (chart.milder, chart.stricter))
    for alarm in chart.alarms:
        (milder if alarm.side == "milder" else stricter)[alarm.index] = chart.limit
    sides = {
        side: frozenset(alarm.index for alarm in chart.alarms if alarm.side == side)
        for side in ("milder", "stricter")
    }
    return charts.lines(
        "drift",
        _("Is this grader’s standard moving?"),
        finding,
        [
            Series(
                _("Milder"),
                list(zip(_sheets(part), milder.tolist(), strict=True)),
                alarms=sides["milder"],
                dots=False,
            ),
            Series(
                _("Stricter"),
                list(zip(_sheets(part), stricter.tolist(), strict=True)),
                alarms=sides["stricter"],
                dots=False,
                dashed=True,
            ),
        ],
        x_axis=_("Sheet, in the order they were finished"),
        y_axis=_("Evidence that the standard moved"),
        headings=(_("Series"), _("Sheet"), _("Sum")),
        limits=[Limit(_("alarm"), chart.limit)],
        breaks=breaks,
    )


def validity(part: Part, *, tolerance: float, most: int | None = None) -> Figure | None:
    """The first ``most`` check items in order: what was given less the agreed level."""
    tried = part.series.residual[part.series.check][:most]
    if len(tried) < ENOUGH:
        return None
    beyond = frozenset(np.flatnonzero(np.abs(tried) > tolerance + 1e-9).tolist())
    return charts.lines(
        "validity",
        _("How near to the agreed levels are check items?"),
        ngettext(
            "%(num)s of %(all)s check items lies beyond the tolerance.",
            "%(num)s of %(all)s check items lie beyond the tolerance.",
            len(beyond),
            all=len(tried),
        ),
        [
            Series(
                _("Check item"),
                [(index + 1, float(value)) for index, value in enumerate(tried)],
                alarms=beyond,
                joined=False,
            )
        ],
        x_axis=_("Check item, in the order they were finished"),
        y_axis=_("Levels above (milder) or below (stricter) the agreed level"),
        headings=(_("Series"), _("Check item"), _("Levels")),
        limits=[
            Limit(_("tolerance"), tolerance),
            Limit(_("agreed"), 0.0, centre=True),
            Limit(_("tolerance"), -tolerance),
        ],
    )


def severity(parts: Sequence[Part], rubric: Rubric) -> Figure | None:
    """How strict on the total and on each criterion, with 95 % intervals."""
    if not parts:
        return None
    titles = rubric.titles
    data = []
    for part in parts:
        label, effect = titles[part.criterion] if part.criterion else _("Total"), part.severity
        if effect.n < ENOUGH:
            data.append(Estimate(label, None, None, None, effect.n, not_enough(effect.n)))
            continue
        words = signed_number(effect.estimate, 2).replace("-", "−")
        data.append(Estimate(label, effect.estimate, *effect.interval, effect.n, words))
    return charts.intervals(
        "severity",
        _("How strict, and on what?"),
        direction(parts[0].severity),
        data,
        axis=_("Levels stricter than expected (right) or milder (left)"),
        headings=(_("Criterion"), _("Levels"), _("From"), _("To"), _("Sheets")),
        centre=0.0,
    )


def funnel(known: Known) -> Figure | None:
    """This grader among the others, without names: who differs by more than chance?"""
    total = known.total
    if total is None or len(total.series.sheets) < ENOUGH:
        return None
    others = [(float(n), mean) for n, mean in known.others if n >= ENOUGH]
    n, mean = len(total.series.sheets), float(total.series.residual.mean())
    deviation = math.sqrt(float(np.median(total.series.variance)))
    widest = max([n, *(int(count) for count, _mean in others)])
    steps = np.unique(np.linspace(ENOUGH, max(widest, ENOUGH + 10), 25).round())
    inside = abs(mean) <= INNER * deviation / math.sqrt(n)

    def limit(label: str, factor: float, sign: int, *, dashed: bool) -> Series:
        points = [(float(x), sign * factor * deviation / math.sqrt(x)) for x in steps]
        return Series(label, points, dots=False, dashed=dashed)

    series = [
        Series(
            _("This grader"),
            [(float(n), mean)],
            alarms=frozenset(() if inside else (0,)),
            joined=False,
        ),
        limit("95 %", INNER, 1, dashed=True),
        limit("95 %", INNER, -1, dashed=True),
        limit("99.8 %", OUTER, 1, dashed=False),
        limit("99.8 %", OUTER, -1, dashed=False),
    ]
    if others:
        series.insert(1, Series(_("Others"), sorted(others), joined=False))
    return charts.lines(
        "funnel",
        _("Does this grader differ by more than chance?"),
        _("No: the mean difference lies within what chance does in %(n)s sheets.", n=n)
        if inside
        else _("Yes: the mean difference lies outside what chance does in %(n)s sheets.", n=n),
        series,
        x_axis=_("Sheets"),
        y_axis=_("Mean difference from expected, in levels"),
        headings=(_("Series"), _("Sheets"), _("Levels")),
    )


def order(known: Known) -> Figure | None:
    """Mean residual by position in a sitting, in steps of five sheets."""
    total = known.total
    if total is None or len(known.positions) < ENOUGH:
        return None
    step = 5
    data = []
    for first in range(0, int(known.positions.max()) + 1, step):
        here = total.series.residual[(known.positions >= first) & (known.positions < first + step)]
        label = _("Sheets %(first)s to %(last)s", first=first + 1, last=first + step)
        if len(here) < ENOUGH:
            data.append(Estimate(label, None, None, None, len(here), not_enough(len(here))))
            continue
        mean, half = float(here.mean()), INNER * float(here.std(ddof=1)) / math.sqrt(len(here))
        words = signed_number(mean, 2).replace("-", "−")
        data.append(Estimate(label, mean, mean - half, mean + half, len(here), words))
    effect = known.order
    if effect is None or math.isnan(effect.estimate):
        finding = _("Too few long sittings to say.")
    elif effect.interval[0] <= 0 <= effect.interval[1]:
        finding = _("No: levels do not move through a sitting by more than chance.")
    else:
        finding = _(
            "Yes: by %(n)s levels for each ten sheets.",
            n=signed_number(effect.estimate, 2).replace("-", "−"),
        )
    return charts.intervals(
        "order",
        _("Do levels move through a sitting?"),
        finding,
        data[:12],
        axis=_("Levels above (milder) or below (stricter) what was expected"),
        headings=(_("Place in the sitting"), _("Levels"), _("From"), _("To"), _("Sheets")),
        centre=0.0,
    )


def levels(known: Known, rubric: Rubric) -> Figure | None:
    """How often each level is given, beside all the other graders together."""
    if not known.levels:
        return None
    first = next(iter(known.levels.values()))
    n = int(first[0].sum())
    others = int(first[1].sum())
    if n < ENOUGH or others < ENOUGH:
        return None
    data = []
    unlike = (0.0, "")
    for criterion in rubric.criteria:
        mine, rest = known.levels[criterion.code]
        shares = [counts / max(int(counts.sum()), 1) for counts in (mine, rest)]
        apart = float(np.abs(shares[0] - shares[1]).sum()) / 2
        unlike = max(unlike, (apart, criterion.title))
        for index, level in enumerate(criterion.levels):
            words = (
                f"{percent_words(100 * shares[0][index])} · {percent_words(100 * shares[1][index])}"
            )
            data.append(
                charts.Bar(f"{criterion.title}: {level.name}", 100 * float(shares[0][index]), words)
            )
    return charts.bars(
        "levels",
        _("Is the scale used as others use it?"),
        _(
            "Most unlike on “%(title)s”: %(n)s %% of sheets would have to move to be like the others’.",
            title=unlike[1],
            n=number(100 * unlike[0], 0),
        ),
        data,
        axis=_("Share of sheets, in per cent"),
        headings=(_("Level"), _("Share"), _("This grader · all others")),
        high=100,
    )
