"""What is known of each grader of a cohort: for the lead's pages, and for the grader's own."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.measurement.monitoring import control_charts, effects
from grading.measurement.monitoring.control_charts import DriftChart, Ewma, RunRule
from grading.measurement.monitoring.effects import Effect, Pace
from grading.models import Alarm, Cohort, Person, Quarantine, QueuePause
from grading.readings import check_items, monitoring
from grading.readings.queries import calibration_progress, reading_series
from grading.readings.queries.reading_series import TOTAL, Column, Series, Sheet
from grading.rubric.definition import Rubric
from grading.workflow.cohort import Role
from grading.workflow.monitoring import AlarmState, QuarantineState
from grading.workflow.plan import GradingPlan

# Below so many sheets nothing is said of a person.
ENOUGH = 10


@dataclass(frozen=True)
class GraderRow:
    """One grader at a glance.

    Attributes
    ----------
    sheets : sealed readings that count, check items among them
    severity : Effect or None
        On the total, in levels, positive is stricter; None where the readings do not allow it.
    checks, met : check items, and those within the plan's tolerance
    alarms : open ones
    """

    person: Person
    sheets: int
    severity: Effect | None
    checks: int
    met: int
    alarms: int
    paused: QueuePause | None
    aside: bool


def met(rubric: Rubric, plan: GradingPlan, sheet: Sheet) -> bool:
    """Whether a check item's sheet is within the plan's tolerance."""
    return not check_items.is_miss(rubric, plan, sheet.levels, sheet.definitive or {})


def grader_rows(session: Session, cohort: Cohort) -> list[GraderRow]:
    """List the graders of a cohort, and whoever else read for it, by name: never by a measure."""
    rubric, plan = cohort.rubric_version.rubric, cohort.plan
    every = reading_series.sheets(session, cohort)
    found = [sheet for sheet in every if sheet.professional]
    total = reading_series.column(rubric, every, TOTAL)
    by_rater: dict[str, list[Sheet]] = defaultdict(list)
    for sheet in found:
        by_rater[sheet.rater_id].append(sheet)
    enrolled = {
        person.id for person in calibration_progress.professionals(session, cohort, Role.GRADER)
    }
    listed = session.scalars(
        select(Person)
        .where(Person.id.in_(enrolled | set(by_rater)))
        .order_by(Person.name, Person.id)
    )
    alarms = Counter(
        session.scalars(
            select(Alarm.person_id).where(
                Alarm.cohort_id == cohort.id, Alarm.state == AlarmState.OPEN
            )
        )
    )
    aside = set(
        session.scalars(
            select(Quarantine.person_id).where(
                Quarantine.cohort_id == cohort.id, Quarantine.state == QuarantineState.IN_FORCE
            )
        )
    )
    paused = calibration_progress.pauses(session, cohort)
    made = []
    for person in listed:
        mine = by_rater[person.id]
        series = total.series.get(person.id) if total else None
        tried = [sheet for sheet in mine if sheet.definitive]
        made.append(
            GraderRow(
                person,
                len(mine),
                effects.severity(series.residual, series.variance) if series else None,
                len(tried),
                sum(met(rubric, plan, sheet) for sheet in tried),
                alarms[person.id],
                paused.get(person.id),
                person.id in aside,
            )
        )
    return made


@dataclass(frozen=True, eq=False)
class Part:
    """One grader on one criterion, or on the total (``criterion`` None).

    Attributes
    ----------
    severity, range_use : Effect
    validity : ValidityAgreement or None
        None on the total.
    chart : DriftChart or None
        None before a grader's own standard can be known; ``ewma`` and ``patterns`` go with it.
    """

    criterion: str | None
    series: Series
    severity: Effect
    range_use: Effect
    validity: effects.ValidityAgreement | None
    chart: DriftChart | None
    ewma: Ewma | None
    patterns: tuple[RunRule, ...]


@dataclass(frozen=True, eq=False)
class Known:
    """What a cohort's readings say of one grader.

    Attributes
    ----------
    parts : list of Part
        The total first; empty where the readings do not allow any.
    halo, order : Effect or None
    pace : Pace
        In minutes.
    positions : ndarray of int
        Of the total's sheets within their sitting.
    levels : dict
        Criterion code to how often each level was given, by this grader and by all the others.
    checks : list of (Sheet, bool)
        Check items, oldest first, and whether they were met.
    others : list of (int, float)
        Sheets and mean residual on the total of each other grader, without names.
    """

    person_id: str
    parts: Sequence[Part]
    halo: Effect | None
    order: Effect | None
    pace: Pace
    positions: NDArray[np.int64]
    levels: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
    checks: Sequence[tuple[Sheet, bool]]
    others: Sequence[tuple[int, float]]

    @property
    def total(self) -> Part | None:
        return self.parts[0] if self.parts and self.parts[0].criterion is TOTAL else None

    def part(self, criterion: str | None) -> Part | None:
        return next((one for one in self.parts if one.criterion == criterion), None)


def known_of(session: Session, cohort: Cohort, person_id: str, *, drift: bool = True) -> Known:
    """Gather what is known of one grader.

    Parameters
    ----------
    drift : bool
        Whether charts are wanted; their limits are simulated when first asked for.
    """
    rubric, plan = cohort.rubric_version.rubric, cohort.plan
    found = reading_series.sheets(session, cohort)
    wanted: list[str | None] = [TOTAL, *(one.code for one in rubric.criteria)]
    columns = [
        made for code in wanted if (made := reading_series.column(rubric, found, code)) is not None
    ]
    parts = [
        _part(column, column.series[person_id], plan, len(rubric.criteria), drift)
        for column in columns
        if person_id in column.series
    ]
    mine = [sheet for sheet in found if sheet.rater_id == person_id and sheet.professional]
    total = next((part.series for part in parts if part.criterion is TOTAL), None)
    positions = _positions(total.sheets if total else [])
    spent = [
        (sheet.finished_at - sheet.begun_at).total_seconds() / 60
        for sheet in mine
        if sheet.begun_at is not None
    ]
    return Known(
        person_id,
        parts,
        _halo(parts),
        effects.order_effect(total.residual, positions) if total else None,
        effects.pace(spent),
        positions,
        _levels(rubric, found, person_id),
        [(sheet, met(rubric, plan, sheet)) for sheet in mine if sheet.definitive],
        [
            (len(series.sheets), float(series.residual.mean()))
            for column in columns
            if column.criterion is TOTAL
            for rater_id, series in sorted(column.series.items())
            if rater_id != person_id
        ],
    )


def _part(column: Column, series: Series, plan: GradingPlan, criteria: int, drift: bool) -> Part:
    known = monitoring.effects(column, series)
    enough = len(series.sheets) >= ENOUGH
    charted = drift and len(series.sheets) >= monitoring.FEWEST
    severity: Effect = known["severity"]
    return Part(
        column.criterion,
        series,
        severity,
        known["range"],
        known["validity"],
        monitoring.chart(column, series, plan, criteria) if charted else None,
        control_charts.ewma(series.residual, series.variance, centre=-severity.estimate)
        if drift and enough
        else None,
        control_charts.run_rules((series.residual + severity.estimate) / np.sqrt(series.variance))
        if drift and enough
        else (),
    )


def _positions(sheets: Sequence[Sheet]) -> NDArray[np.int64]:
    if not sheets:
        return np.zeros(0, dtype=np.int64)
    first = sheets[0].finished_at
    return effects.sittings([(one.finished_at - first).total_seconds() / 60 for one in sheets])


def _halo(parts: Sequence[Part]) -> Effect | None:
    """The residuals of the sheets that all criteria have in common, side by side."""
    by_sheet: dict[str, list[float]] = defaultdict(list)
    single = [part for part in parts if part.criterion is not TOTAL]
    for part in single:
        for sheet, residual in zip(part.series.sheets, part.series.residual, strict=True):
            by_sheet[sheet.allocation_id].append(float(residual))
    whole = [row for row in by_sheet.values() if len(row) == len(single)]
    return effects.halo(whole) if len(single) > 1 and whole else None


def _levels(
    rubric: Rubric, found: Sequence[Sheet], person_id: str
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    counted = {}
    for criterion in rubric.criteria:
        mine, others = (
            np.bincount(
                [
                    sheet.levels[criterion.code]
                    for sheet in found
                    if sheet.professional and (sheet.rater_id == person_id) is own
                ],
                minlength=len(criterion.levels),
            )
            for own in (True, False)
        )
        counted[criterion.code] = (mine, others)
    return counted
