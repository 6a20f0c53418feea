"""What leaves as a file, through the server that runs: names of every script, and tables without formulas."""

import http.client
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from waitress.server import create_server
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.http import parse_options_header

from grading.models import SubmissionFile
from grading.web.downloads import cell
from tests import factories
from tests.database import NOW, Clock

NAMES = [
    "Отчёт.txt",
    "报告.txt",
    "Report – last.txt",
    "Re\u0301sume\u0301.txt",
    "one; two.txt",
    "😀.txt",
]


@pytest.fixture
def address(app: Flask) -> Iterator[tuple[str, int]]:
    """Serve the app as the command does, on a port of its own."""
    server = create_server(app, host="127.0.0.1", port=0, threads=2)

    def run() -> None:
        # It has no stop of its own: its loop ends when what it listens on is closed.
        with suppress(OSError):
            server.run()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield "127.0.0.1", int(server.effective_port)
    finally:
        server.close()
        thread.join()
        server.task_dispatcher.shutdown()


def fetch(address: tuple[str, int], path: str, client: FlaskClient) -> tuple[bytes, str]:
    """Give what the server sends, and how it wants it kept."""
    cookie = client.get_cookie("grading")
    assert cookie is not None
    headers = {"Cookie": f"grading={cookie.value}", "Connection": "close"}
    with closing(http.client.HTTPConnection(*address)) as connection:
        connection.request("GET", path, headers=headers)
        with connection.getresponse() as answer:
            assert answer.status == 200
            return answer.read(), answer.headers["Content-Disposition"]


def test_a_file_of_any_name_is_downloaded_under_it_by_the_real_server(
    address: tuple[str, int], act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        person = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        base, person_id = f"/learn/{cohort.id}/project", person.id
    clock.now = NOW + timedelta(days=1)
    client = sign_in(person_id)
    client.post(f"{base}/start")
    for name in NAMES:
        sent = MultiDict([("files", FileStorage(BytesIO(b"kept"), name))])
        assert client.post(f"{base}/files", data=sent).status_code == 303
    with act() as session:
        stored = [(file.id, file.name) for file in session.scalars(select(SubmissionFile))]
    assert len(stored) == len(NAMES)
    for file_id, name in stored:
        body, kept_as = fetch(address, f"{base}/files/{file_id}", client)
        assert body == b"kept"
        kind, parts = parse_options_header(kept_as)
        assert (kind, parts["filename"]) == ("attachment", name)
    assert {name for _id, name in stored} == {unicodedata.normalize("NFC", name) for name in NAMES}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1", "\nwords"]
)
def test_no_cell_is_taken_for_a_formula(text: str) -> None:
    assert cell(text) == "'" + text


def test_a_number_and_words_stay_what_they_are() -> None:
    for value in (-1, 2.5, "a = b", "A. Learner", ""):
        assert cell(value) == value
    assert cell(float("nan")) == cell(None) == ""
