"""Groups: who comes and goes, one hands in for all, objections, points of one, who never reads what."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import (
    conflicts,
    extensions,
    groups,
    objections,
    retakes,
    submissions,
    withdrawals,
)
from grading.cohorts.queries import calendars, group_members
from grading.db import db, transaction
from grading.disputes import appeals, decisions, misconduct
from grading.disputes.queries import learner_results, learner_standing
from grading.errors import (
    FaultsFound,
    GradingError,
    IllegalTransition,
    NotFound,
    PassingFailure,
    Refused,
    StaleRecord,
)
from grading.ledger import verifying
from grading.models import (
    Allocation,
    AuditEntry,
    Cohort,
    CredentialRecord,
    Grade,
    Job,
    Objection,
    Person,
    Release,
    ReleaseItem,
    Score,
    Submission,
    SubmissionMember,
)
from grading.office import imports
from grading.office.imports.common import Effect
from grading.readings import allocations, eligibility, holds, reviews
from grading.readings.eligibility import may_read
from grading.releases import grades, points, releases
from grading.releases.queries import candidates
from grading.workflow.allocation import Pool
from grading.workflow.calendar import ExtensionKind
from grading.workflow.cohort import ImportKind
from grading.workflow.group import MemberState, ObjectionState
from grading.workflow.submission import CURRENT_STATEMENT, SubmissionState
from tests import factories
from tests.database import NOW
from tests.stories import WORDS, a_group, hand_in

pytestmark = pytest.mark.usefixtures("app")
DAY = timedelta(days=1)
REASON = "This leaves out the part that I wrote."


@pytest.fixture
def cast_of(any_database: str) -> Callable[..., factories.Cast]:
    def make(session: Session, **changes: Any) -> factories.Cast:
        return factories.a_cast(
            session, now=NOW, **({"group_size": 3, "learners": 5, "submitted": False} | changes)
        )

    return make


def states(session: Session, work: Submission) -> dict[str, str]:
    return {row.person.name: row.state for row in group_members.rows(session, work)}


# Coming in and going.


def test_a_single_work_has_exactly_one_member(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session, group_size=1, submitted=True)
        for work in session.scalars(select(Submission)):
            assert states(session, work) == {work.learner.name: "joined"}
            assert work.join_code is None
            assert work.state == SubmissionState.SUBMITTED
        with pytest.raises(Refused, match="alone"):
            groups.invite(
                session,
                cast.learners[0],
                cast.submissions[0],
                email=cast.learners[1].email,
                now=NOW + DAY,
            )


def test_asked_joined_and_full(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        alder, birch, cedar, dogwood, _elder = cast.learners
        at = NOW + DAY
        work = submissions.start(session, alder, cast.cohort, now=at)
        asked = groups.invite(session, alder, work, email=birch.email.upper(), now=at)
        mail = session.scalars(select(Job).where(Job.key.like("mail:group_invitation:%"))).one()
        assert mail.payload["person"] == birch.id
        groups.accept(session, birch, asked, now=at)
        groups.invite(session, birch, work, email=cedar.email, now=at)
        # Who is asked holds a place.
        with pytest.raises(Refused, match="full"):
            groups.join(session, dogwood, cast.cohort, code=str(work.join_code), now=at)
        with pytest.raises(Refused, match="full"):
            groups.invite(session, alder, work, email=dogwood.email, now=at)
        declined = group_members.part(session, work, cedar.id)
        assert declined is not None
        groups.decline(session, cedar, declined, now=at)
        code = str(work.join_code)
        groups.join(session, dogwood, cast.cohort, code=f" {code[:4].lower()} {code[4:]}", now=at)
        assert states(session, work) == {
            alder.name: "joined",
            birch.name: "joined",
            cedar.name: "declined",
            dogwood.name: "joined",
        }
        for person in (alder, birch, dogwood):
            assert group_members.newest(session, cast.cohort, person.id) is work
        with pytest.raises(FaultsFound, match="code"):
            groups.join(session, cedar, cast.cohort, code="", now=at)
        with pytest.raises(FaultsFound, match="address"):
            groups.invite(session, alder, work, email=cast.graders[0].email, now=at)


def test_an_invitation_is_for_whom_it_names(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        alder, birch, cedar = cast.learners[:3]
        work = submissions.start(session, alder, cast.cohort, now=NOW + DAY)
        asked = groups.invite(session, alder, work, email=birch.email, now=NOW + DAY)
        for answer in (groups.accept, groups.decline):
            with pytest.raises(NotFound):
                answer(session, cedar, asked, now=NOW + DAY)
        with pytest.raises(Refused, match="not your project"):
            groups.call_off(session, cedar, asked, now=NOW + DAY)
        # To be asked is not to be in: they neither read nor write it.
        with pytest.raises(Refused, match="not your project"):
            hand_in(session, birch, work, NOW + DAY)
        groups.call_off(session, alder, asked, now=NOW + DAY)
        with pytest.raises(NotFound):
            groups.accept(session, birch, asked, now=NOW + DAY)


def test_a_draft_of_ones_own_is_put_away_and_comes_back(
    cast_of: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = cast_of(session)
        alder, birch = cast.learners[:2]
        at = NOW + DAY
        own = submissions.start(session, birch, cast.cohort, now=at)
        submissions.save_draft(
            session, birch, own, title="Mine", text="alone", links=[], version=None, now=at
        )
        work = a_group(session, cast, 0, 1)
        assert own.state == SubmissionState.WITHDRAWN
        assert group_members.newest(session, cast.cohort, birch.id) is work
        groups.leave(session, birch, work, now=at)
        assert group_members.newest(session, cast.cohort, birch.id) is None
        again = submissions.start(session, birch, cast.cohort, now=at)
        assert again is own
        assert (again.state, again.text) == (SubmissionState.DRAFT, "alone")
        with pytest.raises(Refused, match="only one"):
            groups.leave(session, alder, work, now=at)


def test_when_who_began_it_leaves_another_takes_over(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        work = a_group(session, cast, 0, 1, 2)
        groups.leave(session, cast.learners[0], work, now=NOW + DAY)
        heir = work.learner
        assert heir in cast.learners[1:3]
        fresh = submissions.start(session, cast.learners[0], cast.cohort, now=NOW + DAY)
        assert fresh is not work
        groups.join(session, cast.learners[0], cast.cohort, code=str(work.join_code), now=NOW + DAY)
        assert work.learner is heir


def test_nobody_comes_in_or_goes_once_it_is_handed_in(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        alder, birch, cedar = cast.learners[:3]
        at = NOW + DAY
        work = a_group(session, cast, 0, 1)
        asked = groups.invite(session, alder, work, email=cedar.email, now=at)
        hand_in(session, birch, work, at)
        for attempt in (
            lambda: groups.accept(session, cedar, asked, now=at),
            lambda: groups.join(session, cedar, cast.cohort, code=str(work.join_code), now=at),
            lambda: groups.leave(session, birch, work, now=at),
            lambda: groups.invite(session, alder, work, email=cedar.email, now=at),
            lambda: groups.place(session, cast.coordinator, work, cedar, now=at),
        ):
            with pytest.raises(Refused, match="handed in"):
                attempt()
        other = submissions.start(session, cedar, cast.cohort, now=at)
        with pytest.raises(Refused, match="handed in another"):
            groups.join(session, birch, cast.cohort, code=str(other.join_code), now=at)


def test_the_office_makes_moves_and_takes_out(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        alder, birch, cedar, dogwood, elder = cast.learners
        at = NOW + DAY
        begun = submissions.start(session, birch, cast.cohort, now=at)
        one = groups.form(
            session, cast.coordinator, cast.cohort, [alder, birch], name="One", now=at
        )
        # The draft that one of them had goes on as the group's.
        assert one is begun
        two = groups.form(
            session, cast.coordinator, cast.cohort, [cedar, dogwood], name="Two", now=at
        )
        groups.place(session, cast.coordinator, one, cedar, now=at)
        assert states(session, one) == dict.fromkeys((alder.name, birch.name, cedar.name), "joined")
        assert states(session, two)[cedar.name] == "removed"
        assert two.learner is dogwood
        with pytest.raises(Refused, match="full"):
            groups.place(session, cast.coordinator, one, elder, now=at)
        last = group_members.part(session, two, dogwood.id)
        assert last is not None
        groups.take_out(session, cast.coordinator, last, reason="", now=at)
        assert two.state == SubmissionState.WITHDRAWN
        with pytest.raises(FaultsFound) as caught:
            groups.form(
                session, cast.coordinator, cast.cohort, [cast.observer, *cast.learners],
                name="n" * 101, now=at,
            )  # fmt: skip
        assert {fault.where for fault in caught.value.faults} == {"people", "name"}


def test_a_roster_puts_learners_together(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session, learners=2)
        rows = [
            "email,name,role,group",
            f"{cast.learners[0].email},{cast.learners[0].name},learner,North",
            "new@example.org,Learner New,learner,North",
            f"{cast.learners[1].email},{cast.learners[1].name},learner,",
        ]
        data = "\n".join(rows).encode()
        preview, batch = imports.carry_out(
            session, None, ImportKind.ROSTER, cast.cohort, data, now=NOW
        )
        assert batch is not None
        assert preview.counts == {Effect.ACCOUNT: 1, Effect.ENROL: 1, Effect.GROUP: 2}
        (found,) = group_members.groups(session, cast.cohort, page=1).entries
        assert found.group_name == "North"
        assert sorted(states(session, found)) == ["Learner Alder", "Learner New"]
        # The same list once more changes nothing.
        _preview, again = imports.carry_out(
            session, None, ImportKind.ROSTER, cast.cohort, data, now=NOW
        )
        assert again is None
        assert len(group_members.rows(session, found)) == 2


def test_a_roster_with_a_faulty_group_changes_nothing(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort_id = cast_of(session, learners=1, group_size=2).cohort.id
    rows = ["email,name,role,group"]
    rows += [f"n{i}@example.org,Learner N{i},learner,Big" for i in range(3)]
    rows += ["g@example.org,Grader G,grader,Big", "n0@example.org,Learner N0,peer,Small"]
    with pytest.raises(FaultsFound) as caught, act() as session:
        imports.carry_out(
            session,
            None,
            ImportKind.ROSTER,
            session.get_one(Cohort, cohort_id),
            "\n".join(rows).encode(),
            now=NOW,
        )
    assert [(fault.where, fault.params) for fault in caught.value.faults] == [
        ("line 4, group", {"most": 2}),
        ("line 5, group", {}),
        ("line 6, group", {}),
    ]
    with act() as session:
        assert session.scalar(select(Person).where(Person.email == "n0@example.org")) is None


def test_a_roster_cannot_move_whoever_has_handed_in(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session, learners=1)
        learner, cohort_id = cast.learners[0], cast.cohort.id
        hand_in(session, learner, a_group(session, cast, 0), NOW + DAY)
        rows = f"email,name,role,group\n{learner.email},{learner.name},learner,North"
    with pytest.raises(FaultsFound, match="handed in another project"), act() as session:
        imports.carry_out(
            session,
            None,
            ImportKind.ROSTER,
            session.get_one(Cohort, cohort_id),
            rows.encode(),
            now=NOW + DAY,
        )


def test_undoing_a_roster_undoes_its_groups(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort_id = cast_of(session, learners=0).cohort.id
        data = "\n".join(
            ["email,name,role,group"]
            + [f"n{i}@example.org,Learner N{i},learner,{'NS'[i // 2]}" for i in range(4)]
        ).encode()
        _preview, batch = imports.carry_out(
            session, None, ImportKind.ROSTER, session.get_one(Cohort, cohort_id), data, now=NOW
        )
        assert batch is not None
        south = session.scalars(select(Submission).where(Submission.group_name == "S")).one()
        submissions_of = select(Submission.group_name).where(Submission.cohort_id == cohort_id)
        # In one of the groups somebody has begun to write.
        south.title = "Bees"
        session.flush()
        kept = {one.who for one in imports.look_back(session, None, batch).kept}
        assert kept == {"n2@example.org", "n3@example.org"}
        imports.undo(session, None, batch, now=NOW)
        assert list(session.scalars(submissions_of)) == ["S"]
        left = session.scalars(select(Person.email).where(Person.email.like("n_@example.org")))
        assert set(left) == kept


def test_whoever_lacks_courses_holds_the_group_back(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        late = factories.a_learner(session, cast.cohort, "Learner Larch", now=NOW, completed=False)
        work = groups.form(
            session, cast.coordinator, cast.cohort, [cast.learners[0], late], name="", now=NOW
        )
        with pytest.raises(FaultsFound) as caught:
            hand_in(session, cast.learners[0], work, NOW + DAY)
        assert [(f.where, f.params) for f in caught.value.faults] == [
            ("members", {"name": "Learner Larch"})
        ]
        factories.complete_courses(session, cast.cohort, late, now=NOW)
        hand_in(session, cast.learners[0], work, NOW + DAY)


# Handing in and objecting.


def test_one_hands_in_all_get_the_receipt_and_nobody_reads_for_a_day(
    cast_of: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = cast_of(session, learners=6)
        at = cast.cohort.due_at - timedelta(hours=2)
        work = a_group(session, cast, 0, 1)
        hand_in(session, cast.learners[1], work, at)
        for learner in cast.learners[2:]:
            factories.a_submission(session, cast.cohort, learner, now=at)
        keys = session.scalars(select(Job.key).where(Job.key.like(f"mail:receipt:{work.id}:%")))
        assert {key.rpartition(":")[2] for key in keys} == {p.id for p in cast.learners[:2]}
        assert work.state == SubmissionState.CONTESTABLE
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
        mine = select(Allocation).where(Allocation.submission_id == work.id)
        assert session.scalars(mine).all() == []
        # The draw went ahead for the others, and both members are asked to review like anybody.
        raters = set(session.scalars(select(Allocation.rater_id).where(Allocation.pool == "peer")))
        assert {person.id for person in cast.learners[:2]} <= raters
        assert work.objections_until == at + DAY
        factories.run_upkeep(session, cast.cohort, now=at + DAY - timedelta(seconds=1))
        assert work.state == SubmissionState.CONTESTABLE
        factories.run_upkeep(session, cast.cohort, now=at + DAY)
        assert work.state == SubmissionState.SUBMITTED
        given = session.scalars(mine).all()
        assert {item.pool for item in given} == {Pool.PROFESSIONAL, Pool.PEER}
        assert not {item.rater_id for item in given} & {p.id for p in cast.learners[:2]}


def test_an_objection_in_time_makes_it_a_draft_again(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        alder, birch, cedar = cast.learners[:3]
        at = NOW + DAY
        work = a_group(session, cast, 0, 1)
        hand_in(session, alder, work, at)
        with pytest.raises(FaultsFound):
            objections.object_to(session, birch, work, reason="No.", now=at)
        with pytest.raises(Refused, match="not your project"):
            objections.object_to(session, cedar, work, reason=REASON, now=at)
        made = objections.object_to(session, birch, work, reason=REASON, now=at)
        assert (work.state, work.objections_until) == (SubmissionState.DRAFT, None)
        assert made.state == ObjectionState.RETURNED
        told = session.scalars(select(Job).where(Job.key.like("mail:objection:%"))).all()
        assert [job.payload["person"] for job in told] == [alder.id]
        hand_in(session, birch, work, at)
        assert [copy.number for copy in work.copies] == [1, 2]
        with pytest.raises(Refused, match="time to object is over"):
            objections.object_to(session, alder, work, reason=REASON, now=at + DAY + DAY)


@pytest.mark.parametrize("take_out", [True, False])
def test_after_the_deadline_the_program_decides(
    cast_of: Any, act: Callable[[], Any], take_out: bool
) -> None:
    with act() as session:
        cast = cast_of(session)
        alder, birch, cedar = cast.learners[:3]
        at = cast.cohort.due_at
        work = a_group(session, cast, 0, 1, 2)
        hand_in(session, alder, work, at)
        late = cast.cohort.closes_at + timedelta(hours=1)
        made = objections.object_to(session, alder, work, reason=REASON, now=late)
        assert work.state == SubmissionState.CONTESTED
        with pytest.raises(Refused, match="have objected"):
            objections.object_to(session, alder, work, reason=REASON, now=late)
        # However long it takes, nobody reads it before.
        factories.run_upkeep(session, cast.cohort, now=late + 3 * DAY)
        assert session.scalars(select(Allocation)).all() == []
        with pytest.raises(NotFound):
            objections.decide(session, birch, made, take_out=take_out, answer=REASON, now=late)
        with pytest.raises(FaultsFound):
            objections.decide(
                session, cast.instructor, made, take_out=take_out, answer="", now=late
            )
        fresh = objections.decide(
            session, cast.coordinator, made, take_out=take_out, answer=REASON, now=late
        )
        assert work.state == SubmissionState.CONTESTABLE
        told = session.scalars(select(Job).where(Job.key.like("mail:objection_decided:%"))).all()
        assert {job.payload["person"] for job in told} == {alder.id, birch.id, cedar.id}
        with pytest.raises(IllegalTransition):
            objections.decide(
                session, cast.coordinator, made, take_out=take_out, answer=REASON, now=late
            )
        factories.run_upkeep(session, cast.cohort, now=at + DAY)
        assert work.state == SubmissionState.SUBMITTED
        if not take_out:
            assert fresh is None
            assert made.state == ObjectionState.DISMISSED
            assert states(session, work)[alder.name] == "joined"
            return
        assert fresh is not None
        assert states(session, work)[alder.name] == "removed"
        assert work.learner in (birch, cedar)
        assert (fresh.text, fresh.attempt) == (WORDS["text"], 1)
        assert calendars.window(session, fresh)[0] - late < timedelta(days=8)
        submissions.submit(
            session, alder, fresh, statement=CURRENT_STATEMENT, version=None, now=late + DAY
        )
        # Alone now, so nobody can object and it can be read at once.
        assert fresh.state == SubmissionState.SUBMITTED
        # What was taken from the group's work is not read twice by one person.
        reader = cast.graders[0]
        allocations.give(
            session, work, reader, Pool.PROFESSIONAL, "live",
            codes=allocations.BlindCodes(session, cast.cohort.id), now=late,
        )  # fmt: skip
        session.flush()
        readable = select(Submission.id).where(may_read(reader.id))
        assert fresh.id not in set(session.scalars(readable))


def test_two_objections_are_both_decided_first(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        alder, birch, _cedar = cast.learners[:3]
        work = a_group(session, cast, 0, 1, 2)
        hand_in(session, cast.learners[2], work, cast.cohort.due_at)
        late = cast.cohort.closes_at + timedelta(hours=1)
        one = objections.object_to(session, alder, work, reason=REASON, now=late)
        two = objections.object_to(session, birch, work, reason=REASON, now=late)
        objections.decide(session, cast.coordinator, one, take_out=True, answer=REASON, now=late)
        assert work.state == SubmissionState.CONTESTED
        objections.withdraw(session, birch, two, now=late)
        assert work.state == SubmissionState.CONTESTABLE


def test_whoever_withdraws_takes_their_objection_with_them(
    cast_of: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = cast_of(session)
        work = a_group(session, cast, 0, 1)
        hand_in(session, cast.learners[0], work, cast.cohort.due_at)
        late = cast.cohort.closes_at + timedelta(hours=1)
        made = objections.object_to(session, cast.learners[1], work, reason=REASON, now=late)
        withdrawals.withdraw(session, cast.learners[1], work, now=late)
        assert made.state == ObjectionState.WITHDRAWN
        assert work.state == SubmissionState.CONTESTABLE


# Time.


def test_more_time_for_one_is_more_time_for_all(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        work = a_group(session, cast, 0, 1)
        for person, days in ((cast.learners[1], 2), (cast.learners[1], 3), (cast.learners[0], 4)):
            extensions.grant(
                session, cast.coordinator, cast.cohort, person,
                kind=ExtensionKind.EXTENSION, days=days, reason="ill", now=NOW + DAY,
            )  # fmt: skip
        # Days of one person add up; those of two do not.
        assert calendars.window(session, work)[0] - cast.cohort.due_at == 5 * DAY
        standing = learner_standing.standing_of(session, cast.cohort, cast.learners[0].id)
        assert standing.due_at == calendars.window(session, work)[0]
        # What they owe others is each one's own.
        assert standing.calendar.peers_due_at == cast.cohort.peers_due_at + 4 * DAY
        told = Counter(
            job.payload["person"]
            for job in session.scalars(select(Job).where(Job.topic == "mail"))
            if job.payload["template"] == "dates_changed"
        )
        assert told == {cast.learners[0].id: 3, cast.learners[1].id: 3}
        hand_in(session, cast.learners[0], work, cast.cohort.due_at + 5 * DAY)
        assert not work.copies[-1].late


# Results, one for each.


def released(
    session: Session, cast: factories.Cast, work: Submission, now: datetime, level: int = 2
) -> datetime:
    """Bring everything that is handed in to release."""
    now = max(now, cast.cohort.due_at)
    factories.run_upkeep(session, cast.cohort, now=now)
    for _ in range(3):
        for item in session.scalars(select(Allocation).where(Allocation.state == "allocated")):
            factories.rate(session, item, {"question": level, "method": level}, now=now)
        for item in session.scalars(select(Allocation).where(Allocation.state == "open")).all():
            for grader in cast.graders:
                got = holds.claim(session, grader, cast.cohort, now=now, allocation_id=item.id)
                if got is not None:
                    factories.rate(session, got, {"question": level, "method": level}, now=now)
                    break
        now += timedelta(minutes=11)
        factories.run_upkeep(session, cast.cohort, now=now)
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
    )
    now += timedelta(minutes=11)
    releases.carry_out(session, release, now=now)
    return now


@pytest.fixture
def graded(cast_of: Any) -> Callable[..., tuple[factories.Cast, Submission, datetime]]:
    """Two learners' common work and those of three others, released."""

    def make(session: Session, **plan: Any) -> tuple[factories.Cast, Submission, datetime]:
        cast = cast_of(session, graders=5, sign_offs=1, **plan)
        at = NOW + DAY
        work = a_group(session, cast, 0, 1)
        hand_in(session, cast.learners[0], work, at)
        for learner in cast.learners[2:]:
            factories.a_submission(session, cast.cohort, learner, now=at)
        return cast, work, released(session, cast, work, at)

    return make


