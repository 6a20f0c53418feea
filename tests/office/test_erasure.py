"""Erasing one of several peers: who is left, what recomputes, what verifies, and what cannot be raced."""

import io
import json
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import JSON, Text, func, select

from grading.cohorts import submissions
from grading.db import db, transaction
from grading.errors import FaultsFound, GradingError, IllegalTransition, Refused
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.ledger import audit, verifying
from grading.models import (
    Allocation,
    AuditEntry,
    Base,
    CredentialRecord,
    DoomedFile,
    ErasureRequest,
    Grade,
    IssuedCredential,
    Job,
    KeptTranscript,
    Membership,
    Person,
    Rating,
    Review,
    StatusList,
    Submission,
    SubmissionFile,
    SubmissionMember,
    SubmittedCopy,
)
from grading.office import erasure, erasure_requests, exporting
from grading.office.queries import erasure_hindrances, erasures, personal_data
from grading.people import accounts, passwords
from grading.records import transcripts
from grading.releases import recomputing
from grading.workflow.allocation import Pool
from grading.workflow.privacy import ErasureState
from tests import factories
from tests.database import NOW
from tests.issuing import installation, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]

SECRET_WORDS = "Only Alder writes like this"


@pytest.fixture
def later(released: dict[str, Any], work: Callable[[Any], int]) -> Any:
    """A day after the release, when every sheet is sealed."""
    at = released["at"] + timedelta(days=1)
    work(at)
    return at


def erase(session: Any, world: dict[str, Any], now: Any) -> None:
    person = session.get_one(Person, world["learner"])
    admin = session.get_one(Person, world["administrator"])
    request = erasure_requests.prepare_erasure(session, admin, person, now=now)
    erasure.confirm_erasure(session, admin, request, typed=person.email, now=now)


def unsound(session: Any) -> list[str]:
    return [fault for report in verifying.verify(session) for fault in report.faults]


def everything(session: Any) -> str:
    """Write out every row of every table."""
    return "\n".join(
        str(tuple(row))
        for table in Base.metadata.sorted_tables
        for row in session.execute(select(table))
    )


def with_words(session: Any, person: Person, now: Any) -> None:
    """Leave words of a learner in their work, in their reviews and in the chain."""
    for one in session.scalars(select(Submission).where(Submission.learner_id == person.id)):
        one.text = SECRET_WORDS
        for copy in one.copies:
            copy.text = SECRET_WORDS
    for sheet in session.scalars(
        select(Review).join(Review.allocation).where(Allocation.rater_id == person.id)
    ):
        sheet.comment = SECRET_WORDS
    session.flush()
    for sheet in session.scalars(
        select(Rating).join(Rating.allocation).where(Allocation.rater_id == person.id)
    ):
        sheet.comment = SECRET_WORDS
    membership = session.scalars(
        select(Membership).where(Membership.person_id == person.id)
    ).first()
    audit.record(session, person, "membership:note", membership, now=now, reason=SECRET_WORDS)


