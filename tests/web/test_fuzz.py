"""Odd input to every route and every field, as each role, on both databases.

No answer is an error of ours, and a refusal changes nothing. A request says its seed where it fails, and
the same seed makes the same requests. Some hundreds here; with LONG set, 10,000.
"""

import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.db import db
from grading.models import Base
from grading.web.forms import Form
from tests.web.test_routes import (
    ACTS,
    EVERYBODY,
    NOT_SET_UP,
    PAGES,
    address,
    client_of,
    routes,
    world,
)

__all__ = ["world"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("any_database")]
REQUESTS = 250
SEEDS = range(20) if os.environ.get("LONG") else range(1)

ODD = (
    "", " ", "\x00", "half \ud83c", "\ufffe", "\u202e\u2066", "\u200b", "e\u0301", "a\rb\nc", "\x1b[31m",
    "9" * 5000, "-1", "0", "1", "2", "3", "60", "1e999", "nan", "-0", "9" * 20, "2147483648", "٣", "²", "1.5",
    "2026-02-30", "0001-01-01", "0001-01-01T00:00", "9999-12-31", "9999-12-31T23:59", "2026-11-30",
    "2026-11-30T12:00", "10000-01-01", "http://[::1", "https://[a](b)", "https://℀.org", "//evil.example",
    "https://example.org", "javascript:1", "a@example.org", "a@b", "jörg@example.org", "ada@bücher.example",
    "'; DROP TABLE person;--", "<b>{{7*7}}</b>", "%", "_", "%s %(n)s", "=1", "../../etc/passwd",
    "null", "[]", "{}",
    '{"id":"x","rawId":"x","type":"public-key","response":{}}', "[" * 3000, "x" * 300, "x" * 70_000,
    "yes", "no", "on", "true", "save", "finish", "check", "remove", "learner", "grader", "roster",
    "Words that say in one sentence why this is asked for.", "张伟",
    "email,name,role\na@example.org,A,learner\n",
    "email\tname\trole\n\x00\t\ud83c\tlearner\n", "Europe/London", "No/Where", "$\\frac{1}{$", "[a](http://[)",
)  # fmt: skip
QUERY = (
    "page", "text", "q", "id", "to", "state", "use", "role", "since", "criterion", "on", "names", "figure",
    "more", "attempt", "next", "closed", "action", "token", "load", "unknown",
)  # fmt: skip
# What counts requests, refused ones too, so that nobody guesses or looks without end.
COUNTS = {"sign_in", "sign_in_attempt", "bulk_check", "public_view"}
# A sheet that is finished with gaps is kept as a draft, and says so.
KEEPS_DRAFTS = ("_save",)


def digests(app: Flask) -> dict[str, str]:
    """Fingerprint every table but for those that count requests."""
    found = {}
    with app.app_context(), db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name not in COUNTS:
                rows = sorted(map(repr, connection.execute(select(table))))
                text = repr(rows).encode("utf-8", "surrogatepass")
                found[table.name] = hashlib.sha256(text).hexdigest()
    return found


@pytest.fixture
def fields(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, list[str]]]:
    """The fields of the forms of each route, with what each may be chosen from, as requests meet them."""
    known: dict[str, dict[str, list[str]]] = {}
    made = Form.__init__

    def spied(form: Form, *args: Any, **named: Any) -> None:
        made(form, *args, **named)
        kept = known.setdefault(str(request.endpoint), {})
        for field in form:
            choices = getattr(field, "choices", None) or []
            kept[field.name] = [str(choice.value) for choice in choices if hasattr(choice, "value")]

    monkeypatch.setattr(Form, "__init__", spied)
    return known


def encoded(pairs: Iterable[tuple[str, str]]) -> str:
    """Write a form or a query as bytes that a browser might not send."""
    return "&".join(
        "=".join(quote_from_bytes(text.encode("utf-8", "surrogatepass")) for text in pair)
        for pair in pairs
    )


def multipart(rng: random.Random, pairs: list[tuple[str, str]]) -> bytes:
    """Write a form with a file in it, of any name and content."""
    body = b""
    for name, value in pairs:
        body += f'--odd\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode(
            "utf-8", "replace"
        )
        body += value.encode("utf-8", "surrogatepass") + b"\r\n"
    file_name = rng.choice(
        ["a.txt", "Отчёт–\u202e.pdf", "x\x00.csv", "", "a.zip", "../b.toml", "c.xlsx"]
    )
    content = rng.choice(
        [b"", b"\x00\xff", b"PK\x03\x04", b"email,name,role\n", b"[" * 5000, b"\xff\xfe\x00\xd8"]
    )
    field = rng.choice(["file", "files", "logo", "brief"])
    head = f'--odd\r\nContent-Disposition: form-data; name="{field}"; filename="{file_name}"\r\n'
    return body + head.encode() + b"Content-Type: text/plain\r\n\r\n" + content + b"\r\n--odd--\r\n"


