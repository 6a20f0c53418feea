"""Ids and codes: not to be guessed, fit for a command line, and the same when a story is retold."""

import contextvars
import secrets

import pytest

from grading.models import codes


def test_no_id_can_be_taken_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    # 0xf8 is the first byte of an id that would begin with a dash.
    draws = iter((0xF8 << 88, 0xF7 << 88, 0xF8 << 120, 0xF7 << 120))
    token = codes._below.set(lambda limit: next(draws))
    try:
        assert codes.new_id()[0] != "-"
        assert codes.new_public_id()[0] != "-"
    finally:
        codes._below.reset(token)
    assert next(draws, None) is None


def test_ids_have_their_lengths_and_differ() -> None:
    made = {codes.new_id() for _ in range(1000)}
    assert {len(one) for one in made} == {16}
    assert len(made) == 1000
    assert len(codes.new_public_id()) == 22


def test_what_is_retold_is_the_same_and_only_there() -> None:
    def draw() -> list[str]:
        return [codes.new_id(), codes.new_public_id(), codes.new_code(6)]

    with codes.retold(7):
        first = draw()
    with codes.retold(7):
        assert draw() == first
        with codes.retold(8):
            assert draw() != first
    assert draw() != first
    assert contextvars.Context().run(codes._below.get) is secrets.randbelow
