"""Can a grader tell a check item by how long it takes: ``python -m benchmarks.serving [--turns 500]``.

One work is served to two graders, live to one and as a check item to the other, through the whole WSGI
app on SQLite: its page, and a draft being saved. Which comes first is drawn anew each turn. Both the wall
clock and the processor's are read; the two samples are compared by Mann and Whitney's test and, as turns
are pairs, by the median of their differences with its 95 % interval (of the sign test). Writes
``benchmarks/results/serving.md``. That the bytes are alike is a test: ``tests/web/test_check_items.py``.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
from flask import Flask
from flask.testing import FlaskClient
from scipy import stats
from sqlalchemy import select

from benchmarks.simulation import write
from grading import migrations
from grading.app import create_app
from grading.db import db, transaction
from grading.models import Allocation
from grading.readings import check_items
from grading.workflow.allocation import Purpose
from tests import factories
from tests.database import NOW, Clock, begun_sign_in, settings_for

KINDS = ("live", "check item")
Times = dict[tuple[str, str], list[tuple[float, float]]]


@contextmanager
def service() -> Iterator[tuple[Flask, Clock]]:
    """An app of its own with an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        app, clock = create_app(settings_for(home, f"sqlite:///{home / 'grading.db'}")), Clock()
        app.extensions["clock"] = clock
        app.config["WTF_CSRF_ENABLED"] = False
        with app.app_context():
            migrations.upgrade(db.engine)
        yield app, clock
        with app.app_context():
            db.engine.dispose()


def items(app: Flask, clock: Clock) -> dict[str, tuple[str, str]]:
    """Rater and item of one work, live and as a check item."""
    with app.app_context(), transaction() as session:
        cast = factories.a_cast(
            session,
            now=NOW,
            learners=4,
            graders=2,
            peer_readings=0,
            peers_needed=0,
            professional_readings=1,
            check_every=1,
            check_every_early=2,
            check_first_of_day=False,
        )
        due = cast.cohort.due_at
        [paper] = factories.anchor_papers(session, cast, 1, "validity", now=NOW + timedelta(days=2))
        factories.run_upkeep(session, cast.cohort, now=due, seed=2)
        live = session.scalars(
            select(Allocation).where(Allocation.submission_id == paper.source_id)
        ).one()
        assert live.rater_id is not None
        other = next(grader for grader in cast.graders if grader.id != live.rater_id)
        check = check_items.next_item(session, other, cast.cohort, now=due)
        assert check is not None
        assert check.purpose == Purpose.VALIDITY
        live.held_since, live.hold_until = check.held_since, check.hold_until
        clock.now = due
        return {"live": (live.rater_id, live.id), "check item": (other.id, check.id)}


def entered(app: Flask, rater: str) -> FlaskClient:
    client = app.test_client()
    with app.app_context():
        token = begun_sign_in(rater)
        db.session.remove()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = token, True
    return client


def measured(turns: int) -> Times:
    """(Wall, processor) seconds of each act by kind, turn by turn."""
    rng = np.random.default_rng(1)
    found: Times = {}
    with service() as (app, clock):
        pair = items(app, clock)
        clients = {kind: entered(app, rater) for kind, (rater, _) in pair.items()}
        version = dict.fromkeys(KINDS, 0)
        for turn in range(turns + 20):
            for kind in rng.permutation(KINDS).tolist():
                item = pair[kind][1]
                for act in ("page", "draft"):
                    wall, used = time.perf_counter(), time.process_time()
                    if act == "page":
                        answer = clients[kind].get(f"/grade/item/{item}")
                    else:
                        answer = clients[kind].put(
                            f"/grade/item/{item}/draft",
                            json={"levels": {"question": turn % 3}, "comments": {}, "comment": ""},
                            headers={"If-Match": f'"{version[kind]}"'},
                        )
                    spent = time.perf_counter() - wall, time.process_time() - used
                    assert answer.status_code == 200, (act, answer.status_code)
                    if act == "draft":
                        version[kind] += 1
                    # The first turns warm up.
                    if turn >= 20:
                        found.setdefault((act, kind), []).append(spent)
    return found


def median_interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % interval of the median by the sign test's order statistics."""
    ordered, n = np.sort(differences), len(differences)
    rank = int(stats.binom.ppf(0.025, n, 0.5))
    return float(ordered[rank - 1]), float(ordered[n - rank])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=500)
    arguments = parser.parse_args()
    times = measured(arguments.turns)
    lines = [
        "# The same work, live and as a check item",
        "",
        f"Written by `python -m benchmarks.serving`, {arguments.turns} turns; {platform.machine()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}. Milliseconds: median (quartiles). "
        "Difference: check item less live, median of the turns' pairs with its 95 % interval.",
        "",
        "| act | clock | live | check item | difference | Mann-Whitney p |",
        "|---|---|---|---|---|---|",
    ]
    for act in ("page", "draft"):
        for column, clock in enumerate(("wall", "processor")):
            live, check = (
                1e3 * np.array([one[column] for one in times[act, kind]]) for kind in KINDS
            )
            shown = [
                "{:.2f} ({:.2f}-{:.2f})".format(*np.quantile(one, (0.5, 0.25, 0.75)))
                for one in (live, check)
            ]
            low, high = median_interval(check - live)
            p = float(stats.mannwhitneyu(live, check).pvalue)
            lines.append(
                f"| {act} | {clock} | {shown[0]} | {shown[1]} "
                f"| {np.median(check - live):+.2f} ({low:+.2f} to {high:+.2f}) | {p:.2f} |"
            )
    write("serving.md", lines)


if __name__ == "__main__":
    main()
