"""Calibration as a reader meets it: the rules, practice, qualification, results; and one's consistency.

Served under two addresses like the bench: ``/grade`` for professionals, ``/learn`` for peers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import NotFound, Refused
from grading.measurement.monitoring.calibration import standard
from grading.models import Allocation, AnchorPaper, CalibrationAttempt, Cohort, Person
from grading.readings import calibration, graders
from grading.readings.queries import clearances, standings
from grading.readings.queries.clearances import Tries
from grading.rubric.definition import Criterion
from grading.web import access
from grading.web.access import load, requires
from grading.web.charts import grader_charts
from grading.web.errors import words
from grading.web.number_words import number
from grading.web.rater.common import add_views
from grading.workflow.allocation import AllocationState
from grading.workflow.calibration import AttemptKind, AttemptState
from grading.workflow.cohort import CohortState
from grading.workflow.plan import GradingPlan

bp = Blueprint("training", __name__)

# Feedback on check items comes in batches, so that no single one can be recognised.
BATCH = 3


@dataclass(frozen=True)
class Side:
    """One of the two ways to calibration; the views of the bench that go with it."""

    name: str
    prefix: str
    permission: Permission
    item: str

    def url(self, view: str, **values: Any) -> str:
        return url_for(f"training.{self.name}_{view}", **values)

    def sheet(self, item: Allocation) -> str:
        done = item.state in (AllocationState.FINISHED, AllocationState.SEALED)
        view = "finished" if done else "sheet"
        return url_for(f"rater.{self.item}_{view}", allocation_id=item.id)


GRADER = Side("grader", "/grade", Permission.REVIEW_PROFESSIONAL, "item")
PEER = Side("peer", "/learn", Permission.REVIEW_PEER, "review")


def _cohort(side: Side, cohort_id: str) -> Cohort:
    cohort = load(Cohort, cohort_id, side.permission)
    if side is PEER and cohort.plan.peer_calibration == "off":
        raise NotFound("There is no such page.")
    g.cohort_zone = cohort.zone
    return cohort


def _attempt(side: Side, attempt_id: str) -> CalibrationAttempt:
    found = load(CalibrationAttempt, attempt_id, side.permission, owner="person_id")
    _cohort(side, found.cohort_id)
    return found


def _kinds(side: Side, plan: GradingPlan) -> list[AttemptKind]:
    kinds = [AttemptKind.PRACTICE] if plan.practice_papers or side is PEER else []
    if side is GRADER or plan.peer_calibration == "counts":
        kinds.append(AttemptKind.QUALIFICATION)
    return kinds


@dataclass(frozen=True)
class Way:
    """Whether an attempt of a kind can begin: why not in words, and from when on."""

    kind: AttemptKind
    hindrance: str | None
    again: datetime | None


def _way(session: Session, cohort: Cohort, rater: Person, kind: AttemptKind, tries: Tries) -> Way:
    now = access.now()
    waits = kind is AttemptKind.QUALIFICATION and tries.again is not None and tries.again > now
    refused = calibration.hindrance(session, cohort, rater, kind, now=now)
    return Way(kind, words(refused) if refused else None, tries.again if waits else None)


def rule_words(criterion: Criterion, plan: GradingPlan) -> str:
    """Say what is asked on a criterion."""
    asked = standard(len(criterion.levels), discrepancies=plan.qualification_discrepancies)
    said = []
    if asked.exact is not None:
        said.append(_("the same level in %(n)s %%", n=number(100 * asked.exact, 0)))
    if asked.adjacent is not None:
        said.append(_("at most one level off in %(n)s %%", n=number(100 * asked.adjacent, 0)))
    if asked.kappa is not None:
        said.append(_("quadratic kappa of at least %(n)s", n=number(asked.kappa, 2)))
    said.append(_("at most %(n)s example further off", n=asked.discrepancies))
    return "; ".join(said)


def _overview(side: Side, cohort_id: str) -> ResponseReturnValue:
    """The rules, what can be begun and what was done."""
    cohort = _cohort(side, cohort_id)
    session = db.session()
    me = access.person()
    tried = clearances.attempts(session, cohort, me.id)
    current = next((one for one in tried if one.state == AttemptState.OPEN), None)
    items = calibration.items(session, current) if current else []
    plan = cohort.plan
    tries = clearances.tries_of(plan, tried)
    return render_template(
        "rater/calibration.html",
        side=side,
        cohort=cohort,
        plan=plan,
        rubric=cohort.rubric_version.rubric,
        rules=[(one, rule_words(one, plan)) for one in cohort.rubric_version.rubric.criteria],
        attempts=tried,
        current=current,
        items=items,
        left=sum(not _is_done(item) for item, _paper in items),
        ways=[]
        if current or cohort.state != CohortState.OPEN
        else [_way(session, cohort, me, kind, tries) for kind in _kinds(side, plan)],
        standings=standings.of_person(session, cohort, me.id),
        cleared=side is GRADER and bool(standings.cleared(session, cohort, [me], access.now())),
        sets_the_standard=bool(standings.standard_setters(session, cohort, [me])),
        tries_left=tries.left,
        qualifies=AttemptKind.QUALIFICATION in _kinds(side, plan),
    )


def _is_done(item: Allocation) -> bool:
    return item.state in (
        AllocationState.FINISHED,
        AllocationState.SEALED,
        AllocationState.CANCELLED,
    )


def _start(side: Side, cohort_id: str, kind: str) -> ResponseReturnValue:
    cohort = _cohort(side, cohort_id)
    if kind not in _kinds(side, cohort.plan):
        raise NotFound("There is no such page.")
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    try:
        with transaction() as session:
            calibration.start(
                session,
                access.person(),
                _cohort(side, cohort_id),
                AttemptKind(kind),
                rng=np.random.default_rng(seed),
                now=access.now(),
            )
    except Refused as error:
        flash(words(error))
    return redirect(side.url("overview", cohort_id=cohort_id), 303)


@dataclass(frozen=True)
class Difference:
    """One criterion of a finished attempt: its outcome, and how often one was above or below."""

    criterion: Criterion
    outcome: dict[str, Any]
    above: int
    below: int


def _differences(
    cohort: Cohort,
    attempt: CalibrationAttempt,
    read: Sequence[tuple[dict[str, int], AnchorPaper]],
) -> list[Difference]:
    found = []
    for criterion in cohort.rubric_version.rubric.criteria:
        gaps = [
            levels[criterion.code] - (paper.levels or {})[criterion.code] for levels, paper in read
        ]
        found.append(
            Difference(
                criterion,
                (attempt.outcome or {}).get(criterion.code, {}),
                sum(gap > 0 for gap in gaps),
                sum(gap < 0 for gap in gaps),
            )
        )
    return found


def _result(side: Side, attempt_id: str) -> ResponseReturnValue:
    """How an attempt went: nothing of a qualification before it is handed in."""
    attempt = _attempt(side, attempt_id)
    session = db.session()
    cohort = session.get_one(Cohort, attempt.cohort_id)
    if attempt.state == AttemptState.OPEN:
        return redirect(side.url("overview", cohort_id=cohort.id))
    read = [
        (item, item.review.levels, paper)
        for item, paper in calibration.items(session, attempt)
        if item.review is not None and item.state == AllocationState.SEALED
    ]
    judged = attempt.state == AttemptState.JUDGED
    return render_template(
        "rater/attempt.html",
        side=side,
        cohort=cohort,
        rubric=cohort.rubric_version.rubric,
        attempt=attempt,
        differences=_differences(cohort, attempt, [row[1:] for row in read]) if judged else [],
        # The papers of a qualification stay closed: a colleague may yet meet them.
        read=read if judged and attempt.kind == AttemptKind.PRACTICE else [],
    )


def _hand_in(side: Side, attempt_id: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            attempt = _attempt(side, attempt_id)
            calibration.hand_in(session, access.person(), attempt, now=access.now())
    except Refused as error:
        flash(words(error))
    return redirect(side.url("result", attempt_id=attempt_id), 303)


def _end(side: Side, attempt_id: str) -> ResponseReturnValue:
    with transaction() as session:
        attempt = _attempt(side, attempt_id)
        cohort_id = attempt.cohort_id
        calibration.end(session, access.person(), attempt, now=access.now())
    flash(_("The attempt is given up. Its examples are not used again for you."))
    return redirect(side.url("overview", cohort_id=cohort_id), 303)


@bp.get("/grade/consistency/<cohort_id>")
@requires(Permission.REVIEW_PROFESSIONAL)
def consistency(cohort_id: str) -> ResponseReturnValue:
    """One's own numbers, and what is measured and who sees it."""
    cohort = load(Cohort, cohort_id, Permission.REVIEW_PROFESSIONAL)
    g.cohort_zone = cohort.zone
    me = access.person().id
    known = graders.known_of(db.session(), cohort, me, drift=False)
    over = cohort.state == CohortState.ENDED or access.now() > cohort.grading_due_at
    tried = len(known.checks) if over else len(known.checks) // BATCH * BATCH
    checked = known.checks[:tried]
    rubric = cohort.rubric_version.rubric
    figures = [
        grader_charts.validity(
            known.total,
            tolerance=float(cohort.plan.check_tolerance_levels),
            most=tried,
        )
        if known.total
        else None,
        # With a single colleague their levels would be told.
        grader_charts.levels(known, rubric) if len(known.others) > 1 else None,
        grader_charts.severity(known.parts, rubric),
    ]
    return render_template(
        "rater/consistency.html",
        cohort=cohort,
        sentence=grader_charts.direction(known.total.severity if known.total else None),
        sheets=len(known.total.series.sheets) if known.total else 0,
        tried=len(checked),
        met=sum(good for _sheet, good in checked),
        batch=BATCH,
        figures=[figure for figure in figures if figure is not None],
    )


for _side in (GRADER, PEER):
    add_views(
        bp,
        _side,
        [
            ("overview", "GET", "/calibration/<cohort_id>", _overview),
            ("start", "POST", "/calibration/<cohort_id>/<kind>", _start),
            ("result", "GET", "/attempt/<attempt_id>", _result),
            ("hand_in", "POST", "/attempt/<attempt_id>/hand-in", _hand_in),
            ("end", "POST", "/attempt/<attempt_id>/end", _end),
        ],
    )
