"""Groups, late work, retakes and a changed name, as their pages show them."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grading.jobs import credentials, upkeep
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import (
    Allocation,
    CredentialRecord,
    Grade,
    Objection,
    Person,
    Submission,
    SubmissionMember,
)
from grading.readings import holds
from grading.records import reissues
from grading.releases import releases
from grading.workflow.allocation import Pool
from tests import factories
from tests.database import NOW, Clock

DAY = timedelta(days=1)
REASON = "This leaves out the part that I wrote."


def text_of(response: Any) -> str:
    return unescape(re.sub(r"\s+", " ", response.get_data(as_text=True)))


@pytest.fixture
def world(app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock) -> dict[str, Any]:
    """A cohort in which learners may work together, a day after it opened."""
    with act() as session:
        cast = factories.a_cast(
            session, now=NOW, learners=4, graders=4, submitted=False, group_size=3, sign_offs=1,
            late_days=5, late_points=4.0, late_points_most=10.0,
        )  # fmt: skip
        people = {person.name.split()[-1].lower(): person.id for person in cast.learners}
        people |= {
            "coordinator": cast.coordinator.id,
            "instructor": cast.instructor.id,
            "grader": cast.graders[0].id,
        }
        found = {"cohort": cast.cohort.id, "due": cast.cohort.due_at}
        found |= {"graders": [person.id for person in cast.graders]}
    clock.now = NOW + DAY
    clients = {name: sign_in(person) for name, person in people.items()}
    return found | {"people": people, "base": f"/learn/{found['cohort']}", **clients}


def together(world: dict[str, Any]) -> None:
    """Alder begins and asks Birch, who joins."""
    base = world["base"]
    world["alder"].post(f"{base}/project/start")
    sent = world["alder"].post(
        f"{base}/group/invite", data={"email": "learner.birch@example.org"}, follow_redirects=True
    )
    assert "Learner Birch is asked to join." in text_of(sent)
    page = text_of(world["birch"].get(f"{base}/group"))
    assert "Learner Alder asks you to work together." in page
    accept = re.search(r'action="(/learn/invitation/[^"]+/accept)"', page)
    assert accept is not None
    assert world["cedar"].post(accept.group(1)).status_code == 404
    assert "You are in the group." in text_of(
        world["birch"].post(accept.group(1), follow_redirects=True)
    )


def hand_in(world: dict[str, Any], who: str) -> Any:
    base = world["base"]
    data = {"title": "Together", "text": "We counted."}
    assert world[who].post(f"{base}/project", data=data).status_code == 303
    return world[who].post(f"{base}/project/submit", data={"statement": "1"}, follow_redirects=True)


def mails(app: Flask, clock: Clock) -> dict[str, list[str]]:
    """Send what waits; gives the texts by address."""
    Worker(app, HANDLERS, clock=clock).run_until_idle(clock.now)
    sent: dict[str, list[str]] = {}
    from email import message_from_bytes, policy
    from pathlib import Path

    folder = Path(app.extensions["grading"].settings.home) / "mail"
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            sent.setdefault(str(message["To"]), []).append(
                f"{message['Subject']}\n{message.get_content()}"  # type: ignore[attr-defined]
            )
    return sent


def test_two_write_one_hands_in_the_other_objects(
    app: Flask, world: dict[str, Any], act: Callable[[], Any], clock: Clock
) -> None:
    base = world["base"]
    together(world)
    assert "Learner Alder, Learner Birch" in text_of(world["birch"].get(f"{base}/project"))
    check = text_of(world["birch"].get(f"{base}/project/check"))
    assert "Everybody gets the receipt and has 24 hours to object" in check
    receipt = text_of(hand_in(world, "birch"))
    assert "Learner Alder, Learner Birch" in receipt
    assert "can object until" in receipt
    sent = mails(app, clock)
    assert any("asks you to work together" in text for text in sent["learner.birch@example.org"])
    [told] = [text for text in sent["learner.alder@example.org"] if text.startswith("Received")]
    assert "Learner Birch handed it in for your group" in told
    assert f"{base}/group/object" in told
    own = [text for text in sent["learner.birch@example.org"] if text.startswith("Received")]
    assert "handed it in" not in own[0]
    assert "can object until" in text_of(world["alder"].get(base))
    refused = world["alder"].post(f"{base}/group/object", data={"reason": "No"})
    assert refused.status_code == 422
    assert "Use 20 to 5000 characters" in text_of(refused)
    done = world["alder"].post(
        f"{base}/group/object", data={"reason": REASON}, follow_redirects=True
    )
    assert "is a draft again" in text_of(done)
    page = text_of(world["birch"].get(f"{base}/group"))
    assert REASON in page
    assert any(
        "does not stand by" in text for text in mails(app, clock)["learner.birch@example.org"]
    )
    assert world["alder"].get(f"{base}/group/object").status_code == 404


def test_after_the_deadline_the_office_decides(
    app: Flask, world: dict[str, Any], act: Callable[[], Any], clock: Clock
) -> None:
    base, office = world["base"], f"/admin/cohorts/{world['cohort']}/groups"
    together(world)
    # The last moment of the days in which late work is taken.
    clock.now = world["due"] + 5 * DAY - timedelta(minutes=5)
    assert "4.0" in text_of(world["alder"].get(f"{base}/project/check"))
    hand_in(world, "alder")
    clock.forward(hours=1)
    world["birch"].post(f"{base}/group/object", data={"reason": REASON})
    assert "Nobody reads it before the program has decided" in text_of(world["alder"].get(base))
    page = text_of(world["coordinator"].get(office))
    assert REASON in page
    assert "We counted" not in page
    with act() as session:
        objection_id = session.scalars(select(Objection.id)).one()
    address = f"{office}/objections/{objection_id}"
    wrong = world["coordinator"].post(address, data={"answer": "The part is there, see page 3."})
    assert wrong.status_code == 422
    assert "Choose what is to happen." in text_of(wrong)
    assert "The part is there" in text_of(wrong)
    assert world["grader"].post(address, data={"verdict": "dismiss"}).status_code == 404
    world["coordinator"].post(address, data={"verdict": "take_out", "answer": REASON})
    assert "Submit it by" in "".join(mails(app, clock)["learner.birch@example.org"])
    alone = text_of(world["birch"].get(f"{base}/project"))
    assert "We counted." in alone
    upkeep.run(app, world["cohort"], now=clock.forward(days=1))
    with act() as session:
        state = {work.learner_id: work.state for work in session.scalars(select(Submission))}
    assert state == {
        world["people"]["alder"]: "submitted", world["people"]["birch"]: "draft",
    }  # fmt: skip


def test_the_office_puts_people_together_and_moves_them(
    world: dict[str, Any], act: Callable[[], Any]
) -> None:
    office = f"/admin/cohorts/{world['cohort']}/groups"
    made = world["coordinator"].post(
        office,
        data={"name": "North", "people": "learner.alder@example.org\nlearner.birch@example.org"},
        follow_redirects=True,
    )
    assert "North" in text_of(made)
    wrong = world["coordinator"].post(office, data={"name": "", "people": "nobody@example.org"})
    assert wrong.status_code == 422
    assert "No account has the address “nobody@example.org”" in text_of(wrong)
    with act() as session:
        work_id = session.scalars(select(Submission.id)).one()
    moved = world["coordinator"].post(
        f"{office}/{work_id}/members",
        data={"people": "learner.cedar@example.org"},
        follow_redirects=True,
    )
    assert "learner.cedar@example.org" in text_of(moved)
    full = world["coordinator"].post(
        f"{office}/{work_id}/members", data={"people": "learner.dogwood@example.org"}
    )
    assert full.status_code == 422
    assert "The group is full" in text_of(full)
    with act() as session:
        member_id = session.scalars(
            select(SubmissionMember.id).where(
                SubmissionMember.person_id == world["people"]["cedar"]
            )
        ).one()
    world["coordinator"].post(f"{office}/members/{member_id}/take-out")
    assert "Learner Cedar" not in text_of(world["alder"].get(f"{world['base']}/group"))


def test_wrong_codes_and_addresses_are_said_beside_the_field(world: dict[str, Any]) -> None:
    base = world["base"]
    world["alder"].post(f"{base}/project/start")
    wrong = world["alder"].post(f"{base}/group/join", data={"code": "nonsense"})
    assert wrong.status_code == 422
    assert "No group here has this code." in text_of(wrong)
    wrong = world["alder"].post(f"{base}/group/invite", data={"email": "x@example.org"})
    assert "No learner of this cohort has this address." in text_of(wrong)
    assert 'value="x@example.org"' in wrong.get_data(as_text=True)
    code = re.search(
        r"<strong class=\"mono\">(\w{4}) (\w{4})<", text_of(world["alder"].get(f"{base}/group"))
    )
    assert code is not None
    joined = world["cedar"].post(
        f"{base}/group/join", data={"code": "".join(code.groups())}, follow_redirects=True
    )
    assert "You are in the group." in text_of(joined)
    left = world["cedar"].post(f"{base}/group/leave", follow_redirects=True)
    assert "You have left the group." in text_of(left)


def read_all(
    app: Flask, world: dict[str, Any], act: Callable[[], Any], clock: Clock, level: int
) -> None:
    """Have everything read and released."""
    levels = {"question": level, "method": level}
    upkeep.run(app, world["cohort"], now=clock.now)
    for _ in range(3):
        with act() as session:
            for item in session.scalars(select(Allocation).where(Allocation.state == "allocated")):
                factories.rate(session, item, levels, now=clock.now)
            cohort = session.get_one(factories.Cohort, world["cohort"])
            for item in session.scalars(select(Allocation).where(Allocation.state == "open")).all():
                for grader_id in world["graders"]:
                    got = holds.claim(
                        session, session.get_one(Person, grader_id), cohort,
                        now=clock.now, allocation_id=item.id,
                    )  # fmt: skip
                    if got is not None:
                        factories.rate(session, got, levels, now=clock.now)
                        break
        upkeep.run(app, world["cohort"], now=clock.forward(minutes=11))
    with act() as session:
        cohort = session.get_one(factories.Cohort, world["cohort"])
        instructor = session.get_one(Person, world["people"]["instructor"])
        release = releases.propose(
            session, instructor, cohort, overrides={}, failed_gates=[], now=clock.now
        )
        releases.carry_out(session, release, now=clock.forward(minutes=11))


@pytest.fixture
def released(
    app: Flask, world: dict[str, Any], act: Callable[[], Any], clock: Clock
) -> dict[str, Any]:
    """Alder and Birch together, Cedar two days late, Dogwood; all released."""
    together(world)
    hand_in(world, "alder")
    world["dogwood"].post(f"{world['base']}/project/start")
    hand_in(world, "dogwood")
    world["cedar"].post(f"{world['base']}/project/start")
    clock.now = world["due"] + timedelta(hours=26)
    hand_in(world, "cedar")
    read_all(app, world, act, clock, 2)
    return world


def test_results_of_a_group_and_points_of_one(
    app: Flask, released: dict[str, Any], act: Callable[[], Any]
) -> None:
    base = released["base"]
    for who in ("alder", "birch"):
        page = text_of(released[who].get(f"{base}/result"))
        assert "67 of 100" in page
        assert "2 members" in page
    with act() as session:
        grade = session.scalars(
            select(Grade).where(Grade.person_id == released["people"]["birch"])
        ).one()
        address = f"/teach/submission/{grade.submission_id}"
    # Whoever could still be asked to read it learns neither names nor that it is a group's.
    assert released["instructor"].get(f"{address}/points").status_code == 404
    page = text_of(released["instructor"].get(address))
    assert "Points of one member" not in page
    released["instructor"].post(f"{address}/show")
    assert "Points of one member" in text_of(released["instructor"].get(address))
    wrong = released["instructor"].post(
        f"{address}/points",
        data={"person": released["people"]["birch"], "points": "many", "reason": ""},
    )
    assert wrong.status_code == 422
    assert "Give points from -100 to 100." in text_of(wrong)
    done = released["instructor"].post(
        f"{address}/points",
        data={"person": released["people"]["birch"], "points": "5", "reason": REASON},
        follow_redirects=True,
    )
    assert "The result is amended." in text_of(done)
    page = text_of(released["birch"].get(f"{base}/result"))
    assert "72 of 100" in page
    assert "5.0 points more than your group" in page
    assert REASON in page
    assert REASON not in text_of(released["alder"].get(f"{base}/result"))
    assert released["coordinator"].get(f"{address}/points").status_code == 404


def test_nothing_a_rater_sees_tells_of_a_group_or_of_lateness(
    app: Flask, released: dict[str, Any], act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        items = session.scalars(
            select(Allocation).where(
                Allocation.state == "sealed", Allocation.pool == Pool.PROFESSIONAL
            )
        ).all()
        rows = [(item.id, str(item.rater_id)) for item in items]
        names = [person.name for person in session.scalars(select(Person))
                 if person.name.startswith("Learner")]  # fmt: skip
    assert len(rows) >= 3
    for item_id, rater_id in rows:
        client = sign_in(rater_id)
        pages = [client.get(f"/grade/item/{item_id}/finished"), client.get("/grade/")]
        for page in map(text_of, pages):
            assert not [name for name in names if name in page]
            for word in ("roup", " late", "Late"):
                assert word not in page


def test_lateness_is_shown_before_and_after(released: dict[str, Any], clock: Clock) -> None:
    base = released["base"]
    assert "2 days late, 8.0 points less" in text_of(
        released["cedar"].get(f"{base}/project/receipt")
    )
    page = text_of(released["cedar"].get(f"{base}/result"))
    # 66.67 - 8 = 58.67
    assert "59 of 100" in page
    assert "Handed in 2 days after your deadline: 8.0 points less." in page


def test_what_late_costs_stands_before_the_button(world: dict[str, Any], clock: Clock) -> None:
    base = world["base"]
    world["cedar"].post(f"{base}/project/start")
    clock.now = world["due"] + timedelta(minutes=30)
    for page in ("/project", "/project/check"):
        assert "within the grace, which costs nothing" in text_of(world["cedar"].get(base + page))
    clock.now = world["due"] + 3 * DAY
    for page in ("/project", "/project/check"):
        text = text_of(world["cedar"].get(base + page))
        # 3 days of 4 points are 12, and 10 are the most.
        assert "it is 3 days late, and 10.0 points of 100 are taken" in text


def test_a_retake_from_the_result_page_to_the_best_result(
    app: Flask, released: dict[str, Any], act: Callable[[], Any], clock: Clock
) -> None:
    base = released["base"]
    with act() as session:
        program = session.get_one(factories.Cohort, released["cohort"]).program
        program.retake_terms = "A retake costs 40 euros, paid to the program office."
    page = text_of(released["dogwood"].get(f"{base}/result"))
    assert "You can retake the capstone 2 more times." in page
    assert "you have 28 days" in page
    assert "A retake costs 40 euros" in page
    assert "If you begin today, it is due" in page
    begun = released["dogwood"].post(f"{base}/project/retake", follow_redirects=True)
    assert "Your retake has begun" in text_of(begun)
    assert "Your attempt 2 is under way" in text_of(released["dogwood"].get(f"{base}/result"))
    assert "67 of 100" in text_of(released["dogwood"].get(f"{base}/result"))
    hand_in(released, "dogwood")
    clock.forward(hours=1)
    read_all(app, released, act, clock, 3)
    page = text_of(released["dogwood"].get(f"{base}/result"))
    assert "100 of 100" in page
    assert "Attempt 1" in page
    assert re.search(r"Attempt 2</a>.{0,120}Counts", page)
    with act() as session:
        record = session.scalars(
            select(CredentialRecord).where(
                CredentialRecord.person_id == released["people"]["dogwood"]
            )
        ).one()
        address = f"/learn/records/{record.id}"
        public = f"/verify/{record.public_id}"
    page = text_of(released["dogwood"].get(address, follow_redirects=True))
    assert len(re.findall(r"attempt=[12]", page)) == 2
    assert page.count(">Counts<") == 1
    released["dogwood"].post(f"{address}/share", data={"shared": "yes"})
    sign(app, released, clock)
    assert text_of(app.test_client().get(public)).count("Capstone:") == 1


def test_withdrawing_and_coming_back_to_a_group(world: dict[str, Any], clock: Clock) -> None:
    base = world["base"]
    together(world)
    hand_in(world, "alder")
    assert "The others of your group go on" in text_of(
        world["birch"].get(f"{base}/project/withdraw")
    )
    world["birch"].post(f"{base}/project/withdraw")
    page = text_of(world["birch"].get(base))
    assert "You have withdrawn from this capstone. You can come back until" in page
    assert "The others of your group go on" in text_of(world["birch"].get(f"{base}/project"))
    assert "You have withdrawn" not in text_of(world["alder"].get(base))
    clock.forward(days=2)
    world["birch"].post(f"{base}/project/come-back")
    assert "You have withdrawn" not in text_of(world["birch"].get(base))


def sign(app: Flask, world: dict[str, Any], clock: Clock) -> None:
    """Have one learner's credentials signed, as a worker does."""
    with app.app_context():
        credentials.at_once(app, world["people"]["dogwood"], now=clock.now)


