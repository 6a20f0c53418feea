"""Who may look at a record: many links, each alone, and what an old address still says."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import FaultsFound, NotFound, Refused, TooMany
from grading.models import Allocation, CredentialRecord, PublicView, ShareLink
from grading.records import disclosures, records, reissues, revocations, sharing
from grading.records.queries import program_record
from grading.releases import releases
from grading.workflow.credential import USUALLY_SHOWN, RecordFact
from tests import factories
from tests.database import NOW
from tests.issuing import amend

DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("any_database")


@pytest.fixture
def issued(act: Callable[[], Any]) -> Callable[[Session], tuple[factories.Cast, Any, Any]]:
    """A cast, the record of the first learner (complete), and the instant."""

    def make(session: Session, **program: Any) -> tuple[factories.Cast, Any, Any]:
        cast = factories.a_cast(session, now=NOW, sign_offs=1)
        for name, value in program.items():
            setattr(cast.cohort.program, name, value)
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        for item in session.scalars(select(Allocation)).all():
            factories.rate(session, item, {"question": 2, "method": 2}, now=now)
        now += timedelta(minutes=11)
        factories.run_upkeep(session, cast.cohort, now=now)
        release = releases.propose(
            session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
        )
        now += timedelta(minutes=11)
        releases.carry_out(session, release, now=now)
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == cast.learners[0].id)
        ).one()
        return cast, record, now

    return make


def link(session: Session, cast: factories.Cast, record: Any, now: Any, **more: Any) -> ShareLink:
    given = {"label": "Example Ltd"} | more
    return sharing.make_link(session, cast.learners[0], record, now=now, **given)


def gone(session: Session, public_id: str) -> bool:
    try:
        sharing.find(session, public_id)
    except NotFound:
        return True
    return False


def test_each_link_shows_what_was_chosen_and_can_be_withdrawn_alone(
    issued: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast, record, now = issued(session)
        one = link(session, cast, record, now)
        two = link(session, cast, record, now, label="Somebody else", shows=[RecordFact.SCORE])
        three = link(session, cast, record, now, label="A board", shows=[RecordFact.FILES])
        stands = sharing.find_many(session, [link.public_id for link in (one, two, three)])
        # The signed files say everything, so whoever may have them may see everything.
        assert [address.shows for address in stands.values()] == [
            set(USUALLY_SHOWN),
            {RecordFact.SCORE},
            set(RecordFact),
        ]
        # The record's own address is another switch.
        assert gone(session, record.public_id)
        sharing.withdraw_link(session, cast.learners[0], two, now=now)
        assert gone(session, two.public_id)
        assert not gone(session, one.public_id)
        for other in (cast.learners[1], cast.administrator):
            with pytest.raises(NotFound):
                sharing.withdraw_link(session, other, one, now=now)
            with pytest.raises(NotFound):
                sharing.make_link(session, other, record, label="x", now=now)


@pytest.mark.parametrize("label", ["", "   ", "x" * 101])
def test_a_link_needs_a_label(issued: Any, act: Callable[[], Any], label: str) -> None:
    with act() as session:
        cast, record, now = issued(session)
        with pytest.raises(FaultsFound) as caught:
            link(session, cast, record, now, label=label)
        assert [fault.where for fault in caught.value.faults] == ["label"]


@pytest.mark.parametrize("renamed", [False, True])
def test_an_old_address_leads_on_unless_the_name_is_another(
    issued: Any, act: Callable[[], Any], renamed: bool
) -> None:
    with act() as session:
        cast, record, now = issued(session)
        learner = cast.learners[0]
        records.share(session, learner, record, now=now)
        old = link(session, cast, record, now, shows=[RecordFact.SCORE])
        gone_before = link(session, cast, record, now, label="withdrawn before")
        sharing.withdraw_link(session, learner, gone_before, now=now)
        if not renamed:
            of_whom = {"learner": learner.id, "instructor": cast.instructor.id}
            amend(session, of_whom, {"question": 3, "method": 3}, now)
        for name in ("Learner Rowan", "Learner Sorrel") if renamed else ():
            learner.name = name
            reissues.issue_under_new_name(session, learner, learner, now=now + DAY)
            session.flush()
        newest = program_record.current_record(session, record.program_id, learner.id)
        assert newest is not None
        (fresh,) = sharing.links_of(session, newest)
        assert (fresh.label, fresh.shows) == (old.label, old.shows)
        for address, newer in (
            (old.public_id, fresh.public_id),
            (record.public_id, newest.public_id),
        ):
            stands = sharing.find(session, address)
            # Whoever has it knows the old name; that it is the same person is not theirs to learn.
            assert stands.newer == (None if renamed else newer)
            assert stands.record.state == "replaced"
        name = "Learner Sorrel" if renamed else record.name
        assert sharing.find(session, fresh.public_id).record.name == name
        assert gone(session, gone_before.public_id)
        # What is withdrawn is gone at every address it ever had.
        sharing.withdraw_link(session, learner, fresh, now=now)
        assert gone(session, old.public_id)
        records.unshare(session, learner, newest, now=now)
        assert gone(session, record.public_id)


def test_the_choice_of_an_address_can_be_changed(issued: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, record, now = issued(session)
        records.share(session, cast.learners[0], record, now=now)
        assert sharing.find(session, record.public_id).shows == set(USUALLY_SHOWN)
        records.share(session, cast.learners[0], record, shows=[], now=now + DAY)
        assert sharing.find(session, record.public_id).shows == set()
        assert record.shared_at == now


def test_a_revoked_record_says_so_and_gets_no_new_link(issued: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, record, now = issued(session)
        found = link(session, cast, record, now)
        revocations.revoke_record(session, cast.instructor, record, reason="a case", now=now)
        assert sharing.find(session, found.public_id).record.state == "revoked"
        with pytest.raises(Refused):
            link(session, cast, record, now)


def test_looks_are_counted_by_day_and_nothing_else_is_kept(
    issued: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast, record, now = issued(session)
        found = link(session, cast, record, now)
        for on in (now.date(), now.date(), now.date() + DAY):
            sharing.count_views(session, [found.public_id], on=on)
        seen = sharing.views(session, [found.public_id, record.public_id])
        assert [view.count for view in seen[found.public_id]] == [1, 2]
        assert seen[record.public_id] == []
    assert {column.name for column in PublicView.__table__.columns} == {
        "public_id", "on", "count", "own",
    }  # fmt: skip


def test_looks_of_ones_own_are_counted_apart(issued: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, record, now = issued(session)
        made, on = link(session, cast, record, now), now.date()
        own = sharing.owned(session, cast.learners[0].id, [made.public_id, record.public_id, "x"])
        assert own == {made.public_id, record.public_id}
        assert sharing.owned(session, cast.learners[1].id, [made.public_id]) == set()
        sharing.count_views(session, [made.public_id], on=on, own=own)
        assert disclosures.disclosures_of(session, cast.learners[0].id) == []
        sharing.count_views(session, [made.public_id], on=on)
        sharing.count_views(session, [made.public_id], on=on, own=own)
        (view,) = sharing.views(session, [made.public_id])[made.public_id]
        assert (view.count, view.own) == (1, 2)
        (line,) = disclosures.disclosures_of(session, cast.learners[0].id)
        assert line.times == 1


def test_a_partial_record_can_be_shared_before_the_capstone(act: Callable[[], Any]) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, submitted=False)
        learner, program = cast.learners[0], cast.cohort.program
        record = records.open_partial(session, learner, program, now=NOW)
        assert [entry.title for entry in record.entries] == ["Measuring", "Cleaning", "Modelling"]
        assert record.completed_at is None
        assert records.open_partial(session, learner, program, now=NOW) is record
        assert len(record.entries) == 3
        nobody = factories.a_learner(session, cast.cohort, "Learner Yew", now=NOW, completed=False)
        with pytest.raises(Refused):
            records.open_partial(session, nobody, program, now=NOW)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("one", ["one"]),
        (" one,two;\nthree\tone ", ["one", "two", "three"]),
        ("https://example.org/verify/abc?x=1\nhttp://example.org/verify/def/", ["abc", "def"]),
    ],
)
def test_ids_are_read_from_whatever_is_pasted(text: str, ids: list[str]) -> None:
    assert sharing.asked_ids(text) == ids


@pytest.mark.parametrize("text", ["", "  \n ", " ".join(map(str, range(101)))])
def test_none_and_too_many_ids_are_refused(text: str) -> None:
    with pytest.raises(FaultsFound):
        sharing.asked_ids(text)


def test_the_polite_limit_says_when_and_ends(act: Callable[[], Any]) -> None:
    ids = [f"id-{number}" for number in range(100)]
    with act() as session:
        for number in range(5):
            at = NOW + timedelta(minutes=number)
            assert sharing.check_many(session, ids, address="192.0.2.1", now=at) == {}
        late = NOW + timedelta(minutes=10)
        with pytest.raises(TooMany) as caught:
            sharing.check_many(session, ids, address="192.0.2.1", now=late)
        # The first hundred are an hour old at minute 60.
        assert caught.value.params["minutes"] == 50
        assert sharing.check_many(session, ids, address="192.0.2.2", now=late) == {}
        sharing.check_many(session, ids, address="192.0.2.1", now=NOW + timedelta(minutes=60))
        kept = session.execute(select(sharing.BulkCheck.key)).scalars().all()
        assert not any("192" in key for key in kept)


def test_many_ids_cost_the_same_number_of_queries(
    issued: Any, act: Callable[[], Any], app: Any
) -> None:
    from tests.web.test_query_counts import counted

    with act() as session:
        cast, _record, now = issued(session)
        addresses = []
        for learner in cast.learners:
            record = program_record.current_record(session, cast.cohort.program_id, learner.id)
            assert record is not None
            records.share(session, learner, record, now=now)
            for label in ("one", "two"):
                made = sharing.make_link(session, learner, record, label=label, now=now)
                addresses.append(made.public_id)
            addresses.append(record.public_id)
            learner.name += " the Younger"
            reissues.issue_under_new_name(session, learner, learner, now=now)
    costs = []
    for asked in (addresses[:3], addresses):
        with act() as session, counted(app) as statements:
            found = sharing.find_many(session, asked)
            assert len(found) == len(asked)
            assert all(one.record.state == "replaced" for one in found.values())
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 10
