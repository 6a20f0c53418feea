"""A Wright map: works, raters, criteria and thresholds on one vertical scale of logits."""

from collections.abc import Sequence
from dataclasses import dataclass

from grading.web.charts.drawing import DOT, GAP, Canvas, Figure, cut, figure, wrapped
from grading.web.charts.labels import apart
from grading.web.charts.scales import Linear, rounded_out
from grading.web.number_words import short_number

SHORTEST = 380.0
GUTTER = 2 * DOT + GAP


@dataclass(frozen=True)
class Place:
    """One element of a column; ``short`` stands for its name where there is little room."""

    label: str
    short: str
    at: float


def wright(
    key: str,
    question: str,
    finding: str,
    edges: Sequence[float],
    counts: Sequence[int],
    columns: Sequence[tuple[str, Sequence[Place]]],
    *,
    works: str,
    axis: str,
    headings: Sequence[str],
    line: tuple[str, float] | None = None,
) -> Figure:
    """Draw the map.

    Parameters
    ----------
    edges, counts : sequences of float (k + 1,) and int (k,)
        Histogram of the works' measures, rising.
    columns : sequence of (heading, places)
        Such as graders, criteria and thresholds.
    works : str
        Heading of the histogram.
    axis : str
        What the scale says, and which end is which.
    headings : sequence of str
        Of the table: column, name, short name, measure.
    line : (name, measure), optional
        A line across, such as the pass mark.

    Raises
    ------
    ValueError
        The edges do not fit the counts.
    """
    if len(edges) != len(counts) + 1:
        raise ValueError("edges must be one more than counts")
    everything = [*edges, *(place.at for _, places in columns for place in places)]
    everything += [line[1]] if line else []
    low, high = rounded_out(min(everything), max(everything), 8)
    longest = max((len(places) for _, places in columns), default=0)

    def draw(canvas: Canvas) -> float:
        y = canvas.block(0, 0, wrapped(axis, canvas.width, canvas.size)) + GAP
        left = canvas.axis_left_width(low, high) + GAP
        room = canvas.width - left
        bars = room * (0.2 if canvas.narrow else 0.24)
        each = (room - bars) / max(len(columns), 1)
        starts = [left + bars + index * each for index in range(len(columns))]
        names = [(left, bars, works)] + [
            (start + GAP / 2, each - GAP, heading)
            for start, (heading, _) in zip(starts, columns, strict=True)
        ]
        rows = [(x, wrapped(name, width - 2, canvas.size)) for x, width, name in names]
        for x, lines in rows:
            canvas.block(x, y, lines)
        top = y + max(len(lines) for _, lines in rows) * canvas.row + 2 * GAP
        bottom = top + max(SHORTEST, (longest + 1) * canvas.row)
        scale = Linear(low, high, bottom, top)
        canvas.axis_left(scale, left, left + bars)
        most = max(max(counts, default=0), 1)
        for start, stop, count in zip(edges, edges[1:], counts, strict=False):
            if count:
                width = (bars - GAP) * count / most
                height = scale(start) - scale(stop)
                canvas.rect(left, scale(stop) + 0.5, width, height - 1, "bar solid")
        for start, (_, places) in zip(starts, columns, strict=True):
            canvas.rule(start, top - GAP, start, bottom, "axis")
            named = [
                (scale.clipped(place.at), place.short if canvas.narrow else place.label)
                for place in places
            ]
            for (height, label), (at, _) in zip(
                apart(named, canvas.row, top, bottom), sorted(named), strict=True
            ):
                canvas.dot(start + DOT + 3, at, "dot")
                canvas.rule(start + 2 * DOT + 4, at, start + GUTTER + 4, height, "axis")
                text = cut(label, each - GUTTER - GAP, canvas.size)
                canvas.text(start + GUTTER + 6, height + canvas.size * 0.3, text)
        if line:
            at = scale.clipped(line[1])
            canvas.segment(left, at, left + bars, at, "break")
            for start in starts:
                canvas.segment(start, at, start + GUTTER, at, "break")
            return canvas.block(0, bottom + GAP, wrapped(line[0], canvas.width, canvas.size))
        return bottom + GAP

    return figure(
        key,
        question,
        finding,
        draw,
        headings,
        [
            (heading, place.label, place.short, place.at)
            for heading, places in columns
            for place in sorted(places, key=lambda one: -one.at)
        ]
        + [
            (works, short_number(start), short_number(stop), count)
            for start, stop, count in zip(edges, edges[1:], counts, strict=False)
            if count
        ],
    )
