"""Sending to a partner: only what was consented to, once, and never past the guard."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grading.adapters.partners import HttpPartnerGateway
from grading.errors import (
    FaultsFound,
    PassingFailure,
    PermanentFailure,
    Refused,
    Unconfirmed,
)
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import (
    CredentialRecord,
    Disclosure,
    Partner,
    PartnerConsent,
    PartnerSending,
    Person,
    Sponsor,
)
from grading.records import disclosures, partners, sharing
from grading.records.queries import issued_credentials, program_record
from grading.workflow.privacy import Disclosed, SendingState
from tests import factories
from tests.database import NOW
from tests.issuing import HIGHER, amend, installation, released, small_keys, work, world
from tests.serving import serve

__all__ = ["installation", "released", "small_keys", "work", "world"]


class Listener:
    """A partner's server: keeps what it is sent, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], Any]] = []
        self.status = 201
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.got.append((dict(self.headers), json.loads(body)))
                if listener.status == 0:
                    self.connection.close()
                    return
                self.send_response(listener.status)
                if listener.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/take"
        self.stop = serve(server)


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.stop()


@pytest.fixture
def open_gateway(app: Flask) -> HttpPartnerGateway:
    """As an operator allows it whose partners stand in the own network."""
    gateway = HttpPartnerGateway(anywhere=True)
    app.extensions["grading"] = replace(app.extensions["grading"], partners=gateway)
    return gateway


@pytest.fixture
def partner_id(
    released: dict[str, Any],
    listener: Listener,
    open_gateway: HttpPartnerGateway,
    act: Callable[[], Any],
) -> str:
    with act() as session:
        return partners.make_partner(
            session,
            session.get_one(Person, released["administrator"]),
            session.get_one(Sponsor, released["sponsor"]),
            name="Example Ltd",
            kind="https",
            address=listener.url,
            gets="capstone",
            pathway="Counts towards a course.",
            gateway=open_gateway,
            now=released["at"],
        ).id


def looked_at(session: Any, world: dict[str, Any], partner_id: str) -> partners.Offer:
    record = program_record.current_record(session, world["program"], world["learner"])
    return partners.offer_of(session, record, session.get_one(Partner, partner_id))


def send(session: Any, world: dict[str, Any], partner_id: str, digest: str) -> PartnerSending:
    record = program_record.current_record(session, world["program"], world["learner"])
    return partners.send_record(
        session,
        session.get_one(Person, world["learner"]),
        record,
        session.get_one(Partner, partner_id),
        digest=digest,
        now=world["at"],
    )


def test_what_was_seen_is_sent_once_and_logged(
    released: dict[str, Any],
    partner_id: str,
    listener: Listener,
    act: Callable[[], Any],
    work: Callable[[Any], int],
) -> None:
    with act() as session:
        seen = looked_at(session, released, partner_id)
        body, digest = seen.body, seen.digest
        send(session, released, partner_id, digest)
    assert listener.got == []
    work(released["at"])
    [(headers, got)] = listener.got
    assert got == body
    assert [one["type"][-1] for one in got["credentials"]] == ["OpenBadgeCredential"]
    with act() as session:
        [sending] = session.scalars(select(PartnerSending))
        assert sending.state == SendingState.SENT
        assert headers["Idempotency-Key"].startswith(sending.consent_id)
        [line] = session.scalars(select(Disclosure))
        assert (line.what, line.recipient, line.ground) == ("credentials", "Example Ltd", "consent")
        with pytest.raises(Refused, match="already"):
            send(session, released, partner_id, digest)
    work(released["at"] + timedelta(days=1))
    assert len(listener.got) == 1


@pytest.mark.parametrize(
    ("status", "state", "given"),
    [(403, "failed", 1), (302, "failed", 1), (500, "unknown", 1), (0, "unknown", 1)],
)
def test_what_fails_says_so_and_is_never_sent_again_by_itself(
    released: dict[str, Any],
    partner_id: str,
    listener: Listener,
    act: Callable[[], Any],
    work: Callable[[Any], int],
    status: int,
    state: str,
    given: int,
) -> None:
    listener.status = status
    with act() as session:
        digest = looked_at(session, released, partner_id).digest
        send(session, released, partner_id, digest)
    for days in (0, 1, 30):
        work(released["at"] + timedelta(days=days))
    assert len(listener.got) == 1
    with act() as session:
        [sending] = session.scalars(select(PartnerSending))
        assert sending.state == state
        assert sending.error
        assert len(session.scalars(select(Disclosure)).all()) == given
    # The learner asks again: the partner can tell that it is the same.
    listener.status = 200
    with act() as session:
        send(session, released, partner_id, digest)
    work(released["at"] + timedelta(days=31))
    assert len(listener.got) == 2
    assert listener.got[0][0]["Idempotency-Key"] == listener.got[1][0]["Idempotency-Key"]


