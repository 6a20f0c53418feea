"""The export: nothing forgotten, nothing of others, nothing before its time; streamed, and made once."""

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grading.db import db, transaction
from grading.disputes import misconduct
from grading.errors import NotFound, Refused
from grading.jobs import privacy
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Task, Worker
from grading.models import (
    Allocation,
    Base,
    Disclosure,
    Person,
    PersonalExport,
    Rating,
    Review,
    Submission,
    SubmissionFile,
)
from grading.office import exporting
from grading.office.queries import personal_data
from grading.workflow.allocation import Pool
from tests import factories
from tests.database import NOW
from tests.issuing import installation, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]


def naming(table: Any, target: str) -> list[str]:
    return [
        column.name
        for column in table.columns
        if any(key.target_fullname == target for key in column.foreign_keys)
    ]


def test_no_table_about_people_or_works_is_forgotten() -> None:
    """A new table fails here until it is exported, or somebody says why not."""
    exported = {part.model.__tablename__ for part in personal_data.PARTS}
    silent = {
        name
        for name, table in Base.metadata.tables.items()
        if naming(table, "person.id") or naming(table, "submission.id")
    }
    assert silent - exported - set(personal_data.NOT_EXPORTED) == set()
    assert exported & set(personal_data.NOT_EXPORTED) == set()


def test_no_column_that_names_a_person_is_forgotten() -> None:
    covered = {
        f"{part.model.__tablename__}.{column}" for part in personal_data.PARTS for column in part.by
    }
    named = {
        f"{name}.{column}"
        for name, table in Base.metadata.tables.items()
        for column in naming(table, "person.id")
    }
    # Of these tables each work's or record's rows are taken, whoever they name.
    whole = {
        f"{part.model.__tablename__}.{column}"
        for part in personal_data.PARTS
        if not part.by
        for column in naming(part.model.__table__, "person.id")
    }
    assert named - covered - whole - set(personal_data.NOT_ABOUT) == set()
    assert set(personal_data.NOT_ABOUT) <= named


def test_what_is_withheld_is_there_to_be_withheld() -> None:
    for part in personal_data.PARTS:
        assert set(part.withheld) <= {column.key for column in part.model.__table__.columns}
        assert all(part.withheld.values())
    names = [part.name for part in personal_data.PARTS]
    assert len(names) == len(set(names))
    assert set(names) >= personal_data.OF_OFFICE


