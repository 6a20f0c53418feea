"""Calibration and monitoring as people meet them: leads, graders, peers and learners."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.disputes.queries import learner_standing
from grading.jobs import upkeep
from grading.models import (
    Alarm,
    Allocation,
    AnchorPaper,
    Approval,
    CalibrationAttempt,
    Cohort,
    Person,
    Quarantine,
    QueuePause,
    Submission,
)
from grading.people import approvals, passwords
from grading.readings import anchors, calibration
from grading.web.instructor.monitoring import CHECKS_ALONE_FIND
from grading.workflow.allocation import AllocationState, Purpose
from tests import factories
from tests.database import NOW, Clock, acting
from tests.kept import kept, kept_by_app
from tests.readings.test_calibration import RULES
from tests.readings.test_monitoring import drifting

AT = NOW + timedelta(days=2)
LEVELS = {"level-question": "2", "level-method": "1"}
REASONS = {"reason-question": "It asks something that can be counted.", "reason-method": "Counts."}
BY_HAND = "She has read for us for years, as the leads do."
TEXT = "It answers by counting what passes."


def test_a_learner_says_whether_their_work_may_train_graders_and_changes_it(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, submitted=False)
        cohort, learner = cast.cohort.id, cast.learners[0].id
    clock.now = AT
    client = sign_in(learner)
    client.post(f"/learn/{cohort}/project/start")
    client.post(
        f"/learn/{cohort}/project", data={"title": "T", "text": "Some bicycles.", "links": ""}
    )
    page = client.get(f"/learn/{cohort}/project/check").text
    assert "never changes your result" in page
    client.post(f"/learn/{cohort}/project/submit", data={"statement": "1", "example": "yes"})

    def consented() -> bool:
        with act() as session:
            work = session.scalars(select(Submission)).one()
            assert work.state == "submitted"
            return work.example_consent_at is not None

    assert consented()
    client.post(f"/learn/{cohort}/project/example", data={"example": ""})
    assert not consented()
    client.post(f"/learn/{cohort}/project/example", data={"example": "yes"})
    assert consented()
    assert "Take the consent back" in client.get(f"/learn/{cohort}/project").text


def test_two_leads_mark_blind_agree_and_withdraw(
    act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, **RULES)
        work = cast.submissions[0]
        anchors.consent(session, work.learner, work, given=True, now=AT)
        work_id, cohort = work.id, cast.cohort.id
        lead, other, third = cast.lead.id, cast.instructor.id, cast.second_instructor.id
        name = work.learner.name
    clock.now = AT
    first, second = sign_in(lead), sign_in(other)
    address = first.post(f"/teach/submission/{work_id}/example").headers["Location"]
    assert name not in first.get(address).text
    missing = first.post(f"{address}/mark", data=LEVELS)
    assert missing.status_code == 422
    assert "it is what raters learn from" in missing.text
    assert 'value="1" checked' in missing.text
    reasons = {"reason-question": TEXT, "reason-method": "Only the mean of two days is taken."}
    assert first.post(f"{address}/mark", data=LEVELS | reasons).status_code == 303
    # The other's levels and reasons are not on the page before one's own are in.
    for client in (second, sign_in(third), first):
        assert TEXT not in client.get(address).text
    assert f"{cohort}/examples" in first.get(address).text
    apart = {"level-question": "2", "level-method": "3"}
    assert second.post(f"{address}/mark", data=apart | reasons).status_code == 303
    page = first.get(address).text
    assert "2 levels apart" in page
    assert TEXT in page
    # Where both gave one level it is suggested, where they differ nothing is.
    assert 'id="level-question-2" value="2" checked' in " ".join(page.split())
    assert page.count(" checked") == 1
    assert "The two leads who marked it agree on it." in sign_in(third).get(address).text
    bad = first.post(f"{address}/agree", data=apart | reasons)
    assert bad.status_code == 422
    assert "Choose what the example is for." in bad.text
    assert 'href="#use"' in bad.text
    choice = {"use": "practice", "set_number": "1"}
    assert first.post(f"{address}/agree", data=apart | reasons | choice).status_code == 303
    with act() as session:
        anchor = session.scalars(select(AnchorPaper)).one()
        assert anchor.levels == {"question": 2, "method": 3}
        assert anchor.state == "agreed"
    assert first.post(f"{address}/withdraw", data={"reason": " "}).status_code == 422
    first.post(f"{address}/withdraw", data={"reason": "It is known outside."})
    assert "Withdrawn" in first.get(address).text
    listed = first.get(f"/teach/{cohort}/examples?state=agreed").text
    assert "No example here" in listed


ROOT = Path(__file__).parents[2]


@kept
def examples_agreed(session: Session) -> dict[str, Any]:
    cast = factories.a_cast(session, now=NOW, learners=10, graders=3, **RULES)
    factories.anchor_papers(session, cast, 1, "practice", now=AT)
    factories.anchor_papers(session, cast, 3, "qualification", now=AT, first=1)
    factories.anchor_papers(session, cast, 2, "validity", now=AT, first=4)
    return {
        "cohort": cast.cohort.id,
        "grader": cast.graders[0].id,
        "learner": cast.learners[9].id,
        "lead": cast.lead.id,
    }


@pytest.fixture
def calibrating(act: Callable[[], Any], clock: Clock) -> dict[str, Any]:
    """A cohort with one practice and three qualification examples; nobody is cleared."""
    with act() as session:
        cohort = examples_agreed(session)
    clock.now = AT
    return cohort


def read(act: Callable[[], Any], attempt_kind: str, person: str, level: int) -> list[str]:
    with act() as session:
        attempt = session.scalars(
            select(CalibrationAttempt).where(
                CalibrationAttempt.kind == attempt_kind, CalibrationAttempt.person_id == person
            )
        ).one()
        found = [item.id for item, _paper in calibration.items(session, attempt)]
        for item, _paper in calibration.items(session, attempt):
            factories.rate(session, item, {"question": level, "method": 2}, now=AT)
        return found


def test_a_grader_practises_qualifies_and_is_then_offered_work(
    act: Callable[[], Any], sign_in: Any, calibrating: dict[str, Any]
) -> None:
    cohort = calibrating["cohort"]
    client = sign_in(calibrating["grader"])
    page = client.get("/grade/").text
    assert "Go to calibration" in page
    assert "Start grading" not in page
    told = client.post(f"/grade/next/{cohort}", follow_redirects=True)
    assert "You are not cleared to grade yet." in told.text
    home = f"/grade/calibration/{cohort}"
    page = client.get(home).text
    assert "Start practising" in page
    assert "Practise first" in page
    client.post(f"{home}/practice")
    [item] = read(act, "practice", calibrating["grader"], 0)
    beside = client.get(f"/grade/item/{item}/finished").text
    assert "It shows what this level asks for." in beside
    assert "2 levels apart" in beside

    def attempt(kind: str) -> str:
        with act() as session:
            return session.scalars(
                select(CalibrationAttempt.id).where(CalibrationAttempt.kind == kind)
            ).one()

    result = client.post(f"/grade/attempt/{attempt('practice')}/hand-in", follow_redirects=True)
    assert "It shows what this level asks for." in result.text
    client.post(f"{home}/qualification")
    items = read(act, "qualification", calibrating["grader"], 2)
    # Nothing of how it went before all is handed in.
    for one in items:
        page = client.get(f"/grade/item/{one}/finished").text
        assert "It shows what this level asks for." not in page
        assert "Leads" not in page
    result = client.post(
        f"/grade/attempt/{attempt('qualification')}/hand-in", follow_redirects=True
    ).text
    assert "Cleared" in result
    assert "100 %" in result
    # The examples of a qualification stay closed to it.
    assert "It shows what this level asks for." not in result
    assert "Calibration comes first" not in client.get("/grade/").text
    table = sign_in(calibrating["lead"]).get(f"/teach/{cohort}/standings").text
    # The grader by their qualification, and the two who agreed the examples.
    assert table.count(">Cleared<") == 6
    assert table.count("agreed the examples") == 3


def test_a_lead_clears_a_grader_by_hand_and_signs_the_reason(
    app: Any, act: Callable[[], Any], sign_in: Any, calibrating: dict[str, Any]
) -> None:
    cohort, grader = calibrating["cohort"], calibrating["grader"]
    with act() as session:
        lead = session.get_one(Person, calibrating["lead"])
        plan = session.get_one(Cohort, cohort).plan_version
        plan.choices = plan.choices | {"step_up": "either"}
        hasher = app.extensions["grading"].hasher
        passwords.set_password(session, None, lead, factories.PASSWORD, hasher=hasher, now=AT)
    client = sign_in(calibrating["lead"])
    table = client.get(f"/teach/{cohort}/standings").text
    page = f"/teach/{cohort}/standings/{grader}/clear"
    assert page in table
    assert "Cleared for" in client.get(page).text
    short = client.post(page, data={"reason": "Good."})
    assert short.status_code == 422
    assert "Give a reason of 20 to" in short.text
    place = client.post(page, data={"reason": BY_HAND}).location
    assert place.startswith("/approve/")
    signed = client.get(place).text
    for words in ("Question", "Method", "365 days", BY_HAND, "Reason, as the grader reads it"):
        assert words in signed, words
    assert "Results that are signed" not in signed
    # Nothing is so before it is signed.
    assert "Go to calibration" in sign_in(grader).get("/grade/").text
    client = sign_in(calibrating["lead"])
    wrong = client.post(place, data={"password": "wrong"})
    assert wrong.status_code == 422
    done = client.post(place, data={"password": factories.PASSWORD}, follow_redirects=True).text
    assert "is cleared by hand, and is told so with your reason." in done
    assert BY_HAND in done
    with act() as session:
        approval = session.scalars(select(Approval)).one()
        assert (approval.action, approval.proof) == ("standing:clear_by_hand", "password")
        assert approvals.faults_of(session, approval) == ()
    again = client.post(page, data={"reason": BY_HAND})
    assert again.status_code == 409
    assert "is cleared for every criterion already" in again.text
    client = sign_in(grader)
    assert "Calibration comes first" not in client.get("/grade/").text
    assert BY_HAND in client.get(f"/grade/calibration/{cohort}").text


def test_a_peer_practises_for_feedback_and_owes_nothing_by_it(
    act: Callable[[], Any], sign_in: Any, calibrating: dict[str, Any]
) -> None:
    cohort, learner = calibrating["cohort"], calibrating["learner"]
    client = sign_in(learner)
    home = f"/learn/calibration/{cohort}"
    assert home in client.get(f"/learn/{cohort}").text
    page = client.get(home).text
    assert "changes neither your result" in page
    assert "Start the qualification" not in page
    assert client.post(f"{home}/qualification").status_code == 404
    client.post(f"{home}/practice")
    with act() as session:
        from grading.office import needs
        from grading.releases.queries import candidates

        found = session.get_one(Cohort, cohort)
        person = session.get_one(Person, learner)
        item = session.scalars(
            select(Allocation).where(Allocation.purpose == Purpose.PRACTICE)
        ).one()
        # Begun and left alone, it is no review that is owed.
        assert candidates.owed_reviews(session, found) == {}
        assert learner_standing.peer_items(session, found, learner) == []
        kinds = {
            need.kind for need in needs.needs_of(session, needs.parts_of(session, person), now=AT)
        }
        assert "review" not in kinds
        item_id = item.id
    read(act, "practice", learner, 1)
    assert "1 level apart" in client.get(f"/learn/review/{item_id}/finished").text


@kept_by_app
def alarmed(app: Flask) -> dict[str, Any]:
    """A grader whose standard moved after 80 of 160 sheets, found by the charts."""
    clock = app.extensions["clock"]
    with acting(app) as session:
        cast, mover = drifting(session, drift=True)
        cohort, due = cast.cohort.id, cast.cohort.due_at
        ids = {
            "cohort": cohort,
            "mover": mover.id,
            "name": mover.name,
            "other": cast.graders[1].id,
            "lead": cast.lead.id,
        }
    clock.now = due + timedelta(hours=8)
    upkeep.run(app, cohort, now=clock.now)
    return ids


@pytest.fixture
def drifted(app: Flask) -> dict[str, Any]:
    return alarmed(app)


def test_what_checks_alone_would_find_is_what_was_measured() -> None:
    table = (ROOT / "benchmarks" / "results" / "drift.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| main")]
    shares = [float(row[-2].strip(" %")) for row in rows]
    assert len(shares) == 2
    assert round(sum(shares) / 2) == CHECKS_ALONE_FIND


@pytest.mark.slow
def test_from_an_alarm_to_what_is_set_aside_and_back(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock, drifted: dict[str, Any]
) -> None:
    lead = sign_in(drifted["lead"])
    cohort, mover = drifted["cohort"], drifted["mover"]
    graders = lead.get(f"/teach/{cohort}/graders").text
    # By name, whatever was measured.
    with act() as session:
        names = [session.get_one(Person, drifted[key]).name for key in ("mover", "other")]
    assert [graders.index(name) for name in sorted(names)] == sorted(map(graders.index, names))
    assert "Not enough yet (0 of 10)" in graders
    page = lead.get(f"/teach/{cohort}/graders/{mover}")
    assert page.status_code == 200
    for question in ("standard moving", "How far from expected", "How strict", "more than chance"):
        assert question in page.text
    assert f"about {CHECKS_ALONE_FIND} of 100" in page.text
    assert lead.get(f"/teach/{cohort}/graders/{mover}?on=method").status_code == 200
    with act() as session:
        alarm = session.scalars(
            select(Alarm).where(Alarm.person_id == mover).order_by(Alarm.criterion)
        ).first()
        assert alarm is not None
        alarm_id = alarm.id
    unsaid = lead.post(f"/teach/alarm/{alarm_id}/answer", data={"reason": "It moved."})
    assert unsaid.status_code == 422
    assert "Say whether the standard moved." in unsaid.text
    led = lead.post(
        f"/teach/alarm/{alarm_id}/answer", data={"verdict": "upheld", "reason": "It moved."}
    )
    preview = lead.get(led.headers["Location"])
    assert "Ratings set aside" in preview.text
    with act() as session:
        assert not session.scalar(select(func.count()).select_from(Quarantine))
    asked = lead.post(
        f"/teach/{cohort}/graders/{mover}/set-aside", data={"since": alarm_id, "criterion": ""}
    )
    assert asked.status_code == 422
    done = lead.post(
        f"/teach/{cohort}/graders/{mover}/set-aside",
        data={"since": alarm_id, "criterion": "", "reason": "The standard moved by a level."},
        follow_redirects=True,
    )
    assert "Let it count again" in done.text
    with act() as session:
        kept = session.scalars(select(Quarantine)).one()
        kept_id = kept.id
        assert kept.alarm_id == alarm_id
        states = set(session.scalars(select(Submission.state)))
        assert "begun" in states or "submitted" in states
    lead.post(f"/teach/quarantine/{kept_id}/lift", data={"reason": "A mistake of mine."})
    with act() as session:
        assert session.get_one(Quarantine, kept_id).state == "lifted"


def test_a_pause_tells_the_grader_why_and_by_whom_until_it_is_answered(
    act: Callable[[], Any], sign_in: Any, clock: Clock, drifted: dict[str, Any]
) -> None:
    lead, grader = sign_in(drifted["lead"]), sign_in(drifted["mover"])
    cohort, mover = drifted["cohort"], drifted["mover"]
    assert lead.post(f"/teach/{cohort}/graders/{mover}/pause").status_code == 422
    lead.post(f"/teach/{cohort}/graders/{mover}/pause", data={"reason": "Milder since Monday?"})
    page = grader.get("/grade/").text
    assert "Your queue is paused" in page
    assert "Milder since Monday?" in page
    assert "Lead Topaz" in page
    assert "lead.topaz@example.org" in page
    assert "paused by your lead" in grader.post(f"/grade/next/{cohort}", follow_redirects=True).text
    with act() as session:
        paused = session.scalars(select(QueuePause)).one()
        pause_id, late = paused.id, paused.answer_by + timedelta(minutes=1)
    assert "Answer owed by" in lead.get(f"/teach/{cohort}/graders").text
    clock.now = late
    assert "Answer overdue" in lead.get(f"/teach/{cohort}/graders").text
    lead.post(f"/teach/pause/{pause_id}/resume", data={"reason": "All is well."})
    assert "Your queue is paused" not in grader.get("/grade/").text


def test_a_grader_sees_their_own_consistency_and_nobody_elses(
    sign_in: Any, drifted: dict[str, Any]
) -> None:
    cohort = drifted["cohort"]
    page = sign_in(drifted["mover"]).get(f"/grade/consistency/{cohort}").text
    assert "What is measured, and who sees it" in page
    assert "How strict" in page
    # With one colleague, how “all others” use levels would be theirs.
    assert "used as others use it" not in page
    with_name = sign_in(drifted["other"]).get(f"/grade/consistency/{cohort}").text
    assert drifted["name"] not in with_name


def test_the_board_of_readings_hides_bands_from_who_could_still_read(
    act: Callable[[], Any], sign_in: Any, drifted: dict[str, Any]
) -> None:
    cohort = drifted["cohort"]
    lead = sign_in(drifted["lead"])
    page = lead.get(f"/teach/{cohort}/readings").text
    assert page.count("Hidden while you could still be asked to read it") == 50
    assert "pays for no further readings" in page
    with act() as session:
        work = session.scalars(select(Submission.id)).first()
    lead.post(f"/teach/submission/{work}/show")
    pages = [lead.get(f"/teach/{cohort}/readings?page={n}").text for n in (1, 2, 3, 4)]
    hidden = sum(text.count("Hidden while you could") for text in pages)
    assert hidden == 159
    bought = lead.get(f"/teach/{cohort}/readings?more=20").text
    assert "20 where they buy most" in bought
    assert "everything read twice" in bought


def test_the_cohort_page_says_whether_grading_will_be_done_in_time(
    act: Callable[[], Any], sign_in: Any, clock: Clock, app: Flask
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=6, graders=3)
        cohort, due, lead = cast.cohort.id, cast.cohort.due_at, cast.lead.id
    clock.now = due
    upkeep.run(app, cohort, now=due, seed=3)
    clock.now = due + timedelta(days=1)
    client = sign_in(lead)
    assert "Will we finish in time?" in client.get(f"/teach/{cohort}").text
    assert "items will miss" in client.get(f"/teach/{cohort}").text
    with act() as session:
        for item in session.scalars(select(Allocation)):
            if item.state in (AllocationState.ALLOCATED, AllocationState.BEGUN):
                factories.rate(session, item, {"question": 2, "method": 2}, now=clock.now)
    assert "everything is done in time" in client.get(f"/teach/{cohort}").text
