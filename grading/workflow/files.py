"""What a submitted file may be: a kind from a list, and a content that is what its name says."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from grading.errors import Refused

# A zip may unpack to this much, and above the floor only to so many times its own size.
MOST_UNPACKED = 1_000_000_000
RATIO_FLOOR = 10_000_000
MOST_RATIO = 100
MOST_ENTRIES = 10_000
MOST_JSON = 20_000_000


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
    """See that a file's content is what its name says, without unpacking or running any of it.

    Parameters
    ----------
    data : BinaryIO
        Seekable; where it is left is not defined.
    size : int
        In bytes.

    Raises
    ------
    Refused
        The kind is not on the list, the content is another, or it would unpack to too much.
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
    _entries(name, data, kind)


def _office(main_part: str) -> Check:
    def check_main_part(name: str, data: BinaryIO, kind: Kind) -> None:
        if main_part not in _entries(name, data, kind):
            raise _not_that(name, kind)

    return check_main_part


def _entries(name: str, data: BinaryIO, kind: Kind) -> set[str]:
    """Give the names in an archive; raise `Refused` for one that is none, or would do harm."""
    try:
        with zipfile.ZipFile(data) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise _not_that(name, kind) from None
    if len(entries) > MOST_ENTRIES:
        raise Refused("The file “%(name)s” holds more than %(n)s files.", name=name, n=MOST_ENTRIES)
    packed = sum(entry.compress_size for entry in entries)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MOST_UNPACKED or (
        unpacked > RATIO_FLOOR and unpacked > MOST_RATIO * max(packed, 1)
    ):
        raise Refused(
            "The file “%(name)s” would unpack to %(n)s MB, far more than its size. It is not taken.",
            name=name,
            n=unpacked // 1_000_000,
        )
    for entry in entries:
        path = entry.filename.replace("\\", "/")
        if path.startswith("/") or ".." in path.split("/") or ":" in path.split("/")[0]:
            raise Refused(
                "The file “%(name)s” holds an entry that points outside it: “%(entry)s”.",
                name=name,
                entry=entry.filename[:100],
            )
        if entry.flag_bits & 0x1:
            raise Refused(
                "The file “%(name)s” is locked with a password. Save it without one.", name=name
            )
    return {entry.filename for entry in entries}


def _text(name: str, data: BinaryIO, kind: Kind) -> None:
    rest = b""
    while chunk := data.read(1 << 20):
        if b"\0" in chunk:
            raise _not_that(name, kind)
        block = rest + chunk
        try:
            block.decode("utf-8")
            rest = b""
        except UnicodeDecodeError as error:
            # A character may be cut by the end of the block; anything else is no UTF-8.
            if error.end < len(block) or len(block) - error.start > 3:
                raise Refused(
                    "The file “%(name)s” is not UTF-8 text. Save it as UTF-8.", name=name
                ) from None
            rest = block[error.start :]
    if rest:
        raise Refused("The file “%(name)s” is not UTF-8 text. Save it as UTF-8.", name=name)


def _json(name: str, data: BinaryIO, kind: Kind) -> None:
    _json_value(name, data, kind)


def _notebook(name: str, data: BinaryIO, kind: Kind) -> None:
    notebook = _json_value(name, data, kind)
    if not (isinstance(notebook, dict) and isinstance(notebook.get("cells"), list)):
        raise _not_that(name, kind)


def _json_value(name: str, data: BinaryIO, kind: Kind) -> Any:
    raw = data.read(MOST_JSON + 1)
    if len(raw) > MOST_JSON:
        raise Refused("The file “%(name)s” must be smaller than 20 MB.", name=name)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise _not_that(name, kind) from None


_OFFICE = "application/vnd.openxmlformats-officedocument."
_DOCX, _PPTX, _XLSX = (
    _OFFICE + part
    for part in ("wordprocessingml.document", "presentationml.presentation", "spreadsheetml.sheet")
)
KINDS = {
    kind.suffix: kind
    for kind in (
        Kind("pdf", "application/pdf", "PDF", _pdf),
        Kind("docx", _DOCX, "Word", _office("word/document.xml")),
        Kind("pptx", _PPTX, "PowerPoint", _office("ppt/presentation.xml")),
        Kind("xlsx", _XLSX, "Excel", _office("xl/workbook.xml")),
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
