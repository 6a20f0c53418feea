"""Will grading be done in time: items left by stage, what is needed, and what the present rate gives."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from grading.readings.queries.burndown import Burndown, Stage
from grading.web import charts, rendering

LABELS: dict[Stage, Any] = {
    Stage.PEERS: _l("Peer reviews"),
    Stage.READINGS: _l("Graders’ items"),
    Stage.THIRD: _l("Third readings"),
}


def finding(burndowns: Sequence[Burndown], now: datetime) -> str:
    """Say in a sentence what will miss its date at the present rate."""
    late = max(burndowns, key=lambda burndown: burndown.late)
    if not late.late:
        return _("At the present rate everything is done in time.")
    day = rendering.instant_words(late.due_at, rendering.viewer_zone())
    if late.due_at <= now:
        return ngettext(
            "%(num)s item has missed %(day)s (%(what)s).",
            "%(num)s items have missed %(day)s (%(what)s).",
            late.late,
            day=day,
            what=LABELS[late.stage],
        )
    return ngettext(
        "%(num)s item will miss %(day)s at the present rate (%(what)s). Add graders or move the date.",
        "%(num)s items will miss %(day)s at the present rate (%(what)s). Add graders or move the date.",
        late.late,
        day=day,
        what=LABELS[late.stage],
    )


def draw_burndown(burndowns: Sequence[Burndown], now: datetime) -> charts.Figure | None:
    """Draw each stage, and for the graders' items the line that is needed and the forecast."""
    if not burndowns:
        return None
    start = min(burndown.points[0][0] for burndown in burndowns)

    def days(at: datetime) -> float:
        return (at - start) / timedelta(days=1)

    series = [
        charts.Series(
            str(LABELS[burndown.stage]),
            [(days(at), left) for at, left in burndown.points],
            dots=False,
        )
        for burndown in burndowns
    ]
    main = next((burndown for burndown in burndowns if burndown.stage is Stage.READINGS), None)
    if main is not None and now < main.due_at:
        most = max(left for _at, left in main.points)
        series.append(
            charts.Series(
                _("Needed"),
                [(days(main.points[0][0]), most), (days(main.due_at), 0)],
                dots=False,
                dashed=True,
            )
        )
        ahead = (main.due_at - now) / timedelta(days=1)
        series.append(
            charts.Series(
                _("Forecast"),
                [
                    (days(now), main.left),
                    (days(main.due_at), max(0.0, main.left - main.rate * ahead)),
                ],
                dots=False,
                dashed=True,
            )
        )
    return charts.lines(
        "burndown",
        _("Will we finish in time?"),
        finding(burndowns, now),
        series,
        x_axis=_(
            "Days since %(day)s",
            day=rendering.date_words(start.astimezone(rendering.viewer_zone())),
        ),
        y_axis=_("Items left"),
        headings=(_("Stage"), _("Day"), _("Items left")),
        breaks=[charts.Break(_("deadline"), days(main.due_at))] if main is not None else (),
    )