def test_erasing_one_peer_leaves_the_others_result_and_the_chain_whole(
    app: Flask,
    any_database: str,
    released: dict[str, Any],
    later: Any,
    act: Callable[[], Any],
    work: Callable[[Any], int],
) -> None:
    with act() as session:
        person = session.get_one(Person, released["learner"])
        name, email = person.name, person.email
        with_words(session, person, later)
    with act() as session:
        before = {
            grade.id: (grade.value, grade.score.composite)
            for grade in session.scalars(select(Grade))
        }
        ratings = session.scalar(select(func.count()).select_from(Rating))
        lists = {one.id: (one.number, one.size) for one in session.scalars(select(StatusList))}
        assert SECRET_WORDS in everything(session)
        peers = session.scalar(
            select(func.count()).where(
                Allocation.rater_id == released["learner"], Allocation.pool == Pool.PEER
            )
        )
        assert peers
    with act() as session:
        erase(session, released, later)
    work(later)
    with act() as session:
        assert unsound(session) == []
        notary = app.extensions["grading"].notary
        for grade in session.scalars(select(Grade)):
            assert (grade.value, grade.score.composite) == before[grade.id]
            checks = recomputing.recompute(session, grade, notary=notary)
            assert checks
            assert [check for check in checks if not check.agrees] == []
        assert session.scalar(select(func.count()).select_from(Rating)) == ratings
        own = session.scalars(
            select(IssuedCredential).where(IssuedCredential.person_id == released["learner"])
        ).all()
        assert own
        for one in own:
            assert (one.state, one.document, one.token, one.salt) == ("revoked", None, None, None)
            assert one.status_index is not None
        assert {
            one.id: (one.number, one.size) for one in session.scalars(select(StatusList))
        } == lists
        # What the law keeps is the only place where the name still stands.
        kept = session.scalars(select(KeptTranscript)).one()
        assert kept.content["name"] == name
        session.delete(kept)
        session.flush()
        rest = everything(session)
        assert email not in rest
        assert SECRET_WORDS not in rest
        assert name not in rest
        session.rollback()


def test_the_export_of_the_erased_is_empty_but_for_what_the_law_keeps(
    app: Flask, released: dict[str, Any], later: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        erase(session, released, later)
    with act() as session:
        store = app.extensions["grading"].files
        person = session.get_one(Person, released["learner"])
        data = b"".join(exporting.write_export(session, person, store=store, now=later))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        counts = {part["name"]: part["rows"] for part in manifest["parts"]}
        [transcript] = json.loads(archive.read("data/kept_transcript.json"))
    assert manifest["erased_at"] == later.isoformat()
    assert manifest["files"] == []
    assert counts == {"disclosures": 0, "erasure_requests": 1, "kept_transcript": 1}
    assert [one["passed"] for one in transcript["content"]["programs"][0]["capstone"]] == [True]


def test_nothing_brings_them_back(
    released: dict[str, Any], later: Any, act: Callable[[], Any], app: Flask
) -> None:
    with act() as session:
        email = session.get_one(Person, released["learner"]).email
        erase(session, released, later)
    with act() as session:
        person = session.get_one(Person, released["learner"])
        assert not person.active
        admin = session.get_one(Person, released["administrator"])
        with pytest.raises(Refused, match="erased"):
            accounts.reactivate(session, admin, person, now=later)
        hasher = app.extensions["grading"].hasher
        signed_in = passwords.sign_in_with_password(
            session, email, factories.PASSWORD, address="x", devices={}, hasher=hasher, now=later
        )
        assert signed_in is None
        with pytest.raises(Refused, match="erased"):
            erasure_requests.prepare_erasure(session, admin, person, now=later)
        assert not session.scalars(
            select(Membership).where(
                Membership.person_id == person.id, Membership.ended_at.is_(None)
            )
        ).all()
        # Parts end as any other does, and the chain says which.
        ended = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "membership:end")
        ).all()
        assert [json.loads(entry.after or "{}") for entry in ended] == [
            {"person": person.id, "role": "learner"}
        ]
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == person.id)
        ).one()
        assert (record.state, record.shared_at) == ("revoked", None)


def test_two_administrators_at_once_erase_once(
    app: Flask, any_database: str, released: dict[str, Any], later: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        person = session.get_one(Person, released["learner"])
        email = person.email
        admin = session.get_one(Person, released["administrator"])
        request_id = erasure_requests.prepare_erasure(session, admin, person, now=later).id

    def confirm(_one: int) -> bool:
        with app.app_context():
            try:
                with transaction() as session:
                    erasure.confirm_erasure(
                        session,
                        session.get_one(Person, released["administrator"]),
                        session.get_one(ErasureRequest, request_id),
                        typed=email,
                        now=later,
                    )
            except GradingError:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(confirm, range(4))) == [False, False, False, True]
    with act() as session:
        assert unsound(session) == []
        done = session.scalars(select(AuditEntry).where(AuditEntry.action == "erasure:confirm"))
        assert len(done.all()) == 1


