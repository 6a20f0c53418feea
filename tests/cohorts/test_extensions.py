"""More time for one learner, graders who are away, and entitlements, over their states."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cohorts import extensions
from grading.cohorts.queries import calendars
from grading.errors import FaultsFound, IllegalTransition, Refused
from grading.ledger import verifying
from grading.ledger.transitions import move
from grading.models import (
    Absence,
    Allocation,
    AuditEntry,
    Cohort,
    Entitlement,
    Extension,
    Job,
    Person,
    RecordEntry,
)
from grading.readings import absences, holds
from grading.records import records
from grading.records.queries import entitlement_lists
from grading.releases import results
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.calendar import ExtensionKind, days_of_factor, lengthened
from grading.workflow.credential import EntitlementState
from tests import factories, stories
from tests.database import NOW
from tests.disputes.test_appeals import at_once

DAY = timedelta(days=1)


def granted(session: Session, cast: factories.Cast, **changes: Any) -> Extension:
    given: dict[str, Any] = {
        "kind": ExtensionKind.EXTENSION,
        "days": 3,
        "reason": "Ill for a week.",
        "now": NOW + DAY,
    }
    actor = changes.pop("actor", cast.coordinator)
    person = changes.pop("person", cast.learners[0])
    return extensions.grant(session, actor, cast.cohort, person, **(given | changes))


@pytest.mark.parametrize("state", ["granted", "ended"])
def test_ending_over_its_states(session: Session, state: str) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, submitted=False)
    extension = granted(session, cast)
    if state == "ended":
        extensions.end(session, cast.coordinator, extension, now=NOW + DAY)
        with pytest.raises(IllegalTransition):
            extensions.end(session, cast.coordinator, extension, now=NOW + DAY)
        return
    with pytest.raises(Refused):
        extensions.end(session, cast.learners[0], extension, now=NOW + DAY)
    extensions.end(session, cast.coordinator, extension, now=NOW + DAY)
    assert calendars.granted_days(session, cast.cohort, cast.learners[0].id) == 0


def test_what_is_wrong_is_named_at_once(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, submitted=False)
    with pytest.raises(FaultsFound) as caught:
        granted(session, cast, person=cast.graders[0], days=91, reason=" ")
    assert {fault.where for fault in caught.value.faults} == {"email", "days", "reason"}
    with pytest.raises(Refused, match="themself"):
        granted(session, cast, actor=cast.learners[0])


def test_every_dependent_date_moves_as_the_preview_said(session: Session) -> None:
    """On the wall clock of the cohort: across the end of summer time a day is a day."""
    cast = factories.a_cast(session, now=NOW, learners=2, submitted=False, submit_days=45)
    learner, other = cast.learners
    cohort = cast.cohort
    shown = calendars.preview(session, cohort, learner.id, days=10, kind=ExtensionKind.EXTENSION)
    usual = calendars.of_cohort(cohort)
    granted(session, cast, days=10)
    own = calendars.personal(session, cohort, learner.id)
    moved = {one.name: one for one in shown.moved}
    assert set(moved) == {"due_at", "closes_at", "peers_due_at", "results_at"}
    for name, one in moved.items():
        assert (one.before, one.after) == (getattr(usual, name), getattr(own, name))
        before, after = (at.astimezone(cohort.zone) for at in (one.before, one.after))
        assert (after.date() - before.date()).days == 10
        assert after.time() == before.time()
    # 22 October to 1 November: the clocks went back, so it is an hour more than ten days.
    assert moved["due_at"].after - moved["due_at"].before == timedelta(days=10, hours=1)
    assert (own.opens_at, own.grading_due_at) == (usual.opens_at, usual.grading_due_at)
    assert calendars.personal(session, cohort, other.id) == usual
    assert (shown.after_batch, shown.after_peers, shown.reviewed_until) == (True, True, None)


def test_several_add_up_and_ending_one_leaves_the_others(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, submitted=False)
    first = granted(session, cast, days=3)
    granted(session, cast, days=4, kind=ExtensionKind.ADJUSTMENT)
    assert calendars.granted_days(session, cast.cohort, cast.learners[0].id) == 7
    extensions.end(session, cast.coordinator, first, now=NOW + DAY)
    assert calendars.granted_days(session, cast.cohort, cast.learners[0].id) == 4


@pytest.mark.parametrize(
    ("factor", "days", "hours"), [(1.25, 7, 60.0), (1.5, 14, 72.0)], ids=["x1.25", "x1.5"]
)
def test_an_adjustment_lengthens_the_hold_of_a_review_as_well(
    session: Session, factor: float, days: int, hours: float
) -> None:
    """28 days and 48 hours, times the factor; an extension answers an event and lengthens no hold."""
    assert days_of_factor(factor, 28) == days
    assert lengthened(48.0, days, 28) == hours
    cast = factories.a_cast(session, now=NOW, learners=4, graders=4)
    learner, other = cast.learners[:2]
    assert (cast.cohort.plan.submit_days, cast.cohort.plan.peer_hold_hours) == (28, 48.0)
    granted(session, cast, days=days, kind=ExtensionKind.ADJUSTMENT)
    granted(session, cast, days=days, person=other)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    held = {}
    for person in (learner, other):
        item = session.scalars(
            select(Allocation).where(Allocation.rater_id == person.id, Allocation.pool == Pool.PEER)
        ).first()
        assert item is not None
        holds.keep(session, item, now=now)
        assert item.hold_until is not None
        held[person.id] = item.hold_until - now
    assert held == {learner.id: timedelta(hours=hours), other.id: timedelta(hours=48)}


def test_time_that_was_used_is_not_taken_back(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, submitted=False)
    learner = cast.learners[0]
    used = granted(session, cast, days=3)
    spare = granted(session, cast, days=4)
    work = factories.a_submission(session, cast.cohort, learner, now=cast.cohort.due_at + 2 * DAY)
    assert not work.copies[0].late
    # Either alone is enough for what they did, so one of them can go, and then no more.
    extensions.end(session, cast.coordinator, spare, now=cast.cohort.due_at + 3 * DAY)
    with pytest.raises(Refused, match="handed in within this time"):
        extensions.end(session, cast.coordinator, used, now=cast.cohort.due_at + 3 * DAY)
    assert results.points_lost(session, work)[0] == 0


def test_the_learner_is_told_and_the_cohorts_chain_is_not(
    any_database: str, act: Callable[[], Any]
) -> None:
    """Those who score read the cohort's chain; time granted has a chain of its own."""
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=1, submitted=False)
        cohort_id = cast.cohort.id
        extension = granted(session, cast)
        extensions.end(session, cast.coordinator, extension, now=NOW + 2 * DAY)
    with act() as session:
        chains = session.execute(
            select(AuditEntry.chain, AuditEntry.action).where(
                AuditEntry.subject_type == "Extension"
            )
        )
        assert set(chains.all()) == {
            (f"calendar:{cohort_id}", "extension:grant"),
            (f"calendar:{cohort_id}", "extension:end"),
        }
        assert "Ill for a week." not in str(
            list(session.execute(select(AuditEntry.after, AuditEntry.reason)))
        )
        mails = [
            job.payload["template"] for job in session.scalars(select(Job)) if job.topic == "mail"
        ]
        assert mails.count("dates_changed") == 2
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []


