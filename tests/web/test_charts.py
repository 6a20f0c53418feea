"""Charts: where things stand, that labels stay clear of marks, and that the table says the same."""

import re
from collections.abc import Callable
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading import assets
from grading.web import charts
from grading.web.charts import drawing, scales

LONG = "A criterion with a rather long title that nobody would call short"
FINDING = "What the chart shows, said in a whole sentence."


def some_bars() -> charts.Figure:
    data = [
        charts.Bar("Enrolled", 120, "120"),
        charts.Bar(LONG, 84, "84 (70 %)", part=60),
        charts.Bar("Passed", None, "Not shown (fewer than 10)"),
        charts.Bar("Shared", 0, "0"),
    ]
    return charts.bars(
        "bars", "How many?", FINDING, data, axis="People", headings=("Step", "People", "Words")
    )


def some_intervals() -> charts.Figure:
    data = [
        charts.Estimate("Grader A", 0.62, 0.35, 0.89, 40, "0.62 [0.35, 0.89] n = 40", alarm=True),
        charts.Estimate(LONG, -0.11, -0.4, 0.18, 31, "−0.11 [−0.40, 0.18] n = 31"),
        charts.Estimate("Grader C", None, None, None, 6, "Not enough yet (6 of 10)"),
    ]
    return charts.intervals(
        "forest", "Is anyone harsher?", FINDING, data, axis="Severity, logits (right: stricter)",
        headings=("Grader", "Severity", "From", "To", "n"), centre=0, band=(-0.3, 0.3),
    )  # fmt: skip


def some_lines() -> charts.Figure:
    return charts.lines(
        "drift", "Is this grader moving?", FINDING,
        [charts.Series("Difference", [(i, (i % 5 - 2) / 4) for i in range(1, 25)], frozenset({3})),
         charts.Series("Smoothed", [(i, i / 60) for i in range(1, 25)], dots=False)],
        x_axis="Check item, in order", y_axis="Score less definitive score, levels",
        headings=("Series", "Item", "Difference"),
        limits=[charts.Limit("+3 s", 1.1), charts.Limit("0", 0, centre=True), charts.Limit("−3 s", -1.1),
                charts.Limit("+2 s", 1.05)],
        breaks=[charts.Break("Rubric version 2", 20), charts.Break("Holiday", 19)],
    )  # fmt: skip


def a_histogram() -> charts.Figure:
    return charts.histogram(
        "totals", "Where is the pass mark?", FINDING, list(range(0, 101, 10)),
        [0, 1, 2, 5, 9, 14, 22, 13, 6, 1], x_axis="Total, points of 100", y_axis="Projects",
        headings=("From", "To", "Projects"), marks=[charts.Break("Pass mark 60", 60)], band=(56, 64),
    )  # fmt: skip


def a_heat_map(n: int = 12) -> charts.Figure:
    names = [f"Grader {chr(65 + i)}" for i in range(n)]
    values = [
        [None if i == j or (i + j) % 5 == 0 else ((i * j) % 7) / 7 for j in range(n)]
        for i in range(n)
    ]
    return charts.heat_map(
        "agreement", "Who agrees with whom?", FINDING, names, [name[-1] for name in names], values,
        span=(0, 1), words=lambda value: f"{value:.2f}", headings=("Grader",),
    )  # fmt: skip


def a_scatter() -> charts.Figure:
    points = [(40 + 3 * i % 55, (i * 7) % 23 - 9, 1 + i % 3) for i in range(60)]
    return charts.scatter(
        "bland-altman", "Do peers mark as graders do?", FINDING, points,
        x_axis="Mean of both, points", y_axis="Peers less graders, points",
        headings=("Mean", "Difference", "Projects"),
        limits=[charts.Limit("Mean 3.1", 3.1, centre=True), charts.Limit("95 % above", 17),
                charts.Limit("95 % below", -11)],
        bands=[(2, 4.2), (15, 19), (-13, -9)],
    )  # fmt: skip


def a_wright_map() -> charts.Figure:
    graders = [charts.Place(f"Grader {i}", f"G{i}", (i % 7 - 3) / 8) for i in range(1, 13)]
    criteria = [charts.Place(LONG, "C1", 0.1), charts.Place("Method", "C2", 0.12)]
    levels = [charts.Place(f"Method: {i}", f"C2:{i}", i - 2.4) for i in range(1, 5)]
    return charts.wright(
        "wright", "Do all share one scale?", FINDING, [-2, -1, 0, 1, 2], [3, 14, 21, 2],
        [("Graders", graders), ("Criteria", criteria), ("Levels", levels)], works="Projects",
        axis="Logits; up: better, stricter, harder", headings=("Kind", "Name", "Short", "Logits"),
        line=("Dashed: the pass mark, at 0.3 logits", 0.3),
    )  # fmt: skip


EVERY = (some_bars, some_intervals, some_lines, a_histogram, a_heat_map, a_scatter, a_wright_map)
LAYOUTS = [(make, layout) for make in EVERY for layout in ("wide", "narrow")]


def named(value: object) -> str:
    return getattr(value, "__name__", str(value))


def clashes(found: charts.Drawing) -> list[tuple[str, str]]:
    pairs = [(label, mark) for label in found.labels for mark in found.marks]
    pairs += list(combinations(found.labels, 2))
    return [(one.what, other.what) for one, other in pairs if one.overlaps(other)]


