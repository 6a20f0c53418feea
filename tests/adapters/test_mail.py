"""Mail: into a folder, and through a real SMTP server."""

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from grading.adapters.mail import open_mailer
from grading.errors import PassingFailure, PermanentFailure
from grading.texts import mail_address
from grading.workflow.deadlines import NO_ZONE


def a_message(to: str = "alder@example.org") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Grüße", "grading@example.org", to
    message.set_content("Your result is ready.")
    return message


class Inbox:
    """Takes mail, and answers by the recipient's name."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        if address.startswith("later"):
            return "450 try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    handler = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, f"smtp://127.0.0.1:{port}"
    controller.stop()


def test_smtp(inbox: tuple[Inbox, str]) -> None:
    handler, url = inbox
    mailer = open_mailer(url)
    mailer.send(a_message())
    assert handler.taken[0].rcpt_tos == ["alder@example.org"]
    assert "127.0.0.1" in mailer.where
    with pytest.raises(PermanentFailure, match="550"):
        mailer.send(a_message("nobody@example.org"))
    with pytest.raises(PassingFailure, match="450"):
        mailer.send(a_message("later@example.org"))


@pytest.mark.parametrize("to", ["", "zw@example.org\u200b", "Ada", "jörg@example.org", "@"])
def test_mail_to_nobody_never_counts_as_sent(
    inbox: tuple[Inbox, str], tmp_path: Path, to: str
) -> None:
    handler, url = inbox
    for address in (url, f"folder://{tmp_path}"):
        with pytest.raises(PermanentFailure, match="no address for mail"):
            open_mailer(address).send(a_message(to))
    assert handler.taken == []
    assert list(tmp_path.iterdir()) == []


def test_a_domain_in_its_own_script_is_reached_and_forgotten(
    inbox: tuple[Inbox, str], tmp_path: Path
) -> None:
    handler, url = inbox
    to = mail_address("ada@bücher.example")
    open_mailer(url).send(a_message(to))
    assert handler.taken[0].rcpt_tos == ["ada@xn--bcher-kva.example"]
    folder = open_mailer(f"folder://{tmp_path}")
    folder.send(a_message(to))
    assert folder.forget("ada@bücher.example") == 1


def test_a_server_that_is_away_may_come_back() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(PassingFailure, match="reached"):
        open_mailer(f"smtp://127.0.0.1:{port}").send(a_message())


def test_where_tells_no_password() -> None:
    where = open_mailer("smtps://user:hidden@mail.example.org").where
    assert "hidden" not in where
    assert "mail.example.org:465" in where


def test_the_folder_holds_whole_messages(tmp_path: Path) -> None:
    mailer = open_mailer(f"folder://{tmp_path / 'mail'}")
    mailer.send(a_message())
    mailer.send(a_message())
    files = sorted((tmp_path / "mail").iterdir())
    assert [path.suffix for path in files] == [".eml", ".eml"]
    assert message_from_bytes(files[0].read_bytes())["To"] == "alder@example.org"
    assert str(tmp_path) in mailer.where


def test_the_digest_goes_out_through_a_real_server(
    inbox: tuple[Inbox, str], app: Any, act: Any, clock: Any
) -> None:
    """What waits, the way there and the way to turn it off, as one plain message."""
    from dataclasses import replace
    from datetime import timedelta

    from grading.jobs.handlers import HANDLERS
    from grading.jobs.worker import Worker
    from grading.ledger import outbox
    from tests import factories
    from tests.database import NOW

    handler, url = inbox
    app.extensions["grading"] = replace(app.extensions["grading"], mailer=open_mailer(url))
    with act() as session:
        cast = factories.a_cast(session, now=NOW, submitted=False)
        outbox.needs(session, cast.learners[0], zone=NO_ZONE, now=NOW)
        address, cohort = cast.learners[0].email, cast.cohort.id
    clock.now = NOW + timedelta(days=1)
    Worker(app, HANDLERS, clock=clock).run_until_idle(clock.now)
    (envelope,) = [sent for sent in handler.taken if sent.rcpt_tos == [address]]
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["Subject"] == "1 thing needs you"
    assert f"http://127.0.0.1:8000/learn/{cohort}" in message.get_content()
    assert "http://127.0.0.1:8000/preferences" in message.get_content()
