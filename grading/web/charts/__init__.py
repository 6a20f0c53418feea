"""Charts as SVG, written by the server: no script, no style attribute, words beside every number.

A chart is drawn twice, wide and narrow; the style sheet shows the one that fits. Colours are classes of
the style sheet, so that dark mode, forced colours and print follow without drawing again. What a chart
shows also stands in a table, and can be taken along as CSV (`grading.web.downloads.table`).
"""

from grading.web.charts.bars import Bar, bars
from grading.web.charts.drawing import Box, Drawing, Figure
from grading.web.charts.heat import heat_map
from grading.web.charts.histogram import histogram
from grading.web.charts.intervals import Estimate, intervals
from grading.web.charts.lines import Break, Limit, Series, lines
from grading.web.charts.scatter import scatter
from grading.web.charts.wright import Place, wright

__all__ = [
    "Bar",
    "Box",
    "Break",
    "Drawing",
    "Estimate",
    "Figure",
    "Limit",
    "Place",
    "Series",
    "bars",
    "heat_map",
    "histogram",
    "intervals",
    "lines",
    "scatter",
    "wright",
]
