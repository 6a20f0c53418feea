"""What the house asks of the outside world. Adapters fulfil these; only `app` knows which."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Protocol


@dataclass(frozen=True)
class StoredBytes:
    """What a store kept: its size in bytes and the SHA-256 of the bytes, in hexadecimal."""

    size: int
    sha256: str


class FileStore(Protocol):
    """Immutable bytes by key."""

    def put(self, key: str, chunks: Iterable[bytes], *, limit: int) -> StoredBytes:
        """Keep the bytes under a new key.

        Raises
        ------
        Refused
            More than ``limit`` bytes came; nothing was kept.
        StaleRecord
            The key is taken.
        """

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the bytes in chunks; raises `NotFound`."""

    def delete(self, key: str) -> None:
        """Forget the bytes; a key that is not there is no error."""

    def keys(self) -> Iterator[str]:
        """Yield every key, sorted."""


class Mailer(Protocol):
    """Sends one message."""

    @property
    def where(self) -> str:
        """Where mail goes, in words for the operator."""

    def send(self, message: EmailMessage) -> None:
        """Send; raises `PassingFailure` or `PermanentFailure`."""

    def forget(self, address: str) -> int:
        """Delete what is kept here of messages to an address; gives how many there were."""


@dataclass(frozen=True)
class IssuerKey:
    """A signing key as it is kept: the public half, and the private half sealed by the installation.

    Attributes
    ----------
    kind : str
        ``ed25519`` (proofs) or ``rsa`` (tokens).
    public : str
        A Multikey, or a JWK as JSON.
    sealed : str
        Base64; only the notary that made it can open it.
    """

    kind: str
    public: str
    sealed: str


class Notary(Protocol):
    """Makes issuers' keys, signs with them, and checks what was signed."""

    def make(self, kind: str) -> IssuerKey:
        """Make a key pair."""

    def reseal(self, key: IssuerKey, old_secret: str) -> IssuerKey:
        """Seal a key anew that was sealed with another secret; one of our own is given back as it is.

        Raises
        ------
        PermanentFailure
            It was sealed with neither.
        """

    def sign(
        self, document: Mapping[str, Any], key: IssuerKey, *, method: str, created: str
    ) -> dict[str, Any]:
        """Give the document with a Data Integrity proof of an Ed25519 key.

        Parameters
        ----------
        method : str
            The key's address in the issuer's DID document.
        created : str
            The instant of the signature, RFC 3339.

        Raises
        ------
        PermanentFailure
            The signature would not cover every word of the document, or the key cannot be opened.
        """

    def verifies(self, document: Mapping[str, Any], public: str) -> bool:
        """Say whether the document's first proof is by this Multikey and covers all of it."""

    def token(self, claims: Mapping[str, Any], key: IssuerKey, *, kid: str) -> str:
        """Give claims as a compact JWS, RS256; raises `PermanentFailure` as `sign`."""

    def read_token(self, token: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
        """Give the claims of a token that a key of the set signed; raises `PermanentFailure`."""


@dataclass(frozen=True)
class Begun:
    """A sign-in that leads to a provider: the address, and what its answer is held against."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class SignedIn:
    """What a provider says of somebody who signed in; empty where it says nothing.

    ``assurance`` is its claim ``acr``: how it knows who they are.
    """

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    assurance: str


class IdentityProvider(Protocol):
    """Somebody else's sign-in (OpenID Connect)."""

    issuer: str

    def begin(self, back: str, *, now: datetime) -> Begun:
        """Lead somebody there, to come back to an address; raises `PassingFailure` if it is away."""

    def finish(
        self,
        back: str,
        answer: Mapping[str, str],
        *,
        state: str,
        nonce: str,
        verifier: str,
        now: datetime,
    ) -> SignedIn:
        """Take its answer.

        Raises
        ------
        Refused
            It is not the answer to what was begun, or not the provider's.
        PassingFailure
            The provider is away.
        """


class Printer(Protocol):
    """Sets a certificate."""

    def certificate(self, facts: Mapping[str, Any]) -> bytes:
        """Give a PDF/UA of one page; ``facts`` are texts that are set as they are.

        Raises
        ------
        Refused
            Its fonts lack a letter.
        """

    def unsettable(self, text: str) -> str:
        """Give the signs of a text that its fonts lack, each once; empty where there are none."""


class PartnerGateway(Protocol):
    """Hands signed credentials to a partner's address; once, and without a second try of its own."""

    def check(self, address: str) -> None:
        """Say whether something may be sent to an address at all; raises `Refused`."""

    def send(self, address: str, body: bytes, *, key: str) -> None:
        """Send JSON.

        Parameters
        ----------
        key : str
            The same for the same content, so that the other side can know it again.

        Raises
        ------
        Refused
            The address may not be sent to; nothing left the house.
        PassingFailure
            The other side could not be reached; nothing left the house.
        PermanentFailure
            The other side got it and said no.
        Unconfirmed
            It was sent, and no answer came that could be understood.
        """
