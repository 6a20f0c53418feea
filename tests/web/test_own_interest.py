"""Whoever had a part in a work looks at none of its readings, and signs and decides nothing about it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.authorization.predicates import has_own_interest
from grading.disputes import appeals
from grading.errors import NotFound, Refused
from grading.models import (
    Allocation,
    Cohort,
    Discrepancy,
    Membership,
    Person,
    Release,
    Submission,
)
from grading.models.codes import case_code
from grading.readings import anchors, exposures
from grading.releases import releases
from grading.releases.queries import candidates
from grading.scores import quarantines
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.cohort import Role
from tests import factories, stories
from tests.database import NOW

ELEVEN = timedelta(minutes=11)
APART = {Pool.PROFESSIONAL: {"question": 3, "method": 3}, Pool.PEER: {"question": 0, "method": 0}}
SOUND = {"question": 2, "method": 2}


def both(session: Session, cast: factories.Cast) -> Person:
    """Give the first learner an instructor's part too, as could be done before it was refused."""
    learner = cast.learners[0]
    give_part(session, cast.cohort, learner, Role.INSTRUCTOR, now=NOW)
    return learner


def give_part(
    session: Session, cohort: Cohort, person: Person, role: Role, *, now: datetime
) -> None:
    session.add(Membership(cohort_id=cohort.id, person_id=person.id, role=role, since=now))
    session.flush()


def read_all(session: Session, cast: factories.Cast, levels: dict[Pool, dict[str, int]]) -> Any:
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    for item in session.scalars(select(Allocation)).all():
        if item.state == AllocationState.ALLOCATED:
            factories.rate(session, item, levels.get(Pool(item.pool), SOUND), now=now)
    factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
    return now + ELEVEN


@pytest.fixture
def ids(app: Any, act: Callable[[], Any]) -> dict[str, Any]:
    """A cohort with readings too far apart, in which one person learns and teaches."""
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=4, sign_offs=1)
        person = both(session, cast)
        now = app.extensions["clock"].now = read_all(session, cast, APART)
        own, other = cast.submissions[:2]
        anchors.consent(session, own.learner, own, given=True, now=now)
        exposures.expose(session, cast.instructor, own, now=now)
        cases = {case.submission_id: case.id for case in session.scalars(select(Discrepancy))}
        return {
            "both": person.id,
            "instructor": cast.instructor.id,
            "cohort": cast.cohort.id,
            "own": own.id,
            "other": other.id,
            "own_case": cases[own.id],
            "other_case": cases[other.id],
        }


def test_who_learns_and_teaches_sees_no_page_of_their_own_work(
    ids: dict[str, Any], sign_in: Any
) -> None:
    client, colleague = sign_in(ids["both"]), sign_in(ids["instructor"])
    for page in ("submission/{work}", "case/{case}", "submission/{work}/report"):
        own = "/teach/" + page.format(work=ids["own"], case=ids["own_case"])
        other = "/teach/" + page.format(work=ids["other"], case=ids["other_case"])
        assert client.get(own).status_code == 404, page
        if colleague.get(own).status_code == 200:
            assert client.get(other).status_code == 200, page
    assert colleague.get(f"/teach/submission/{ids['own']}").status_code == 200
    assert client.post(f"/teach/submission/{ids['own']}/show").status_code == 404
    assert client.post(f"/teach/submission/{ids['other']}/show").status_code == 303
    assert client.post(f"/teach/case/{ids['own_case']}/take").status_code == 404


def test_the_queue_of_disputes_says_whose_own_it_is(ids: dict[str, Any], sign_in: Any) -> None:
    page = sign_in(ids["both"]).get(f"/teach/{ids['cohort']}/disputed").text
    colleagues = sign_in(ids["instructor"]).get(f"/teach/{ids['cohort']}/disputed").text
    assert f"Take {case_code(ids['other'])}" in colleagues
    assert f"Take {case_code(ids['own'])}" not in page
    assert "You had a part in this project." in page


