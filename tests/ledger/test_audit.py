"""The audit chain: whole, and visibly not whole after any change to it."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger import audit, verifying
from grading.ledger.sealed import APART, SEALED_BY
from grading.models import AuditEntry, AuditHead, Base, Cohort, Person, Seal
from tests import factories
from tests.database import NOW


@pytest.fixture
def chain(any_database: str, act: Callable[[], Any]) -> str:
    """A cohort's chain with some history in it."""
    with act() as session:
        return str(factories.a_cohort(session, now=NOW).id)


def faults(session: Session, head: str | None = None) -> list[str]:
    return [fault for report in verifying.verify(session, head=head) for fault in report.faults]


def test_a_chain_verifies(chain: str, act: Callable[[], Any]) -> None:
    with act() as session:
        assert faults(session) == []
        heads = {report.chain: report.count for report in verifying.verify(session)}
        assert heads[chain] >= 3


def test_an_undone_savepoint_takes_its_own_entries_along_and_no_others(
    chain: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, chain)
        audit.record(session, None, "test:before", cohort, now=NOW)
        with session.begin_nested():
            audit.record(session, None, "test:kept", cohort, now=NOW)
        with session.begin_nested() as savepoint:
            audit.record(session, None, "test:undone", cohort, now=NOW)
            savepoint.rollback()
        audit.record(session, None, "test:after", cohort, now=NOW)
    with act() as session:
        noted = session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.action.startswith("test:"))
            .order_by(AuditEntry.number)
        )
        assert noted.all() == ["test:before", "test:kept", "test:after"]
        assert faults(session) == []


@pytest.mark.parametrize(
    "change", [{"reason": "another"}, {"after": "{}"}, {"actor_id": "x"}, {"action": "cohort:end"}]
)
def test_a_changed_entry_is_found(
    chain: str, act: Callable[[], Any], change: dict[str, str]
) -> None:
    with act() as session:
        session.execute(
            update(AuditEntry)
            .where(AuditEntry.chain == chain, AuditEntry.number == 2)
            .values(**change)
        )
    with act() as session:
        assert faults(session) == ["entry 2 was changed"]


def test_a_removed_entry_is_found(chain: str, act: Callable[[], Any]) -> None:
    with act() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.number == 2))
    with act() as session:
        assert any("entry 2 is missing" in fault for fault in faults(session))


def test_a_cut_off_tail_is_found(chain: str, act: Callable[[], Any]) -> None:
    with act() as session:
        last = session.scalar(select(AuditHead.count).where(AuditHead.chain == chain))
        session.execute(
            delete(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.number == last)
        )
    with act() as session:
        assert any("the chain ends at entry" in fault for fault in faults(session))


