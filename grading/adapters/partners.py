"""Sending to partners over https, to addresses that a partner can have and we should not be led past."""

import http.client
import ipaddress
import socket
import ssl
from urllib.parse import SplitResult

from grading.errors import PassingFailure, PermanentFailure, Refused, Unconfirmed
from grading.texts import web_address

TIMEOUT = 20
_ANSWER = 4_096


class HttpPartnerGateway:
    """POSTs JSON. Fulfils `grading.ports.PartnerGateway`.

    The name is resolved once, every address it has is looked at, and the connection is made to an
    address that was looked at: so no answer of a name server that changes in between leads elsewhere.
    Redirects are not followed, and no proxy of the environment is used.

    Parameters
    ----------
    anywhere : bool
        Also plain http, and addresses of the own network: where partners stand in it, and in tests.
    """

    def __init__(self, *, anywhere: bool) -> None:
        self._anywhere = anywhere

    def check(self, address: str) -> None:
        self._resolve(self._parts(address))

    def _parts(self, address: str) -> SplitResult:
        parts = web_address(address)
        if parts.scheme != "https" and not self._anywhere:
            raise Refused("The address must begin with https://.")
        return parts

    def _resolve(self, parts: SplitResult) -> list[str]:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            answers = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError:
            raise PassingFailure(
                "The name %(host)s is not known.", host=str(parts.hostname)
            ) from None
        addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        if not self._anywhere and not all(_public(address) for address in addresses):
            raise Refused("The address lies within a private network, and nothing is sent there.")
        return addresses

    def send(self, address: str, body: bytes, *, key: str) -> None:
        parts = self._parts(address)
        connection = _connection(parts, self._resolve(parts)[0])
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise PassingFailure(
                "The partner cannot be reached: %(why)s.", why=str(error)
            ) from error
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "Host": parts.netloc,
            "User-Agent": "capstone-grading",
        }
        try:
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read(_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise Unconfirmed(
                "It was sent, but no answer came: %(why)s.", why=str(error) or type(error).__name__
            ) from error
        finally:
            connection.close()
        if answer.status >= 500:
            raise Unconfirmed(
                "It was sent, and the partner's server failed (%(status)s).", status=answer.status
            )
        if not 200 <= answer.status < 300:
            raise PermanentFailure(
                "The partner did not accept it (%(status)s).", status=answer.status
            )


# Where an address of version 6 holds one of version 4, to which a gateway on the way may lead: how many
# bits stand after it.
_EMBEDDING = (
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
# Translation within a network, a tunnel through strangers, and what was private once.
_NEVER = tuple(map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "2001::/32", "fec0::/10")))
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        places = [bits for network, bits in _EMBEDDING if ip in network]
        if int(ip) >> 32 & 0xFFFF_FFFF in _ISATAP:
            places.append(0)
        held = [ipaddress.IPv4Address(int(ip) >> bits & 0xFFFF_FFFF) for bits in places]
        if any(ip in network for network in _NEVER) or not all(_public(str(ip4)) for ip4 in held):
            return False
        if held:
            return True
    return ip.is_global and not ip.is_multicast


def _connection(parts: SplitResult, address: str) -> http.client.HTTPConnection:
    host = str(parts.hostname)
    if parts.scheme == "http":
        return _Plain(host, address, parts.port)
    return _Secure(host, address, parts.port)


class _Plain(http.client.HTTPConnection):
    """A connection to an address that was looked at, under the name it was found by."""

    def __init__(self, host: str, address: str, port: int | None) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), TIMEOUT)


class _Secure(http.client.HTTPSConnection):
    """The same over TLS: the certificate is asked for by name."""

    def __init__(self, host: str, address: str, port: int | None) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(host, port, timeout=TIMEOUT, context=self._tls)
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), TIMEOUT)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