def opened(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {
            name: json.loads(archive.read(name)) if name.endswith(".json") else archive.read(name)
            for name in archive.namelist()
        }


def export(app: Flask, session: Any, person_id: str, now: Any) -> dict[str, Any]:
    store = app.extensions["grading"].files
    person = session.get_one(Person, person_id)
    return opened(b"".join(exporting.write_export(session, person, store=store, now=now)))


def test_the_export_of_a_learner(
    app: Flask, any_database: str, released: dict[str, Any], act: Callable[[], Any]
) -> None:
    me, at = released["learner"], released["at"] + timedelta(hours=1)
    with act() as session:
        work = session.scalars(select(Submission).where(Submission.learner_id == me)).one()
        stored = app.extensions["grading"].files.put("works/x", [b"bicycles"], limit=100)
        session.add(
            SubmissionFile(
                submission_id=work.id, position=1, name="../a work.txt", kind="txt",
                size=stored.size, sha256=stored.sha256, key="works/x", added_at=NOW,
            )
        )  # fmt: skip
    with act() as session:
        found = export(app, session, me, at)
        others = session.execute(
            select(Person.id, Person.name, Person.email).where(Person.id != me)
        ).all()
        [path] = [name for name in found if name.startswith("files/")]
        assert found[path] == b"bicycles"
        assert ".." not in path
        text = json.dumps({name: data for name, data in found.items() if name.endswith(".json")})
        for person_id, name, email in others:
            assert person_id not in text
            assert name not in text
            assert email not in text
        [grade] = found["data/grades.json"]
        assert grade["person_id"] == me
        sheets = found["data/sheets_on_my_work.json"]
        assert {sheet["rater_id"] for sheet in sheets} == {personal_data.SOMEBODY_ELSE}
        counted = session.scalars(
            select(Rating.id).where(Rating.submission_id == grade["submission_id"])
        ).all()
        assert {row["id"] for row in found["data/levels_on_my_work.json"]} == set(counted)
        own = session.scalars(select(Allocation).where(Allocation.rater_id == me)).all()
        mine = found["data/my_sheets.json"]
        assert {row["id"] for row in mine} == {one.id for one in own}
        for one in own:
            assert one.pool == Pool.PEER
            assert one.submission_id not in text
        assert [row["template"] for row in found["data/mails.json"]]
        assert {row["by"] for row in found["data/audit.json"]} >= {"you", "the service"}
        manifest = found["manifest.json"]
        assert (manifest["format"], manifest["version"]) == (exporting.FORMAT, exporting.VERSION)
        for part in manifest["parts"]:
            assert part["rows"] == len(found[part["path"]])
        assert manifest["not_given"] == dict(personal_data.NOT_EXPORTED)


def test_before_the_release_nothing_of_the_grading_is_in_it(
    app: Flask, world: dict[str, Any], act: Callable[[], Any]
) -> None:
    with act() as session:
        found = export(app, session, world["learner"], NOW)
        for name in ("scores", "grades", "sheets_on_my_work", "comments_on_my_work"):
            assert found[f"data/{name}.json"] == []
        assert found["data/levels_on_my_work.json"] == []
        own = {row["id"] for row in found["data/submissions.json"]}
        assert own
        seen = {row["by"] for row in found["data/audit.json"] if row["id"] in own}
        assert seen == {"you"}


def test_a_suspicion_is_in_it_once_it_was_put_to_them(app: Flask, session: Any) -> None:
    cast = factories.a_cast(session, now=NOW)
    learner, at = cast.learners[0], NOW + timedelta(days=2)
    work = cast.submissions[0]
    case = misconduct.report_suspicion(
        session,
        cast.instructor,
        work,
        kind="copying",
        text="A page of it is taken over.",
        source="",
        now=at,
    )
    session.flush()
    assert export(app, session, learner.id, at)["data/misconduct.json"] == []
    assert export(app, session, learner.id, at)["data/misconduct_evidence.json"] == []
    case.allegation = "A page is taken over."
    session.flush()
    [row] = export(app, session, learner.id, at)["data/misconduct.json"]
    assert (row["allegation"], row["outcome"], row["opened_by_id"]) == (
        "A page is taken over.",
        None,
        personal_data.SOMEBODY_ELSE,
    )


def test_memory_does_not_grow_with_the_files(app: Flask, session: Any) -> None:
    cast = factories.a_cast(session, now=NOW, learners=2)
    store = app.extensions["grading"].files
    chunk = bytes(range(256)) * 4096
    for number in range(24):
        key = f"works/{number}"
        stored = store.put(key, [chunk] * 4, limit=1 << 30)
        session.add(
            SubmissionFile(
                submission_id=cast.submissions[0].id, position=number, name="big.bin", kind="txt",
                size=stored.size, sha256=stored.sha256, key=key, added_at=NOW,
            )
        )  # fmt: skip
    session.flush()
    size = 24 * 4 * len(chunk)
    tracemalloc.start()
    for _part in exporting.write_export(session, cast.learners[0], store=store, now=NOW):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 100_000_000
    assert peak < size / 4


def test_pressing_twice_asks_once_and_the_job_makes_one(
    app: Flask, any_database: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        me = factories.a_cast(session, now=NOW).learners[0].id

    def ask(_one: int) -> str:
        with app.app_context():
            try:
                with transaction() as session:
                    person = session.get_one(Person, me)
                    return exporting.request_export(session, person, person, now=NOW).id
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        [export_id] = set(pool.map(ask, range(4)))
    Worker(app, HANDLERS).run_until_idle(NOW)
    store = app.extensions["grading"].files
    with act() as session:
        made = session.get_one(PersonalExport, export_id)
        assert made.state == "ready"
        assert made.done == made.total
        person = session.get_one(Person, me)
        key = exporting.fetch_export(session, person, made, now=NOW)
        assert "data/account.json" in opened(b"".join(store.read(key)))
        assert session.scalars(select(Disclosure)).all() == []
        assert made.expires_at is not None
        with pytest.raises(Refused):
            exporting.fetch_export(session, person, made, now=made.expires_at)
        over = made.expires_at
    with app.app_context():
        privacy.keep_periods(Task(app, app.extensions["grading"], "x", "retention", {}, over))
        assert list(store.keys()) == []


def test_a_process_that_dies_half_way_begins_anew(
    app: Flask, act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with act() as session:
        person = factories.a_cast(session, now=NOW).learners[0]
        export_id = exporting.request_export(session, person, person, now=NOW).id

    class Died(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "keep_export", die)
        with pytest.raises(Died):
            Worker(app, HANDLERS).run_until_idle(NOW)
    Worker(app, HANDLERS).run_until_idle(NOW + timedelta(minutes=5))
    with act() as session:
        made = session.get_one(PersonalExport, export_id)
        assert made.state == "ready"
        assert list(app.extensions["grading"].files.keys()) == [made.key]


def test_an_administrator_says_on_whose_request_and_it_is_logged(session: Any, app: Flask) -> None:
    cast = factories.a_cast(session, now=NOW)
    person, admin = cast.learners[0], cast.administrator
    with pytest.raises(Refused):
        exporting.request_export(session, admin, person, now=NOW)
    made = exporting.request_export(session, admin, person, ground="A letter of 3 May", now=NOW)
    stored = app.extensions["grading"].files.put("x", [b"PK"], limit=9)
    exporting.keep_export(session, made, "x", stored, now=NOW)
    with pytest.raises(NotFound):
        exporting.fetch_export(session, cast.stranger, made, now=NOW)
    exporting.fetch_export(session, admin, made, now=NOW)
    session.flush()
    [line] = session.scalars(select(Disclosure))
    assert (line.person_id, line.what, line.ground, line.recipient, line.note) == (
        person.id,
        "export",
        "request",
        admin.name,
        "A letter of 3 May",
    )


def test_a_draft_of_a_review_is_the_reviewers_own(app: Flask, session: Any) -> None:
    """Words that are not sealed yet are in their writer's export and in no one else's."""
    cast = factories.a_cast(session, now=NOW)
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
    item = session.scalars(select(Allocation).where(Allocation.pool == Pool.PEER)).first()
    session.add(
        Review(
            allocation_id=item.id, levels={}, comments={}, comment="A first thought",
            digest="0" * 64, saved_at=NOW,
        )
    )  # fmt: skip
    session.flush()
    mine = export(app, session, item.rater_id, NOW)
    assert [row["comment"] for row in mine["data/my_comments.json"]] == ["A first thought"]
    theirs = export(app, session, item.submission.learner_id, NOW)
    assert "A first thought" not in json.dumps(
        {name: data for name, data in theirs.items() if name.endswith(".json")}
    )