@pytest.mark.parametrize(("make", "layout"), LAYOUTS, ids=named)
def test_labels_touch_neither_marks_nor_each_other_and_all_is_on_the_drawing(
    make: Callable[[], charts.Figure], layout: str
) -> None:
    found: charts.Drawing = getattr(make(), layout)
    assert found.marks
    assert clashes(found) == []
    frame = charts.Box(0, 0, found.width, found.height)
    outside = [box.what for box in (*found.marks, *found.labels) if not box.within(frame)]
    assert outside == []
    assert [label.what for label, mark in found.inside if not label.within(mark)] == []


def test_the_check_of_labels_finds_a_label_on_a_mark() -> None:
    canvas = drawing.Canvas(drawing.WIDE)
    canvas.rect(0, 0, 100, 20, "bar")
    canvas.text(90, 12, "84 (70 %)")
    assert clashes(canvas.finished(20)) == [("84 (70 %)", "bar")]


@pytest.mark.parametrize("make", EVERY, ids=named)
def test_a_figure_says_its_finding_and_styles_nothing_itself(
    make: Callable[[], charts.Figure],
) -> None:
    found = make()
    text = str(found.svg())
    tree = ElementTree.fromstring(f"<div>{text}</div>")
    for svg in tree:
        title = svg.find("title")
        assert title is not None
        assert title.text == FINDING
        assert svg.get("aria-labelledby") == title.get("id")
    assert len({title.get("id") for title in tree.iter("title")}) == 2
    assert not re.search(r"style=|fill=|stroke=|onload|<style", text)


def test_text_is_escaped() -> None:
    found = charts.bars(
        "x", "?", "<b> & more", [charts.Bar("<script>", 1, '"1"')], axis="n", headings=("a", "b")
    )
    assert "<script>" not in found.svg()
    assert "<b>" not in found.svg()


def test_a_bar_is_as_long_as_its_value() -> None:
    for layout in (some_bars().wide, some_bars().narrow):
        boxes = [box for box in layout.marks if box.what == "bar"]
        enrolled, criterion, shared = (box.right - box.left for box in boxes)
        assert criterion / enrolled == pytest.approx(84 / 120)
        assert shared == 1  # so that a zero can be told from what is not shown
        solid = next(box for box in layout.marks if box.what == "bar solid")
        assert (solid.right - solid.left) / criterion == pytest.approx(60 / 84)


def test_what_is_unknown_has_no_mark() -> None:
    assert sum(box.what.startswith("dot") for box in some_intervals().wide.marks) == 2
    assert sum(box.what.startswith("bar") for box in some_bars().wide.marks) == 4
    assert some_intervals().rows[2] == ("Grader C", None, None, None, 6)


def test_a_dot_stands_in_the_middle_of_its_symmetric_interval() -> None:
    found = some_intervals().wide
    dot = next(box for box in found.marks if box.what == "dot alarm")
    line = next(box for box in found.marks if box.what == "interval")
    assert (dot.left + dot.right) / 2 == pytest.approx((line.left + line.right) / 2, abs=0.01)


def test_a_histogram_is_as_high_as_its_counts() -> None:
    bars = [box for box in a_histogram().wide.marks if box.what == "bar solid"]
    heights = [box.bottom - box.top for box in bars]
    counts = [1, 2, 5, 9, 14, 22, 13, 6, 1]
    assert [height / heights[5] for height in heights] == pytest.approx([c / 22 for c in counts])


@pytest.mark.parametrize("n", [1, 3, 12, 30])
def test_a_heat_map_of_any_size_shows_each_cell_once(n: int) -> None:
    found = a_heat_map(n)
    for layout in (found.wide, found.narrow):
        cells = [box for box in layout.marks if box.what.startswith("cell")]
        assert len(cells) == n * n
        assert clashes(layout) == []


@pytest.mark.parametrize(
    ("value", "css"), [(0.0, "heat-0"), (0.49, "heat-2"), (1.0, "heat-5"), (-1.0, "heat-0")]
)
def test_a_cell_has_the_colour_of_its_value(value: float, css: str) -> None:
    found = charts.heat_map(
        "x", "?", FINDING, ["A"], ["B"], [[value]], span=(0, 1), words=str, headings=("Grader",)
    )
    assert f"cell {css}" in {box.what for box in found.wide.marks}


def test_faulty_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="rows x columns"):
        charts.heat_map(
            "x", "?", FINDING, ["A"], ["B"], [], span=(0, 1), words=str, headings=("Grader",)
        )
    with pytest.raises(ValueError, match="rise"):
        charts.histogram(
            "x", "?", FINDING, [0, 2, 1], [1, 1], x_axis="", y_axis="", headings=("a", "b", "c")
        )
    with pytest.raises(ValueError, match="points"):
        charts.lines("x", "?", FINDING, [], x_axis="", y_axis="", headings=())


@given(
    st.floats(-1e6, 1e6, allow_nan=False),
    st.floats(1e-3, 1e6, allow_nan=False),
    st.integers(2, 10),
)
def test_ticks_are_round_rise_and_stay_inside(low: float, span: float, most: int) -> None:
    high = low + span
    found = scales.ticks(low, high, most)
    assert len(found) <= most + 1
    assert found == sorted(set(found))
    assert all(low - span * 1e-6 <= value <= high + span * 1e-6 for value in found)
    out = scales.rounded_out(low, high, most)
    assert out[0] <= low + span * 1e-6
    assert out[1] >= high - span * 1e-6


def test_sizes_of_text_are_those_of_the_style_sheet() -> None:
    css = (assets.folder("static") / "css" / "site.css").read_text(encoding="utf-8")
    for name, width in (("wide", drawing.WIDE), ("narrow", drawing.NARROW)):
        size = re.search(rf"\.chart-{name} text {{ font-size: (\d+)px", css)
        assert size is not None
        assert float(size[1]) == drawing.TEXT[width] >= 12
