"""Bars: how much there is of each of a few things."""

from collections.abc import Sequence
from dataclasses import dataclass

from grading.web.charts.drawing import GAP, Canvas, Figure, figure, text_width, wrapped
from grading.web.charts.scales import Linear, rounded_out

THICK = 20.0


@dataclass(frozen=True)
class Bar:
    """One bar. ``value`` None means that it may not, or cannot, be told; ``words`` then say so.

    ``words`` stand in a column of their own, never on the bar; ``part`` of the bar is drawn solid.
    """

    label: str
    value: float | None
    words: str
    part: float | None = None


def bars(
    key: str,
    question: str,
    finding: str,
    data: Sequence[Bar],
    *,
    axis: str,
    headings: Sequence[str],
    high: float | None = None,
) -> Figure:
    """Draw horizontal bars from zero.

    Parameters
    ----------
    axis : str
        What the length means, with its unit.
    headings : sequence of str
        Of the table: the label, the value, the words.
    high : float, optional
        Where the axis ends; by default a round number above the longest bar.
    """
    top_value = high or rounded_out(0, max((bar.value or 0 for bar in data), default=0) or 1)[1]

    def draw(canvas: Canvas) -> float:
        words = max((text_width(bar.words, canvas.size) for bar in data), default=0)
        names = max((text_width(bar.label, canvas.size) for bar in data), default=0)
        left = 0.0 if canvas.narrow else min(names, canvas.width * 0.35) + GAP
        right = canvas.width - words - GAP
        scale = Linear(0, top_value, left, right)
        y = GAP
        tops = []
        for bar in data:
            if canvas.narrow:
                y = canvas.block(0, y, wrapped(bar.label, canvas.width, canvas.size)) + 4
                height = THICK
            else:
                rows = wrapped(bar.label, left - GAP, canvas.size)
                height = max(THICK, len(rows) * canvas.row)
                canvas.block(0, y + (height - len(rows) * canvas.row) / 2 - 1, rows)
            tops.append((y + (height - THICK) / 2, bar))
            y += height + GAP
        # The grid comes first, so that bars lie on it.
        end = y
        if not canvas.narrow:
            end = canvas.axis_below(scale, GAP / 2, y, axis)
        for top, bar in tops:
            if bar.value is not None:
                canvas.rect(left, top, max(scale(bar.value) - left, 1), THICK, "bar")
                if bar.part is not None:
                    canvas.rect(left, top, max(scale(bar.part) - left, 0), THICK, "bar solid")
            canvas.text(
                canvas.width,
                top + THICK / 2 + canvas.size * 0.3,
                bar.words,
                anchor="end",
            )
        return end

    return figure(
        key,
        question,
        finding,
        draw,
        headings,
        [(bar.label, bar.value, bar.words)[: len(headings)] for bar in data],
    )
