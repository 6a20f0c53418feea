"""The upkeep of a cohort: each step in transactions of its own, until nothing is left to do."""

import secrets
from datetime import datetime

from flask import Flask

from grading.db import transaction
from grading.office import upkeep

# A step that still finds work after so many rounds goes on with the next upkeep.
MOST_ROUNDS = 10_000


def run(app: Flask, cohort_id: str, *, now: datetime, seed: int | None = None) -> int:
    """Do all the upkeep that is due at an instant.

    Parameters
    ----------
    seed : int, optional
        Of the draws; by default a new one, which the audit entry keeps.

    Returns
    -------
    int
        How much was done.
    """
    done = 0
    with app.app_context():
        for step in upkeep.STEPS:
            for _ in range(MOST_ROUNDS):
                with transaction() as session:
                    did = upkeep.perform(
                        session,
                        cohort_id,
                        step,
                        seed=secrets.randbits(32) if seed is None else seed,
                        now=now,
                    )
                done += did
                if not did:
                    break
    return done
