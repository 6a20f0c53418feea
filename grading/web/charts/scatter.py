"""Points on a plane with horizontal lines to compare them with: Bland and Altman's plot."""

from collections.abc import Sequence

from grading.web.charts.drawing import GAP, Canvas, Figure, cut, figure, text_width, wrapped
from grading.web.charts.labels import apart
from grading.web.charts.lines import PLOT_NARROW, PLOT_WIDE, Limit
from grading.web.charts.scales import Linear, rounded_out


def scatter(
    key: str,
    question: str,
    finding: str,
    points: Sequence[tuple[float, float, int]],
    *,
    x_axis: str,
    y_axis: str,
    headings: Sequence[str],
    limits: Sequence[Limit] = (),
    bands: Sequence[tuple[float, float]] = (),
) -> Figure:
    """Draw a dot for each place, whatever number of cases it stands for.

    Parameters
    ----------
    points : sequence of (x, y, how many)
        The table says how many; the dots do not.
    headings : sequence of str
        Of the table: x, y, count.
    limits : sequence of Limit
        Horizontal lines with their names at the right.
    bands : sequence of pair of float
        Ranges of y to shade, such as the intervals of the limits.

    Raises
    ------
    ValueError
        There is no point.
    """
    if not points:
        raise ValueError("a scatter plot needs points")
    x_low, x_high = rounded_out(min(x for x, _, _ in points), max(x for x, _, _ in points))
    ys = [y for _, y, _ in points] + [limit.value for limit in limits]
    ys += [end for band in bands for end in band]
    y_low, y_high = rounded_out(min(ys), max(ys))

    def draw(canvas: Canvas) -> float:
        beside = max((text_width(limit.label, canvas.size) for limit in limits), default=0)
        room = min(beside, canvas.width * 0.3)
        left = canvas.axis_left_width(y_low, y_high) + GAP
        right = canvas.width - (room + 2 * GAP if limits else GAP)
        top = canvas.block(0, 0, wrapped(y_axis, canvas.width, canvas.size)) + GAP
        bottom = top + (PLOT_NARROW if canvas.narrow else PLOT_WIDE)
        x_scale, y_scale = Linear(x_low, x_high, left, right), Linear(y_low, y_high, bottom, top)
        for low, high in bands:
            canvas.rect(left, y_scale(high), right - left, y_scale(low) - y_scale(high), "band")
        canvas.axis_left(y_scale, left, right)
        end = canvas.axis_below(x_scale, bottom, bottom + 4, x_axis)
        for limit in limits:
            y = y_scale(limit.value)
            canvas.segment(left, y, right, y, "centre" if limit.centre else "limit")
        for x, y, _count in points:
            canvas.dot(x_scale(x), y_scale(y), "dot")
        named = [(y_scale(limit.value), limit.label) for limit in limits]
        for height, label in apart(named, canvas.row, top, bottom):
            text = cut(label, room, canvas.size)
            canvas.text(right + 2 * GAP, height + canvas.size * 0.3, text, css="quiet")
        return end

    return figure(key, question, finding, draw, headings, points)
