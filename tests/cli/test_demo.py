"""The demo, made once: each story is looked up in the database, and each door opened."""

import itertools
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.app import create_app
from grading.cli import demo
from grading.cli.demo import autumn, names, spring_drift, spring_plan, summer, works
from grading.cohorts.queries import participants
from grading.db import db
from grading.errors import Refused
from grading.ledger import verifying
from grading.models import (
    Allocation,
    AnchorPaper,
    Appeal,
    AuditEntry,
    Cohort,
    CredentialRecord,
    Discrepancy,
    Extension,
    Grade,
    Job,
    Person,
    QueuePause,
    Release,
    ShareLink,
    Standing,
    Submission,
)
from grading.models.codes import case_code
from grading.office.queries import demo_doors
from grading.readings import eligibility, holds
from grading.releases.queries import candidates
from grading.workflow import plan as plans
from grading.workflow.allocation import THIRD_READINGS, AllocationState
from grading.workflow.cohort import Role
from tests.database import settings_for
from tests.demo import Made


@pytest.fixture
def told(made: Made) -> Iterator[Session]:
    """The made demo's database, to read."""
    with made.app.app_context():
        yield db.session()
        db.session.remove()


def the(session: Session, model: Any, **values: Any) -> Any:
    return session.scalars(select(model).filter_by(**values)).one()


def person(session: Session, name: str) -> Person:
    return the(session, Person, name=name)  # type: ignore[no-any-return]


def work_of(session: Session, name: str) -> Submission:
    return the(session, Submission, learner_id=person(session, name).id, attempt=1)  # type: ignore[no-any-return]


def cohort(session: Session, name: str) -> Cohort:
    return the(session, Cohort, name=name)  # type: ignore[no-any-return]


def test_every_chain_verifies(told: Session) -> None:
    reports = verifying.verify(told)
    assert {report.chain for report in reports} >= set(told.scalars(select(Cohort.id)))
    assert [report.faults for report in reports if report.faults] == []


def test_chains_run_with_the_clock(told: Session) -> None:
    for chain in told.scalars(select(Cohort.id)):
        at = list(
            told.scalars(
                select(AuditEntry.at).where(AuditEntry.chain == chain).order_by(AuditEntry.number)
            )
        )
        # A lead's thirty markings and a sign-off are told within one act, some hours long.
        assert max(before - after for before, after in itertools.pairwise(at)).days < 1


def test_three_cohorts_at_three_stages(told: Session) -> None:
    states = {
        name: Counter(
            told.scalars(
                select(Submission.state).where(
                    Submission.cohort_id == cohort(told, name).id, Submission.attempt > 0
                )
            )
        )
        for name in ("Spring", "Summer", "Autumn")
    }
    assert states["Spring"] == {"released": 120}
    assert states["Summer"].total() == 60
    assert not states["Summer"]["released"]
    assert states["Autumn"] == {"submitted": autumn.SUBMITTED, "draft": autumn.DRAFTED}
    assert len(told.scalars(select(Person.id).where(Person.name.startswith("Learner "))).all()) == (
        120 + 60 + 12
    )


def test_only_mails_and_what_is_done_already_wait_for_the_worker(told: Session) -> None:
    assert set(told.scalars(select(Job.state))) == {"waiting"}
    assert set(told.scalars(select(Release.state))) == {"released"}


def test_the_plans_differ_from_the_preset_in_calibration_alone(told: Session) -> None:
    for name in ("Spring", "Summer", "Autumn"):
        changed = set(plans.changed_from_preset(cohort(told, name).plan))
        assert changed <= {
            "calibration",
            "peer_weight",
            "step_up",
            "first_anchors",
            "practice_papers",
            "qualification_papers",
            "qualification_sets",
            "resolution",
        }


def test_alder_passes_by_two_after_a_second_reading(told: Session) -> None:
    work = work_of(told, "Learner Alder")
    grade = the(told, Grade, submission_id=work.id)
    assert (grade.value, grade.passed) == ("62", True)
    assert grade.score.professionals == 2
    door = demo_doors.narrow_pass(told)
    assert door is not None
    assert door.above <= 2


