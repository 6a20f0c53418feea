"""Every page says what it is, where it stands and in one list."""

from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask

from grading.app import create_app
from grading.web import page_help
from tests.database import settings_for

# These answer with a file, with JSON, or by leading on; there is no page to explain.
WITHOUT_HELP = {
    "admin.export_file",
    "calibration.file",
    "credentials.certificate",
    "credentials.document",
    "credentials.table",
    "credentials.token",
    "funnel.cohort_csv",
    "funnel.program_csv",
    "issued.achievement",
    "issued.did_document",
    "issued.document",
    "issued.jwks",
    "issued.status_list",
    "issued.token",
    "learner.own_file",
    "learner.record",
    "learner.result_csv",
    "monitoring.sheets",
    "openid.back",
    "openid.begin",
    "privacy.download",
    "privacy.log_csv",
    "public.health",
    "public.logo",
    "public.shared_document",
    "public.shared_token",
    "rater.item_file",
    "rater.review_file",
    "records.as_csv",
    "records.as_json",
    "statistics.agreement_csv",
    "statistics.severity_csv",
}


@pytest.fixture(scope="module")
def bare_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An app whose database has no tables: no help asks for any."""
    home = tmp_path_factory.mktemp("help")
    app = create_app(settings_for(home, f"sqlite:///{home / 'empty.db'}"))
    with app.test_request_context():
        yield app


def test_every_page_has_its_help_and_no_help_is_without_its_page(bare_app: Flask) -> None:
    pages = {
        rule.endpoint
        for rule in bare_app.url_map.iter_rules()
        if rule.methods and "GET" in rule.methods and rule.endpoint != "static"
    }
    names = [name for name in bare_app.jinja_env.list_templates() if "/help/" in name]
    explained = set(page_help.templates_by_endpoint(names))
    assert len(explained) == len(names)
    assert pages - explained == WITHOUT_HELP
    assert explained - pages == set()


def test_help_is_a_few_plain_sentences_for_a_known_reader(bare_app: Flask) -> None:
    faulty = {}
    for endpoint in bare_app.extensions["page_help"]:
        page = page_help.help_of(endpoint)
        text = str(page.text)
        if not (
            page.reader in set(page_help.Reader)
            and page.title
            and 20 <= len(text) <= 260
            and text.endswith(".")
            and "please" not in text.lower()
            and "\n" not in text
        ):
            faulty[endpoint] = text
    assert faulty == {}


def test_the_help_page_lists_all_by_role_and_a_page_shows_its_own(bare_app: Flask) -> None:
    client = bare_app.test_client()
    page = unescape(client.get("/help").text)
    for endpoint in bare_app.extensions["page_help"]:
        help_ = page_help.help_of(endpoint)
        assert help_.title in page
        assert unescape(help_.text) in page
    for label in page_help.READERS.values():
        assert str(label) in page
    sign_in = unescape(client.get("/sign-in").text)
    assert "What is this?" in sign_in
    assert unescape(page_help.help_of("sign_in.form").text) in sign_in
    assert "What is this?" not in client.get("/nowhere").text
