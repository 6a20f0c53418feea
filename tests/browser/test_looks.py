"""Which pages axe is asked about in which looks."""

from collections import Counter

import pytest

from tests.browser.a11y import LOOKS, looks_of_axe

PAGES = [f"http://127.0.0.1:8000/teach/{number}/funnel" for number in range(400)]
KEYS = ("/sign-in", "/verify/Ab-1", "/learn/c/result", "/grade/item/i?more=1", "/teach/c/release")


@pytest.fixture(autouse=True)
def no_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEEP", raising=False)


def test_pages_take_turns_and_a_page_keeps_its_look_wherever_it_is_served() -> None:
    turns = [tuple(looks_of_axe(page)) for page in PAGES]
    assert turns == [tuple(looks_of_axe(page.replace("8000", "9"))) for page in PAGES]
    shares = Counter(name for (name,) in turns)
    assert shares.keys() == LOOKS.keys()
    assert min(shares.values()) > len(PAGES) / 8


def test_key_pages_and_a_sweep_are_in_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in KEYS:
        assert set(looks_of_axe(f"http://127.0.0.1:8000{path}")) == set(LOOKS), path
    monkeypatch.setenv("SWEEP", "1")
    assert all(set(looks_of_axe(page)) == set(LOOKS) for page in PAGES)
