"""Estimates with their intervals, one under the other: a forest plot."""

from collections.abc import Sequence
from dataclasses import dataclass

from grading.web.charts.drawing import GAP, Canvas, Figure, figure, text_width, wrapped
from grading.web.charts.scales import Linear, rounded_out

TALL = 22.0


@dataclass(frozen=True)
class Estimate:
    """One row.

    ``value`` None means that there is not enough to tell, and ``words`` say so. ``alarm`` draws the dot
    as a diamond: something to look at.
    """

    label: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    words: str
    alarm: bool = False


def intervals(
    key: str,
    question: str,
    finding: str,
    data: Sequence[Estimate],
    *,
    axis: str,
    headings: Sequence[str],
    centre: float | None = None,
    band: tuple[float, float] | None = None,
    span: tuple[float, float] | None = None,
) -> Figure:
    """Draw a dot and an interval for each row, with the numbers in a column of their own.

    Parameters
    ----------
    axis : str
        What is measured, its unit and which end is which.
    headings : sequence of str
        Of the table: label, value, low, high, n.
    centre, band : float, pair of float, optional
        A line to compare with, and two dashed ones around it.
    span : pair of float, optional
        The values at the ends of the axis; by default round ones that hold everything.
    """
    known = [value for row in data for value in (row.value, row.low, row.high) if value is not None]
    known += [value for value in (centre, *(band or ())) if value is not None]
    low, high = span or rounded_out(min(known, default=0.0), max(known, default=1.0))

    def draw(canvas: Canvas) -> float:
        words = max((text_width(row.words, canvas.size) for row in data), default=0)
        names = max((text_width(row.label, canvas.size) for row in data), default=0)
        if canvas.narrow:
            left, right = 2 * GAP, canvas.width - 2 * GAP
        else:
            left = min(names, canvas.width * 0.3) + 2 * GAP
            right = canvas.width - words - 2 * GAP
        scale = Linear(low, high, left, right)
        y = GAP
        middles = []
        for row in data:
            if canvas.narrow:
                width = canvas.width - text_width(row.words, canvas.size) - GAP
                rows = wrapped(row.label, max(width, canvas.width / 3), canvas.size)
                canvas.text(canvas.width, y + canvas.size, row.words, anchor="end")
                y = canvas.block(0, y, rows)
                middles.append((y + TALL / 2, row))
                y += TALL + GAP / 2
            else:
                rows = wrapped(row.label, left - 2 * GAP, canvas.size)
                height = max(TALL, len(rows) * canvas.row)
                canvas.block(0, y + (height - len(rows) * canvas.row) / 2 - 1, rows)
                middle = y + height / 2
                canvas.text(canvas.width, middle + canvas.size * 0.3, row.words, anchor="end")
                middles.append((middle, row))
                y += height
        end = canvas.axis_below(scale, GAP / 2, y, axis) if not canvas.narrow else y
        if canvas.narrow:
            end = canvas.axis_below(scale, y, y, axis)
        references = [(centre, "centre")] if centre is not None else []
        references += [(value, "limit") for value in band or ()]
        half = TALL / 2 - (2 if canvas.narrow else 0)
        for middle, row in middles:
            # Lines to compare with stop at each row's words on a narrow drawing.
            for value, css in references:
                x = scale(value)
                canvas.segment(x, middle - half, x, middle + half, css)
            if row.value is None:
                continue
            if row.low is not None and row.high is not None:
                canvas.segment(
                    scale.clipped(row.low), middle, scale.clipped(row.high), middle, "interval"
                )
            canvas.dot(scale.clipped(row.value), middle, "dot alarm" if row.alarm else "dot")
        return end

    return figure(
        key,
        question,
        finding,
        draw,
        headings,
        [(row.label, row.value, row.low, row.high, row.n)[: len(headings)] for row in data],
    )
