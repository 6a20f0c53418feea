"""A drawing that knows where everything is: elements of SVG, and the boxes they take."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup, escape

from grading.web.charts.scales import Linear, tick_words, ticks

# The style sheet sets the same sizes; a narrow drawing is 288 px wide on the narrowest screen, 1:1.
WIDE, NARROW = 704.0, 288.0
TEXT = {WIDE: 14.0, NARROW: 12.0}
LINE = 1.3
GAP = 8.0
DOT = 4.5
OVERHANG = 2.0

_SLIM, _BROAD = frozenset("iljtfrI.,:;'|!()[] -"), frozenset("mwMW%@+=–\N{MINUS SIGN}")


def text_width(text: str, size: float) -> float:
    """Estimate how wide a text is at most, for the widest of the usual sans-serif faces."""
    share = sum(
        0.42 if sign in _SLIM else 0.98 if sign in _BROAD else 0.74 if sign.isupper() else 0.65
        for sign in text
    )
    return share * size


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines that fit a width; a word that does not fit is cut with an ellipsis."""
    found: list[str] = []
    for word in text.split() or [""]:
        if found and text_width(f"{found[-1]} {word}", size) <= width:
            found[-1] += f" {word}"
            continue
        found.append(cut(word, width, size))
    return found


def cut(text: str, width: float, size: float) -> str:
    """Shorten a text with an ellipsis until it fits a width."""
    while text_width(text, size) > width and len(text) > 2:
        text = text.rstrip("…")[:-1] + "…"
    return text


