"""How many fall where: a histogram, with lines such as a pass mark."""

from collections.abc import Sequence
from itertools import pairwise

from grading.web.charts.drawing import GAP, Canvas, Figure, figure, text_width, wrapped
from grading.web.charts.lines import PLOT_NARROW, PLOT_WIDE, Break
from grading.web.charts.scales import Linear, rounded_out, ticks
from grading.web.number_words import number


def histogram(
    key: str,
    question: str,
    finding: str,
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    x_axis: str,
    y_axis: str,
    headings: Sequence[str],
    marks: Sequence[Break] = (),
    band: tuple[float, float] | None = None,
) -> Figure:
    """Draw counts between edges.

    Parameters
    ----------
    edges : sequence of float, shape (k + 1,)
        Where bins begin and end, rising.
    counts : sequence of int, shape (k,)
        How many lie in each.
    headings : sequence of str
        Of the table: from, to, count.
    marks : sequence of Break
        Vertical lines with names above the plot, such as a pass mark.
    band : pair of float, optional
        A range to shade behind the bars, such as the pass mark and its error.

    Raises
    ------
    ValueError
        The edges do not rise, or do not fit the counts.
    """
    if len(edges) != len(counts) + 1 or any(a >= b for a, b in pairwise(edges)):
        raise ValueError("edges must rise and be one more than counts")
    y_high = rounded_out(0, max(max(counts, default=0), 1))[1]

    def draw(canvas: Canvas) -> float:
        left = canvas.axis_left_width(0, y_high) + GAP
        right = canvas.width - 2 * GAP
        x_scale = Linear(edges[0], edges[-1], left, right)
        y = canvas.block(0, 0, wrapped(y_axis, canvas.width, canvas.size))
        for mark in sorted(marks, key=lambda one: one.x):
            half = text_width(mark.label, canvas.size) / 2
            x = min(max(x_scale(mark.x), half), canvas.width - half)
            y = canvas.block(x, y, [mark.label], anchor="middle")
        top = y + GAP
        bottom = top + (PLOT_NARROW if canvas.narrow else PLOT_WIDE)
        y_scale = Linear(0, y_high, bottom, top)
        if band is not None:
            start, end = x_scale.clipped(band[0]), x_scale.clipped(band[1])
            canvas.rect(start, top, end - start, bottom - top, "band")
        _whole_ticks(canvas, y_scale, left, right)
        end = canvas.axis_below(x_scale, bottom, bottom + 4, x_axis)
        for start, stop, count in zip(edges, edges[1:], counts, strict=False):
            x1, x2 = x_scale(start), x_scale(stop)
            if count:
                canvas.rect(
                    x1 + 0.5, y_scale(count), x2 - x1 - 1, bottom - y_scale(count), "bar solid"
                )
        canvas.rule(left, bottom, right, bottom, "axis")
        for mark in marks:
            canvas.segment(x_scale(mark.x), top, x_scale(mark.x), bottom, "break")
        return end

    return figure(
        key,
        question,
        finding,
        draw,
        headings,
        list(zip(edges, edges[1:], counts, strict=False)),
    )


def _whole_ticks(canvas: Canvas, scale: Linear, left: float, right: float) -> None:
    """Draw the axis of counts: there is no half a person."""
    for value in ticks(scale.low, scale.high, 5):
        if value == int(value):
            y = scale(value)
            canvas.rule(left, y, right, y)
            canvas.text(
                left - GAP, y + canvas.size * 0.3, number(value, 0), anchor="end", css="quiet"
            )