def in_force(session: Session, work: Submission) -> dict[str, Grade]:
    return {grade.person.name: grade for grade in grades.in_force_of(session, work)}


def test_one_grade_a_record_and_a_mail_for_each(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, work, _now = graded(session)
        alder, birch = cast.learners[:2]
        found = in_force(session, work)
        assert {name: grade.value for name, grade in found.items()} == {
            alder.name: "67", birch.name: "67",
        }  # fmt: skip
        assert found[alder.name].detail["group"] == 2
        for person in (alder, birch):
            grade = found[person.name]
            assert session.scalar(select(Job).where(Job.key == f"mail:result:{grade.id}"))
            record = session.scalars(
                select(CredentialRecord).where(CredentialRecord.person_id == person.id)
            ).one()
            assert record.completed_at is not None
            assert record.capstone is not None
            assert record.capstone.grade_id == grade.id
            [(submission, shown)] = learner_results.released_attempts(
                session, cast.cohort, person.id
            )
            assert (submission, shown) == (work, grade)


def test_points_of_one_move_that_one_alone(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, work, now = graded(session)
        alder, birch = cast.learners[:2]
        amended = points.set_points(
            session, cast.instructor, work, birch, points=-10, reason=REASON, now=now
        )
        assert amended is not None
        # 66.67 - 10 = 56.67
        assert (amended.value, amended.passed, amended.amended_for) == ("57", False, "own_points")
        assert amended.detail["own_points"] == {"points": -10, "reason": REASON}
        assert in_force(session, work)[alder.name].number == 1
        record = session.scalars(
            select(CredentialRecord).where(
                CredentialRecord.person_id == birch.id, CredentialRecord.state == "valid"
            )
        ).one()
        assert record.replaces_id is not None
        assert record.completed_at is None
        assert record.capstone is not None
        assert "own_points" not in record.capstone.detail
        back = points.set_points(
            session, cast.instructor, work, birch, points=0, reason=REASON, now=now
        )
        assert back is not None
        assert (back.value, "own_points" in back.detail) == ("67", False)
        instructor_id = cast.instructor.id
    with act() as session:
        noted = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "member:set_points")
        ).all()
        assert [entry.actor_id for entry in noted] == [instructor_id] * 2
        assert not [fault for report in verifying.verify(session) for fault in report.faults]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"points": 0.0}, FaultsFound),
        ({"points": 100.5}, FaultsFound),
        ({"points": float("nan")}, FaultsFound),
        ({"reason": "Because."}, FaultsFound),
        ({"actor": "learner"}, NotFound),
        ({"person": "stranger"}, NotFound),
        ({"work": "single"}, Refused),
    ],
)
def test_points_that_are_refused(
    graded: Any, act: Callable[[], Any], change: dict[str, Any], error: type[Exception]
) -> None:
    with act() as session:
        cast, work, now = graded(session)
        single = session.scalars(
            select(Submission).where(Submission.learner_id == cast.learners[2].id)
        ).one()
        alone = change.get("work") == "single"
        with pytest.raises(error):
            points.set_points(
                session,
                cast.learners[0] if change.get("actor") else cast.instructor,
                single if alone else work,
                cast.learners[2] if alone or change.get("person") else cast.learners[1],
                points=change.get("points", 5.0),
                reason=change.get("reason", REASON),
                now=now,
            )