def test_nobody_proposes_signs_or_stops_a_release_of_their_own_result(
    session: Session,
) -> None:
    cast = factories.a_cast(session, now=NOW, learners=4, sign_offs=2)
    person = both(session, cast)
    now = read_all(session, cast, {})
    words = "your own"
    plain: dict[str, Any] = {"overrides": {}, "failed_gates": [], "now": now}
    assert len(candidates.candidates(session, cast.cohort, now=now)) == 4
    with pytest.raises(Refused, match=words):
        releases.propose(session, person, cast.cohort, **plain)
    with pytest.raises(Refused, match=words):
        releases.lay_before(session, person, cast.cohort, **plain)
    release = releases.propose(session, cast.instructor, cast.cohort, **plain)
    for act in (releases.sign, releases.lay_before_next):
        with pytest.raises(Refused, match=words):
            act(session, person, release, now=now)
    with pytest.raises(Refused, match=words):
        releases.stop(session, person, release, reason="", now=now)
    releases.stop(session, cast.instructor, release, reason="", now=now)
    # What holds no result of theirs is theirs to propose.
    others = {work.id for work in cast.submissions[1:]}
    apart = releases.propose(session, person, cast.cohort, chosen=others, **plain)
    assert {item.submission_id for item in apart.items} == others


def test_the_page_of_releases_offers_nothing_that_would_be_refused(
    app: Any, act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=4, sign_offs=2)
        person, cohort = both(session, cast).id, cast.cohort.id
        app.extensions["clock"].now = read_all(session, cast, {})
        instructor = cast.instructor.id
    place = f"/teach/{cohort}/release"
    page = sign_in(person).get(place).text
    assert "so a colleague proposes the release" in page
    assert "Release 4 results" not in page
    assert sign_in(person).post(place).status_code == 409
    assert sign_in(instructor).post(place).status_code == 303
    page = sign_in(person).get(place).text
    assert "It holds a result of your own" in page
    assert "Sign the release" not in page
    assert "Withdraw the proposal" not in page
    with act() as session:
        assert session.scalars(select(Release.cohort_id)).all() == [cohort]


def test_nobody_goes_on_with_their_own_appeal(session: Session) -> None:
    told = stories.a_result(session, graders=1)
    appeal = stories.an_appeal(session, told)
    cohort = session.get_one(Cohort, told.cast.cohort.id)
    give_part(session, cohort, told.learner, Role.LEAD, now=told.now)
    for person in (told.cast.instructor, told.cast.second_instructor, told.cast.lead):
        exposures.expose(session, person, told.work, now=told.now)
    session.flush()
    with pytest.raises(NotFound):
        appeals.go_on_unblind(session, told.learner, appeal, now=told.now)
    appeals.go_on_unblind(session, told.cast.lead, appeal, now=told.now)


def test_nobody_sets_aside_or_restores_readings_of_their_own_work(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=4, graders=1)
    person = both(session, cast)
    now = read_all(session, cast, {})
    (rater,) = cast.graders
    given: dict[str, Any] = {"criterion": None, "since": NOW, "reason": "drifted", "now": now}
    with pytest.raises(Refused, match="your own"):
        quarantines.impose(session, person, cast.cohort, rater, **given)
    quarantine, effect = quarantines.impose(session, cast.lead, cast.cohort, rater, **given)
    assert len(effect.again) == 4
    with pytest.raises(Refused, match="your own"):
        quarantines.lift(session, person, quarantine, reason="it was me", now=now)
    quarantines.lift(session, cast.lead, quarantine, reason="it was sound", now=now)


def test_a_part_that_ended_is_an_interest_still(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=2)
    own, other = session.scalars(select(Submission).order_by(Submission.id)).all()
    assert has_own_interest(session, own.learner_id, [own.id])
    assert has_own_interest(session, own.learner_id, [other.id, own.id])
    assert not has_own_interest(session, own.learner_id, [other.id])
    assert not has_own_interest(session, cast.lead.id, [own.id, other.id])
