"""Nothing is shown that no signed credential in force says: on no page, in no file, to no reader."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pypdfium2
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.credential.document import NAME_UNCHECKED, band_address
from grading.models import CredentialRecord, Person
from grading.people import identity
from grading.records import credentials, records, reissues, sharing
from grading.workflow.credential import RecordFact
from tests.database import Clock
from tests.issuing import installation, of, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]

BROWSER = {"Accept": "text/html"}
DAY = timedelta(days=1)


def record_of(session: Any, world: dict[str, Any]) -> CredentialRecord:
    found: CredentialRecord = session.scalars(
        select(CredentialRecord).where(
            CredentialRecord.person_id == world["learner"], CredentialRecord.state != "replaced"
        )
    ).one()
    return found


@pytest.fixture
def shared(act: Callable[[], Any], released: dict[str, Any], clock: Clock) -> dict[str, Any]:
    """A record that ends in five years and is shared with all it says, as is its program's file."""
    clock.now = released["at"] + timedelta(minutes=1)
    with act() as session:
        record = record_of(session, released)
        records.share(session, record.person, record, shows=list(RecordFact), now=clock.now)
        program = of(session, released, kind="program")[0]
        capstone = of(session, released, kind="capstone")[0]
        for one in (program, capstone):
            credentials.set_published(session, record.person, one, published=True, now=clock.now)
        return released | {
            "record": record.id,
            "id": record.public_id,
            "program_file": program.id,
            "capstone_file": capstone.id,
        }


def everywhere(
    client: FlaskClient, learner: FlaskClient, shared: dict[str, Any]
) -> dict[str, tuple[int, str]]:
    """Every place that says what was awarded, by what it is."""
    program = f"/learn/programs/{shared['program']}/record"
    answers = {
        "record": client.get(f"/verify/{shared['id']}"),
        "many": client.post("/verify/many", data={"ids": shared["id"]}),
        "csv": client.post("/verify/many", data={"ids": shared["id"], "as": "csv"}),
        "page of the file": client.get(f"/credentials/{shared['program_file']}", headers=BROWSER),
        "file": client.get(f"/credentials/{shared['program_file']}"),
        "token": client.get(f"/credentials/{shared['program_file']}/token"),
        "capstone's page": client.get(f"/credentials/{shared['capstone_file']}", headers=BROWSER),
        "own record": learner.get(program),
        "own table": learner.get(f"/learn/records/{shared['record']}/record.csv"),
        "certificate": learner.get(f"/learn/credentials/{shared['program_file']}/certificate"),
        "capstone's certificate": learner.get(
            f"/learn/credentials/{shared['capstone_file']}/certificate"
        ),
    }
    return {
        name: (
            answer.status_code,
            text_of(answer.data) if answer.mimetype == "application/pdf" else answer.text,
        )
        for name, answer in answers.items()
    }


def text_of(pdf: bytes) -> str:
    text: str = pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range()
    return text


def states_complete(text: str) -> bool:
    return "<h1>Valid</h1>" in text or "Valid</strong>" in text or "<dt>Valid until" in text


@pytest.mark.parametrize("waits", [True, False])
def test_after_the_capstone_is_revoked_nothing_says_complete(
    act: Callable[[], Any],
    client: FlaskClient,
    sign_in: Callable[[str], FlaskClient],
    shared: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
    waits: bool,
) -> None:
    learner = sign_in(shared["learner"])
    before = everywhere(client, learner, shared)
    assert {status for status, _text in before.values()} == {200}
    with act() as session:
        actor = session.get_one(Person, shared["administrator"])
        capstone = of(session, shared, kind="capstone")[0]
        credentials.revoke_credential(session, actor, capstone, reason="a fraud", now=clock.now)
    if not waits:
        work(clock.now)
    after = everywhere(client, learner, shared)
    said = {name for name, (_status, text) in after.items() if states_complete(text)}
    assert said == set()
    # The list itself follows with the next job; until then the record is not taken for whole either.
    assert "<h1>Revoked in part</h1>" in after["record"][1]
    assert "Revoked in part</strong>" in after["many"][1]
    for words in ("Pass", "67 of 100", "A city's bicycles"):
        assert words not in after["record"][1], words
    assert "Measuring" in after["record"][1]
    (row,) = csv.DictReader(io.StringIO(after["csv"][1].removeprefix("\ufeff")))
    assert (row["status"], row["completed_on"], row["expires_on"]) == ("Revoked in part", "", "")
    for name in ("file", "token"):
        assert after[name][0] == 410, name
    for name in ("page of the file", "capstone's page"):
        assert "<h1>Revoked</h1>" in after[name][1], name
    for name in ("certificate", "capstone's certificate"):
        assert after[name][0] == 409, name
    assert "capstone" not in after["own table"][1]
    assert "Revoked in part</strong>" in after["own record"][1]
    lines = json.loads(learner.get(f"/learn/programs/{shared['program']}/record.json").text)[
        "lines"
    ]
    assert [line["signed"] for line in lines] == [True, True, True, False]