def test_grants_at_once_are_all_kept(app: Flask, any_database: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=1, submitted=False)
        ids = (cast.coordinator.id, cast.cohort.id, cast.learners[0].id)

    def grant(session: Session) -> None:
        coordinator, cohort, learner = ids
        extensions.grant(
            session,
            session.get_one(Person, coordinator),
            session.get_one(Cohort, cohort),
            session.get_one(Person, learner),
            kind=ExtensionKind.EXTENSION,
            days=2,
            reason="Ill.",
            now=NOW + DAY,
        )

    assert at_once(app, [grant] * 4) == ["done"] * 4
    with act() as session:
        cohort = session.get_one(Cohort, ids[1])
        assert calendars.granted_days(session, cohort, ids[2]) == 8
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []


def away(
    session: Session, cast: factories.Cast, starts: datetime, days: int, **changes: Any
) -> Absence:
    given: dict[str, Any] = {"cover": None, "now": NOW + DAY} | changes
    person = given.pop("person", cast.graders[0])
    return absences.declare_absence(
        session, person, cast.cohort, person, starts_at=starts, ends_at=starts + days * DAY, **given
    )


def test_an_absence_gives_on_what_is_not_begun(session: Session) -> None:
    cast = factories.a_cast(
        session, now=NOW, learners=4, graders=3, peer_readings=0, peers_needed=0
    )
    gone, cover = cast.graders[:2]
    due = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=due)
    mine = list(session.scalars(select(Allocation).where(Allocation.rater_id == gone.id)))
    assert mine
    absence = away(session, cast, due + timedelta(hours=1), 3, cover=cover)
    factories.run_upkeep(session, cast.cohort, now=due + timedelta(minutes=59))
    assert {item.state for item in mine} == {AllocationState.ALLOCATED}
    factories.run_upkeep(session, cast.cohort, now=due + timedelta(hours=2))
    assert {item.state for item in mine} == {AllocationState.LAPSED}
    works = {item.submission_id for item in mine}
    covered = session.scalars(
        select(Allocation).where(
            Allocation.submission_id.in_(works), Allocation.state == AllocationState.ALLOCATED
        )
    )
    assert {item.rater_id for item in covered} == {cover.id}
    absences.end_absence(session, gone, absence, now=due + DAY)
    assert calendars.absent(session, cast.cohort, due + DAY) == {}


