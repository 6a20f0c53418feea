"""A course over time or order, with limits: control charts, burndowns."""

from collections.abc import Sequence
from dataclasses import dataclass

from grading.web.charts.drawing import GAP, Canvas, Figure, cut, figure, text_width, wrapped
from grading.web.charts.labels import apart
from grading.web.charts.scales import Linear, rounded_out

PLOT_WIDE, PLOT_NARROW = 260.0, 200.0


@dataclass(frozen=True)
class Series:
    """Points in order of x. ``alarms`` are indices of points to look at.

    ``dots`` off draws a line only, ``joined`` off dots only.
    """

    label: str
    points: Sequence[tuple[float, float]]
    alarms: frozenset[int] = frozenset()
    dots: bool = True
    dashed: bool = False
    joined: bool = True


@dataclass(frozen=True)
class Limit:
    """A horizontal line with its name at the right."""

    label: str
    value: float
    centre: bool = False


@dataclass(frozen=True)
class Break:
    """A vertical line with its name above: a pause, a new rubric version."""

    label: str
    x: float


def lines(
    key: str,
    question: str,
    finding: str,
    series: Sequence[Series],
    *,
    x_axis: str,
    y_axis: str,
    headings: Sequence[str],
    limits: Sequence[Limit] = (),
    breaks: Sequence[Break] = (),
    y_span: tuple[float, float] | None = None,
) -> Figure:
    """Draw one to six series, each told apart by class and dash, named at its right end.

    Parameters
    ----------
    headings : sequence of str
        Of the table: series, x, y.

    Raises
    ------
    ValueError
        No series has a point, or there are more than six.
    """
    points = [point for one in series for point in one.points]
    if not points or len(series) > 6:
        raise ValueError("a line chart needs one to six series with points")
    xs = [x for x, _ in points] + [line.x for line in breaks]
    ys = [y for _, y in points] + [limit.value for limit in limits]
    x_low, x_high = rounded_out(min(xs), max(xs))
    y_low, y_high = y_span or rounded_out(min(ys), max(ys))

    def draw(canvas: Canvas) -> float:
        named = [(limit.value, limit.label) for limit in limits]
        if len(series) > 1:
            named += [(one.points[-1][1], one.label) for one in series if one.points]
        beside = max((text_width(label, canvas.size) for _, label in named), default=0)
        room = min(beside, canvas.width * 0.3)
        left = canvas.axis_left_width(y_low, y_high) + GAP
        right = canvas.width - (room + GAP if named else GAP)
        y = canvas.block(0, 0, wrapped(y_axis, canvas.width, canvas.size))
        x_scale = Linear(x_low, x_high, left, right)
        for line in sorted(breaks, key=lambda one: one.x):
            # Each name has a line of its own above the plot, so that none covers another.
            half = text_width(line.label, canvas.size) / 2
            x = min(max(x_scale(line.x), half), canvas.width - half)
            y = canvas.block(x, y, [line.label], anchor="middle")
        top = y + GAP
        bottom = top + (PLOT_NARROW if canvas.narrow else PLOT_WIDE)
        y_scale = Linear(y_low, y_high, bottom, top)
        canvas.axis_left(y_scale, left, right)
        end = canvas.axis_below(x_scale, top, bottom, x_axis)
        for line in breaks:
            canvas.segment(x_scale(line.x), top, x_scale(line.x), bottom, "break")
        for limit in limits:
            height = y_scale.clipped(limit.value)
            canvas.segment(left, height, right, height, "centre" if limit.centre else "limit")
        for number, one in enumerate(series, 1):
            placed = [(x_scale(x), y_scale.clipped(y)) for x, y in one.points]
            if one.joined:
                canvas.path(placed, f"line series-{number}{' dashed' if one.dashed else ''}")
            for index, (x, height) in enumerate(placed):
                if index in one.alarms:
                    canvas.dot(x, height, "dot alarm")
                elif one.dots:
                    canvas.dot(x, height, f"dot series-{number}")
        for height, label in apart(
            [(y_scale.clipped(value), label) for value, label in named], canvas.row, top, bottom
        ):
            text = cut(label, room, canvas.size)
            canvas.text(right + GAP, height + canvas.size * 0.3, text, css="quiet")
        return end

    return figure(
        key,
        question,
        finding,
        draw,
        headings,
        [(one.label, x, y) for one in series for x, y in one.points],
    )