class Odd:
    """Makes requests, each from the seed alone and what the ones before it met."""

    def __init__(self, app: Flask, world: dict[str, Any], fields: Any, seed: int) -> None:
        self.rng = random.Random(seed)
        self.app, self.world, self.fields = app, world, fields
        self.endpoints = sorted(routes(app, "GET", "POST", "PUT") - set(NOT_SET_UP))
        self.ids = [value for value in world["values"].values() if isinstance(value, str)]
        self.allowed = PAGES | ACTS

    def value(self, choices: list[str]) -> str:
        if choices and self.rng.random() < 0.6:
            return self.rng.choice(choices)
        return self.rng.choice(ODD) if self.rng.random() < 0.85 else self.rng.choice(self.ids)

    def pairs(self, endpoint: str) -> list[tuple[str, str]]:
        known = self.fields.get(endpoint, {})
        names = [name for name in known if self.rng.random() < 0.9] or ["unknown"]
        return [
            (name, self.value(known.get(name, [])))
            for name in names
            for _ in range(self.rng.choice([1, 1, 1, 3]))
        ]

    def path(self, endpoint: str) -> str:
        path = address(self.app, self.world, endpoint)
        if self.rng.random() < 0.1:
            parts = path.split("/")
            odd = self.rng.choice(ODD[1:]).encode("utf-8", "surrogatepass")
            parts[self.rng.randrange(1, len(parts))] = quote_from_bytes(odd, safe="")
            path = "/".join(parts)
        if self.rng.random() < 0.4:
            names = self.rng.sample(QUERY, 3)
            path += "?" + encoded((name, self.value([])[:3000]) for name in names)
        return path

    def body(self, endpoint: str) -> tuple[bytes, str]:
        """Give what is sent and the type it is said to be."""
        kind = self.rng.random()
        if kind < 0.7:
            return encoded(self.pairs(endpoint)).encode(), "application/x-www-form-urlencoded"
        if kind < 0.85:
            return multipart(self.rng, self.pairs(endpoint)), "multipart/form-data; boundary=odd"
        sheet = json.dumps(
            {"levels": {self.value([]): 1}, "comments": {"question": self.value([])}}
        )
        return self.rng.choice([sheet, *ODD]).encode("utf-8", "surrogatepass"), "application/json"

    def role(self, endpoint: str) -> str:
        everybody = sorted(EVERYBODY)
        allowed = sorted(self.allowed.get(endpoint, everybody)) or everybody
        return self.rng.choice(allowed if self.rng.random() < 0.8 else everybody)

    def requests(self) -> Iterator[tuple[str, str, str, str, bytes, str]]:
        """Give endpoint, role, method, address, body and its type, without end."""
        while True:
            endpoint = self.rng.choice(self.endpoints)
            rule = next(self.app.url_map.iter_rules(endpoint))
            methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            method = self.rng.choice(methods)
            if self.rng.random() < 0.05:
                method = self.rng.choice(["OPTIONS", "HEAD", "PATCH", "DELETE", "PUT"])
            body, kind = (b"", "text/plain") if method == "GET" else self.body(endpoint)
            yield endpoint, self.role(endpoint), method, self.path(endpoint), body, kind


@pytest.mark.parametrize("seed", SEEDS)
def test_no_odd_request_is_an_error_and_no_refusal_changes_anything(
    app: Flask, world: dict[str, Any], sign_in: Any, fields: Any, seed: int
) -> None:
    wrong: list[Any] = []
    before = digests(app)
    stream = Odd(app, world, fields, seed).requests()
    for number, (endpoint, role, method, path, body, kind) in islice(enumerate(stream), REQUESTS):
        client: FlaskClient = client_of(app, world, sign_in, role)
        said = (seed, number, role, method, path[:200], kind, body[:300])
        try:
            answer = client.open(
                path, method=method, data=body, content_type=kind, headers={"If-Match": '"0"'}
            )
            status = answer.status_code
            answer.close()
        except Exception as error:
            wrong.append((*said, repr(error)[:300]))
            status = 0
        after = digests(app)
        if status >= 500:
            wrong.append((*said, status))
        if status >= 400 and after != before and not endpoint.endswith(KEEPS_DRAFTS):
            changed = [name for name in after if after[name] != before[name]]
            wrong.append((*said, status, changed))
        before = after
    assert wrong == []