def test_a_changed_name(
    app: Flask, released: dict[str, Any], act: Callable[[], Any], clock: Clock
) -> None:
    """The account changes at once, the record when its owner confirms it; the old name is gone then."""
    client = released["dogwood"]
    with act() as session:
        record = session.scalars(
            select(CredentialRecord).where(
                CredentialRecord.person_id == released["people"]["dogwood"]
            )
        ).one()
        address, public = f"/learn/records/{record.id}", f"/verify/{record.public_id}"
    client.post(f"{address}/share", data={"shared": "yes"})
    sign(app, released, clock)
    empty = client.post("/preferences", data={"name": "  ", "theme": "dark", "time_zone": ""})
    assert empty.status_code == 422
    assert "Give a name of at most 200 characters." in text_of(empty)
    wren = {"name": "Learner  Wren", "theme": "dark", "time_zone": ""}
    asked = text_of(client.post("/preferences", data=wren))
    assert "The record is issued to Learner Dogwood." in asked
    assert "The record is issued to Learner Wren." in asked
    left = {"decision-otherwise": "leave", "because-otherwise": "I am still applying with it."}
    assert client.post("/preferences", data=wren | left).status_code == 303
    # The record stands as it was issued until then.
    assert "Learner Dogwood" in text_of(app.test_client().get(public))
    page = text_of(client.get(address, follow_redirects=True))
    assert "issued to Learner Dogwood; your name with us is Learner Wren" in page
    assert client.post(f"{address}/issue-anew").status_code == 409
    assert (
        released["alder"].post(f"{address}/issue-anew", data={"confirmed": "yes"}).status_code
        == 404
    )
    moved = client.post(f"{address}/issue-anew", data={"confirmed": "yes"})
    assert moved.status_code == 303
    old = app.test_client().get(public)
    assert "<h1>Replaced</h1>" in text_of(old)
    for name in ("Dogwood", "Wren"):
        assert name not in text_of(old)
    newer = text_of(client.get(moved.headers["Location"]))
    assert "Dogwood" not in newer
    link = re.search(r"/verify/[\w-]+", newer)
    assert link is not None
    assert "<h1>Not signed yet</h1>" in text_of(app.test_client().get(link.group()))
    sign(app, released, clock)
    # It holds a second later than the one it replaced in the same.
    assert "It does not hold yet" in text_of(app.test_client().get(link.group()))
    clock.forward(seconds=2)
    shown = text_of(app.test_client().get(link.group()))
    assert "<h1>Valid</h1>" in shown
    assert "Learner Wren" in shown
    assert "Dogwood" not in shown
    # Once is enough, and a replaced one is not shared or issued again.
    for again in ("issue-anew", "share"):
        answer = client.post(f"{address}/{again}", data={"confirmed": "yes", "shared": "yes"})
        assert answer.status_code == 409
    with act() as session:
        person = session.get_one(Person, released["people"]["dogwood"])
        assert reissues.records_under_another_name(session, person, now=NOW) == []


def test_a_cohort_without_groups_has_no_such_pages(
    act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW).id
        cohort_id = cohort.id
    clock.now = NOW + DAY
    client = sign_in(learner)
    assert client.get(f"/learn/{cohort_id}/group").status_code == 404
    assert "Your group" not in text_of(client.get(f"/learn/{cohort_id}"))
