"""The service's settings, read once from the environment; every fault is reported at once."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from argon2 import PasswordHasher

from grading.errors import Fault, FaultsFound
from grading.ports import FileStore, IdentityProvider, Mailer, Notary, PartnerGateway, Printer

SECRET_FILE = "secret-key"
SHORTEST_SECRET = 32
# A sheet’s autosave is small; only uploads of people who are signed in may be large, in bytes.
SMALL_BODY = 2_000_000
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class RelyingParty:
    """Whom browsers give passkeys to: the host name, and the one origin an answer may come from."""

    id: str
    origin: str
    name: str


@dataclass(frozen=True)
class OpenId:
    """An OpenID provider people may sign in with.

    Attributes
    ----------
    issuer : str
        Its address, as its own documents say it.
    name : str
        What people call it; it stands on the button.
    link_by_email : bool
        Whether a first sign-in may be linked to the account with its verified address.
    assured : tuple of str
        Values of the claim ``acr`` by which it asserts that it checked who somebody is.
    assured_days : int
        How long that holds.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    link_by_email: bool
    assured: tuple[str, ...]
    assured_days: int


@dataclass(frozen=True)
class Settings:
    """What an installation decides.

    Attributes
    ----------
    home : Path
        Folder of the embedded form: database, files, mail and the secret's file lie in it by default.
    database_url : str
        ``sqlite:///…`` or ``postgresql+psycopg://…``.
    files_url : str
        ``file:///folder`` or ``memory:``.
    mail_url : str
        ``smtp://``, ``smtps://``, ``smtp+starttls://`` or ``folder:///…``.
    security_log : str
        The file of the security log, or ``-`` for standard error.
    secret_key : str
        At least 32 characters; there is no default.
    base_url : str
        Where people reach the service; links in mail start with it.
    upload_limit : int
        Largest file, in bytes.
    trusted_proxies : int
        How many proxies stand in front and may be believed about the client's address.
    password_cost : str
        ``standard``, or ``light`` where sign-ins are made by the thousand in tests.
    demo : bool
        One-click doors for the demo's people; only ever on loopback, and in a database made as a demo's.
    partners_anywhere : bool
        Whether partners may stand in the own network, and be reached without TLS.
    openid : OpenId, optional
        The institution's sign-in, beside passwords.
    """

    home: Path
    database_url: str
    files_url: str
    mail_url: str
    security_log: str
    secret_key: str
    base_url: str
    mail_from: str
    service_name: str
    upload_limit: int
    trusted_proxies: int
    password_cost: str
    demo: bool
    partners_anywhere: bool
    openid: OpenId | None = None

    @property
    def secure(self) -> bool:
        """Whether cookies may only travel over https."""
        return self.base_url.startswith("https://")

    @property
    def relying_party(self) -> RelyingParty | None:
        """Who asks for passkeys, by the configured address and nothing a request says.

        None where browsers refuse passkeys: without https (but for localhost), or for a bare IP address.
        """
        url = urlsplit(self.base_url)
        host = (url.hostname or "").lower()
        if not host or _is_ip(host) or not (url.scheme == "https" or host == "localhost"):
            return None
        usual = {"https": 443, "http": 80}[url.scheme]
        port = "" if url.port in (None, usual) else f":{url.port}"
        return RelyingParty(host, f"{url.scheme}://{host}{port}", self.service_name)

    @property
    def sqlite_path(self) -> Path | None:
        """The database file of the embedded form, else None."""
        prefix = "sqlite:///"
        if self.database_url.startswith(prefix):
            return Path(self.database_url.removeprefix(prefix))
        return None

    @property
    def largest_body(self) -> int:
        """The most bytes that a request of somebody signed in may have."""
        return self.upload_limit + SMALL_BODY

    @property
    def own_paths(self) -> list[Path]:
        """What lies on this machine of the installation: folders, database, secret."""
        mail = urlsplit(self.mail_url)
        paths = [self.home, self.home / SECRET_FILE, Path(self.security_log)]
        if mail.scheme == "folder":
            paths.append(Path(unquote(mail.path)))
        if self.files_path is not None:
            paths.append(self.files_path)
        if self.sqlite_path is not None:
            paths += [Path(f"{self.sqlite_path}{part}") for part in ("", "-wal", "-shm")]
        return paths

    @property
    def files_path(self) -> Path | None:
        """The folder of the embedded form's files, else None."""
        url = urlsplit(self.files_url)
        return Path(url.path) if url.scheme == "file" else None


@dataclass(frozen=True)
class Installation:
    """The settings together with what fulfils the ports; the app keeps it for every edge."""

    settings: Settings
    files: FileStore
    mailer: Mailer
    hasher: PasswordHasher
    notary: Notary
    printer: Printer
    partners: PartnerGateway
    provider: IdentityProvider | None = None


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _whole(name: str, value: str, faults: list[Fault], *, low: int) -> int:
    if value.isdecimal() and int(value) >= low:
        return int(value)
    faults.append(Fault(name, "Give a whole number of at least %(low)s.", {"low": low}))
    return low


