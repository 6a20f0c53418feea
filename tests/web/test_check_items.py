"""A check item and a live item of the same work are one page, byte for byte."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.models import Allocation, AnchorReading
from grading.readings import check_items, holds
from grading.workflow.allocation import Pool, Purpose
from tests import factories
from tests.database import NOW, Clock

TEXT = "We counted bicycles on 120 days."
SHEET = {"levels": {"question": 2, "method": 1}, "comments": {"method": "Two days."}, "comment": ""}
# What differs between any two items of any two graders: ids, codes and instants.
BLANKED = (
    (re.compile(r"[0-9A-Z]{3}-[0-9A-Z]{3}"), "CODE"),
    (re.compile(r'(name="csrf_token" value=")[^"]*'), r"\1"),
    (re.compile(r"Grader \w+"), "GRADER"),
)


@pytest.fixture
def pair(act: Callable[[], Any], clock: Clock) -> dict[str, Any]:
    """The same work, live for one grader and as a check item for another."""
    with act() as session:
        cast = factories.a_cast(
            session, now=NOW, learners=4, graders=2, peer_readings=0, peers_needed=0,
            professional_readings=1, check_every=1, check_every_early=2, check_first_of_day=False,
        )  # fmt: skip
        cohort, due = cast.cohort, cast.cohort.due_at
        [paper] = factories.anchor_papers(session, cast, 1, "validity", now=NOW + timedelta(days=2))
        factories.run_upkeep(session, cohort, now=due, seed=2)
        live = session.scalars(
            select(Allocation).where(Allocation.submission_id == paper.source_id)
        ).one()
        assert live.rater is not None
        first = next(grader for grader in cast.graders if grader.id != live.rater_id)
        # What the check shows is a copy of what the live item shows: one text, one title.
        assert paper.submission.copies[-1].title == live.submission.copies[-1].title
        check = check_items.next_item(session, first, cohort, now=due)
        assert check is not None
        assert check.purpose == Purpose.VALIDITY
        assert session.get(AnchorReading, check.id) is not None
        live.held_since, live.hold_until = check.held_since, check.hold_until
        clock.now = due
        return {
            "live": (live.rater_id, live.id, live.blind_code),
            "check": (first.id, check.id, check.blind_code),
            "cohort": cohort.id,
        }


def blanked(text: str, ids: tuple[str, ...]) -> str:
    for one in ids:
        text = text.replace(one, "ID")
    for pattern, to in BLANKED:
        text = pattern.sub(to, text)
    return text


def served(client: FlaskClient, clock: Clock, item: str, ids: tuple[str, ...]) -> list[str]:
    """Everything that a grader is sent from opening an item to after finishing it."""
    found = []

    def note(answer: Any) -> None:
        headers = sorted(
            (name, blanked(value, ids))
            for name, value in answer.headers
            if name not in ("Set-Cookie", "Date", "Content-Length")
        )
        assert len(answer.data) == int(answer.headers.get("Content-Length", len(answer.data)))
        found.append(f"{answer.status_code} {headers}\n{blanked(answer.text, ids)}")

    note(client.get(f"/grade/item/{item}"))
    note(client.put(f"/grade/item/{item}/draft", json=SHEET, headers={"If-Match": '"0"'}))
    note(client.put(f"/grade/item/{item}/draft", json=SHEET, headers={"If-Match": '"0"'}))
    note(client.get(f"/grade/item/{item}"))
    note(client.get(f"/grade/item/{item}/hand-back"))
    note(client.get(f"/grade/item/{item}/suspicion"))
    note(client.get(f"/grade/item/{item}/files/1"))
    form = {"level-question": "2", "level-method": "1", "version": "1", "then": "finish"}
    note(client.post(f"/grade/item/{item}", data=form))
    note(client.get(f"/grade/item/{item}/finished"))
    note(client.post(f"/grade/item/{item}/undo"))
    note(client.get(f"/grade/item/{item}"))
    return found


def test_the_same_work_live_and_as_a_check_item_is_sent_alike(
    sign_in: Any, clock: Clock, pair: dict[str, Any]
) -> None:
    sent = {}
    for kind in ("live", "check"):
        rater, item, code = pair[kind]
        sent[kind] = served(sign_in(rater), clock, item, (item, rater, code))
    assert len(sent["live"][0]) > 2_000
    for live, check in zip(sent["live"], sent["check"], strict=True):
        assert check == live


def test_the_landing_page_lists_a_begun_check_item_like_any(
    sign_in: Any, clock: Clock, pair: dict[str, Any]
) -> None:
    """One row each, of one form: what is waiting and done is counted alike."""
    rows = {}
    for kind in ("live", "check"):
        rater, item, code = pair[kind]
        client = sign_in(rater)
        client.put(f"/grade/item/{item}/draft", json=SHEET, headers={"If-Match": '"0"'})
        page = client.get("/grade/").text
        [row] = re.findall(rf'<li class="task">(?:(?!</li>).)*{code}.*?</li>', page, re.DOTALL)
        rows[kind] = blanked(row, (item, rater, code))
    assert rows["check"] == rows["live"]


def test_no_item_of_a_grader_names_its_purpose(
    act: Callable[[], Any], sign_in: Any, pair: dict[str, Any]
) -> None:
    rater, item, _code = pair["check"]
    client = sign_in(rater)
    for address in ("/grade/", f"/grade/item/{item}", f"/grade/consistency/{pair['cohort']}"):
        page = client.get(address).text.lower()
        assert "validity" not in page
        assert "anchor" not in page
    with act() as session:
        found = session.get_one(Allocation, item)
        assert found.pool == Pool.PROFESSIONAL
        assert holds.next_held(session, found.rater, found.cohort) is not None  # type: ignore[arg-type]