def test_birch_was_upheld_and_the_old_values_are_kept(told: Session) -> None:
    work = work_of(told, "Learner Birch")
    grades = list(
        told.scalars(select(Grade).where(Grade.submission_id == work.id).order_by(Grade.number))
    )
    assert [(grade.value, grade.passed) for grade in grades] == [("58", False), ("63", True)]
    appeal = the(told, Appeal, submission_id=work.id)
    assert (appeal.state, appeal.blind, appeal.amended_id) == ("upheld", True, grades[1].id)
    records = told.scalars(
        select(CredentialRecord.state)
        .where(CredentialRecord.person_id == work.learner_id)
        .order_by(CredentialRecord.created_at)
    ).all()
    assert records == ["replaced", "valid"]


def test_dogwoods_record_was_revoked(told: Session) -> None:
    learner = person(told, "Learner Dogwood")
    assert the(told, CredentialRecord, person_id=learner.id).state == "revoked"


def test_cedar_is_late_and_basalts_bench_shows_neither(made: Made, told: Session) -> None:
    work = work_of(told, "Learner Cedar")
    extension = the(told, Extension, person_id=work.learner_id)
    assert work.submitted_at is not None
    assert work.submitted_at > work.cohort.due_at
    assert not work.copies[-1].late
    basalt = person(told, "Grader Basalt")
    item = the(told, Allocation, submission_id=work.id, rater_id=basalt.id)
    page = entered(made.app, basalt, f"/grade/item/{item.id}").get_data(as_text=True)
    read = page[page.index("<main") : page.index("</main>")]
    bench = entered(made.app, basalt, "/grade/").get_data(as_text=True)
    assert item.blind_code in bench
    for hidden in ("Cedar", "xtension", " late", extension.reason, work.learner_id, "attempt"):
        assert hidden not in read
        assert hidden not in bench


def test_granite_is_stricter(told: Session) -> None:
    found = demo_doors.strictest(told, cohort(told, "Spring"))
    assert found is not None
    assert found.person.name == "Grader Granite"
    # Drawn with .6; what is estimated lies near it.
    assert found.by == pytest.approx(0.6, abs=0.2)


def test_slate_drifted_and_was_set_aside(told: Session) -> None:
    found = demo_doors.drifted(told)
    assert found is not None
    assert found.quarantine.person.name == "Grader Slate"
    assert found.quarantine.alarm_id is not None
    assert found.sheets >= spring_drift.SHEETS_MOVED
    assert found.again == found.sheets
    assert the(told, QueuePause, person_id=found.quarantine.person_id).ended_at is not None


def test_summers_graders_were_cleared_on_springs_examples(told: Session) -> None:
    summers = cohort(told, "Summer")
    standings = Counter(
        told.scalars(select(Standing.state).where(Standing.cohort_id == summers.id))
    )
    assert standings == {"qualified": len(names.GRADERS["Summer"]) * len(works.CRITERIA)}
    uses = Counter(
        told.scalars(
            select(AnchorPaper.use).where(AnchorPaper.cohort_id == cohort(told, "Spring").id)
        )
    )
    assert uses == {
        "validity": spring_plan.PLAN.first_anchors,
        "practice": summer.PRACTICE,
        "qualification": summer.QUALIFICATION,
    }


def test_a_pair_two_levels_apart_waits(told: Session) -> None:
    case = the(told, Discrepancy, submission_id=work_of(told, "Learner Elder").id)
    assert case.state == "open"
    assert case.allocation.state == "open"
    assert 2 in {finding["gap"] for finding in case.findings if finding["kind"] == "criterion"}


def test_the_dry_run_says_how_many_are_ready_and_how_many_hindered(
    made: Made, told: Session
) -> None:
    now = made.clock.now
    found = candidates.candidates(told, cohort(told, "Summer"), now=now)
    assert (sum(one.ready for one in found), len(found)) == (summer.READY, 60)
    run = demo_doors.dry_run(told, now=now)
    assert run is not None
    assert run[1:] == (41, 19)