def test_what_is_wrong_with_an_absence_is_named(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=1, submitted=False)
    starts = NOW + 3 * DAY
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"person": cast.lead}, 2, "person"),
        ({"cover": cast.learners[0]}, 2, "cover"),
        ({"cover": cast.graders[0]}, 2, "cover"),
        ({}, 0, "ends_on"),
        ({}, 400, "ends_on"),
        ({"now": NOW + 9 * DAY}, 2, "ends_on"),
    ]
    for changes, days, where in wrong:
        with pytest.raises(FaultsFound) as caught:
            away(session, cast, starts, days, **changes)
        assert {fault.where for fault in caught.value.faults} == {where}
    away(session, cast, starts, 2)
    with pytest.raises(FaultsFound) as caught:
        away(session, cast, starts + DAY, 2)
    assert {fault.where for fault in caught.value.faults} == {"starts_on"}
    assert session.scalar(select(func.count()).select_from(Absence)) == 1


MOVES: dict[str, dict[str, str]] = {
    "paid": {"refund": "refunded"},
    "waived": {"pay": "paid", "refund": "refunded"},
    "sponsored": {"pay": "paid", "refund": "refunded"},
    "refunded": {"pay": "paid", "waive": "waived", "sponsor": "sponsored"},
}
EVENTS = ("pay", "waive", "sponsor", "refund")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", EntitlementState)
def test_an_entitlement_over_its_states(
    session: Session, state: EntitlementState, event: str
) -> None:
    """Whoever is entitled has the released result entered; a refund afterwards takes nothing away."""
    told = stories.a_result(session, levels=stories.BETTER, entitlement=state)
    program = told.cast.cohort.program
    entitlement = session.scalars(select(Entitlement)).one()
    entered = select(func.count()).select_from(RecordEntry).where(RecordEntry.grade_id.is_not(None))
    assert session.scalar(entered) == (state != EntitlementState.REFUNDED)
    after = MOVES[state].get(event)
    if after is None:
        with pytest.raises(IllegalTransition):
            move(session, entitlement, event, actor=told.cast.coordinator, now=told.now)
        return
    move(session, entitlement, event, actor=told.cast.coordinator, now=told.now)
    session.flush()
    assert entitlement.state == after
    entitled = entitlement_lists.is_entitled(session, program, told.learner.id, None)
    assert entitled == (after != "refunded")
    records.catch_up(session, program, told.learner, now=told.now)
    records.catch_up(session, program, told.learner, now=told.now)
    session.flush()
    assert session.scalar(entered) == 1