def test_a_tail_cut_off_together_with_its_head_is_found_by_a_head_kept_elsewhere(
    chain: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        kept = session.get_one(AuditHead, chain).hash
        last = session.get_one(AuditHead, chain).count
    with act() as session:
        for model in (AuditEntry, Seal):
            session.execute(delete(model).where(model.chain == chain, model.number == last))
        before = session.scalar(
            select(AuditEntry.hash).where(AuditEntry.chain == chain, AuditEntry.number == last - 1)
        )
        session.execute(
            update(AuditHead).where(AuditHead.chain == chain).values(count=last - 1, hash=before)
        )
    with act() as session:
        [report] = [one for one in verifying.verify(session) if one.chain == chain]
        assert report.faults == ()
        assert any("cut off or rewritten" in fault for fault in faults(session, kept))


def test_what_is_rolled_back_leaves_no_entry(chain: str, act: Callable[[], Any]) -> None:
    def refused() -> None:
        with act() as session:
            factories.a_person(session, "Learner Alder", now=NOW)
            raise Refused("no")

    with act() as session:
        before = session.get_one(AuditHead, "service").count
    with pytest.raises(Refused):
        refused()
    with act() as session:
        assert session.get_one(AuditHead, "service").count == before
        assert session.scalar(select(Person).where(Person.name == "Learner Alder")) is None
        factories.a_person(session, "Learner Birch", now=NOW)
    with act() as session:
        assert session.get_one(AuditHead, "service").count == before + 1
        assert faults(session) == []


def test_entries_hold_no_names_and_no_addresses(chain: str, act: Callable[[], Any]) -> None:
    with act() as session:
        factories.a_person(session, "Learner Cedar", now=NOW)
    with act() as session:
        for entry in session.scalars(select(AuditEntry)):
            text = f"{entry.before} {entry.after} {entry.reason}"
            assert "Cedar" not in text
            assert "@example.org" not in text


def test_words_stand_aside_and_can_be_erased_without_touching_the_chain(session: Session) -> None:
    person = factories.a_person(session, "Learner Alder", now=NOW)
    audit.record(
        session,
        person,
        "person:note",
        person,
        now=NOW,
        before={"answer": "Quite ill", "state": "open"},
        reason="My mother is ill",
    )
    audit.record(session, None, "person:note", person, now=NOW, reason="by itself")
    session.commit()
    said, own = session.scalars(
        select(AuditEntry).where(AuditEntry.action == "person:note").order_by(AuditEntry.number)
    )
    hashed = f"{said.before} {said.reason}"
    assert "ill" not in hashed
    assert "open" in hashed
    assert (said.reason_words, own.reason_words) == ("My mother is ill", "by itself")
    assert faults(session) == []
    # A changed word shows, and so does one that is gone without anybody's having erased it.
    [token] = [one for one in said.aside or {} if one == said.reason]
    kept = dict(said.aside or {})
    entry_id = said.id

    def put(aside: dict[str, Any] | None) -> None:
        session.execute(update(AuditEntry).where(AuditEntry.id == entry_id).values(aside=aside))

    for aside in (kept | {token: [kept[token][0], "My mother is well"]}, None):
        put(aside)
        assert any("words" in fault for fault in faults(session))
    put(kept)
    assert audit.erase_words(session, [person.id], now=NOW) == (1, 0)
    session.flush()
    found = session.get_one(AuditEntry, entry_id, populate_existing=True)
    assert (found.aside, found.reason_words) == (None, None)
    session.commit()
    assert faults(session) == []


def test_an_entry_made_with_its_record_tells_nothing_that_writing_the_record_sets() -> None:
    """What `audit.add` is given is worked out before the record has its id and its first state."""
    told = []
    for path in sorted(Path(audit.__file__).parents[1].rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or ast.unparse(call.func) != "audit.add":
                continue
            subject = re.escape(ast.unparse(call.args[3]))
            after = [ast.unparse(word.value) for word in call.keywords if word.arg == "after"]
            if after and re.search(rf"\b{subject}(\.(id|state)\b|[,)])", after[0]):
                told.append(f"{path.name}:{call.lineno}: {after[0]}")
    assert told == []


def test_every_table_is_sealed_or_stands_apart_for_a_reason() -> None:
    every = {mapper.class_ for mapper in Base.registry.mappers}
    assert every == set(SEALED_BY) | set(APART)
    assert not set(SEALED_BY) & set(APART)


def as_before_seals(session: Session) -> None:
    """Leave chains and tables as they were written before there were seals."""
    session.execute(delete(Seal))
    for head in session.scalars(select(AuditHead)):
        previous = audit.GENESIS
        for entry in session.scalars(
            select(AuditEntry).where(AuditEntry.chain == head.chain).order_by(AuditEntry.number)
        ):
            entry.sealed, entry.previous = None, previous
            entry.hash = previous = audit.hash_of(entry)
        head.hash = previous


def test_rows_of_before_there_were_seals_are_counted_and_are_no_fault(
    chain: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        as_before_seals(session)
    with act() as session:
        assert faults(session) == []
        [tables] = [report for report in verifying.verify(session) if report.chain == "tables"]
        assert tables.notes == (f"sealed before digests were kept: {tables.count}",)
        person_id = factories.a_person(session, "Learner Alder", now=NOW).id
    with act() as session:
        # What is written from now on is held fast.
        session.execute(
            text("UPDATE person SET name = 'Another' WHERE id = :id"), {"id": person_id}
        )
        assert [fault for fault in faults(session) if f"person:{person_id}" in fault]
        session.rollback()