def test_each_open_project_that_anyone_may_read_can_be_taken(made: Made, told: Session) -> None:
    now = made.clock.now
    open_items = list(
        told.scalars(select(Allocation).where(Allocation.state == AllocationState.OPEN))
    )
    assert open_items
    for item in open_items:
        stranded = item in candidates.stranded_items(told, item.cohort)
        readers = {
            person.id: person
            for person in participants.with_roles(
                told,
                item.cohort,
                Role.GRADER,
                *((Role.LEAD, Role.INSTRUCTOR) if item.purpose in THIRD_READINGS else ()),
            )
            if not eligibility.barriers_of(told, person, [item.submission_id])
        }
        assert stranded is not bool(readers), item.purpose
        takers = [
            person
            for person in readers.values()
            if told.scalar(
                select(Allocation.id)
                .join(Submission, Submission.id == Allocation.submission_id)
                .where(Allocation.id == item.id, holds.claimable(person, item.cohort, now))
            )
        ]
        assert bool(takers) is bool(readers), item.purpose
        if item.purpose in THIRD_READINGS:
            settler = next(
                person
                for person in takers
                if participants.has_role(told, item.cohort, person, Role.INSTRUCTOR)
                or participants.has_role(told, item.cohort, person, Role.LEAD)
            )
            page = entered(made.app, settler, f"/teach/{item.cohort_id}/disputed").text
            assert f"Take {case_code(item.submission_id)}" in page
            assert "Nobody is left" not in page


def test_low_levels_contradict_the_table() -> None:
    import numpy as np

    counts = works.count(np.random.default_rng(1))
    assert counts.weekend_mean < counts.mean
    assert counts.working == tuple(sorted(counts.working))
    seen = set()
    for seed in range(12):
        _title, text = works.write(dict.fromkeys(works.CRITERIA, 1), np.random.default_rng(seed))
        seen.add(text)
        total = re.search(r"January to June \| (\d+) \| (\d+)", text)
        assert total is not None
        assert int(total[2]) < int(total[1])
        assert any(
            false in text
            for false in (
                "more people cycle at weekends",
                f"about {int(total[1]) + 170} people",
                "fall from January to June",
            )
        )
    assert len(seen) == 12


def test_every_fragment_is_there_in_three_ways() -> None:
    assert list(works.FRAGMENTS) == list(works.TITLES)
    for by_level in works.FRAGMENTS.values():
        assert len(by_level) == 5
        assert len({variant for level in by_level for variant in level}) == 15


# --- doors


def entered(app: Flask, who: Person | None, page: str) -> Any:
    client = app.test_client()
    if who is not None:
        opened = client.post("/demo/enter", data={"person": who.id, "next": page})
        assert opened.headers["Location"] == page
    return client.get(page)


def test_each_door_opens(made: Made) -> None:
    app = made.app
    client = app.test_client()
    page = client.get("/demo").get_data(as_text=True)
    doors = re.findall(
        r'name="person" value="([^"]+)">\s*<input type="hidden" name="next" value="([^"]+)"', page
    )
    links = re.findall(r'<a href="(/verify/[^"]+)"', page)
    assert len(doors) >= 12
    for who, to in doors:
        visitor: FlaskClient = app.test_client()
        assert visitor.post("/demo/enter", data={"person": who, "next": to}).status_code == 303
        assert visitor.get(to).status_code == 200, to
    words = [
        re.search(r"<h1[^>]*>([^<]+)", app.test_client().get(link).get_data(as_text=True))[1]  # type: ignore[index]
        for link in links
    ]
    assert sorted(words) == ["Replaced", "Revoked", "Valid"]


def test_the_third_reading_that_waits_for_an_instructor_can_be_taken(own_demo: Made) -> None:
    visitor = entered_by(own_demo, "The third waits for you")
    assert f'action="{visitor.to}/take"' in visitor.client.get(visitor.to).text
    taken = visitor.client.post(f"{visitor.to}/take")
    assert taken.status_code == 303
    assert visitor.client.get(taken.headers["Location"]).status_code == 200


def test_the_bench_still_holds_its_item_hours_later(own_demo: Made) -> None:
    own_demo.clock.forward(hours=3)
    visitor = entered_by(own_demo, "The same project on Grader Basalt’s bench")
    bench = visitor.client.get(visitor.to)
    assert bench.status_code == 200
    assert "hold ended" not in bench.get_data(as_text=True)


