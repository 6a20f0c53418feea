"""The upkeep of a cohort: each step in transactions of its own, until nothing is left to do."""

import secrets
from datetime import datetime

from flask import Flask

from grading.db import transaction
from grading.errors import GradingError, PassingFailure
from grading.office import upkeep
from grading.office.upkeep_run import UpkeepRun

# A step that still finds work after so many rounds goes on with the next upkeep.
MOST_ROUNDS = 10_000
# So many failures stand in words beside the job; the log has them all.
MOST_NAMED = 20


class UpkeepIncomplete(GradingError):
    """All that could be done is done; what could not stands in the message, and is tried again."""


def run(app: Flask, cohort_id: str, *, now: datetime, seed: int | None = None) -> int:
    """Do all the upkeep that is due at an instant.

    A step, or an item of one, that fails is undone by itself, and the rest goes on.

    Parameters
    ----------
    seed : int, optional
        Of the draws; by default a new one, which the audit entry keeps.

    Returns
    -------
    int
        How much was done.

    Raises
    ------
    UpkeepIncomplete
        When all else was done: which steps and items failed, and of what.
    PassingFailure
        The database cannot be reached.
    """
    done, failures = 0, []
    with app.app_context():
        for step in upkeep.STEPS:
            this = UpkeepRun(now, 0)
            try:
                done += _finish(cohort_id, step, this, seed)
            except PassingFailure:
                raise
            except Exception as error:
                this.failures[cohort_id] = error
            for failed_id, failure in this.failures.items():
                app.logger.error("upkeep: %s of %s", step.__name__, failed_id, exc_info=failure)
                failures.append(
                    f"{step.__name__} of {failed_id}: {type(failure).__name__}: {failure}"
                )
    if failures:
        raise UpkeepIncomplete(
            "The rest is done. What failed is tried again with the next upkeep: %(failures)s",
            failures="; ".join(failures[:MOST_NAMED]),
        )
    return done


def _finish(cohort_id: str, step: upkeep.UpkeepStep, this: UpkeepRun, seed: int | None) -> int:
    done = 0
    for _ in range(MOST_ROUNDS):
        this.seed = secrets.randbits(32) if seed is None else seed
        with transaction() as session:
            did = upkeep.perform(session, cohort_id, step, this)
        done += did
        if not did:
            break
    return done