def test_one_that_cannot_be_reached_was_not_given(
    released: dict[str, Any],
    partner_id: str,
    listener: Listener,
    act: Callable[[], Any],
    work: Callable[[Any], int],
) -> None:
    listener.stop()
    with act() as session:
        send(session, released, partner_id, looked_at(session, released, partner_id).digest)
    work(released["at"])
    with act() as session:
        [sending] = session.scalars(select(PartnerSending))
        assert sending.state == SendingState.FAILED
        assert session.scalars(select(Disclosure)).all() == []


def test_a_process_that_dies_while_sending_does_not_send_twice(
    app: Flask,
    released: dict[str, Any],
    partner_id: str,
    listener: Listener,
    act: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Died(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Died

    with act() as session:
        send(session, released, partner_id, looked_at(session, released, partner_id).digest)
    with monkeypatch.context() as patch:
        patch.setattr(partners, "note_arrival", die)
        with pytest.raises(Died):
            Worker(app, HANDLERS).run_until_idle(released["at"])
    Worker(app, HANDLERS).run_until_idle(released["at"] + timedelta(minutes=5))
    assert len(listener.got) == 1
    with act() as session:
        [sending] = session.scalars(select(PartnerSending))
        assert sending.state == SendingState.UNKNOWN
        assert len(session.scalars(select(Disclosure)).all()) == 1


def test_a_new_version_asks_anew(
    released: dict[str, Any],
    partner_id: str,
    listener: Listener,
    act: Callable[[], Any],
    work: Callable[[Any], int],
) -> None:
    at = released["at"]
    with act() as session:
        old = looked_at(session, released, partner_id).digest
        send(session, released, partner_id, old)
    # The record changes before the worker comes: what was consented to is no more.
    with act() as session:
        amend(session, released, HIGHER, at)
    work(at)
    first = len(listener.got)
    with act() as session:
        new = looked_at(session, released, partner_id).digest
        assert new != old
        with pytest.raises(Refused, match="changed"):
            send(session, released, partner_id, old)
        send(session, released, partner_id, new)
    work(at)
    assert len(listener.got) == first + 1
    with act() as session:
        kept = session.scalars(select(PartnerConsent).order_by(PartnerConsent.given_at)).all()
        assert sorted(one.withdrawn_at is None for one in kept) == [False, True]


def test_a_withdrawn_consent_stops_what_waits(
    released: dict[str, Any],
    partner_id: str,
    listener: Listener,
    act: Callable[[], Any],
    work: Callable[[Any], int],
) -> None:
    with act() as session:
        sending = send(
            session, released, partner_id, looked_at(session, released, partner_id).digest
        )
        learner = session.get_one(Person, released["learner"])
        partners.withdraw_consent(session, learner, sending.consent, now=released["at"])
    work(released["at"])
    assert listener.got == []
    with act() as session:
        [sending] = session.scalars(select(PartnerSending))
        assert sending.state == SendingState.CANCELLED


def test_a_partner_by_mail_gets_a_file(
    released: dict[str, Any],
    open_gateway: HttpPartnerGateway,
    act: Callable[[], Any],
    work: Callable[[Any], int],
    tmp_path: Path,
) -> None:
    with act() as session:
        made = partners.make_partner(
            session,
            session.get_one(Person, released["administrator"]),
            session.get_one(Sponsor, released["sponsor"]),
            name="By mail",
            kind="mail",
            address="Credits@Example.com",
            gets="all",
            pathway="Read by a person.",
            gateway=open_gateway,
            now=released["at"],
        ).id
        send(session, released, made, looked_at(session, released, made).digest)
    work(released["at"])
    sent = [one.read_text() for one in tmp_path.glob("mail/*.eml")]
    [mail] = [text for text in sent if "To: credits@example.com" in text]
    assert "credentials.json" in mail


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://example.com/x", "https"),
        ("https://127.0.0.1/x", "private"),
        ("https://[::1]/x", "private"),
        ("https://[::ffff:10.0.0.1]/x", "private"),
        ("https://169.254.169.254/latest", "private"),
        ("https://10.1.2.3/x", "private"),
        ("https://100.64.0.1/x", "private"),
        ("https://localhost/x", "private"),
        ("https://user:word@192.0.2.1/x", "name"),
        ("file:///etc/passwd", "https"),
        ("https:///x", "https"),
        ("https://x:99999/", "host"),
    ],
)
def test_the_guard(address: str, message: str) -> None:
    gateway = HttpPartnerGateway(anywhere=False)
    with pytest.raises(Refused, match=message):
        gateway.check(address)
    with pytest.raises(Refused, match=message):
        gateway.send(address, b"{}", key="x")


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::5db8:d822", True),
        ("2002:5db8:d822::1", True),
        ("::ffff:93.184.216.34", True),
        ("10.1.2.3", False), ("169.254.169.254", False), ("100.64.0.1", False), ("224.0.0.1", False),
        ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fc00::1", False), ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False), ("::ffff:0:10.0.0.1", False), ("::10.0.0.1", False),
        ("64:ff9b::a00:1", False), ("64:ff9b::7f00:1", False), ("64:ff9b:1::a00:1", False),
        ("64:ff9b:1::5db8:d822", False),
        ("2002:a00:1::1", False), ("2002:7f00:1::1", False), ("2002:a9fe:a9fe::", False),
        ("2001::f5ff:fffe", False), ("2001:0:5db8:d822::f5ff:fffe", False),
        ("2606:2800:220:1::5efe:10.0.0.1", False), ("2606:2800:220:1:200:5efe:7f00:1", False),
    ],
)  # fmt: skip
def test_nothing_is_sent_to_an_address_that_holds_one_of_the_own_network(
    monkeypatch: pytest.MonkeyPatch, address: str, is_public: bool
) -> None:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    gateway = HttpPartnerGateway(anywhere=False)
    if is_public:
        gateway.check("https://partner.example/x")
    else:
        with pytest.raises(Refused, match="private"):
            gateway.check("https://partner.example/x")


