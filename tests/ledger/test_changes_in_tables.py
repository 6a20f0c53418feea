"""Whatever is changed in the tables past the acts is found: each kind of change, on both sides of a grade."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from grading.cohorts import extensions
from grading.db import db
from grading.disputes import decisions
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.ledger import verifying
from grading.models import (
    Base,
    CalibrationAttempt,
    Grade,
    IssuedCredential,
    MemberPoints,
    Person,
    Quarantine,
    QuarantinedRating,
    Rating,
    Standing,
    SubmissionFile,
)
from grading.people import approvals, identity
from grading.people.approvals import Answer
from grading.records import credentials, records, sharing
from grading.records.queries import program_record
from grading.releases import recomputing
from grading.workflow.approval import Proof
from grading.workflow.calendar import ExtensionKind
from tests import stories
from tests.issuing import small_keys

__all__ = ["small_keys"]

pytestmark = pytest.mark.usefixtures("any_database")


@dataclass(frozen=True)
class House:
    """A house with results, an appeal that was upheld, and credentials; ``ids`` names its rows."""

    app: Flask
    ids: Mapping[str, Any]

    def faults(self, session: Session) -> list[str]:
        """Say what `audit verify` finds, and where that is nothing, `recompute`."""
        session.expire_all()
        found = [fault for report in verifying.verify(session) for fault in report.faults]
        found += approvals.verify(session).faults
        if found:
            return found
        for grade in session.scalars(select(Grade)):
            checks = recomputing.recompute(
                session, grade, notary=self.app.extensions["grading"].notary
            )
            found += [check.what for check in checks if not check.agrees]
        return found

    def missed(self, cases: Mapping[str, str]) -> dict[str, str]:
        """Make each change by SQL and take it back; gives those of which nobody noticed anything."""
        missed = {}
        for name, statement in cases.items():
            with self.app.app_context():
                try:
                    session = db.session()
                    if session.get_bind().dialect.name == "sqlite":
                        session.execute(text("PRAGMA defer_foreign_keys=ON"))
                    else:
                        session.execute(text("SET LOCAL session_replication_role = replica"))
                    changed = session.execute(text(self._named(statement)))
                    assert changed.rowcount > 0, name
                    if not self.faults(session):
                        missed[name] = statement
                finally:
                    db.session.rollback()
                    db.session.remove()
        return missed

    def _named(self, statement: str) -> str:
        """Write the ids into a statement."""
        return re.sub(r":([a-z]+)\b", lambda name: f"'{self.ids[name[1]]}'", statement)


def copied(table: str, where: str, **changes: str) -> str:
    """Write the SQL that adds a row like another, with some other values."""
    columns = [
        column.name
        for column in Base.metadata.tables[table].columns
        if column.name in changes or not (column.primary_key and column.name == "id")
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(changes.get(name, f'"{name}"') for name in columns)
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {where} LIMIT 1"


OF_SHEET = "allocation_id IN (SELECT id FROM allocation WHERE submission_id = :work)"
GRADES_SIDE = {
    "a grade's value": "UPDATE grade SET value = '99' WHERE id = :grade",
    "a grade's band": "UPDATE grade SET band = 'Distinction' WHERE id = :grade",
    "whether a grade passes": "UPDATE grade SET passed = NOT passed WHERE id = :grade",
    "what a grade tells": "UPDATE grade SET detail = '{}' WHERE id = :amended",
    "whose a grade is": "UPDATE grade SET person_id = :stranger WHERE id = :grade",
    "when a grade was released": (
        "UPDATE grade SET released_at = '2026-01-01 00:00:00' WHERE id = :grade"
    ),
    "why a grade was amended": "UPDATE grade SET amended_for = 'points' WHERE id = :amended",
    "a grade more": copied("grade", "id = :grade", id="'another'", number="2", value="'99'"),
    "a grade less": "DELETE FROM grade WHERE id = :amended",
    "a score": "UPDATE score SET composite = 99 WHERE id = :score",
    "a score's criteria": "UPDATE score SET criteria = '{}' WHERE id = :score",
    "when a score was computed": (
        "UPDATE score SET computed_at = '2026-01-01 00:00:00' WHERE id = :score"
    ),
    "a score more": copied("score", "id = :score", id="'another'", number="9"),
    "a level": f"UPDATE rating SET level = 3 WHERE {OF_SHEET}",
    "a comment on a level": f"UPDATE rating SET comment = 'Fine.' WHERE {OF_SHEET}",
    "when a level was given": (
        f"UPDATE rating SET created_at = '2026-01-01 00:00:00' WHERE {OF_SHEET}"
    ),
    "a level less": f"DELETE FROM rating WHERE {OF_SHEET}",
    "the comment on a sheet": f"UPDATE review SET comment = 'Fine.' WHERE {OF_SHEET}",
    "the comments on a sheet": (
        f"""UPDATE review SET comments = '{{"method": "Fine."}}' WHERE {OF_SHEET}"""
    ),
    "which copy was read": f"UPDATE review SET digest = 'another' WHERE {OF_SHEET}",
    "who rated": "UPDATE allocation SET rater_id = :stranger WHERE submission_id = :work",
    "who was asked": "UPDATE allocation SET pool = 'peer' WHERE submission_id = :work",
    "what a sheet was for": (
        "UPDATE allocation SET purpose = 'adjudication' WHERE submission_id = :work"
    ),
    "when a sheet was sealed": (
        "UPDATE allocation SET sealed_at = '2026-01-01 00:00:00' WHERE submission_id = :work"
    ),
    "that a sheet is sealed": (
        "UPDATE allocation SET state = 'finished' WHERE submission_id = :work"
    ),
    "a sheet more": copied(
        "allocation",
        "submission_id = :work",
        id="'another'",
        rater_id=":stranger",
        blind_code="'ZZZ'",
    ),
    "the work's text": "UPDATE submission SET text = 'Other words.' WHERE id = :work",
    "the work's title": "UPDATE submission SET title = 'Another' WHERE id = :work",
    "the work's links": """UPDATE submission SET links = '["https://e.example"]' WHERE id = :work""",
    "whose the work is": "UPDATE submission_member SET person_id = :stranger WHERE submission_id = :work",
    "who began the work": "UPDATE submission SET learner_id = :stranger WHERE id = :work",
    "when the work was handed in": (
        "UPDATE submission SET submitted_at = '2026-09-08 00:00:00' WHERE id = :work"
    ),
    "the copy's text": "UPDATE submitted_copy SET text = 'Other.' WHERE submission_id = :work",
    "the copy's honour statement": (
        "UPDATE submitted_copy SET statement = 9 WHERE submission_id = :work"
    ),
    "when the copy was handed in": (
        "UPDATE submitted_copy SET submitted_at = '2026-09-08 00:00:00' WHERE submission_id = :work"
    ),
    "a copy more": copied("submitted_copy", "submission_id = :work", id="'another'", number="9"),
    "the digest of a file": "UPDATE submission_file SET sha256 = 'another' WHERE id = :file",
    "which file is stored": "UPDATE submission_file SET key = 'another' WHERE id = :file",
    "a file's name": "UPDATE submission_file SET name = 'other.txt' WHERE id = :file",
    "a file less": "DELETE FROM submission_file WHERE id = :file",
    "when a release went out": (
        "UPDATE release SET ended_at = '2026-01-01 00:00:00' WHERE id = :release"
    ),
    "when a release was to go out": (
        "UPDATE release SET release_at = '2026-01-01 00:00:00' WHERE id = :release"
    ),
    "a release's overrides": (
        """UPDATE release SET overrides = '[{"gate": "g", "reason": "r"}]' WHERE id = :release"""
    ),
    "a line of a release": (
        "DELETE FROM release_item WHERE release_id = :release AND submission_id = :work"
    ),
    "a sign-off less": "DELETE FROM sign_off WHERE release_id = :release",
    "a sign-off more": copied("sign_off", "release_id = :release", person_id=":stranger"),
    "when it was signed": (
        "UPDATE sign_off SET at = '2026-01-01 00:00:00' WHERE release_id = :release"
    ),
    "what was signed": "UPDATE approval SET records = '[]' WHERE subject_id = :release",
    "who signed": "UPDATE approval SET person_id = :stranger WHERE subject_id = :release",
    "a signature less": "DELETE FROM approval WHERE subject_id = :appeal",
    "an appeal's answer": "UPDATE appeal SET answer = 'No.' WHERE id = :appeal",
    "who decided an appeal": "UPDATE appeal SET decided_by_id = :stranger WHERE id = :appeal",
    "how an appeal was decided": "UPDATE appeal SET state = 'dismissed' WHERE id = :appeal",
    "what an appeal asks": "UPDATE appeal SET reason = 'Another.' WHERE id = :appeal",
    "an answer to a question": "UPDATE explanation SET answer = 'No.' WHERE id = :question",
    "points of a member": "UPDATE member_points SET points = 20 WHERE id = :points",
    "days that were granted": "UPDATE extension SET days = 20 WHERE id = :extension",
    "days more that were granted": copied("extension", "id = :extension", id="'another'"),
    "what entitles": "UPDATE entitlement SET state = 'waived' WHERE person_id = :learner",
    "what entitles somebody else": copied(
        "entitlement", "person_id = :learner", id="'another'", person_id=":stranger"
    ),
    "the rubric": "UPDATE rubric_version SET definition = '{}' WHERE program_id = :program",
    "the rubric and its digest": "UPDATE rubric_version SET digest = 'another', name = 'another'",
    "the plan": "UPDATE plan_version SET version = 2 WHERE cohort_id = :cohort",
    "when the plan was frozen": (
        "UPDATE plan_version SET frozen_at = '2026-01-01 00:00:00' WHERE cohort_id = :cohort"
    ),
    "the deadline": "UPDATE cohort SET due_at = '2026-10-04 00:00:00' WHERE id = :cohort",
    "a part in the cohort": (
        "UPDATE membership SET role = 'lead' WHERE person_id = :learner AND cohort_id = :cohort"
    ),
    "who is cleared": "UPDATE standing SET state = 'expired' WHERE id = :standing",
    "until when somebody is cleared": (
        "UPDATE standing SET expires_at = '2030-01-01 00:00:00' WHERE id = :standing"
    ),
    "what is set aside": "UPDATE quarantine SET state = 'lifted' WHERE id = :quarantine",
    "a level that is set aside": (
        "DELETE FROM quarantined_rating WHERE quarantine_id = :quarantine"
    ),
    "a reading struck": (
        "INSERT INTO struck_reading (allocation_id, fault, criteria, by_id, at) "
        "SELECT id, 'None', '[]', rater_id, sealed_at FROM allocation WHERE submission_id = :work"
    ),
}
HEAD = "(SELECT count FROM audit_head WHERE chain = :cohort)"
CHAINS = {
    "the last entry cut off": f"DELETE FROM audit_entry WHERE chain = :cohort AND number = {HEAD}",
    "an entry taken out": "DELETE FROM audit_entry WHERE chain = :cohort AND number = 5",
    "an entry changed": (
        "UPDATE audit_entry SET action = 'look' WHERE chain = :cohort AND number = 5"
    ),
    "who did it": "UPDATE audit_entry SET actor_id = :stranger WHERE actor_id = :reader",
    "when it was done": (
        "UPDATE audit_entry SET at = '2026-01-01 00:00:00' WHERE chain = :cohort AND number = 5"
    ),
    "entries in another order": (
        f"UPDATE audit_entry SET number = {HEAD} + 1 WHERE chain = :cohort AND number = 5"
    ),
    "an entry more": copied("audit_entry", "chain = :cohort", number=f"{HEAD} + 1"),
    "a head set back": f"UPDATE audit_head SET count = {HEAD} - 1 WHERE chain = :cohort",
    "words wiped": "UPDATE audit_entry SET aside = NULL WHERE aside IS NOT NULL",
    "words wiped as if erased": (
        "UPDATE audit_entry SET aside = NULL, erased_at = '2026-12-01 00:00:00' "
        "WHERE aside IS NOT NULL"
    ),
    "a seal taken out": "DELETE FROM seal WHERE \"row\" = 'grade:' || :grade",
    "a seal changed": "UPDATE seal SET digest = 'another' WHERE \"row\" = 'grade:' || :grade",
    "a seal's salt taken away": "UPDATE seal SET salt = NULL WHERE \"row\" = 'grade:' || :grade",
}
RECORDS_SIDE = {
    "an entry's number": (
        """UPDATE record_entry SET detail = '{"value": "99", "band": "Pass", "passed": true}' """
        "WHERE record_id = :record AND grade_id IS NOT NULL"
    ),
    "an entry's title": "UPDATE record_entry SET title = 'Another' WHERE record_id = :record",
    "an entry's day": ("UPDATE record_entry SET \"on\" = '2020-01-01' WHERE record_id = :record"),
    "an entry's grade": (
        "UPDATE record_entry SET grade_id = :amended "
        "WHERE record_id = :record AND grade_id IS NOT NULL"
    ),
    "an entry less": "DELETE FROM record_entry WHERE record_id = :record AND grade_id IS NOT NULL",
    "an entry more": copied(
        "record_entry", "record_id <> :record AND grade_id IS NOT NULL", record_id=":record"
    ),
    "the name on a record": "UPDATE credential_record SET name = 'Professor' WHERE id = :record",
    "when a record was completed": (
        "UPDATE credential_record SET completed_at = '2020-01-01 00:00:00' WHERE id = :record"
    ),
    "until when a record holds": (
        "UPDATE credential_record SET expires_on = '2060-01-01' WHERE id = :record"
    ),
    "whose a record is": "UPDATE credential_record SET person_id = :stranger WHERE id = :record",
    "where a record is found": (
        "UPDATE credential_record SET public_id = 'another' WHERE id = :record"
    ),
    "that a record is shared": "UPDATE credential_record SET shared_at = NULL WHERE id = :record",
    "a record revoked": (
        "UPDATE credential_record SET state = 'revoked', revoked_at = '2026-12-01 00:00:00' "
        "WHERE id = :record"
    ),
    "a record more": copied(
        "credential_record",
        "id = :record",
        id="'another'",
        public_id="'another'",
        person_id=":stranger",
    ),
    "a revoked credential set back": (
        "UPDATE issued_credential SET state = 'valid', ended_at = NULL, about = 'again' "
        "WHERE id = :ended"
    ),
    "a credential revoked": (
        "UPDATE issued_credential SET state = 'revoked', ended_at = '2026-12-01 00:00:00' "
        "WHERE id = :credential"
    ),
    "a credential's place in the list": (
        "UPDATE issued_credential SET status_index = (status_index + 1) % 131072 "
        "WHERE id = :credential"
    ),
    "a credential's document": "UPDATE issued_credential SET document = '{}' WHERE id = :credential",
    "a credential's token": "UPDATE issued_credential SET token = 'x' WHERE id = :credential",
    "a credential's evidence": "UPDATE issued_credential SET evidence = '{}' WHERE id = :credential",
    "what a credential is about": (
        "UPDATE issued_credential SET about = 'another' WHERE id = :credential"
    ),
    "whose a credential is": (
        "UPDATE issued_credential SET person_id = :stranger WHERE id = :credential"
    ),
    "since when a credential holds": (
        "UPDATE issued_credential SET valid_from = '2020-01-01 00:00:00' WHERE id = :credential"
    ),
    "that a credential is published": (
        "UPDATE issued_credential SET published_at = '2026-12-01 00:00:00' WHERE id = :credential"
    ),
    "a credential less": "DELETE FROM issued_credential WHERE id = :credential",
    "a status list": "UPDATE status_list SET document = NULL WHERE id = :list",
    "where a status list is": "UPDATE status_list SET url = 'https://e.example' WHERE id = :list",
    "when a status list was signed": (
        "UPDATE status_list SET signed_at = '2060-01-01 00:00:00' WHERE id = :list"
    ),
    "a key": "UPDATE signing_key SET public = 'another' WHERE id = :key",
    "a key withdrawn": (
        "UPDATE signing_key SET state = 'withdrawn', ended_at = '2026-12-01 00:00:00' "
        "WHERE id = :key"
    ),
    "a person's name": "UPDATE person SET name = 'Professor Somebody Else' WHERE id = :learner",
    "a person's address": "UPDATE person SET email = 'e@e.example' WHERE id = :learner",
    "a person made administrator": (
        "UPDATE person SET administrator = NOT administrator WHERE id = :learner"
    ),
    "a verified name": "UPDATE identity_check SET name = 'Professor' WHERE id = :check",
    "how identity was known": "UPDATE identity_check SET how = 'proctored' WHERE id = :check",
    "an identity check less": "DELETE FROM identity_check WHERE id = :check",
    "a completion's day": (
        "UPDATE completion SET completed_on = '2020-01-01' WHERE person_id = :learner"
    ),
    "how a course knew who it was": (
        "UPDATE completion SET identity_assurance = 'attested' WHERE person_id = :learner"
    ),
    "a completion more": copied(
        "completion", "person_id = :learner", id="'another'", person_id=":stranger"
    ),
    "a completion less": "DELETE FROM completion WHERE person_id = :learner",
    "what a link shows": "UPDATE share_link SET shows = '[]' WHERE id = :link",
    "a link withdrawn": (
        "UPDATE share_link SET withdrawn_at = '2026-12-01 00:00:00' WHERE id = :link"
    ),
    "a link more": copied("share_link", "id = :link", id="'another'", public_id="'another'"),
    "a course's title": "UPDATE course SET title = 'Another' WHERE program_id = :program",
    "a program's title": "UPDATE program SET capstone_title = 'Another' WHERE id = :program",
    "the sponsor's name": "UPDATE sponsor SET issuer_name = 'Another'",
    "a job more": copied("job", "topic = 'credentials'", id="'another'", key="'another'"),
    "what a job is to do": (
        """UPDATE job SET payload = '{"program": "x", "person": "y"}' WHERE topic = 'credentials'"""
    ),
    "a job less": "DELETE FROM job WHERE topic = 'credentials'",
}


@pytest.mark.parametrize(
    "cases", [GRADES_SIDE, CHAINS, RECORDS_SIDE], ids=["grade", "chain", "record"]
)
def test_a_change_made_past_the_acts_is_found(house: House, cases: dict[str, str]) -> None:
    assert house.missed(cases) == {}


@pytest.fixture
def house(app: Flask, act: Callable[[], Any], small_keys: None) -> House:
    with act() as session:
        told, other, last = stories.results(
            session,
            learners=3,
            levels={"question": 2, "method": 2},
            step_up="either",
            late_days=3,
            late_points=5.0,
            entitlement="paid",
        )
        cast, now = told.cast, told.now
        appeal = stories.appeal_in(session, told, "remarked")
        given: Any = {"answer": stories.ANSWER, "now": now}
        challenge = decisions.lay_decision_before(session, told.fresh, appeal, **given)
        signed = Answer(challenge, Proof.PASSWORD)
        decisions.decide_appeal(session, told.fresh, appeal, **given, signed=signed)
        question = stories.question_in(session, other, "answered")
        extension = extensions.grant(
            session,
            cast.coordinator,
            cast.cohort,
            last.learner,
            kind=ExtensionKind.EXTENSION,
            days=2,
            reason="A cold.",
            now=now,
        )
        check = identity.record_check(
            session, cast.coordinator, other.learner, how="document", name="Other", now=now
        )
        rating = session.scalars(select(Rating).where(Rating.submission_id == last.work.id)).first()
        assert rating is not None
        # Some rows of which it is enough that a session wrote them.
        quarantine = Quarantine(
            cohort_id=cast.cohort.id,
            person_id=last.reader.id,
            since=now,
            reason="Drift.",
            by_id=cast.lead.id,
            at=now,
        )
        points = MemberPoints(
            submission_id=other.work.id,
            person_id=other.learner.id,
            number=1,
            points=2.0,
            reason="More of the work.",
            by_id=cast.instructor.id,
            at=now + timedelta(days=1),
        )
        attempt = CalibrationAttempt(
            cohort_id=cast.cohort.id,
            person_id=last.reader.id,
            kind="qualification",
            number=1,
            state="ended",
            started_at=now,
            ended_at=now,
        )
        stored = app.extensions["grading"].files.put("table", [b"1,2,3"], limit=100)
        file = SubmissionFile(
            submission_id=other.work.id,
            position=1,
            name="table.csv",
            kind="csv",
            size=stored.size,
            sha256=stored.sha256,
            key="table",
            added_at=now,
        )
        session.add_all([quarantine, points, attempt, file])
        session.flush()
        standing = Standing(
            cohort_id=cast.cohort.id,
            person_id=last.reader.id,
            rubric_version_id=cast.cohort.rubric_version_id,
            criterion="method",
            state="qualified",
            since=now,
            expires_at=now + timedelta(days=90),
            attempt_id=attempt.id,
        )
        session.add_all(
            [standing, QuarantinedRating(quarantine_id=quarantine.id, rating_id=rating.id)]
        )
        session.flush()
        ids = {
            "cohort": cast.cohort.id,
            "program": cast.cohort.program_id,
            "work": other.work.id,
            "learner": other.learner.id,
            "stranger": cast.stranger.id,
            "administrator": cast.administrator.id,
            "file": file.id,
            "reader": other.reader.id,
            "grade": other.grade.id,
            "amended": session.scalars(select(Grade.id).where(Grade.number == 2)).one(),
            "score": other.grade.score_id,
            "release": other.grade.release_id,
            "appeal": appeal.id,
            "question": question.id,
            "extension": extension.id,
            "check": check.id,
            "quarantine": quarantine.id,
            "points": points.id,
            "standing": standing.id,
        }
    Worker(app, HANDLERS).run_until_idle(now)
    with act() as session:
        record = program_record.current_record(session, ids["program"], ids["learner"])
        learner = session.get_one(Person, ids["learner"])
        assert record is not None
        records.share(session, learner, record, now=now)
        link = sharing.make_link(session, learner, record, label="A college", now=now)
        session.flush()
        credential = session.scalars(
            select(IssuedCredential).where(
                IssuedCredential.kind == "capstone", IssuedCredential.record_id == record.id
            )
        ).one()
        ended = session.scalars(
            select(IssuedCredential).where(IssuedCredential.record_id != record.id)
        ).first()
        assert ended is not None
        administrator = session.get_one(Person, ids["administrator"])
        credentials.revoke_credential(session, administrator, ended, reason="Wrong.", now=now)
        ids |= {
            "record": record.id,
            "link": link.id,
            "credential": credential.id,
            "ended": ended.id,
            "list": credential.status_list_id,
            "key": credential.key_id,
        }
    Worker(app, HANDLERS).run_until_idle(now)
    made = House(app, ids)
    with act() as session:
        assert made.faults(session) == []
    return made
