"""What a submitted file may be: a kind from a list, and a content that is what its name says."""

import codecs
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Literal, cast
from xml.etree import ElementTree

from grading.errors import Refused
from grading.phrases import phrase

MOST_ENTRIES = 10_000
# The shortest entry of a directory has 46 bytes; with such names as people give it has some 150.
MOST_OF_DIRECTORY = 200 * MOST_ENTRIES
# What is unpacked or read whole in memory to look at it; a larger file is looked through in pieces.
MOST_UNPACKED = 2_000_000
# An empty list of two bytes takes forty times as many in memory.
MOST_PARSED = 2_000_000
_PIECE = 1 << 20


@dataclass(frozen=True)
class Kind:
    """A kind of file: its suffix names it, its check sees that the content is what the name says."""

    suffix: str
    media_type: str
    label: str
    check: "Check"
    # Shown on the reader's page; a file of another kind is only downloaded.
    is_image: bool = False
    other_suffixes: tuple[str, ...] = ()


# Reads the data of a file of that name from its start; raises `Refused` where it is not of the kind.
Check = Callable[[str, BinaryIO, Kind], None]


def kind_of(name: str) -> Kind:
    """Give the kind a file name claims; raises `Refused` naming the kinds there are."""
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower().lstrip(".")
    kind = _BY_SUFFIX.get(suffix)
    if kind is None and (family := _NOT_TAKEN.get(suffix)):
        raise Refused(_WAYS_ON[family], name=name)
    if kind is None:
        raise Refused(
            "The file “%(name)s” must be one of %(kinds)s.",
            name=name,
            kinds=", ".join(kind.label for kind in KINDS.values()),
        )
    return kind


def neutral_name(blind_code: str, number: int, kind: Kind) -> str:
    """Name a file so that it tells nothing of who wrote it: ``K7Q-M4X-1.pdf``."""
    return f"{blind_code}-{number}.{kind.suffix}"


def check(name: str, data: BinaryIO, size: int) -> Kind:
    """See that a file's content is what its name says, without running any of it.

    Nothing is unpacked but the two short lists that say what an Office file is, so that no guard against
    what an archive would unpack to stands here.

    Parameters
    ----------
    data : BinaryIO
        Seekable; where it is left is not defined.
    size : int
        In bytes.

    Raises
    ------
    Refused
        The kind is not on the list, or the content is another.
    """
    kind = kind_of(name)
    if size == 0:
        raise Refused("The file “%(name)s” is empty.", name=name)
    data.seek(0)
    kind.check(name, data, kind)
    return kind


def _not_that(name: str, kind: Kind) -> Refused:
    return Refused(
        "The file “%(name)s” is not a %(kind)s file, although its name says so.",
        name=name,
        kind=kind.label,
    )


def _starts(*magic: bytes, at: int = 0) -> Check:
    def check_start(name: str, data: BinaryIO, kind: Kind) -> None:
        head = data.read(at + max(len(item) for item in magic))
        if not any(head[at:].startswith(item) for item in magic):
            raise _not_that(name, kind)

    return check_start


def _pdf(name: str, data: BinaryIO, kind: Kind) -> None:
    import pypdfium2

    if b"%PDF-" not in data.read(1024):
        raise _not_that(name, kind)
    data.seek(0)
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Refused(
                "The file “%(name)s” is locked with a password. Save it without one.", name=name
            ) from None
        raise _not_that(name, kind) from None
    try:
        pages = len(document)
    finally:
        document.close()
    if not pages:
        raise Refused("The file “%(name)s” has no pages.", name=name)


def _zip(name: str, data: BinaryIO, kind: Kind) -> None:
    with _opened(name, data, kind):
        pass


def _office(family: str) -> Check:
    """Make the check of an Office file, whose main part is of a family such as ``wordprocessingml``."""

    def check_main_part(name: str, data: BinaryIO, kind: Kind) -> None:
        with _opened(name, data, kind) as archive:
            try:
                main_type = _main_type(archive)
            except (KeyError, StopIteration, ValueError, ElementTree.ParseError, *_UNREADABLE):
                raise _not_that(name, kind) from None
        if family not in main_type or not main_type.endswith("main+xml"):
            raise _not_that(name, kind)

    return check_main_part