def test_when_everything_is_revoked_one_by_one_the_record_is(
    act: Callable[[], Any], client: FlaskClient, shared: dict[str, Any], clock: Clock
) -> None:
    with act() as session:
        actor = session.get_one(Person, shared["administrator"])
        for one in of(session, shared):
            if one.kind != "program":
                credentials.revoke_credential(session, actor, one, reason="a fraud", now=clock.now)
    page = client.get(f"/verify/{shared['id']}").text
    assert "<h1>Revoked</h1>" in page
    assert "Awarded to" not in page


def test_the_programs_revocation_alone_leaves_its_parts(
    act: Callable[[], Any], client: FlaskClient, shared: dict[str, Any], clock: Clock
) -> None:
    with act() as session:
        actor = session.get_one(Person, shared["administrator"])
        program = of(session, shared, kind="program")[0]
        credentials.revoke_credential(session, actor, program, reason="an error", now=clock.now)
    page = client.get(f"/verify/{shared['id']}").text
    assert "<h1>Revoked in part</h1>" in page
    assert "No: part of it was revoked" in page
    assert "67 of 100" in page


@pytest.mark.parametrize(
    "change",
    [
        {"completed_at": timedelta(days=-30)},
        {"completed_at": timedelta(days=400)},
        {"completed_at": None},
    ],
)
def test_a_changed_day_of_completion_is_shown_nowhere(
    act: Callable[[], Any],
    client: FlaskClient,
    sign_in: Callable[[str], FlaskClient],
    shared: dict[str, Any],
    change: dict[str, Any],
) -> None:
    with act() as session:
        record = record_of(session, shared)
        moved = change["completed_at"]
        assert record.completed_at is not None
        record.completed_at = record.completed_at + moved if moved else None
    texts = everywhere(client, sign_in(shared["learner"]), shared)
    for name in ("record", "many", "csv", "own record"):
        text = texts[name][1]
        if moved:
            assert not states_complete(text), name
            assert "Does not verify" in text, name
        else:
            assert "<dt>Valid until" not in text, name
    (row,) = csv.DictReader(io.StringIO(texts["csv"][1].removeprefix("\ufeff")))
    assert row["completed_on"] == ""


def test_a_record_whose_lines_alone_say_complete_is_not(
    act: Callable[[], Any], client: FlaskClient, shared: dict[str, Any]
) -> None:
    """Courses alone, and a day of completion set beside them: no credential says “complete”."""
    with act() as session:
        record = record_of(session, shared)
        entry = record.capstone
        assert entry is not None
        session.delete(entry)
    page = client.get(f"/verify/{shared['id']}").text
    assert "Not yet: this record shows what is completed so far" in page
    assert "Valid until" not in page