@dataclass(frozen=True)
class Box:
    """What an element takes: left, top, right, bottom, in units of the drawing."""

    left: float
    top: float
    right: float
    bottom: float
    what: str = ""

    def overlaps(self, other: "Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: "Box") -> bool:
        return (
            self.left >= other.left - 1e-6
            and self.right <= other.right + 1e-6
            and self.top >= other.top - 1e-6
            and self.bottom <= other.bottom + 1e-6
        )


@dataclass(frozen=True)
class Drawing:
    """One layout, ready for a page.

    Attributes
    ----------
    body : Markup
        The elements inside ``<svg>``.
    marks, labels : tuple of Box
        What shows data, and what is read; inside a mark stand only labels of ``inside``.
    inside : tuple of (Box, Box)
        Labels that belong into a mark, with it.
    """

    width: float
    height: float
    body: Markup
    marks: tuple[Box, ...]
    labels: tuple[Box, ...]
    inside: tuple[tuple[Box, Box], ...]

    def svg(self, title: str, title_id: str) -> Markup:
        """Give the whole element, named by the finding."""
        kind = "chart-wide" if self.width == WIDE else "chart-narrow"
        return Markup(
            '<svg class="chart {}" role="img" aria-labelledby="{}" viewBox="0 0 {} {}">'
            '<title id="{}">{}</title>{}</svg>'
        ).format(
            kind, title_id, _short(self.width), _short(self.height), title_id, title, self.body
        )


@dataclass(frozen=True)
class Figure:
    """A chart with what goes with it.

    Attributes
    ----------
    key : str
        Unique on its page, and the name of its CSV.
    question, finding : str
        What the chart answers, and the answer in a sentence.
    headings, rows : tuple
        The same numbers as a table; a cell that is None is undefined.
    """

    key: str
    question: str
    finding: str
    wide: Drawing
    narrow: Drawing
    headings: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def svg(self) -> Markup:
        """Give both layouts; the style sheet shows one."""
        return self.wide.svg(self.finding, f"{self.key}-wide") + self.narrow.svg(
            self.finding, f"{self.key}-narrow"
        )


def figure(
    key: str,
    question: str,
    finding: str,
    draw: Callable[["Canvas"], float],
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> Figure:
    """Draw a chart in both layouts.

    Parameters
    ----------
    draw : callable
        Draws on a canvas and gives the height it took.
    """

    def drawn(width: float) -> Drawing:
        canvas = Canvas(width)
        return canvas.finished(draw(canvas))

    return Figure(
        key,
        question,
        finding,
        wide=drawn(WIDE),
        narrow=drawn(NARROW),
        headings=tuple(headings),
        rows=tuple(tuple(row) for row in rows),
    )


class Canvas:
    """Collects the elements of one layout."""

    def __init__(self, width: float) -> None:
        self.width = width
        self.size = TEXT[width]
        self.row = self.size * LINE
        self._parts: list[Markup] = []
        self._marks: list[Box] = []
        self._labels: list[Box] = []
        self._inside: list[tuple[Box, Box]] = []

    @property
    def narrow(self) -> bool:
        return self.width == NARROW

    def finished(self, height: float) -> Drawing:
        return Drawing(
            self.width,
            height,
            Markup("").join(self._parts),
            tuple(self._marks),
            tuple(self._labels),
            tuple(self._inside),
        )

    def _add(self, name: str, css: str, text: str | None = None, **places: float | str) -> None:
        attributes = Markup("").join(
            Markup(' {}="{}"').format(
                key.replace("_", "-"), value if isinstance(value, str) else _short(value)
            )
            for key, value in places.items()
        )
        self._parts.append(
            Markup('<{0} class="{1}"{2}/>').format(name, css, attributes)
            if text is None
            else Markup('<{0} class="{1}"{2}>{3}</{0}>').format(name, css, attributes, escape(text))
        )

    def rect(self, left: float, top: float, width: float, height: float, css: str) -> Box:
        """Draw a filled mark."""
        self._add("rect", css, x=left, y=top, width=width, height=height)
        box = Box(left, top, left + width, top + height, css)
        self._marks.append(box)
        return box

    def dot(self, x: float, y: float, css: str) -> None:
        """Draw a point; one that is an alarm is a diamond, so that colour is not all that says so."""
        if "alarm" in css.split():
            r = DOT + 1.5
            points = f"{_short(x)},{_short(y - r)} {_short(x + r)},{_short(y)} "
            points += f"{_short(x)},{_short(y + r)} {_short(x - r)},{_short(y)}"
            self._add("polygon", css, points=points)
        else:
            r = DOT
            self._add("circle", css, cx=x, cy=y, r=r)
        self._marks.append(Box(x - r, y - r, x + r, y + r, css))

    def segment(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """Draw a straight mark."""
        self._add("line", css, x1=x1, y1=y1, x2=x2, y2=y2)
        self._marks.append(
            Box(min(x1, x2) - 1, min(y1, y2) - 1, max(x1, x2) + 1, max(y1, y2) + 1, css)
        )

    def path(self, points: Sequence[tuple[float, float]], css: str) -> None:
        """Draw a line through points."""
        self._add("polyline", css, points=" ".join(f"{_short(x)},{_short(y)}" for x, y in points))
        for (x1, y1), (x2, y2) in pairwise(points):
            self._marks.append(Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2), css))

    def rule(self, x1: float, y1: float, x2: float, y2: float, css: str = "grid") -> None:
        """Draw a line that is no datum: an axis or a grid line."""
        self._add("line", css, x1=x1, y1=y1, x2=x2, y2=y2)

    def text(
        self,
        x: float,
        baseline: float,
        text: str,
        *,
        anchor: str = "start",
        css: str = "",
        mark: Box | None = None,
    ) -> Box:
        """Write one line of text; ``mark`` is what it is to stand in."""
        width = text_width(text, self.size)
        if anchor == "start":
            # A letter such as T reaches a little to the left of where it stands.
            x = max(x, OVERHANG)
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        box = Box(left, baseline - self.size * 0.8, left + width, baseline + self.size * 0.25, text)
        self._add("text", f"{css} {anchor}".strip(), text, x=x, y=baseline)
        if mark is None:
            self._labels.append(box)
        else:
            self._inside.append((box, mark))
        return box

    def block(self, x: float, top: float, rows: Sequence[str], *, anchor: str = "start") -> float:
        """Write lines under each other; gives where they end."""
        for number, row in enumerate(rows):
            self.text(x, top + self.size + number * self.row, row, anchor=anchor)
        return top + len(rows) * self.row

    def axis_below(self, scale: Linear, top: float, bottom: float, title: str) -> float:
        """Draw a horizontal axis with grid lines; gives where it ends."""
        for value in self._fitting(scale, ticks(scale.low, scale.high, 4 if self.narrow else 8)):
            x = scale(value)
            self.rule(x, top, x, bottom)
            self.text(x, bottom + self.row, tick_words(value), anchor="middle", css="quiet")
        middle = (scale.start + scale.end) / 2
        rows = wrapped(title, self.width - 2 * GAP, self.size)
        for number, row in enumerate(rows, 2):
            half = text_width(row, self.size) / 2
            self.text(
                min(max(middle, half), self.width - half),
                bottom + number * self.row,
                row,
                anchor="middle",
            )
        return bottom + (len(rows) + 1) * self.row + GAP

    def _fitting(self, scale: Linear, values: list[float]) -> list[float]:
        """Leave out ticks until the words that stay do not touch, nor leave the drawing."""
        inside = [
            value
            for value in values
            if scale(value) - text_width(tick_words(value), self.size) / 2 >= 0
            and scale(value) + text_width(tick_words(value), self.size) / 2 <= self.width
        ]
        for every in range(1, len(inside) + 1):
            kept = inside[::every]
            widths = [text_width(tick_words(value), self.size) for value in kept]
            apart = [abs(scale(b) - scale(a)) for a, b in pairwise(kept)]
            if all(
                gap > (a + b) / 2 + 2 for gap, a, b in zip(apart, widths, widths[1:], strict=False)
            ):
                return kept
        return inside[:1]

    def axis_left(self, scale: Linear, left: float, right: float) -> None:
        """Draw a vertical axis with grid lines; its words end left of ``left``."""
        most = max(int(abs(scale.end - scale.start) / (2.2 * self.row)), 1)
        for value in ticks(scale.low, scale.high, most):
            y = scale(value)
            self.rule(left, y, right, y)
            self.text(left - GAP, y + self.size * 0.3, tick_words(value), anchor="end", css="quiet")

    def axis_left_width(self, low: float, high: float, most: int = 8) -> float:
        """Say how much room the words of a vertical axis need."""
        words = [tick_words(value) for value in ticks(low, high, most)]
        return max(text_width(word, self.size) for word in words) + GAP


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