_UNREADABLE = (zipfile.BadZipFile, OSError, NotImplementedError, EOFError)


def _main_type(archive: zipfile.ZipFile) -> str:
    """Give the content type of an Office file's main part, which is found by its relation, not its name."""
    main = next(
        relation.attrib["Target"].lstrip("/")
        for relation in _parts(archive, "_rels/.rels")
        if relation.attrib["Type"].endswith("/officeDocument")
    )
    archive.getinfo(main)
    return next(
        part.attrib["ContentType"]
        for part in _parts(archive, "[Content_Types].xml")
        if part.attrib.get("PartName", "").lstrip("/").lower() == main.lower()
    )


def _parts(archive: zipfile.ZipFile, entry: str) -> ElementTree.Element:
    with archive.open(entry) as stream:
        text = stream.read(MOST_UNPACKED + 1)
    if len(text) > MOST_UNPACKED:
        raise ValueError(entry)
    return ElementTree.fromstring(text)


class _TooLarge(Exception):
    """More would be read at once than a directory of `MOST_ENTRIES` has."""


class _InPieces:
    """A file of which nobody reads more at once than a directory of an archive may have.

    The library reads a directory whole and makes an object of each entry, before anybody can count them.
    """

    def __init__(self, data: BinaryIO) -> None:
        self._data = data
        self.seek, self.tell, self.seekable = data.seek, data.tell, data.seekable

    def read(self, size: int = -1) -> bytes:
        if size > MOST_OF_DIRECTORY:
            raise _TooLarge
        return self._data.read(size)


def _opened(name: str, data: BinaryIO, kind: Kind) -> zipfile.ZipFile:
    """Open an archive; raises `Refused` for one that is none, is locked, or points outside itself."""
    too_many = Refused(
        "The file “%(name)s” holds more than %(n)s files.", name=name, n=MOST_ENTRIES
    )
    try:
        archive = zipfile.ZipFile(cast(BinaryIO, _InPieces(data)))
    except _TooLarge:
        raise too_many from None
    except (ValueError, *_UNREADABLE):
        raise _not_that(name, kind) from None
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise too_many
    for entry in entries:
        path = entry.filename.replace("\\", "/")
        # A colon is a character of a name; after one letter and before a slash it is a drive.
        if path.startswith("/") or ".." in path.split("/") or re.match(r"[A-Za-z]:/", path):
            raise Refused(
                "The file “%(name)s” holds an entry that points outside it: “%(entry)s”.",
                name=name,
                entry=entry.filename[:100],
            )
        if entry.flag_bits & 0x1:
            raise Refused(
                "The file “%(name)s” is locked with a password. Save it without one.", name=name
            )
    return archive


# What no text has in any encoding that extends ASCII; tabs, line ends and escape sequences of logs it has.
_NO_TEXT = re.compile(rb"[\x00-\x06\x0e-\x19\x1c-\x1f]")


def _text(name: str, data: BinaryIO, kind: Kind) -> None:
    """See that a file is text, in whatever encoding its writer's programs use; the bytes stay as they are."""
    pieces = _pieces(data)
    first = next(pieces, b"")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")()
        try:
            for piece in (first, *pieces):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise _not_that(name, kind) from None
    elif any(_NO_TEXT.search(piece) for piece in (first, *pieces)):
        raise _not_that(name, kind)


def _pieces(data: BinaryIO) -> Iterator[bytes]:
    while piece := data.read(_PIECE):
        yield piece


def _json(name: str, data: BinaryIO, kind: Kind) -> None:
    _json_with(None, name, data, kind)


def _notebook(name: str, data: BinaryIO, kind: Kind) -> None:
    _json_with("cells", name, data, kind)


def _json_with(key: Literal["cells"] | None, name: str, data: BinaryIO, kind: Kind) -> None:
    """See that a file is JSON, and an object with a list under a key where one is named."""
    raw = data.read(MOST_PARSED + 1)
    try:
        if len(raw) > MOST_PARSED:
            data.seek(0)
            right = _looks_like_json(data, key)
        else:
            value = json.loads(raw)
            right = key is None or (isinstance(value, dict) and isinstance(value.get(key), list))
    except (ValueError, RecursionError):
        right = False
    if not right:
        raise _not_that(name, kind)


