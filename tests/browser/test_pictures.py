"""The demo's pages in a browser, and the pictures of them that the README shows.

``--pictures`` writes them anew.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests.browser.a11y import faults
from tests.demo import Made
from tests.serving import serve

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
LARGEST = 60_000
# By name of the picture: words of the door behind which it is.
SHOWN = {
    "bench": "’s bench is item",
    "result": "Learner Alder passes by",
    "appeal": "’s appeal was upheld",
    "disputed": "levels apart on",
    "release": "A dry run of the release",
}


@pytest.fixture(scope="module")
def place(made: Made) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, made.app, threaded=True)
    stop = serve(server)
    yield f"http://127.0.0.1:{server.server_port}"
    stop()


@pytest.fixture
def page(browser: Browser, place: str) -> Iterator[Page]:
    context = browser.new_context(
        base_url=place,
        viewport={"width": 1000, "height": 640},
        locale="en-GB",
        timezone_id="Europe/London",
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def keep(page: Page, name: str, wanted: bool) -> None:
    if not wanted:
        return
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": 60})
    data = base64.b64decode(shot["data"])
    assert len(data) < LARGEST
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.webp").write_bytes(data)


def test_the_doors(page: Page, request: pytest.FixtureRequest) -> None:
    page.goto("/demo")
    assert faults(page) == []
    keep(page, "doors", request.config.getoption("--pictures"))


@pytest.mark.parametrize("name", SHOWN)
def test_a_door_and_what_is_behind_it(
    page: Page, name: str, request: pytest.FixtureRequest
) -> None:
    page.goto("/demo")
    page.locator("li.task", has_text=SHOWN[name]).get_by_role("button").click()
    page.wait_for_load_state()
    assert faults(page) == []
    keep(page, name, request.config.getoption("--pictures"))
