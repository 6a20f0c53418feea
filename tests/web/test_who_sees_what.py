"""Role x page x record: what a page must never hold for whom, looked for in its HTML."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import extensions, retakes, submissions
from grading.jobs import upkeep
from grading.models import Allocation, Cohort, Entitlement, Person, Submission
from grading.readings import allocations, reviews
from grading.readings.reviews import Sheet
from grading.releases import releases
from grading.workflow.allocation import Pool, Purpose
from grading.workflow.calendar import ExtensionKind
from tests import factories, stories
from tests.database import NOW, Clock, acting
from tests.kept import kept_by_app

REMARKS = ("Commented by a grader.", "Commented by a peer.")
# The levels below make this composite; no page shows such a number for another reason.
LEVELS = {"question": 1, "method": 2}
SCORE = "53.3"


@kept_by_app
def read_and_unreleased(app: Flask) -> dict[str, Any]:
    """A cohort in which all is graded and nothing is released, with one suspicion."""
    clock = app.extensions["clock"]
    with acting(app) as session:
        cast = factories.a_cast(session, now=NOW, learners=4, graders=4)
        cohort_id, due = cast.cohort.id, cast.cohort.due_at
        people = {
            "learner": cast.learners[0].id,
            "coordinator": cast.coordinator.id,
            "observer": cast.observer.id,
            "instructor": cast.instructor.id,
            "lead": cast.lead.id,
        }
        names = [person.name for person in cast.learners]
    clock.now = due
    upkeep.run(app, cohort_id, now=due, seed=3)
    with acting(app) as session:
        for item in session.scalars(select(Allocation)).all():
            assert item.rater is not None
            remark = REMARKS[item.pool == Pool.PEER]
            reviews.finish(
                session, item.rater, item, Sheet(LEVELS, {"method": remark}), version=0, now=due
            )
    upkeep.run(app, cohort_id, now=clock.forward(minutes=11))
    with acting(app) as session:
        work = session.scalars(select(Submission).order_by(Submission.id)).first()
        assert work is not None
        learner = work.learner_id
        cast_ids = [item.id for item in session.scalars(select(Submission))]
        assert {item.state for item in session.scalars(select(Submission))} == {"resolved"}
        extensions.grant(
            session,
            session.get_one(Person, people["coordinator"]),
            session.get_one(Cohort, cohort_id),
            session.get_one(Person, learner),
            kind=ExtensionKind.ADJUSTMENT,
            days=3,
            reason="A lasting need.",
            now=clock.now,
        )
    return {
        "cohort": cohort_id,
        "people": people | {"learner": learner},
        "works": cast_ids,
        "names": names,
    }


@pytest.fixture
def graded(app: Flask) -> dict[str, Any]:
    return read_and_unreleased(app)


def addresses(world: dict[str, Any]) -> list[str]:
    """Every page of a cohort and its works, whoever may open them."""
    cohort = world["cohort"]
    pages = ["", "/agreement", "/agreement.csv", "/disputed", "/suspicions", "/release", "/audit",
             "/extensions", "/extensions?q=e", f"/extensions/{world['people']['learner']}",
             "/absences"]  # fmt: skip
    return (
        [f"/teach/{cohort}{page}" for page in pages]
        + [f"/teach/submission/{work}" for work in world["works"]]
        + [f"/admin/cohorts/{cohort}", f"/learn/{cohort}", f"/learn/{cohort}/result"]
    )


def pages_of(world: dict[str, Any], sign_in: Any, part: str) -> dict[str, str]:
    client = sign_in(world["people"][part])
    answers = {page: client.get(page) for page in addresses(world)}
    return {
        page: answer.get_data(as_text=True)
        for page, answer in answers.items()
        if answer.status_code == 200
    }


@pytest.mark.parametrize("part", ["coordinator", "observer", "learner", "instructor", "lead"])
def test_no_score_is_seen_before_release(graded: dict[str, Any], sign_in: Any, part: str) -> None:
    """Not even by those who teach, as long as they could be asked to read the project."""
    found = pages_of(graded, sign_in, part)
    assert len(found) >= (2 if part == "learner" else 5)
    for page, html in found.items():
        for secret in (*REMARKS, SCORE):
            assert secret not in html, (part, page, secret)


def test_a_coordinator_sees_no_score_after_release_either(
    app: Flask, act: Callable[[], Any], graded: dict[str, Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, graded["cohort"])
        release = releases.propose(
            session,
            session.get_one(Person, graded["people"]["instructor"]),
            cohort,
            overrides={},
            failed_gates=[],
            now=clock.now,
        )
        releases.carry_out(session, release, now=clock.forward(minutes=11))
    for page, html in pages_of(graded, sign_in, "coordinator").items():
        for secret in (*REMARKS, SCORE, ">53<"):
            assert secret not in html, page
    # The same words are where they belong, so the search would have found them.
    result = sign_in(graded["people"]["learner"]).get(f"/learn/{graded['cohort']}/result")
    assert all(secret in result.get_data(as_text=True) for secret in (*REMARKS, SCORE))


@pytest.mark.parametrize("part", ["instructor", "lead", "observer"])
def test_more_time_is_nobodys_but_the_coordinators(
    graded: dict[str, Any], sign_in: Any, part: str
) -> None:
    words = ("A lasting need.", "Adjustment", "adjustment", "xtension")
    for page, html in pages_of(graded, sign_in, part).items():
        assert not [word for word in words if word in html], page
    mine = pages_of(graded, sign_in, "coordinator")
    assert "A lasting need." in mine[f"/teach/{graded['cohort']}/extensions"]


def twins(session: Session, cast: factories.Cast) -> tuple[Submission, Submission]:
    """Two works alike in all that is read: one on time; one late, extended, refunded, a second try."""
    cohort = cast.cohort
    given = {"title": "Bicycles", "text": "We counted $n=120$ bicycles."}
    plain, burdened = cast.learners[:2]
    on_time = factories.a_submission(session, cohort, plain, now=cohort.opens_at, **given)
    first = factories.a_submission(session, cohort, burdened, now=cohort.opens_at, **given)
    first.state = "released"
    session.flush()
    second = retakes.retake(session, burdened, first, now=cohort.opens_at)
    session.flush()
    extensions.grant(
        session,
        cast.coordinator,
        cohort,
        burdened,
        kind=ExtensionKind.ADJUSTMENT,
        days=5,
        reason="A lasting need.",
        now=cohort.opens_at,
    )
    session.add(
        Entitlement(
            program_id=cohort.program_id,
            person_id=burdened.id,
            state="refunded",
            note="",
            recorded_at=NOW,
        )
    )
    submissions.save_draft(
        session, burdened, second, **given, links=[], version=None, now=cohort.opens_at
    )
    assert second.due_at is not None
    submissions.submit(
        session,
        burdened,
        second,
        statement=factories.CURRENT_STATEMENT,
        version=None,
        now=second.due_at + timedelta(days=4),
    )
    second.copies[-1].late = True
    session.flush()
    return on_time, second


def test_a_scorer_cannot_tell_a_burdened_learner_from_their_twin(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    """Sheet, hand-back, report, and what staff see of the work: equal but for ids and codes."""
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=2, submitted=False)
        works = twins(session, cast)
        codes = allocations.BlindCodes(session, cast.cohort.id)
        clock.now = cast.cohort.due_at + timedelta(days=4)
        sheets = {
            pool: [
                allocations.give(
                    session, work, rater, pool, Purpose.LIVE, codes=codes, now=clock.now
                )
                for work in works
            ]
            for pool, rater in (
                (Pool.PROFESSIONAL, cast.graders[0]),
                (
                    Pool.PEER,
                    factories.a_member(
                        session, cast.cohort, "Peer Fir", factories.Role.PEER, now=NOW
                    ),
                ),
            )
        }
        session.flush()
        words = {text: "ID" for work in works for text in (work.id, stories.staff_code(work))} | {
            item.id: "ID" for pair in sheets.values() for item in pair
        }
        words |= {item.blind_code: "CODE" for pair in sheets.values() for item in pair}
        grader, peer = cast.graders[0].id, sheets[Pool.PEER][0].rater_id
        instructor, lead = cast.instructor.id, cast.lead.id
        pairs: list[tuple[str, list[str]]] = []
        for pool, person, base in (
            (Pool.PROFESSIONAL, grader, "/grade/item"),
            (Pool.PEER, peer, "/learn/review"),
        ):
            for tail in ("", "/hand-back", "/report"):
                pairs.append((str(person), [f"{base}/{item.id}{tail}" for item in sheets[pool]]))
        for person in (instructor, lead):
            pairs.append((person, [f"/teach/submission/{work.id}" for work in works]))
            pairs.append((person, [f"/teach/submission/{work.id}/suspect" for work in works]))
        names = [person.name for person in cast.learners]
    for person, both in pairs:
        client = sign_in(person)
        seen = []
        for address in both:
            answer = client.get(address)
            assert answer.status_code == 200, address
            # The token of a form is signed with the second in which it was made.
            html = re.sub(r"[\w-]+\.[\w-]{6}\.[\w-]{27}", "TOKEN", answer.get_data(as_text=True))
            for text in sorted(words, key=len, reverse=True):
                html = html.replace(text, words[text])
            assert not [name for name in names if name in html], address
            assert not re.search(r"\b(late|extended|attempt|retake|refunded)\b", html, re.I), (
                address
            )
            seen.append(html)
        assert seen[0] == seen[1], both