def _looks_like_json(data: BinaryIO, key: str | None) -> bool:
    """Look through JSON that is too large to be read whole: its letters outside strings, its brackets."""
    wanted = re.compile(rb'"%s"\s*:\s*\[' % (key or "").encode())
    has_key, inside, depth = key is None, False, {b"{}": 0, b"[]": 0}
    last = cut = b""
    for piece in _pieces(data):
        has_key = has_key or wanted.search(last + piece) is not None
        # Without escapes, every quotation mark begins or ends a string.
        block = _ESCAPED.sub(b"", cut + piece)
        cut = b"\\" if block.endswith(b"\\") else b""
        strings = block.removesuffix(b"\\").split(b'"')
        outside = b"".join(strings[inside::2])
        inside ^= len(strings) % 2 == 0
        if outside.translate(None, _OUTSIDE_STRINGS):
            return False
        for pair in depth:
            depth[pair] += outside.count(pair[:1]) - outside.count(pair[1:])
        last = piece[-60:]
    return has_key and not inside and not any(depth.values())


_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_OUTSIDE_STRINGS = (
    b" \t\r\n{}[],:+-.0123456789eE" + b"true" + b"false" + b"null" + b"NaN" + b"Infinity"
)

_OFFICE = "application/vnd.openxmlformats-officedocument."
_DOCX, _PPTX, _XLSX = (
    _OFFICE + part
    for part in ("wordprocessingml.document", "presentationml.presentation", "spreadsheetml.sheet")
)
KINDS = {
    kind.suffix: kind
    for kind in (
        Kind("pdf", "application/pdf", "PDF", _pdf),
        Kind("docx", _DOCX, "Word", _office("wordprocessingml")),
        Kind("pptx", _PPTX, "PowerPoint", _office("presentationml")),
        Kind("xlsx", _XLSX, "Excel", _office("spreadsheetml")),
        Kind("ipynb", "application/x-ipynb+json", "notebook", _notebook),
        Kind("zip", "application/zip", "ZIP", _zip),
        Kind("png", "image/png", "PNG", _starts(b"\x89PNG\r\n\x1a\n"), is_image=True),
        Kind(
            "jpg",
            "image/jpeg",
            "JPEG",
            _starts(b"\xff\xd8\xff"),
            is_image=True,
            other_suffixes=("jpeg",),
        ),
        Kind("mp4", "video/mp4", "MP4", _starts(b"ftyp", at=4)),
        Kind("webm", "video/webm", "WebM", _starts(b"\x1a\x45\xdf\xa3")),
        Kind("csv", "text/csv", "CSV", _text),
        Kind("json", "application/json", "JSON", _json),
        Kind("txt", "text/plain", "text", _text),
        Kind("md", "text/markdown", "Markdown", _text),
        Kind("py", "text/x-python", "Python", _text),
        Kind("r", "text/x-r", "R", _text),
    )
}
_BY_SUFFIX = {
    suffix: kind for kind in KINDS.values() for suffix in (kind.suffix, *kind.other_suffixes)
}
# What to do with a file of a kind that is not taken, where there is a way.
_WAYS_ON = {
    "archive": phrase(
        "“%(name)s” is an archive that not every reader can open. Put its files into a ZIP."
    ),
    "text": phrase("Save “%(name)s” as .docx or as PDF."),
    "slides": phrase("Save “%(name)s” as .pptx or as PDF."),
    "sheet": phrase("Save “%(name)s” as .xlsx or as CSV."),
    "picture": phrase("Save the picture “%(name)s” as PNG or JPEG."),
}
_NOT_TAKEN = {
    suffix: family
    for family, suffixes in {
        "archive": "tar gz tgz bz2 xz 7z rar",
        "text": "doc odt rtf pages",
        "slides": "ppt odp key",
        "sheet": "xls ods numbers",
        "picture": "gif heic webp tif tiff bmp svg",
    }.items()
    for suffix in suffixes.split()
}