def test_a_name_that_changes_its_address_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look-up, and the connection goes to what was looked at; one private address spoils all."""
    asked: list[str] = []

    def answer(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("93.184.216.34", "127.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(Refused, match="private"):
        HttpPartnerGateway(anywhere=False).send("https://rebind.example/x", b"{}", key="x")
    assert asked == ["rebind.example"]


def test_what_an_answer_means(listener: Listener) -> None:
    gateway = HttpPartnerGateway(anywhere=True)
    gateway.send(listener.url, b"{}", key="x")
    for status, error in ((404, PermanentFailure), (503, Unconfirmed), (0, Unconfirmed)):
        listener.status = status
        with pytest.raises(error):
            gateway.send(listener.url, b"{}", key="x")
    listener.stop()
    with pytest.raises(PassingFailure):
        gateway.send(listener.url, b"{}", key="x")


def test_a_partner_without_what_it_needs_is_refused(session: Any) -> None:
    cast = factories.a_cast(session, now=NOW, submitted=False)
    with pytest.raises(FaultsFound) as found:
        partners.make_partner(
            session,
            cast.administrator,
            cast.cohort.program.sponsor,
            name="",
            kind="https",
            address="https://127.0.0.1/",
            gets="everything",
            pathway="",
            gateway=HttpPartnerGateway(anywhere=False),
            now=NOW,
        )
    assert {fault.where for fault in found.value.faults} == {"name", "address", "gets", "pathway"}


def test_the_log_counts_looks_by_day(released: dict[str, Any], act: Callable[[], Any]) -> None:
    with act() as session:
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == released["learner"])
        ).one()
        learner = session.get_one(Person, released["learner"])
        link = sharing.make_link(session, learner, record, label="Acme", now=released["at"])
        session.flush()
        credential = issued_credentials.issued(session, released["program"], released["learner"])[0]
        day = released["at"].date()
        ids = [record.public_id, link.public_id, link.public_id, credential.id]
        sharing.count_views(session, ids, on=day)
        session.flush()
        lines = disclosures.disclosures_of(session, learner.id)
        assert sorted((line.what, line.recipient, line.times) for line in lines) == [
            (Disclosed.CREDENTIAL_FILE, "", 1),
            (Disclosed.RECORD_PAGE, "", 1),
            (Disclosed.RECORD_PAGE, "Acme", 2),
        ]
