"""A real browser before a real server."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from werkzeug.serving import make_server

from tests.conftest import absent
from tests.database import begun_sign_in
from tests.serving import serve


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        absent("no Chromium: install it, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
            ],
        )
        yield started
        started.close()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The address of the app, served on a free port of this machine."""
    app.config["WTF_CSRF_ENABLED"] = True
    server = make_server("127.0.0.1", 0, app, threaded=True)
    stop = serve(server)
    yield f"http://127.0.0.1:{server.server_port}"
    stop()


@pytest.fixture
def enter(browser: Browser, app: Flask, site: str) -> Iterator[Callable[..., BrowserContext]]:
    """Give a browser context, signed in as a person where one is named."""
    opened: list[BrowserContext] = []

    def context(person_id: str | None = None, **options: Any) -> BrowserContext:
        made = browser.new_context(
            **{
                "viewport": {"width": 1280, "height": 800},
                "locale": "en-GB",
                "timezone_id": "Europe/London",
                "reduced_motion": "reduce",
                "base_url": site,
            }
            | options
        )
        opened.append(made)
        if person_id is not None:
            with app.app_context():
                token = begun_sign_in(person_id)
            signer = SecureCookieSessionInterface().get_signing_serializer(app)
            assert signer is not None
            value = signer.dumps({"_user_id": token, "_fresh": True})
            made.add_cookies([{"name": "grading", "value": str(value), "url": site}])
        return made

    yield context
    for made in opened:
        made.close()
