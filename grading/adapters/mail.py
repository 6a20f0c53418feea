"""Mail: through SMTP, or into a folder where there is none."""

import os
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from grading.errors import PassingFailure, PermanentFailure
from grading.ports import Mailer
from grading.texts import mail_address

_TIMEOUT = 30


class FolderMailer:
    """Writes each message as a file; a reader never sees half of one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def where(self) -> str:
        return f"the folder {self._folder}"

    def send(self, message: EmailMessage) -> None:
        _recipients(message)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}.eml"
        part = self._folder / f".{name}.part"
        try:
            part.write_bytes(message.as_bytes())
            os.replace(part, self._folder / name)
        except OSError as error:
            raise PassingFailure(
                "The mail folder cannot be written: %(why)s.", why=str(error)
            ) from error

    def forget(self, address: str) -> int:
        count = 0
        parser = BytesHeaderParser(policy=policy.default)
        for path in sorted(self._folder.glob("*.eml")):
            with path.open("rb") as file:
                to = parser.parse(file).get_all("To", [])
            if mail_address(address).lower() in [found.lower() for _, found in getaddresses(to)]:
                path.unlink(missing_ok=True)
                count += 1
        return count


class SmtpMailer:
    """Hands each message to an SMTP server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or "localhost"
        self._port = parts.port or {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")

    @property
    def where(self) -> str:
        return f"the SMTP server {self._host}:{self._port}"

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        if self._scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=_TIMEOUT, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT)
        with server:
            if self._scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if self._user:
                server.login(self._user, self._password)
            yield server

    def send(self, message: EmailMessage) -> None:
        recipients = _recipients(message)
        try:
            with self._connection() as server:
                server.send_message(message, to_addrs=recipients)
        except smtplib.SMTPRecipientsRefused as error:
            code = max(answer[0] for answer in error.recipients.values())
            raise _failure(code, str(error)) from error
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code, str(error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise PassingFailure(
                "The mail server cannot be reached: %(why)s.", why=str(error)
            ) from error

    def forget(self, address: str) -> int:
        """Nothing is kept here: what went out is with the server, and with whoever got it."""
        del address
        return 0


def _recipients(message: EmailMessage) -> list[str]:
    """Give whom a message goes to; a server takes an empty recipient and drops the mail without a word."""
    addresses = [address for _name, address in getaddresses(message.get_all("To", []))]
    for address in addresses or [""]:
        name, _at, domain = address.rpartition("@")
        if not name or not domain or not address.isascii() or not address.isprintable():
            raise PermanentFailure("“%(address)s” is no address for mail.", address=address)
    return addresses


def _failure(code: int, why: str) -> PassingFailure | PermanentFailure:
    if code >= 500:
        return PermanentFailure("The mail server refused the message: %(why)s.", why=why)
    return PassingFailure("The mail server cannot take the message now: %(why)s.", why=why)


def open_mailer(url: str) -> Mailer:
    """Open ``smtp://``, ``smtps://``, ``smtp+starttls://`` or ``folder:///path``.

    Raises
    ------
    ValueError
        Another scheme.
    """
    parts = urlsplit(url)
    if parts.scheme == "folder":
        return FolderMailer(Path(unquote(parts.path)))
    if parts.scheme in ("smtp", "smtps", "smtp+starttls"):
        return SmtpMailer(url)
    raise ValueError(f"no mailer is known for {parts.scheme}:")