def test_a_name_that_nobody_verified_says_so_wherever_it_stands(
    act: Callable[[], Any],
    client: FlaskClient,
    sign_in: Callable[[str], FlaskClient],
    shared: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
) -> None:
    unverified = "nobody has verified it"
    clock.forward(days=1)
    with act() as session:
        learner = session.get_one(Person, shared["learner"])
        learner.name = "Professor Somebody Else"
        newer = reissues.issue_under_present_name(
            session, learner, record_of(session, shared), now=clock.now
        )
        session.flush()
        own = shared | {"record": newer.id, "id": newer.public_id}
    work(clock.now)
    clock.forward(seconds=2)
    with act() as session:
        documents = {one.kind: one for one in of(session, shared, state="valid")}
        own["program_file"], own["capstone_file"] = (
            documents[kind].id for kind in ("program", "capstone")
        )
        for one in documents.values():
            assert unverified in str(one.document), one.kind
    # Whoever has the files and addresses of before is not led to the new name.
    for name, (_status, text) in everywhere(client, client, shared).items():
        assert "Professor Somebody Else" not in text, name
        for new in (own["id"], own["program_file"], own["capstone_file"]):
            assert new not in text, name
    texts = everywhere(client, sign_in(shared["learner"]), own)
    for name in ("record", "page of the file", "capstone's page"):
        assert "Professor Somebody Else" in texts[name][1], name
        assert "Name not verified" in texts[name][1], name
        assert unverified in texts[name][1], name
    for name in ("many", "own record"):
        assert "Name not verified" in texts[name][1], name
    (row,) = csv.DictReader(io.StringIO(texts["csv"][1].removeprefix("\ufeff")))
    assert (row["name"], row["name_verified"]) == ("Professor Somebody Else", "no")
    for name in ("certificate", "capstone's certificate"):
        assert "This name was not verified." in texts[name][1], name


def test_a_name_that_is_verified_later_says_so_when_issued_anew(
    act: Callable[[], Any],
    client: FlaskClient,
    sign_in: Callable[[str], FlaskClient],
    shared: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
) -> None:
    learner_client = sign_in(shared["learner"])
    own_page = f"/learn/programs/{shared['program']}/record"
    assert "Your name was verified" not in learner_client.get(own_page).text
    clock.forward(days=1)
    with act() as session:
        learner = session.get_one(Person, shared["learner"])
        name, actor = learner.name, session.get_one(Person, shared["administrator"])
        # What somebody attests of themself verifies nothing.
        identity.record_check(session, actor, learner, how="attested", name=name, now=clock.now)
        assert reissues.records_under_another_name(session, learner, now=clock.now) == []
        identity.record_check(session, actor, learner, how="document", name=name, now=clock.now)
    assert "Your name was verified" in learner_client.get(own_page).text
    answer = learner_client.post(
        f"/learn/records/{shared['record']}/issue-anew", data={"confirmed": "yes"}
    )
    assert answer.status_code == 303
    work(clock.now)
    clock.forward(seconds=2)
    with act() as session:
        newer = record_of(session, shared)
        address = f"/verify/{newer.public_id}"
        # The name is the same, so the old address leads on.
        assert sharing.find(session, shared["id"]).newer == newer.public_id
        for one in of(session, shared, state="valid"):
            assert "The name was checked by a person against a document (" in str(one.document)
    page = client.get(address).text
    assert "<h1>Valid</h1>" in page
    assert "Name verified" in page
    assert "Your name was verified" not in learner_client.get(own_page).text


def test_pages_read_one_document_alike(
    act: Callable[[], Any], client: FlaskClient, shared: dict[str, Any]
) -> None:
    """Levels, bands and days of the record's page are those of the credential's."""
    record = client.get(f"/verify/{shared['id']}").text
    single = client.get(f"/credentials/{shared['capstone_file']}", headers=BROWSER).text
    whole = client.get(f"/credentials/{shared['program_file']}", headers=BROWSER).text
    # It was released on the evening before by UTC; the program is complete on the capstone's own day.
    assert record.count("<dd>6 October 2026</dd>") == 2
    assert "<dd>6 October 2026</dd>" in whole
    for words in ("level 2 of 3", "60 to below 70 of 100", "67 of 100"):
        assert words in record, words
        assert words in single, words
    with act() as session:
        said = of(session, shared, kind="capstone")[0].document
    levels = next(
        one
        for one in said["credentialSubject"]["achievement"]["resultDescription"]
        if one["resultType"] == "PerformanceLevel"
    )
    assert len(levels["rubricCriterionLevel"]) == len(levels["allowedValue"]) > 1


