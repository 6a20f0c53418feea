"""What became of a replayed cohort: as data, and in words."""

import math
from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cli.replay.player import Player
from grading.db import transaction
from grading.ledger import verifying
from grading.models import (
    Allocation,
    Cohort,
    Grade,
    Review,
    Submission,
)
from grading.releases.queries import candidates
from grading.scores.queries import agreement
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.submission import SubmissionState


def report(player: Player) -> dict[str, Any]:
    """Say what became of everything."""
    with transaction() as session:
        cohort = session.get_one(Cohort, player.cohort_id)
        states = Counter(
            dict(
                session.execute(
                    select(Submission.state, func.count())
                    .where(Submission.cohort_id == cohort.id)
                    .group_by(Submission.state)
                ).all()
            )
        )
        left = candidates.candidates(session, cohort, now=player.now)
        readings = Counter(
            (str(pool), str(purpose))
            for pool, purpose in session.execute(
                select(Allocation.pool, Allocation.purpose)
                .join(Review)
                .where(Allocation.cohort_id == cohort.id)
            )
        )
        chains = verifying.verify(session)
        return {
            "works": len(player.ratings.levels),
            "raters": len(player.ratings.raters),
            "states": dict(sorted(states.items())),
            "released": states[SubmissionState.RELEASED],
            "hindered": len(left),
            "hindrances": dict(Counter(str(reason) for item in left for reason in item.hindrances)),
            "readings": {
                "professional": sum(
                    count
                    for (pool, purpose), count in readings.items()
                    if pool == Pool.PROFESSIONAL and purpose != Purpose.ADJUDICATION
                ),
                "adjudication": readings[Pool.PROFESSIONAL, Purpose.ADJUDICATION],
                "peer": readings[Pool.PEER, Purpose.LIVE],
            },
            "agreement": agreement.as_dict(agreement.report(session, cohort)),
            "rmse": _errors(player, session),
            "audit": {
                "entries": sum(chain.count for chain in chains),
                "faults": [fault for chain in chains for fault in chain.faults],
            },
        }


def _errors(player: Player, session: Session) -> dict[str, float | None]:
    """Root mean square error of what was released, on the file's own scale."""
    readers: dict[str, set[str]] = defaultdict(set)
    for submission_id, rater_id in session.execute(
        select(Allocation.submission_id, Allocation.rater_id).where(
            Allocation.cohort_id == player.cohort_id, Allocation.state == AllocationState.SEALED
        )
    ):
        if rater_id is not None:
            readers[submission_id].add(player.rater_of[rater_id])
    low, high = player.ratings.values[0], player.ratings.values[-1]
    to_all: list[float] = []
    to_others: list[float] = []
    for submission_id, detail in session.execute(select(Grade.submission_id, Grade.detail)):
        released = low + (high - low) * detail["composite"] / 100
        work = player.work_of[submission_id]
        others = set(player.ratings.raters) - readers[submission_id]
        to_all.append(released - player.ratings.mean(work))
        apart = player.ratings.mean(work, others)
        if not math.isnan(apart):
            to_others.append(released - apart)
    return {"to_all_raters": _rms(to_all), "to_raters_who_did_not_read": _rms(to_others)}


def _rms(errors: list[float]) -> float | None:
    return math.sqrt(math.fsum(error**2 for error in errors) / len(errors)) if errors else None


def in_words(report: dict[str, Any]) -> str:
    lines = [
        f"{report['works']} works, {report['raters']} raters",
        "readings: " + ", ".join(f"{count} {kind}" for kind, count in report["readings"].items()),
        f"released {report['released']}, hindered {report['hindered']}",
    ]
    for name, error in report["rmse"].items():
        lines.append(
            f"RMSE {name.replace('_', ' ')}: {'undefined' if error is None else f'{error:.3f}'}"
        )
    for criterion, pools in report["agreement"].items():
        for pool, values in pools.items():
            kappa = values["quadratic_kappa"]
            shown = "not enough ratings" if kappa is None else f"quadratic kappa {kappa:.3f}"
            lines.append(f"{criterion}, {pool}: {shown} (n = {values['works']})")
    return "\n".join(lines)