def test_a_demo_of_days_ago_says_so_and_how_to_begin_anew(own_demo: Made) -> None:
    assert "--anew" not in own_demo.app.test_client().get("/demo").text
    own_demo.clock.forward(days=3)
    page = own_demo.app.test_client().get("/demo").text
    assert "made 3 days ago" in re.sub(r"\s+", " ", page)
    assert "--anew" in page


@dataclass(frozen=True)
class Visitor:
    client: FlaskClient
    to: str


def entered_by(demo: Made, words: str) -> Visitor:
    """Go through the door that says some words, as its button does."""
    page = demo.app.test_client().get("/demo").get_data(as_text=True)
    door = re.sub(r"\s+", " ", page).split(words, 1)[1].split("</form>", 1)[0]
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', door))
    client: FlaskClient = demo.app.test_client()
    assert client.post("/demo/enter", data=fields).status_code == 303
    return Visitor(client, fields["next"])


def test_the_doors_say_what_the_database_says(made: Made) -> None:
    page = re.sub(r"\s+", " ", made.app.test_client().get("/demo").get_data(as_text=True))
    for words in (
        "Learner Alder passes by 2 points: 62 at a pass mark of 60",
        "Learner Birch’s appeal was upheld: 58 became 63",
        "Learner Dogwood’s record was revoked",
        "Learner Cedar handed in 8 days after the deadline, with an extension of 9 days",
        "Grader Granite is stricter than the other graders by",
        "Grader Slate’s standard moved after check item",
        "Two readings lie 2 levels apart",
        "41 results are ready, 19 are not",
        "simulated",
    ):
        assert words in page, words


def test_every_part_has_a_door(made: Made) -> None:
    page = made.app.test_client().get("/demo").get_data(as_text=True)
    for name in ("Learner", "Grader", "Lead", "Instructor", "Coordinator", "Observer"):
        assert f"Enter as {name} " in page
    assert f"Enter as {names.OFFICE}" in page
    assert f"Enter as {names.ADMINISTRATOR}" in page


def test_doors_are_shut_elsewhere(made: Made) -> None:
    client = made.app.test_client()
    assert client.get("/demo", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404
    with made.app.app_context():
        somebody = db.session.scalar(select(Person.id).limit(1))
        db.session.remove()
    outside = {"REMOTE_ADDR": "192.0.2.7"}
    assert (
        client.post("/demo/enter", data={"person": somebody}, environ_base=outside).status_code
        == 404
    )


def test_a_door_leads_nowhere_else(made: Made) -> None:
    with made.app.app_context():
        somebody = db.session.scalar(select(Person.id).limit(1))
        db.session.remove()
    for away in ("https://example.org/", "//example.org", "/\\example.org"):
        opened = made.app.test_client().post("/demo/enter", data={"person": somebody, "next": away})
        assert opened.headers["Location"] == "/"


# --- starting


def test_a_second_start_goes_on(made: Made, tmp_path: Path) -> None:
    app, said = made.app, made.said
    assert any("simulated" in line or "Spring" in line for line in said)
    with app.app_context():
        before = db.session.scalar(select(func.count()).select_from(Allocation))
        db.session.rollback()
        assert not demo.prepare(app, tmp_path, said.append)
        assert db.session.scalar(select(func.count()).select_from(Allocation)) == before
        db.session.remove()


def test_a_taken_port_is_said_in_words() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused, match="taken"):
            demo.see_port_free(taken.getsockname()[1])


def test_a_database_of_an_unknown_version_is_left_alone(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path, f"sqlite:///{tmp_path / 'grading.db'}"))
    with app.app_context():
        with db.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('9999')")
        with pytest.raises(Refused, match="newer version"):
            demo.prepare(app, tmp_path, lambda _said: None)
        db.engine.dispose()


def test_links_are_shared_by_their_owners(told: Session) -> None:
    labels = told.scalars(select(ShareLink.label)).all()
    assert labels
    assert set(labels) == {"For an employer"}
