"""Every page says what it is, where it stands and in one list."""

from html import unescape

import pytest
from flask import Flask

from grading.web import page_help


def test_every_page_has_its_help_and_no_help_is_without_its_page(app: Flask) -> None:
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.methods and "GET" in rule.methods and rule.endpoint != "static"
    }
    assert pages - page_help.WITHOUT - set(page_help.PAGES) == set()
    assert set(page_help.PAGES) - pages == set()
    assert page_help.WITHOUT - pages == set()
    assert page_help.WITHOUT & set(page_help.PAGES) == set()


@pytest.mark.parametrize("endpoint", sorted(page_help.PAGES))
def test_help_is_a_few_plain_sentences(endpoint: str, app: Flask) -> None:
    with app.test_request_context():
        text = str(page_help.PAGES[endpoint].text)
    assert 20 <= len(text) <= 260
    assert text.endswith(".")
    assert "please" not in text.lower()


def test_the_help_page_lists_all_by_role_and_a_page_shows_its_own(app: Flask) -> None:
    client = app.test_client()
    page = unescape(client.get("/help").text)
    with app.test_request_context():
        for one in page_help.PAGES.values():
            assert str(one.title) in page
            assert str(one.text) in page
        for label in page_help.READERS.values():
            assert str(label) in page
        own = str(page_help.PAGES["sign_in.form"].text)
    sign_in = unescape(client.get("/sign-in").text)
    assert "What is this?" in sign_in
    assert own in sign_in
    assert "What is this?" not in client.get("/nowhere").text
