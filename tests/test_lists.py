"""Long lists: one page at a time, or in pieces that one statement takes."""

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from grading.batches import SIZE, batches, delete_in, rows_in, scalars_in
from grading.models import Membership, Person
from grading.paging import Page, page_in, page_of, rows_page_of
from tests import factories
from tests.database import NOW


def test_batches_are_full_but_the_last_and_lose_nothing() -> None:
    cut = list(batches(str(number) for number in range(2 * SIZE + 1)))
    assert [len(batch) for batch in cut] == [SIZE, SIZE, 1]
    assert [text for batch in cut for text in batch] == [str(n) for n in range(2 * SIZE + 1)]
    assert list(batches([])) == []


def test_a_page_knows_its_entries_and_how_many_there_are(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=0, graders=0, submitted=False)
    for number in range(60):
        factories.a_person(session, f"Zoë {number:02}", email=f"zoe.{number}@example.org", now=NOW)
    statement = select(Person).where(Person.name.like("Zoë %")).order_by(Person.name)
    first, second = (page_of(session, statement, number) for number in (1, 2))
    assert [person.name for person in first.entries] == [f"Zoë {n:02}" for n in range(50)]
    assert [person.name for person in second.entries] == [f"Zoë {n:02}" for n in range(50, 60)]
    assert (first.total, first.count, second.number) == (60, 2, 2)
    parts = rows_page_of(
        session,
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.cohort_id == cast.cohort.id)
        .options(selectinload(Membership.cohort)),
        1,
    )
    assert parts.total == len(parts.entries) > 0
    assert all(part.person_id == person.id for part, person in parts.entries)


def test_an_empty_list_has_one_page() -> None:
    assert page_in([], 1) == Page([], 1, 0)
    assert page_in([], 1).count == 1
    assert page_in(range(51), 2).entries == range(50, 51)


def test_more_values_than_a_statement_takes_are_read_and_deleted(session: Session) -> None:
    people = [
        factories.a_person(session, f"Zoë {n}", email=f"zoe.{n}@example.org", now=NOW)
        for n in range(3)
    ]
    session.flush()
    ids = [*(person.id for person in people), *(str(number) for number in range(2 * SIZE))]
    assert set(scalars_in(session, select(Person), Person.id, ids)) == set(people)
    names = select(Person.id, Person.name)
    assert len(list(rows_in(session, names, Person.id, reversed(ids)))) == 3
    delete_in(session, Person.id, ids[1:])
    assert list(scalars_in(session, select(Person.id), Person.id, ids)) == ids[:1]