def test_asking_twice_at_once_is_one_request(
    app: Flask, any_database: str, released: dict[str, Any], later: Any, act: Callable[[], Any]
) -> None:
    def ask(_one: int) -> str:
        with app.app_context():
            try:
                with transaction() as session:
                    person = session.get_one(Person, released["learner"])
                    return erasure_requests.request_erasure(session, person, person, now=later).id
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1


def a_file(session: Any, app: Flask, work: Submission, key: str) -> SubmissionFile:
    stored = app.extensions["grading"].files.put(key, [b"bicycles"], limit=100)
    made = SubmissionFile(
        submission_id=work.id,
        position=1,
        name="alder.txt",
        kind="txt",
        size=stored.size,
        sha256=stored.sha256,
        key=key,
        added_at=NOW,
    )
    session.add(made)
    return made


def test_a_process_that_dies_after_the_commit_leaves_nothing_behind(
    app: Flask,
    released: dict[str, Any],
    later: Any,
    act: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    store = app.extensions["grading"].files
    with act() as session:
        person = session.get_one(Person, released["learner"])
        own = session.scalars(select(Submission).where(Submission.learner_id == person.id)).one()
        other = session.scalars(
            select(Submission).where(Submission.learner_id != person.id).limit(1)
        ).one()
        for key in ("works/one", "works/two", "works/shared"):
            a_file(session, app, own, key)
        # A copy of a work shares its files; what another still has is not taken from them.
        session.flush()
        session.add(
            SubmissionFile(
                submission_id=other.id, position=9, name="x.txt", kind="txt", size=8,
                sha256="0" * 64, key="works/shared", added_at=NOW,
            )
        )  # fmt: skip
        email = person.email
    with act() as session:
        erase(session, released, later)
    with act() as session:
        doomed = session.scalars(select(DoomedFile.key)).all()
        assert sorted(doomed) == ["works/one", "works/two"]
        assert len([*tmp_path.glob("mail/*.eml")]) > 0

    class Died(BaseException):
        pass

    forget = type(store).delete

    def die_at_the_second(self: Any, key: str) -> None:
        if key == "works/two":
            raise Died
        forget(self, key)

    worker = Worker(app, HANDLERS, lease=timedelta(seconds=1))
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "delete", die_at_the_second)
        with pytest.raises(Died):
            worker.run_until_idle(later)
    assert "works/two" in list(store.keys())
    again = later + timedelta(minutes=5)
    Worker(app, HANDLERS).run_until_idle(again)
    assert list(store.keys()) == ["works/shared"]
    with act() as session:
        assert session.scalars(select(DoomedFile.key)).all() == []
        job = session.scalars(select(Job).where(Job.topic == "erasure")).one()
        assert email not in json.dumps(job.payload)
    assert [path for path in tmp_path.glob("mail/*.eml") if email in path.read_text()] == []


@pytest.mark.parametrize(
    ("what", "kind"),
    [("draft", None), ("submitted", "works"), ("holding", "allocations")],
)
def test_what_others_wait_for_stands_against_it(session: Any, what: str, kind: str | None) -> None:
    cast = factories.a_cast(session, now=NOW, learners=3, submitted=what != "draft")
    person = cast.learners[0]
    if what == "holding":
        person = cast.graders[0]
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
    elif what == "draft":
        submissions.start(session, person, cast.cohort, now=NOW)
    found = erasure_hindrances.hindrances_to_erasure(session, person)
    assert set(found) == ({kind} if kind else set())
    if kind:
        with pytest.raises(FaultsFound) as fault:
            erasure_requests.prepare_erasure(session, cast.administrator, person, now=NOW)
        assert fault.value.faults[0].template == erasure_hindrances.WORDS[kind]


def test_every_hindrance_has_words() -> None:
    kinds = {kind for kind, _, _ in erasure_hindrances._CHECKS} | {"last_administrator"}
    assert kinds == set(erasure_hindrances.WORDS)