def test_points_before_release_wait_for_it(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session, graders=5, sign_offs=1)
        work = a_group(session, cast, 0, 1)
        hand_in(session, cast.learners[0], work, NOW + DAY)
        with pytest.raises(Refused, match="no result"):
            points.set_points(
                session, cast.instructor, work, cast.learners[1], points=7, reason=REASON, now=NOW
            )
        for learner in cast.learners[2:]:
            factories.a_submission(session, cast.cohort, learner, now=NOW + DAY)
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
        assert (
            points.set_points(
                session, cast.instructor, work, cast.learners[1], points=40, reason=REASON, now=NOW
            )
            is None
        )
        released(session, cast, work, cast.cohort.due_at)
        found = in_force(session, work)
        assert found[cast.learners[0].name].value == "67"
        # The scale ends at 100.
        assert found[cast.learners[1].name].value == "100"


def test_a_release_on_its_way_takes_no_points(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, work, now = graded(session)
        score = session.scalars(select(Score).where(Score.submission_id == work.id)).one()
        release = Release(cohort=cast.cohort, proposed_at=now, overrides=[])
        release.items = [ReleaseItem(submission_id=work.id, score_id=score.id)]
        session.add(release)
        session.flush()
        with pytest.raises(Refused, match="on its way"):
            points.set_points(
                session, cast.instructor, work, cast.learners[0], points=5, reason=REASON, now=now
            )


def test_an_appeal_of_one_is_for_all(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, work, now = graded(session)
        alder, birch = cast.learners[:2]
        points.set_points(session, cast.instructor, work, alder, points=3, reason=REASON, now=now)
        now += timedelta(hours=25)
        with pytest.raises(FaultsFound, match="Alder"):
            appeals.lodge_appeal(
                session, birch, work, criteria=["method"],
                reason="Look at the third page that Alder wrote.", now=now,
            )  # fmt: skip
        appeal = appeals.lodge_appeal(
            session,
            birch,
            work,
            criteria=["method"],
            reason="Look at the third page again.",
            now=now,
        )
        with pytest.raises(Refused, match="being looked at"):
            appeals.lodge_appeal(
                session, alder, work, criteria=["method"], reason="Look at it once more.", now=now
            )
        with pytest.raises(NotFound):
            appeals.withdraw_appeal(session, alder, appeal, now=now)
        assert appeal.allocation is not None
        read = set(session.scalars(
            select(Allocation.rater_id).where(Allocation.submission_id == work.id)
        ))  # fmt: skip
        fresh = next(person for person in cast.graders if person.id not in read)
        item = holds.claim(session, fresh, cast.cohort, now=now, allocation_id=appeal.allocation.id)
        assert item is not None
        factories.rate(session, item, {"question": 3, "method": 3}, now=now)
        now += timedelta(minutes=11)
        factories.run_upkeep(session, cast.cohort, now=now)
        amended = decisions.decide_appeal(session, fresh, appeal, answer=REASON, now=now)
        assert amended is not None
        assert amended.person_id == birch.id
        found = in_force(session, work)
        # Two professionals, 66.67 and 100: 83.33; Alder keeps the 3 points of their own.
        assert found[birch.name].value == "83"
        assert found[alder.name].value == "86"
        assert appeals.tokens_left(session, cast.cohort, alder.id) == 1


def test_a_case_is_put_to_all_and_revokes_all(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, work, now = graded(session)
        alder, birch = cast.learners[:2]
        with pytest.raises(Refused, match="your own"):
            misconduct.report_suspicion(
                session, birch, work, kind="copying", text=REASON, source="", now=now
            )
        case = misconduct.report_suspicion(
            session, cast.graders[0], work, kind="copying", text=REASON, source="", now=now
        )
        misconduct.put_to_learner(session, cast.instructor, case, allegation=REASON, now=now)
        told = session.scalars(select(Job).where(Job.key.like("mail:hearing:%"))).all()
        assert {job.payload["person"] for job in told} == {alder.id, birch.id}
        for person in (alder, birch):
            assert learner_results.latest_hearing(session, cast.cohort, person.id) is case
        assert learner_results.latest_hearing(session, cast.cohort, cast.learners[2].id) is None
        misconduct.answer_suspicion(session, birch, case, text=REASON, now=now)
        misconduct.propose_outcome(
            session, cast.instructor, case, upheld=True, reason=REASON, now=now
        )
        misconduct.second_outcome(session, cast.second_instructor, case, agree=True, now=now)
        revoked = session.scalars(
            select(CredentialRecord.person_id).where(CredentialRecord.state == "revoked")
        )
        assert set(revoked) == {alder.id, birch.id}


def test_reviews_one_member_owes_hold_the_result_of_all(
    cast_of: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = cast_of(session, learners=6)
        work = a_group(session, cast, 0, 1)
        hand_in(session, cast.learners[0], work, NOW + DAY)
        for learner in cast.learners[2:]:
            factories.a_submission(session, cast.cohort, learner, now=NOW + DAY)
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        owing = cast.learners[1].id
        assert session.scalar(select(Allocation.id).where(Allocation.rater_id == owing))
        for item in session.scalars(select(Allocation)).all():
            if item.rater_id != owing:
                factories.rate(session, item, {"question": 2, "method": 2}, now=now)
        late = cast.cohort.peers_due_at + timedelta(minutes=1)
        factories.run_upkeep(session, cast.cohort, now=late)
        found = {
            item.submission_id: item.hindrances
            for item in candidates.candidates(session, cast.cohort, now=late)
        }
        assert "reviews_owed" in found[work.id]


# Withdrawal.


def test_when_one_withdraws_the_others_go_on(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session, graders=5, sign_offs=1)
        alder, birch = cast.learners[:2]
        work = a_group(session, cast, 0, 1)
        hand_in(session, alder, work, NOW + DAY)
        for learner in cast.learners[2:]:
            factories.a_submission(session, cast.cohort, learner, now=NOW + DAY)
        due = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=due)
        items = session.scalars(select(Allocation).where(Allocation.submission_id == work.id)).all()
        withdrawals.withdraw(session, alder, work, now=due)
        assert work.state == SubmissionState.SUBMITTED
        assert {item.state for item in items} == {"allocated"}
        assert states(session, work) == {alder.name: "withdrawn", birch.name: "joined"}
        with pytest.raises(Refused, match="not your project"):
            withdrawals.withdraw(session, alder, work, now=due)
        withdrawals.come_back(session, alder, work, now=due + 14 * DAY)
        withdrawals.withdraw(session, alder, work, now=due + 14 * DAY)
        released(session, cast, work, due)
        assert set(in_force(session, work)) == {birch.name}
        with pytest.raises(Refused, match="is decided"):
            withdrawals.come_back(session, alder, work, now=due + 15 * DAY)


def test_with_the_last_member_it_is_called_back(cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        alder, birch = cast.learners[:2]
        work = a_group(session, cast, 0, 1)
        hand_in(session, alder, work, NOW + DAY)
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
        at = cast.cohort.closes_at + DAY
        withdrawals.withdraw(session, alder, work, now=at)
        withdrawals.withdraw(session, birch, work, now=at)
        assert work.state == SubmissionState.WITHDRAWN
        items = session.scalars(select(Allocation).where(Allocation.submission_id == work.id)).all()
        assert {item.state for item in items} == {"cancelled"}
        withdrawals.come_back(session, birch, work, now=at + DAY)
        assert work.state == SubmissionState.SUBMITTED
        assert work.learner is birch
        assert states(session, work)[alder.name] == "withdrawn"


# Who never reads it.


def test_no_member_reads_it_and_every_members_conflict_counts(
    cast_of: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = cast_of(session, learners=6, graders=3)
        alder, birch, cedar = cast.learners[:3]
        work = a_group(session, cast, 0, 1, 2)
        groups.leave(session, cedar, work, now=NOW + DAY)
        hand_in(session, alder, work, NOW + DAY)
        for learner in cast.learners[2:]:
            factories.a_submission(session, cast.cohort, learner, now=NOW + DAY)
        stranger_to_birch = cast.graders[1]
        conflicts.declare_conflict(
            session,
            None,
            cast.cohort,
            rater=stranger_to_birch,
            learner=birch,
            reason="kin",
            now=NOW,
        )
        session.flush()
        barred = {alder, birch, cedar, stranger_to_birch}
        everybody = [*cast.learners, *cast.graders]
        readers = {
            person
            for person in everybody
            if session.scalar(
                select(Submission.id).where(Submission.id == work.id, may_read(person.id))
            )
        }
        assert readers == set(everybody) - barred
        pairs = eligibility.forbidden_pairs(session, cast.cohort, [work], everybody)
        assert {everybody[rater] for _work, rater in pairs} == barred


def test_a_reader_who_knows_an_author_meets_none_of_them_again(
    cast_of: Any, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = cast_of(session)
        work = a_group(session, cast, 0, 1)
        hand_in(session, cast.learners[0], work, NOW + DAY)
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
        item = session.scalars(
            select(Allocation).where(
                Allocation.submission_id == work.id, Allocation.pool == Pool.PROFESSIONAL
            )
        ).one()
        rater = item.rater
        assert rater is not None
        reviews.decline(
            session, rater, item, reason="knows_author", note="", now=cast.cohort.due_at
        )
        session.flush()
        for person in cast.learners[:2]:
            alone = submissions.begin(session, person, cast.cohort, attempt=2, now=NOW + DAY)
            session.flush()
            readable = select(Submission.id).where(Submission.id == alone.id, may_read(rater.id))
            assert session.scalar(readable) is None


# Retakes of members.


def test_each_member_retakes_on_their_own_or_together(graded: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, work, now = graded(session)
        alder, birch, cedar = cast.learners[:3]
        again = retakes.retake(session, alder, work, now=now)
        assert states(session, again) == {alder.name: "joined"}
        assert group_members.newest(session, cast.cohort, birch.id) is work
        groups.join(session, birch, cast.cohort, code=str(again.join_code), now=now)
        with pytest.raises(Refused, match="begun a retake"):
            retakes.retake(session, birch, work, now=now)
        newcomer = factories.a_learner(session, cast.cohort, "Learner Yew", now=NOW)
        with pytest.raises(Refused, match="not that far"):
            groups.join(session, newcomer, cast.cohort, code=str(again.join_code), now=now)
        own = group_members.newest(session, cast.cohort, cedar.id)
        assert own is not None
        groups.join(session, cedar, cast.cohort, code=str(again.join_code), now=now)
        assert set(states(session, again)) == {alder.name, birch.name, cedar.name}


# Two at once.


def _at_once(app: Flask, acts: list[Callable[[Session], object]]) -> list[str]:
    """Do several acts at the same time, each in a transaction of its own; says how each ended."""

    def one(act: Callable[[Session], object]) -> str:
        with app.app_context():
            try:
                with transaction() as session:
                    act(session)
                return "done"
            except GradingError as error:
                return type(error).__name__
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


LOST = {
    kind.__name__ for kind in (StaleRecord, Refused, IllegalTransition, PassingFailure)
}  # fmt: skip


def test_two_members_submit_at_once(app: Flask, cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session)
        work = a_group(session, cast, 0, 1)
        submissions.save_draft(
            session, cast.learners[0], work, **WORDS, version=None, now=NOW + DAY
        )
        work_id, people = work.id, [person.id for person in cast.learners[:2]]

    def submit(person_id: str) -> Callable[[Session], object]:
        return lambda session: submissions.submit(
            session,
            session.get_one(Person, person_id),
            session.get_one(Submission, work_id),
            statement=CURRENT_STATEMENT,
            version=None,
            now=NOW + DAY,
        )

    ended = _at_once(app, [submit(person) for person in people])
    assert ended.count("done") == 1
    assert set(ended) - {"done"} <= LOST
    with act() as session:
        assert len(session.get_one(Submission, work_id).copies) == 1
        mails = session.scalars(select(Job).where(Job.key.like(f"mail:receipt:{work_id}:%"))).all()
        assert len(mails) == 2


def test_an_objection_and_the_end_of_the_time_at_once(
    app: Flask, cast_of: Any, act: Callable[[], Any]
) -> None:
    """Either it is objected to and nobody reads it, or it is given out and the objection is refused."""
    with act() as session:
        cast = cast_of(session)
        work = a_group(session, cast, 0, 1)
        hand_in(session, cast.learners[0], work, cast.cohort.due_at)
        work_id, cohort_id, person_id = work.id, cast.cohort.id, cast.learners[1].id
        until = work.objections_until
    assert until is not None

    ended = _at_once(
        app,
        [
            lambda session: objections.object_to(
                session,
                session.get_one(Person, person_id),
                session.get_one(Submission, work_id),
                reason=REASON,
                now=until,
            ),
            lambda session: factories.run_upkeep(
                session, session.get_one(Cohort, cohort_id), now=until
            ),
        ],
    )
    with act() as session:
        work = session.get_one(Submission, work_id)
        given = session.scalars(select(Allocation).where(Allocation.submission_id == work_id)).all()
        objected = session.scalars(select(Objection)).all()
        if ended[0] == "done":
            assert (work.state, given) == (SubmissionState.CONTESTED, [])
            assert len(objected) == 1
        else:
            assert ended[0] in LOST
            assert ended[1] == "done"
            assert work.state == SubmissionState.SUBMITTED
            assert given
            assert objected == []


def test_two_take_the_last_place_at_once(app: Flask, cast_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cast = cast_of(session, group_size=2)
        work = a_group(session, cast, 0)
        work_id, code, cohort_id = work.id, str(work.join_code), cast.cohort.id
        people = [person.id for person in cast.learners[1:]]

    def join(person_id: str) -> Callable[[Session], object]:
        return lambda session: groups.join(
            session,
            session.get_one(Person, person_id),
            session.get_one(Cohort, cohort_id),
            code=code,
            now=NOW + DAY,
        )

    ended = _at_once(app, [join(person) for person in people])
    assert ended.count("done") == 1
    assert set(ended) - {"done"} <= LOST
    with act() as session:
        rows = session.scalars(
            select(SubmissionMember).where(
                SubmissionMember.submission_id == work_id,
                SubmissionMember.state == MemberState.JOINED,
            )
        ).all()
        assert len(rows) == 2


def test_one_learner_begins_and_joins_at_once(
    app: Flask, cast_of: Any, act: Callable[[], Any]
) -> None:
    """Two tabs of one learner: whatever comes first, they are in one work in the end."""
    with act() as session:
        cast = cast_of(session)
        code = str(a_group(session, cast, 0).join_code)
        cohort_id, person_id = cast.cohort.id, cast.learners[1].id
    ended = _at_once(
        app,
        [
            lambda session: submissions.start(
                session,
                session.get_one(Person, person_id),
                session.get_one(Cohort, cohort_id),
                now=NOW + DAY,
            ),
            lambda session: groups.join(
                session,
                session.get_one(Person, person_id),
                session.get_one(Cohort, cohort_id),
                code=code,
                now=NOW + DAY,
            ),
        ],
    )
    assert set(ended) - {"done"} <= LOST
    with act() as session:
        rows = session.scalars(
            select(SubmissionMember).where(
                SubmissionMember.person_id == person_id,
                SubmissionMember.state == MemberState.JOINED,
            )
        ).all()
        assert len(rows) == 1
