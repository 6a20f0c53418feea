"""Issuing credentials and signing status lists: drafted in one transaction, signed, kept in another."""

from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.db import transaction
from grading.errors import PassingFailure, PermanentFailure, StaleRecord
from grading.jobs.worker import Task
from grading.models import CredentialRecord, StatusList
from grading.records import credentials, drafts
from grading.records.queries import program_record
from grading.releases import vouching

# Members, then the program's; a change in between asks for them again.
MOST_ROUNDS = 20


def issue(task: Task) -> None:
    """Bring a learner's credentials in line with their record; run again, it goes on where it ended."""
    program, person = task.payload["program"], task.payload["person"]
    notary, base_url = task.installation.notary, task.installation.settings.base_url
    for _ in range(MOST_ROUNDS):
        with transaction() as session:
            missing = drafts.draft_missing(
                session, program, person, notary=notary, base_url=base_url, now=task.now
            )
            if missing:
                _vouch(session, program, person)
        if not missing:
            return
        for draft in missing:
            signed = credentials.sign_draft(draft, notary)
            try:
                with transaction() as session:
                    credentials.keep_signed(session, draft, signed, now=task.now)
            except StaleRecord:
                # Another worker took the same place in the list, or was quicker; the next round sees it.
                continue
    raise PassingFailure("The record changes faster than its credentials can be signed.")


def _vouch(session: Session, program_id: str, person_id: str) -> None:
    """Refuse to sign a record that is not what acts left, or whose results do not come to what it says."""
    record = program_record.current_record(session, program_id, person_id)
    if record is not None and (faults := vouching.faults_before_signing(session, record)):
        raise PermanentFailure(
            "Nothing was signed: the tables were changed past the service. Run “grading audit verify”. "
            "%(faults)s",
            faults="; ".join(faults),
        )


def renew_status_list(task: Task) -> None:
    """Sign a status list with the bits that are set by now.

    Raises
    ------
    PermanentFailure
        The tables contradict the list's history. It was signed by its history: no bit is cleared, and none
        is set that no act set.
    """
    installation = task.installation
    for _ in range(MOST_ROUNDS):
        with transaction() as session:
            unsigned = credentials.unsigned_list(
                session,
                task.payload["list"],
                notary=installation.notary,
                base_url=installation.settings.base_url,
                now=task.now,
            )
        signed = credentials.sign_list(unsigned, installation.notary, now=task.now)
        with transaction() as session:
            kept = credentials.keep_list(session, task.payload["list"], signed, now=task.now)
        if kept and unsigned.contradictions:
            raise PermanentFailure(
                "The list was signed by its history, which the tables contradict. "
                "Run “grading audit verify”. %(faults)s",
                faults="; ".join(unsigned.contradictions),
            )
        if kept:
            return
    raise PassingFailure("The list changes faster than it can be signed.")


def at_once(app: Flask, person_id: str, *, now: datetime) -> None:
    """Do what the jobs about a learner's credentials do; whoever comes to them later finds it done."""

    def task(payload: dict[str, Any]) -> Task:
        return Task(app, app.extensions["grading"], "", "", payload, now)

    with transaction() as session:
        programs = set(
            session.scalars(
                select(CredentialRecord.program_id).where(CredentialRecord.person_id == person_id)
            )
        )
    for program_id in programs:
        issue(task({"program": program_id, "person": person_id}))
    with transaction() as session:
        lists = session.scalars(select(StatusList.id)).all()
    for list_id in lists:
        renew_status_list(task({"list": list_id}))
