"""Text as it enters, by form, JSON, table or command: one form of it, and what cannot stay is named.

Lines (names, titles, addresses, links) are refused where they hold what nobody sees, since nobody could
tell two such lines apart. Long texts are somebody's work: what no page and no database takes leaves them,
and the rest stays. Everything is in Unicode's composed form (NFC).
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

import idna
from email_validator import EmailNotValidError, EmailSyntaxError, validate_email

from grading.errors import Fault, Refused
from grading.phrases import phrase

LONGEST_NAME = 200
LONGEST_LINK = 2_000
LONGEST_FILE_NAME = 255
NAME_WANTED = phrase("Give a name of at most 200 characters.")

# Code points that are no characters, by Unicode's word.
_NO_CHARACTER = re.compile(
    "[\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
    + "]"
)
# What a browser, a word processor or a teleprinter means by a new line.
_NEWLINES = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
# Letters by their category, but drawn as nothing.
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f")
_JOINERS = frozenset("\u200c\u200d")
# What this service puts around words whose direction is not the page's, and what is copied with them.
_ISOLATES = "\u2066\u2067\u2068\u2069"
# Letters of Hebrew, Arabic and their neighbours, and the marks that turn what follows them.
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\u202a-\u202e\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_NETLOC = re.compile(r"(\[[^][]+\]|[^][:@]+)(:\d*)?")
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def clean_text(text: str) -> str:
    """Give a long text without what cannot be kept: its controls go, half a character is replaced.

    Lines end with a line feed. A text of nothing that can be seen is the empty text.
    """
    if text.startswith("\u2068") and text.endswith("\u2069"):
        text = text[1:-1]
    # Two halves that belong together become the one character that they are.
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = _CONTROLS.sub("", _NEWLINES.sub("\n", _NO_CHARACTER.sub("\ufffd", text)))
    return unicodedata.normalize("NFC", text) if any(map(_is_seen, text)) else ""


def clean_line(text: str, *, joiners: bool = True) -> str:
    """Give a line of text in its one form: composed, with single spaces, and nothing hidden in it.

    Parameters
    ----------
    joiners : bool
        Whether the two joiners may stand where scripts and emoji need them.

    Raises
    ------
    Refused
        It holds a control, a mark of direction, half a character or what else nobody sees; the first is
        named, with what stands before it.
    """
    line = text.strip().strip(_ISOLATES).replace("\t", " ")
    for at, sign in enumerate(line):
        if _is_hidden(sign) and not (joiners and sign in _JOINERS and _joins(line, at)):
            raise _named(line, at)
    return unicodedata.normalize("NFC", " ".join(line.split()))


def isolated(value: object) -> object:
    """Give words as they are shown among others: what runs from right to left turns nothing around it.

    Whatever is no plain text, as finished markup, stays as it is.
    """
    if type(value) is str and _RIGHT_TO_LEFT.search(value):
        return f"\u2068{value}\u2069"
    return value


def seen_line(text: str) -> str:
    """Give a line without what nobody sees, where nobody can correct it: a provider's word, a file's name."""
    line = " ".join(text.split())
    seen = (sign for sign in line if not _is_hidden(sign) or sign in _JOINERS)
    return unicodedata.normalize("NFC", "".join(seen))


def file_name(text: str) -> str:
    """Give a file's name, without folders; where it is too long, its end stays."""
    return seen_line(re.split(r"[/\\]", text)[-1])[-LONGEST_FILE_NAME:]


def whole_number(text: str) -> int | None:
    """Give a number written in digits alone, small enough for any column; None for everything else."""
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 10 else None


def person_name(text: str) -> str:
    """Give a person's name as it is kept; raises `Refused` where it is none, or holds what is not seen."""
    name = clean_line(text)
    if len(name) > LONGEST_NAME or not any(
        unicodedata.category(sign)[0] == "L" and _is_seen(sign) for sign in name
    ):
        raise Refused(NAME_WANTED)
    return name


