"""The learner's pages where something is wrong, late, or in conflict: clear, and nothing lost."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from grading.db import db
from grading.models import SubmissionFile
from grading.office import retention
from grading.people import passwords
from tests import factories
from tests.database import NOW, Clock


@pytest.fixture
def learner(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock
) -> tuple[FlaskClient, str]:
    """A learner with a draft, signed in, and the address of the cohort."""
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        person = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        base, person_id = f"/learn/{cohort.id}", person.id
    clock.now = NOW + timedelta(days=1)
    client = sign_in(person_id)
    assert client.post(f"{base}/project/start").status_code == 303
    return client, base


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


def upload(client: FlaskClient, base: str, *files: tuple[bytes, str]) -> Any:
    sent = [FileStorage(BytesIO(data), name, "files") for data, name in files]
    boundary, body = encode_multipart(MultiDict([("files", file) for file in sent]))
    kind = f'multipart/form-data; boundary="{boundary}"'
    return client.post(f"{base}/project/files", data=body, content_type=kind)


def kept(app: Flask) -> list[str]:
    return list(app.extensions["grading"].files.keys())


def test_a_refused_file_is_named_and_the_good_one_kept(app: Flask, learner: Any) -> None:
    client, base = learner
    answer = upload(client, base, (b"fine", "notes.txt"), (b"no pdf", "report.pdf"))
    assert answer.status_code == 422
    assert "“report.pdf” is not a PDF file" in text_of(answer)
    assert "notes.txt" in text_of(client.get(f"{base}/project"))
    assert len(kept(app)) == 1


def test_an_archive_that_is_not_taken_is_refused_with_the_way_on(app: Flask, learner: Any) -> None:
    client, base = learner
    answer = upload(client, base, (b"\x1f\x8b", "project.tar.gz"))
    assert answer.status_code == 422
    assert "Put its files into a ZIP" in text_of(answer)
    assert kept(app) == []


def test_too_large_an_upload_is_refused_before_it_is_read(app: Flask, learner: Any) -> None:
    client, base = learner
    limit = app.extensions["grading"].settings.largest_body
    answer = upload(client, base, (b"x" * (limit + 1), "notes.txt"))
    assert answer.status_code == 413
    assert "larger than this service takes" in text_of(answer)
    between = app.extensions["grading"].settings.upload_limit + 1
    answer = upload(client, base, (b"x" * between, "notes.txt"))
    assert answer.status_code == 422
    assert "may have at most 5 MB" in text_of(answer)
    assert kept(app) == []


def test_a_file_is_removed_and_put_back(app: Flask, learner: Any) -> None:
    client, base = learner
    upload(client, base, (b"fine", "notes.txt"))
    with app.app_context():
        file_id = db.session.scalars(db.select(SubmissionFile.id)).one()
    said = client.post(f"{base}/project/files/{file_id}/remove", follow_redirects=True)
    assert "You can put it back" in text_of(said)
    client.post(f"{base}/project/files/{file_id}/restore")
    got = client.get(f"{base}/project/files/{file_id}")
    assert got.data == b"fine"
    assert got.headers["Content-Disposition"] == "attachment; filename=notes.txt"
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert got.headers["X-Content-Type-Options"] == "nosniff"


def test_two_devices_keep_both_texts_in_sight(learner: Any) -> None:
    client, base = learner
    version = re.search(r'name="version" value="(\d+)"', text_of(client.get(f"{base}/project")))
    assert version is not None
    data = {"title": "T", "text": "from the train", "version": version.group(1)}
    assert client.post(f"{base}/project", data=data).status_code == 303
    answer = client.post(f"{base}/project", data=data | {"text": "from home"})
    assert answer.status_code == 409
    assert "from the train" in text_of(answer)
    assert "from home" in text_of(answer)


def test_bad_links_are_named_and_the_text_stays(learner: Any) -> None:
    client, base = learner
    answer = client.post(
        f"{base}/project", data={"title": "T", "text": "long work", "links": ["javascript:x"]}
    )
    assert answer.status_code == 422
    assert "A link starts with https://" in text_of(answer)
    assert "long work" in text_of(answer)
    assert "<title>Error:" in text_of(answer)


def test_who_lacks_a_course_sees_which(app: Flask, act: Callable[[], Any], sign_in: Any) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        person = factories.a_learner(session, cohort, "Learner Alder", now=NOW, completed=False)
        base, person_id = f"/learn/{cohort.id}", person.id
    page = text_of(sign_in(person_id).get(base))
    assert "You cannot submit yet" in page
    assert all(title in page for title in ("Measuring", "Cleaning", "Modelling"))
    refused = sign_in(person_id).post(f"{base}/project/start")
    assert refused.status_code == 409
    assert "Complete these courses first" in text_of(refused)


def test_after_the_grace_the_page_says_what_is_still_possible(learner: Any, clock: Clock) -> None:
    client, base = learner
    clock.now = NOW + timedelta(days=40)
    page = text_of(client.get(base))
    assert "You can no longer submit" in page
    answer = client.post(f"{base}/project/submit", data={"statement": "1"})
    assert answer.status_code == 409
    assert "can no longer submit" in text_of(answer)


def test_files_that_were_removed_are_kept_as_far_as_they_can_be_put_back(
    app: Flask, learner: Any, act: Callable[[], Any]
) -> None:
    client, base = learner
    store = app.extensions["grading"].files
    for number in range(retention.MOST_REMOVED + 4):
        upload(client, base, (b"fine", f"notes-{number}.txt"))
        [file_id] = re.findall(r"files/([^/\"]+)/remove", text_of(client.get(f"{base}/project")))
        client.post(f"{base}/project/files/{file_id}/remove")
    upload(client, base, (b"fine", "last.txt"))
    assert len(list(store.keys())) == retention.MOST_REMOVED + 1
    page = text_of(client.get(f"{base}/project"))
    assert "notes-3.txt" not in page
    assert "notes-4.txt" in page


def test_times_name_their_zone_and_the_courses_where_it_differs(
    app: Flask, learner: Any, act: Callable[[], Any]
) -> None:
    client, base = learner
    page = text_of(client.get(base))
    assert re.search(
        r'<time datetime="2026-10-05T23:59:00\+01:00">Monday 5 October 2026, 11:59pm London time',
        page,
    )
    client.post("/preferences", data={"time_zone": "America/New_York", "theme": "dark"})
    page = text_of(client.get(base))
    assert "6:59pm New York time" in page
    assert "11:59pm London time, the course time zone" in page
    assert 'data-theme="dark"' in page


def test_sign_in_leads_back_and_never_away(app: Flask, act: Callable[[], Any]) -> None:

    with act() as session:
        person = factories.a_person(session, "Learner Alder", now=NOW)
        passwords.set_password(
            session,
            None,
            person,
            factories.PASSWORD,
            hasher=passwords.password_hasher("light"),
            now=NOW,
        )
    client = app.test_client()
    asked = client.get("/preferences")
    assert asked.headers["Location"] == "/sign-in?next=/preferences"
    data = {"email": "learner.alder@example.org", "password": "not this one"}
    assert "do not match" in text_of(client.post("/sign-in", data=data))
    data["password"] = factories.PASSWORD
    for address, lands in (
        ("//example.org", "/"),
        ("https://example.org", "/"),
        ("/preferences", "/preferences"),
    ):
        answer = client.post(f"/sign-in?next={address}", data=data)
        assert answer.headers["Location"] == lands
    client.post("/sign-out")
    assert client.get("/preferences").status_code == 302


def test_a_form_without_its_token_is_refused(app: Flask, learner: Any) -> None:
    client, base = learner
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post(f"{base}/project", data={"title": "T"})
    assert answer.status_code == 400
    assert "open for too long" in text_of(answer)


def test_every_answer_bears_the_protecting_headers(app: Flask, learner: Any) -> None:
    client, base = learner
    for address in (base, "/nowhere", "/sign-in", "/static/css/site.css"):
        with client.get(address) as answer:
            headers = answer.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(base).headers["Cache-Control"] == "no-store"
