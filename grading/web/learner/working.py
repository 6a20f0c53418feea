"""How a result was worked out: every reading and weight, what moved it, and the line that gives it."""

from dataclasses import dataclass
from typing import Any

from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.disputes.queries import learner_results
from grading.models import Grade
from grading.rubric.definition import Rubric
from grading.workflow.allocation import Pool

# As many places as let a reader with a pencil come to the same whole point.
PLACES = 3


@dataclass(frozen=True)
class WorkingRow:
    """One criterion: each reading's level, then points of those who count, and what it adds to 100.

    ``peers`` is the peers' median in points; None where peers do not count.
    """

    title: str
    levels: list[int | None]
    points: float
    peers: float | None
    most: float
    weight: float
    adds: float
    peers_add: float | None


@dataclass(frozen=True)
class Working:
    """The table of a result, its worked line, and what moved it in a sentence.

    ``columns`` are the readings' names, in the order of each row's levels; ``shifts`` go with those of
    professionals: share of the score, and points added to it.
    """

    columns: list[str]
    rows: list[WorkingRow]
    shifts: list[tuple[str, float, float]]
    peers: dict[str, Any] | None
    raw: float
    composite: float
    line: str
    sentence: str
    method: str


def as_table(found: Working, value: str) -> tuple[list[str], list[list[Any]]]:
    """Give headings and rows of the calculation, unrounded, down to the released value."""
    columns = len(found.columns)
    headings = [
        _("Criterion"), *found.columns, _("Points"), _("of"), _("Weight"), _("Adds to 100"),
        _("Peers’ points"), _("Peers’ part"),
    ]  # fmt: skip
    blank: list[Any] = [None] * columns

    def total(name: str, own: float | str, peers: float | None = None) -> list[Any]:
        return [name, *blank, None, None, None, own, None, peers]

    rows = [
        [
            row.title,
            *row.levels,
            row.points,
            row.most,
            row.weight,
            row.adds,
            row.peers,
            row.peers_add,
        ]
        for row in found.rows
    ]
    rows.append(total(_("Together"), found.raw, found.peers["median"] if found.peers else None))
    rows += [
        total(_("%(reading)s: what severity adds", reading=name), share * severity)
        for name, share, severity in found.shifts
    ]
    rows.append(total(_("Before rounding"), found.composite))
    rows.append(total(_("Result"), value))
    return headings, rows


def _name(label: tuple[str, str]) -> str:
    if label[0] == Pool.PROFESSIONAL:
        return _("Grader %(sign)s", sign=label[1])
    return _("Peer %(sign)s", sign=label[1])


def _signed(value: float) -> str:
    sign = "\N{MINUS SIGN}" if value < 0 else "+"
    return f"{sign} {_plain(abs(value))}"


def _plain(value: float) -> str:
    return str(format_decimal(value, format=f"0.{'0' * PLACES}"))


def working_of(session: Session, grade: Grade, rubric: Rubric) -> Working:
    """Lay out the calculation of a released grade."""
    score = grade.score
    readings = learner_results.reading_columns(session, grade)
    detail = score.adjustment
    peers = detail["peers"] if detail else None
    weights = sum(criterion.weight for criterion in rubric.criteria)
    rows = []
    for criterion in rubric.criteria:
        most = max(level.points for level in criterion.levels)
        points = score.criteria[criterion.code]["points"]
        median = peers["criteria"].get(criterion.code) if peers else None
        scale = 100 * criterion.weight / weights / most
        rows.append(
            WorkingRow(
                criterion.title,
                [one.levels.get(criterion.code) for one in readings],
                points,
                median,
                most,
                criterion.weight,
                scale * points,
                None if median is None else scale * median,
            )
        )
    raw = detail["raw"] if detail else score.composite
    shifts = [
        (_name(one.label), one.share, one.severity)
        for one in readings
        if one.label[0] == Pool.PROFESSIONAL
    ]
    return Working(
        [_name(one.label) for one in readings],
        rows,
        shifts if any(severity for _name_of, _share, severity in shifts) else [],
        peers,
        raw,
        score.composite,
        _line(raw, score.composite, detail),
        _sentence(raw, score.composite, detail),
        score.method,
    )


def _line(raw: float, composite: float, detail: dict[str, Any] | None) -> str:
    """Write the calculation from what the readings amount to, to the score before rounding."""
    if detail is None:
        return _("%(raw)s, rounded once", raw=_plain(raw))
    own = _plain(raw)
    if detail["shift"]:
        own = f"({own} {_signed(detail['shift'])})"
    peers = detail["peers"]
    if peers is None:
        line = f"{own} = {_plain(composite)}"
    elif peers["weight"] == 1:
        line = f"{_plain(peers['median'])} {_signed(-peers['leniency'])} = {_plain(composite)}"
    else:
        theirs = f"({_plain(peers['median'])} {_signed(-peers['leniency'])})"
        share = _plain(1 - peers["weight"]), _plain(peers["weight"])
        line = f"{share[0]} × {own} + {share[1]} × {theirs} = {_plain(composite)}"
    if composite in (0.0, 100.0):
        line = _("%(line)s, kept within 0 and 100", line=line)
    return line


def _sentence(raw: float, composite: float, detail: dict[str, Any] | None) -> str:
    """Say which way, how far and why the adjustment moved the score."""
    if detail is None:
        return ""
    moved = composite - raw
    size = str(format_decimal(abs(moved), format="0.0"))
    shift, peers = detail["shift"], detail["peers"]
    if abs(moved) < 0.05:
        told = _("The adjustment for who read your project left the score where it was.")
    elif moved > 0:
        told = _(
            "The adjustment for who read your project raised the score by %(size)s points.",
            size=size,
        )
    else:
        told = _(
            "The adjustment for who read your project lowered the score by %(size)s points.",
            size=size,
        )
    reasons = []
    if abs(shift) >= 0.05:
        points = str(format_decimal(abs(shift), format="0.0"))
        n = len(detail["readings"])
        reasons.append(
            ngettext(
                "Your grader is %(points)s points stricter than the graders of this cohort.",
                "Your %(num)s graders are together %(points)s points stricter than those of this cohort.",
                n,
                points=points,
            )
            if shift > 0
            else ngettext(
                "Your grader is %(points)s points milder than the graders of this cohort.",
                "Your %(num)s graders are together %(points)s points milder than those of this cohort.",
                n,
                points=points,
            )
        )
    if peers is not None:
        points = str(format_decimal(abs(peers["leniency"]), format="0.0"))
        share = str(format_decimal(100 * peers["weight"], format="0"))
        reasons.append(
            _(
                "Your peers count for %(share)s %% of it, after the %(points)s points are taken off "
                "by which peers are milder than graders.",
                share=share,
                points=points,
            )
            if peers["leniency"] >= 0
            else _(
                "Your peers count for %(share)s %% of it, after the %(points)s points are added "
                "by which peers are stricter than graders.",
                share=share,
                points=points,
            )
        )
    return " ".join([told, *reasons])