def test_a_document_of_before_holds_and_says_no_more_than_it_does(
    act: Callable[[], Any],
    client: FlaskClient,
    world: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Signed before documents held the scale and said whether a name was verified."""
    sign = credentials.sign_draft

    def sign_as_before(draft: credentials.Draft, notary: Any) -> credentials.Signed:
        text = json.dumps(draft.document).replace(f" {NAME_UNCHECKED}", "")
        document = json.loads(text.replace(NAME_UNCHECKED, ""))
        about = document["credentialSubject"]
        if isinstance(about["achievement"], dict):
            band = band_address(about["achievement"]["id"])
            about["result"] = [one for one in about["result"] if one["resultDescription"] != band]
            about["achievement"]["resultDescription"] = [
                one
                for one in about["achievement"].get("resultDescription", ())
                if one["id"] != band
            ]
        return sign(replace(draft, document=document), notary)

    monkeypatch.setattr(credentials, "sign_draft", sign_as_before)
    work(world["at"])
    clock.now = world["at"] + timedelta(minutes=1)
    with act() as session:
        assert not any("nobody has verified" in str(one.document) for one in of(session, world))
        record = record_of(session, world)
        records.share(session, record.person, record, shows=list(RecordFact), now=clock.now)
        address = f"/verify/{record.public_id}"
    page = client.get(address).text
    assert "<h1>Valid</h1>" in page
    # What it does not say is not taken from elsewhere; a name is not verified where nothing says so.
    assert "Name not verified" in page
    assert "How to read the level" not in page
    for words in ("<dd>Pass</dd>", "67 of 100", "level 2 of 3", "Measuring"):
        assert words in page, words


@pytest.mark.parametrize("fact", list(RecordFact))
def test_each_fact_has_a_switch_and_the_preview_shows_what_the_reader_sees(
    act: Callable[[], Any],
    client: FlaskClient,
    sign_in: Callable[[str], FlaskClient],
    shared: dict[str, Any],
    fact: RecordFact,
    clock: Clock,
) -> None:
    marks = {
        RecordFact.COURSES: "Measuring",
        RecordFact.LEVEL: "How to read the level",
        RecordFact.JUDGED: "Who judged",
        RecordFact.CRITERIA: "level 2 of 3",
        RecordFact.SCORE: "<dt>Score</dt>",
        RecordFact.FILES: "signed file (JSON)",
    }
    assert set(marks) == set(RecordFact)
    with act() as session:
        record = record_of(session, shared)
        made = {
            shows: sharing.make_link(
                session, record.person, record, label="x", shows=shows, now=clock.now
            ).public_id
            for shows in ((), (str(fact),))
        }
    bare, page = (client.get(f"/verify/{public_id}").text for public_id in made.values())
    assert "<h1>Valid</h1>" in bare
    assert not [mark for mark in marks.values() if mark in bare]
    shown = {one for one, mark in marks.items() if mark in page}
    assert shown == (set(RecordFact) if fact == RecordFact.FILES else {fact})
    learner = sign_in(shared["learner"])
    preview = learner.post(
        f"/learn/records/{shared['record']}/preview", data={"shows": [str(fact)]}
    ).text
    assert "This is what a reader sees." in preview
    assert {one for one, mark in marks.items() if mark in preview} == shown
    assert (
        sign_in(shared["instructor"]).post(f"/learn/records/{shared['record']}/preview").status_code
        == 404
    )


def test_own_looks_and_those_of_our_own_page_are_no_disclosures(
    act: Callable[[], Any],
    client: FlaskClient,
    sign_in: Callable[[str], FlaskClient],
    shared: dict[str, Any],
) -> None:
    address, token = f"/verify/{shared['id']}", f"/credentials/{shared['capstone_file']}/token"
    learner = sign_in(shared["learner"])
    learner.get(address)
    learner.post("/verify/many", data={"ids": shared["id"]})
    script = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    client.get(token, headers=script)
    log = learner.get("/your-data/disclosures").text
    assert "was opened" not in log
    assert "was fetched" not in log
    client.get(address)
    sign_in(shared["instructor"]).get(address)
    client.get(token)
    client.get(token, headers=script | {"Sec-Fetch-Mode": "navigate"})
    with act() as session:
        seen = sharing.views(session, [shared["id"], shared["capstone_file"]])
        assert [(view.count, view.own) for views in seen.values() for view in views] == [
            (2, 2),
            (2, 1),
        ]
    log = learner.get("/your-data/disclosures").text
    assert "was opened" in log
    assert "was fetched" in log