def test_two_steps_and_the_typed_address(session: Any) -> None:
    cast = factories.a_cast(session, now=NOW, submitted=False)
    person, admin = cast.stranger, cast.administrator
    asked = erasure_requests.request_erasure(session, person, person, now=NOW)
    with pytest.raises(IllegalTransition):
        erasure.confirm_erasure(session, admin, asked, typed=person.email, now=NOW)
    session.expire_all()
    assert asked.state == ErasureState.ASKED


def test_the_wrong_address_changes_nothing(session: Any) -> None:
    cast = factories.a_cast(session, now=NOW, submitted=False)
    person, admin = cast.stranger, cast.administrator
    request = erasure_requests.prepare_erasure(session, admin, person, now=NOW)
    with pytest.raises(FaultsFound):
        erasure.confirm_erasure(session, admin, request, typed="another@example.org", now=NOW)
    assert (request.state, person.name) == (ErasureState.PREPARED, "Stranger Onyx")
    with pytest.raises(Refused):
        erasure_requests.prepare_erasure(session, admin, admin, now=NOW)
    assert erasure.preview_erasure(session, person, now=NOW).transcript is None
    erasure.confirm_erasure(session, admin, request, typed=person.email.upper(), now=NOW)
    assert person.name.startswith("Erased ")


def test_a_group_work_stays_for_the_others(session: Any) -> None:
    cast = factories.a_cast(session, now=NOW, submitted=False, group_size=2)
    first, second = cast.learners[:2]
    work = submissions.start(session, first, cast.cohort, now=NOW)
    work.text = "Ours"
    session.add(
        SubmissionMember(
            submission_id=work.id, person_id=second.id, cohort_id=cast.cohort.id,
            attempt=work.attempt, state="joined", since=NOW,
        )
    )  # fmt: skip
    session.flush()
    admin = cast.administrator
    for person, text in ((first, "Ours"), (second, "")):
        request = erasure_requests.prepare_erasure(session, admin, person, now=NOW)
        erasure.confirm_erasure(session, admin, request, typed=person.email, now=NOW)
        session.expire_all()
        assert session.get_one(Submission, work.id).text == text


def test_a_transcript_is_read_on_a_ground_and_goes_when_its_time_is_over(
    released: dict[str, Any], later: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        erase(session, released, later)
    with act() as session:
        admin = session.get_one(Person, released["administrator"])
        kept = transcripts.transcripts_of(session, released["learner"])
        with pytest.raises(Refused):
            transcripts.read_transcript(session, admin, kept, ground=" ", now=later)
        transcripts.read_transcript(session, admin, kept, ground="Court order 7", now=later)
        assert transcripts.end_transcript(session, now=kept.keep_until - timedelta(days=1)) == 0
        assert transcripts.end_transcript(session, now=kept.keep_until) == 1
    with act() as session:
        assert session.scalars(select(KeptTranscript)).all() == []
        assert unsound(session) == []


def test_every_text_about_people_goes_or_stays_for_a_reason() -> None:
    """A new text in a table about people fails here until somebody says what becomes of it."""
    gone = {f"{one.model.__tablename__}.{column}" for one in erasures.GONE for column in one.values}
    tables = {part.model.__tablename__ for part in personal_data.PARTS}
    texts = {
        f"{table}.{column.name}"
        for table in tables
        for column in Base.metadata.tables[table].columns
        if isinstance(column.type, Text | JSON) and column.name != "id"
    }
    silent = texts - gone - set(erasures.KEPT_WORDS)
    assert silent == set()
    assert set(erasures.KEPT_WORDS) <= texts | {"submission.group_name"}


def test_a_copy_that_was_handed_in_is_emptied(
    released: dict[str, Any], later: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        erase(session, released, later)
        texts = session.execute(
            select(SubmittedCopy.text, SubmittedCopy.title)
            .join(Submission, Submission.id == SubmittedCopy.submission_id)
            .where(Submission.learner_id == released["learner"])
        ).all()
        assert set(texts) == {("", "")}