def _url(name: str, value: str, schemes: tuple[str, ...], faults: list[Fault]) -> str:
    if urlsplit(value).scheme not in schemes:
        faults.append(
            Fault(
                name, "The address starts with one of %(schemes)s.", {"schemes": ", ".join(schemes)}
            )
        )
    return value


def _openid(given: Callable[[str, str], str], faults: list[Fault]) -> OpenId | None:
    """Read the institution's sign-in; None where nothing of it is set."""
    names = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "NAME", "LINK_BY_EMAIL", "ASSURED_ACR",
             "ASSURED_DAYS")  # fmt: skip
    said = {name: given(f"OIDC_{name}", "") for name in names}
    if not any(said.values()):
        return None
    for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET"):
        if not said[name]:
            faults.append(Fault(f"GRADING_OIDC_{name}", "Set it, or nothing of GRADING_OIDC_…"))
    issuer = urlsplit(said["ISSUER"])
    loopback = issuer.hostname in LOOPBACK
    if said["ISSUER"] and not (issuer.scheme == "https" or (issuer.scheme == "http" and loopback)):
        faults.append(
            Fault("GRADING_OIDC_ISSUER", "The address starts with https://, but on this machine.")
        )
    link = said["LINK_BY_EMAIL"] or "0"
    if link not in ("0", "1"):
        faults.append(Fault("GRADING_OIDC_LINK_BY_EMAIL", "Set 0 or 1."))
    return OpenId(
        issuer=said["ISSUER"],
        client_id=said["CLIENT_ID"],
        client_secret=said["CLIENT_SECRET"],
        name=said["NAME"] or issuer.hostname or "",
        link_by_email=link == "1",
        assured=tuple(said["ASSURED_ACR"].split()),
        assured_days=_whole(
            "GRADING_OIDC_ASSURED_DAYS", said["ASSURED_DAYS"] or "365", faults, low=1
        ),
    )


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the ``GRADING_…`` variables.

    Raises
    ------
    FaultsFound
        Every fault, with the variable's name.
    """
    faults: list[Fault] = []

    def given(name: str, default: str) -> str:
        return environment.get(f"GRADING_{name}", "").strip() or default

    home = Path(given("HOME", "var")).absolute()
    secret = given("SECRET_KEY", "")
    secret_file = home / SECRET_FILE
    if not secret and secret_file.is_file():
        secret = secret_file.read_text(encoding="ascii").strip()
    if len(secret) < SHORTEST_SECRET:
        faults.append(
            Fault(
                "GRADING_SECRET_KEY",
                "Set at least %(n)s random characters, or run “grading init”, which writes them to "
                "%(file)s.",
                {"n": SHORTEST_SECRET, "file": str(secret_file)},
            )
        )
    database = given("DATABASE_URL", f"sqlite:///{home / 'grading.db'}")
    if database.startswith(("postgresql://", "postgres://")):
        database = "postgresql+psycopg://" + database.split("://", 1)[1]
    cost = given("PASSWORD_COST", "standard")
    if cost not in ("standard", "light"):
        faults.append(Fault("GRADING_PASSWORD_COST", "Choose standard or light."))
    demo = given("DEMO", "0")
    if demo not in ("0", "1"):
        faults.append(Fault("GRADING_DEMO", "Set 0 or 1."))
    base = _url(
        "GRADING_BASE_URL", given("BASE_URL", "http://127.0.0.1:8000"), ("http", "https"), faults
    ).rstrip("/")
    if demo == "1" and urlsplit(base).hostname not in LOOPBACK:
        faults.append(Fault("GRADING_DEMO", "The demo's open doors are for this machine only."))
    anywhere = given("PARTNERS_ANYWHERE", "0")
    if anywhere not in ("0", "1"):
        faults.append(Fault("GRADING_PARTNERS_ANYWHERE", "Set 0 or 1."))
    settings = Settings(
        home=home,
        database_url=_url(
            "GRADING_DATABASE_URL", database, ("sqlite", "postgresql+psycopg"), faults
        ),
        files_url=_url(
            "GRADING_FILES_URL",
            given("FILES_URL", f"file://{home / 'files'}"),
            ("file", "memory"),
            faults,
        ),
        mail_url=_url(
            "GRADING_MAIL_URL",
            given("MAIL_URL", f"folder://{home / 'mail'}"),
            ("smtp", "smtps", "smtp+starttls", "folder"),
            faults,
        ),
        security_log=given("SECURITY_LOG", str(home / "security.log")),
        secret_key=secret,
        base_url=base,
        mail_from=given("MAIL_FROM", "grading@localhost"),
        service_name=given("SERVICE_NAME", "Capstone Grading"),
        upload_limit=_whole(
            "GRADING_UPLOAD_LIMIT_MB", given("UPLOAD_LIMIT_MB", "200"), faults, low=1
        )
        * 1_000_000,
        trusted_proxies=_whole(
            "GRADING_TRUSTED_PROXIES", given("TRUSTED_PROXIES", "0"), faults, low=0
        ),
        password_cost=cost,
        demo=demo == "1",
        partners_anywhere=anywhere == "1",
        openid=_openid(given, faults),
    )
    if faults:
        raise FaultsFound(faults)
    return settings
