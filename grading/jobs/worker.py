"""The worker: takes due jobs from the `job` table, one at a time, and carries them out.

The table is the queue. It is needed anyhow, because a job is written in the transaction of the act that
asks for it; and a claim is one statement on it, so a queue beside it would only add a second place where
a job can be lost.
"""

import os
import secrets
import socket
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import SQLAlchemyError

from grading.db import db, transaction
from grading.errors import PassingFailure, PermanentFailure
from grading.models import Cohort, Job, JobState
from grading.settings import Installation
from grading.workflow.cohort import CohortState

LEASE = timedelta(seconds=60)
POLL = 0.5
UPKEEP_EVERY = timedelta(seconds=20)
RETENTION_EVERY = timedelta(days=1)
MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_ERROR = 2_000


@dataclass(frozen=True)
class Task:
    """A claimed job, as a handler sees it."""

    app: Flask
    installation: Installation
    id: str
    key: str
    payload: dict[str, Any]
    now: datetime


Handler = Callable[[Task], None]


def pause_after(attempts: int) -> timedelta:
    """How long to wait before trying again: twice as long each time."""
    return FIRST_PAUSE * (1 << max(attempts - 1, 0))


class Worker:
    """Carries out jobs of an app.

    Parameters
    ----------
    handlers : Mapping
        Topic to handler. A handler may be called twice for one job, when a worker died in it.
    clock : callable, optional
        Gives aware UTC; leases follow it too.
    """

    def __init__(
        self,
        app: Flask,
        handlers: Mapping[str, Handler],
        *,
        lease: timedelta = LEASE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._handlers = handlers
        self._lease = lease
        self._clock = clock
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def run_once(self, now: datetime) -> bool:
        """Claim and carry out one due job; False when none is due."""
        with self._app.app_context():
            try:
                claimed = self._claim(now)
                if claimed is None:
                    return False
                job_id, topic, key, payload, attempts = claimed
                task = Task(self._app, self._app.extensions["grading"], job_id, key, payload, now)
                with _Heartbeat(self._app, job_id, self.name, self._lease, self._clock):
                    self._carry_out(task, topic, attempts, now)
                return True
            finally:
                db.session.remove()

    def run_until_idle(self, now: datetime) -> int:
        """Carry out everything that is due at an instant; gives how many jobs that were."""
        count = 0
        while self.run_once(now):
            count += 1
        return count

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; a database that is away for a while is waited for."""
        asked_at = None
        while not stop.is_set():
            try:
                now = self._clock()
                # A clock that was set back must not put it off until it is there again.
                if asked_at is None or not asked_at <= now < asked_at + UPKEEP_EVERY:
                    self.ask_for_upkeep(now)
                    asked_at = now
                if self.run_once(now):
                    continue
            except (SQLAlchemyError, PassingFailure):
                self._app.logger.exception("the worker cannot reach the database")
            stop.wait(POLL)

    def ask_for_upkeep(self, now: datetime) -> None:
        """Ask for the upkeep of every open cohort and, once a day, of the periods for which things are kept.

        Several workers ask for the same job.
        """
        with self._app.app_context():
            try:
                cohorts = list(
                    db.session.scalars(select(Cohort.id).where(Cohort.state == CohortState.OPEN))
                )
                db.session.rollback()
                for cohort_id in cohorts:
                    self._ask("upkeep", f"upkeep:{cohort_id}", {"cohort": cohort_id}, now)
                self._ask("retention", "retention", {}, now, every=RETENTION_EVERY)
            finally:
                db.session.remove()

    def _ask(
        self,
        topic: str,
        key: str,
        payload: dict[str, Any],
        now: datetime,
        *,
        every: timedelta = timedelta(0),
    ) -> None:
        with transaction() as session:
            job = session.scalar(select(Job).where(Job.key == key).with_for_update())
            if job is None:
                session.add(Job(topic=topic, key=key, payload=payload, run_at=now, created_at=now))
            elif job.state in (JobState.DONE, JobState.FAILED):
                if not job.run_at <= now < job.run_at + every:
                    # One row for each, taken up again and again, so that the table does not grow.
                    job.state, job.run_at, job.attempts, job.ended_at = (
                        JobState.WAITING,
                        now,
                        0,
                        None,
                    )
            elif job.state == JobState.WAITING and job.run_at > now + pause_after(job.attempts):
                job.run_at = now

    def _claim(self, now: datetime) -> tuple[str, str, str, dict[str, Any], int] | None:
        # Each of the two is answered from the index alone, however many jobs wait; both at once are not.
        conditions: tuple[ColumnElement[bool], ...] = (
            (Job.state == JobState.RUNNING) & (Job.lease_until < now),
            Job.state == JobState.WAITING,
        )
        with transaction() as session:
            for condition in conditions:
                due = (
                    select(Job.id)
                    .where(Job.run_at <= now, condition)
                    .order_by(Job.run_at)
                    .limit(1)
                    .with_for_update(skip_locked=True)
                    .scalar_subquery()
                )
                row = session.execute(
                    update(Job)
                    .where(Job.id == due, condition)
                    .values(
                        state=JobState.RUNNING,
                        worker=self.name,
                        lease_until=now + self._lease,
                        attempts=Job.attempts + 1,
                    )
                    .returning(Job.id, Job.topic, Job.key, Job.payload, Job.attempts)
                    .execution_options(synchronize_session=False)
                ).one_or_none()
                if row is not None:
                    return tuple(row)
        return None

    def _carry_out(self, task: Task, topic: str, attempts: int, now: datetime) -> None:
        try:
            self._handlers[topic](task)
        except PassingFailure as error:
            if attempts < MOST_ATTEMPTS:
                self._end(task.id, JobState.WAITING, now, str(error), now + pause_after(attempts))
                return
            self._end(task.id, JobState.FAILED, now, str(error))
        except PermanentFailure as error:
            self._app.logger.error("job %s failed: %s", task.key, error)
            self._end(task.id, JobState.FAILED, now, str(error))
        except Exception:
            # Whatever a handler raises must be kept beside its job, and must not end the worker.
            self._app.logger.exception("job %s failed", task.key)
            self._end(task.id, JobState.FAILED, now, traceback.format_exc())
        else:
            self._end(task.id, JobState.DONE, now, None)

    def _end(
        self,
        job_id: str,
        state: JobState,
        now: datetime,
        error: str | None,
        run_at: datetime | None = None,
    ) -> None:
        values: dict[str, Any] = {
            "state": state,
            "lease_until": None,
            "error": error[-LONGEST_ERROR:] if error else None,
            "ended_at": None if state == JobState.WAITING else now,
        }
        if run_at is not None:
            values["run_at"] = run_at
        with transaction() as session:
            # Only the holder ends a job: one that lost its lease must not undo what another did.
            session.execute(
                update(Job)
                .where(Job.id == job_id, Job.worker == self.name, Job.state == JobState.RUNNING)
                .values(**values)
                .execution_options(synchronize_session=False)
            )


class _Heartbeat:
    """Renews a job's lease while its handler works."""

    def __init__(
        self,
        app: Flask,
        job_id: str,
        worker: str,
        lease: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._app, self._job_id, self._worker = app, job_id, worker
        self._lease, self._clock = lease, clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._lease.total_seconds() / 3):
            with self._app.app_context():
                try:
                    with transaction() as session:
                        session.execute(
                            update(Job)
                            .where(Job.id == self._job_id, Job.worker == self._worker)
                            .values(lease_until=self._clock() + self._lease)
                            .execution_options(synchronize_session=False)
                        )
                except (SQLAlchemyError, PassingFailure):
                    self._app.logger.warning("a lease could not be renewed", exc_info=True)
                finally:
                    db.session.remove()