def email_address(text: str) -> str:
    """Give the one form of an e-mail address: small letters, its domain in its own script.

    The part before the @ is ASCII, since few mail servers take others.

    Raises
    ------
    Refused
        It is none; the message says why.
    """
    address = clean_line(text, joiners=False)
    try:
        valid = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailSyntaxError as error:
        if not address.rpartition("@")[0].isascii():
            raise Refused(
                "“%(text)s” has letters before the @ that most mail servers do not take. "
                "Give an address of plain letters.",
                text=address,
            ) from None
        raise Refused("“%(text)s” is not an e-mail address.", text=address) from error
    except EmailNotValidError as error:
        raise Refused("“%(text)s” is not an e-mail address.", text=address) from error
    return valid.normalized.lower()


def address_sought(text: str) -> str:
    """Give an address in the form in which accounts keep theirs; what is none stays, and finds nobody."""
    try:
        return email_address(text)
    except Refused:
        return clean_text(text).strip().lower()


def mail_address(address: str) -> str:
    """Give an address as it goes through every mail server: its domain in ASCII."""
    name, _at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    return f"{name}@{idna.encode(domain, uts46=True).decode()}"


def web_address(text: str) -> SplitResult:
    """Read an address of the web, http or https, with a host that can be one.

    Raises
    ------
    Refused
        It is none; the message says why.
    """
    if len(text) > LONGEST_LINK:
        raise Refused("A link has at most %(n)s characters.", n=LONGEST_LINK)
    link = clean_line(text, joiners=False)
    try:
        parts = urlsplit(link)
        parts.port  # noqa: B018 - a port that is none raises here
    except ValueError:
        raise _no_host(link) from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refused("A link starts with https:// or http:// and a host.")
    if " " in link:
        raise Refused("A link holds no spaces. Give one link a line.")
    if "@" in parts.netloc:
        raise Refused("A link holds no name and no password.")
    if not _NETLOC.fullmatch(parts.netloc) or not _is_host(parts.hostname or ""):
        raise _no_host(link)
    return parts


def web_link(text: str) -> str:
    """Give an address of the web as it is kept; raises `Refused` as `web_address` does."""
    return web_address(text).geturl()


def fault_of(where: str, clean: Callable[[str], object], text: str) -> Fault | None:
    """Say what `clean` finds wrong with a text, as the fault of its place; None where it is taken."""
    try:
        clean(text)
    except Refused as error:
        return Fault(where, error.template, error.params)
    return None


def _named(line: str, at: int) -> Refused:
    code = f"U+{ord(line[at]):04X}"
    words = [word for word in re.split(r"[^\w]+", line[:at]) if word]
    if not words:
        return Refused("Remove the character %(code)s at the beginning: nobody sees it.", code=code)
    return Refused(
        "Remove the character %(code)s after “%(before)s”: nobody sees it.",
        code=code,
        before=words[-1][-20:],
    )


def _is_hidden(sign: str) -> bool:
    return (
        unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or sign in _BLANK_LETTERS
        or _NO_CHARACTER.match(sign) is not None
    )


def _is_seen(sign: str) -> bool:
    return not _is_hidden(sign) and not sign.isspace()


def _joins(line: str, at: int) -> bool:
    """Say whether the signs beside a joiner are of those that it joins: emoji, or Arabic to Mongolian."""
    beside = line[at - 1 : at], line[at + 1 : at + 2]
    return all(
        sign
        and (
            "\u0600" <= sign < "\u1900"
            or (sign >= "\u2190" and unicodedata.category(sign) in ("So", "Sm", "Sk", "Mn"))
        )
        for sign in beside
    )


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return True
    try:
        labels = [
            label if label.isascii() else idna.encode(label, uts46=True).decode()
            for label in host.removesuffix(".").split(".")
        ]
    except idna.IDNAError:
        return False
    return len(host) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in labels)


def _no_host(link: str) -> Refused:
    host = re.split("[/?#]", link.partition("://")[2])[0]
    return Refused(
        "“%(host)s” is not the name of a host. Give the address alone, as your browser shows it.",
        host=host,
    )
