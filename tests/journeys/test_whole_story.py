"""One capstone from the first draft to the shared record, through the pages people use."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.jobs import upkeep
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import Allocation, CredentialRecord, Grade, Submission
from grading.releases import releases
from grading.workflow.allocation import Pool
from tests import factories
from tests.database import NOW, Clock

Enter = Callable[[str], FlaskClient]
TITLE = "Bicycles & a bridge"


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


def test_from_draft_to_shared_record(
    app: Flask, act: Callable[[], Any], sign_in: Enter, clock: Clock, tmp_path: Path
) -> None:
    with act() as session:
        cast = factories.a_cast(
            session, now=NOW, learners=4, graders=4, submitted=False, peer_readings=2, sign_offs=2
        )
        cohort_id = cast.cohort.id
        learners = [person.id for person in cast.learners]
        instructors = [cast.instructor.id, cast.second_instructor.id]
        due, peers_due = cast.cohort.due_at, cast.cohort.peers_due_at

    # Every learner writes, adds a file, checks and submits.
    clock.now = NOW + timedelta(days=2)
    for learner in learners:
        page = sign_in(learner)
        base = f"/learn/{cohort_id}"
        assert "Start your project" in text_of(page.get(base))
        assert page.post(f"{base}/project/start").status_code == 303
        draft = text_of(page.get(f"{base}/project"))
        version = re.search(r'name="version" value="(\d+)"', draft)
        assert version is not None
        saved = page.post(
            f"{base}/project",
            data={
                "title": TITLE,
                "text": "# What we found\n\nOn average $n=120$ a day.",
                "links": ["https://example.org/data"],
                "version": version.group(1),
                "then": "check",
            },
        )
        assert saved.headers["Location"].endswith("/check")
        added = page.post(
            f"{base}/project/files",
            data={"files": (BytesIO(b"day,count\n1,120\n"), "counts of Alder.csv")},
            content_type="multipart/form-data",
        )
        assert added.status_code == 303
        refused = text_of(page.post(f"{base}/project/submit", data={}))
        assert "Confirm the statement" in refused
        done = page.post(f"{base}/project/submit", data={"statement": "1"}, follow_redirects=True)
        assert "Your project is submitted" in text_of(done)

    # At the deadline everybody gets their items.
    clock.now = due + timedelta(minutes=5)
    upkeep.run(app, cohort_id, now=clock.now, seed=7)
    with act() as session:
        items = [
            (item.id, item.rater_id, item.pool, item.blind_code)
            for item in session.scalars(select(Allocation))
        ]
    assert len(items) == 4 * 3
    for item_id, rater_id, pool, code in items:
        page = sign_in(str(rater_id))
        address = (
            f"/grade/item/{item_id}" if pool == Pool.PROFESSIONAL else f"/learn/review/{item_id}"
        )
        sheet = text_of(page.get(address))
        assert code in sheet
        assert "<math" in sheet
        work = sheet[sheet.index("<main") : sheet.index("</main>")]
        for leak in (
            *learners,
            "Learner ",
            "Alder",
            "@example.org",
            "counts of",
            "late",
            "attempt",
        ):
            assert leak not in work, leak
        file = page.get(f"{address}/files/1")
        assert file.headers["Content-Disposition"].endswith(f"{code}-1.csv")
        gaps = page.post(address, data={"level-question": "2", "version": "0", "then": "finish"})
        assert gaps.status_code == 422
        assert "Choose a level for “Method”" in text_of(gaps)
        done = page.post(
            address,
            data={
                "level-question": "2",
                "level-method": "3",
                "comment-method": "Well counted.",
                "version": "1",
                "then": "finish",
            },
            follow_redirects=True,
        )
        assert f"{code} finished" in text_of(done)
    clock.forward(minutes=11)
    upkeep.run(app, cohort_id, now=clock.now)
    with act() as session:
        assert set(session.scalars(select(Submission.state))) == {"resolved"}

    # Before release nobody's page holds a score.
    hidden = text_of(sign_in(learners[0]).get(f"/learn/{cohort_id}/result"))
    assert "Your project has been read. Results come" in hidden
    assert "Well counted" not in hidden

    clock.now = peers_due + timedelta(days=1)
    with act() as session:
        release = releases.propose(
            session,
            session.get_one(factories.Person, instructors[0]),
            session.get_one(factories.Cohort, cohort_id),
            overrides={},
            failed_gates=[],
            now=clock.now,
        )
        releases.sign(
            session, session.get_one(factories.Person, instructors[1]), release, now=clock.now
        )
    worker = Worker(app, HANDLERS, clock=clock)
    worker.run_until_idle(clock.now)
    with act() as session:
        assert session.scalar(select(Grade.id)) is None
    worker.run_until_idle(clock.forward(minutes=11))

    page = sign_in(learners[0])
    result = text_of(page.get(f"/learn/{cohort_id}/result"))
    assert (
        "Your result: Pass with distinction" in result or "Your result: Pass with merit" in result
    )
    assert "Well counted." in result
    assert "Grader A" in result
    for grader in ("Agate", "Basalt", "Chalk", "Flint"):
        assert grader not in result
    mails = [path.read_text() for path in (tmp_path / "mail").glob("*.eml")]
    ready = [mail for mail in mails if "Your result is ready" in mail]
    assert len(ready) == len(learners)
    assert not any("of 100" in mail or "Pass" in mail.split("\n\n", 1)[1] for mail in ready)

    with act() as session:
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == learners[0])
        ).one()
        record_id, public_id, completed = record.id, record.public_id, record.completed_at
    assert completed is not None
    stranger = app.test_client()
    hidden_page = stranger.get(f"/verify/{public_id}")
    unknown_page = stranger.get("/verify/there-is-none")
    assert hidden_page.status_code == unknown_page.status_code == 404
    assert hidden_page.data == unknown_page.data
    shares = {"shared": "yes", "shows": ["courses", "level", "judged"]}
    page.post(f"/learn/records/{record_id}/share", data=shares)
    shared = stranger.get(f"/verify/{public_id}")
    assert shared.status_code == 200
    assert "<h1>Valid</h1>" in text_of(shared)
    assert shared.headers["X-Robots-Tag"] == "noindex"
    # How to read the levels stands there, with the points they begin at; the score does not.
    with act() as session:
        grade = session.scalars(select(Grade).where(Grade.person_id == learners[0])).one()
        lows = {f"{low:.0f}" for low, _name in grade.score.submission.cohort.plan.bands}
        score = grade.value
    said = set(re.findall(r"(\d+(?:\.\d+)?)(?: of 100|(?= to below))", text_of(shared)))
    assert score not in lows
    assert said == lows
    assert sign_in(learners[1]).get(f"/learn/records/{record_id}").status_code == 404
