"""Files that are what they say, and files that are not."""

import io
import json
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pypdfium2
import pytest

from grading.errors import Refused
from grading.workflow.files import KINDS, check, kind_of, neutral_name

DATA = Path(__file__).parent.parent / "data" / "files"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def a_pdf(pages: int = 1) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(200, 200)
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def a_zip(**entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("_up", ".."), data)
    return out.getvalue()


def an_office_file(family: str, main: str) -> bytes:
    """What a program writes to say which part is the main one, and what it is."""
    kind = f"application/vnd.openxmlformats-officedocument.{family}.main+xml"
    return a_zip(
        **{
            "_rels/.rels": (
                '<Relationships><Relationship Type="http://x/officeDocument"'
                f' Target="{main}"/></Relationships>'
            ).encode(),
            "[Content_Types].xml": (
                f'<Types><Override PartName="/{main}" ContentType="{kind}"/></Types>'
            ).encode(),
            main: b"<x/>",
        }
    )


def a_notebook(size: int) -> bytes:
    """A notebook with a picture of so many bytes in it, as written by a program."""
    cell = {
        "cell_type": "code",
        "execution_count": float("nan"),
        "outputs": [{"data": {"image/png": '\\"' * 50 + "A" * size}}],
        "source": ["print('a } in a string, a \\')"],
    }
    return json.dumps({"cells": [cell], "nbformat": 4}).encode()


def checked(name: str, data: bytes) -> str:
    stream: BinaryIO = io.BytesIO(data)
    return check(name, stream, len(data)).suffix


ACCEPTED = {
    "a.pdf": a_pdf(),
    "b.PNG": PNG,
    "photo.jpeg": b"\xff\xd8\xff\xe0rest",
    "c.zip": a_zip(a=b"1"),
    "d.docx": an_office_file("wordprocessingml.document", "word/document.xml"),
    "e.pptx": an_office_file("presentationml.presentation", "ppt/p.xml"),
    "f.xlsx": an_office_file("spreadsheetml.sheet", "xl/workbook.xml"),
    "g.ipynb": json.dumps({"cells": []}).encode(),
    "h.csv": "größe,1\n".encode(),
    "i.mp4": b"\0\0\0\x18ftypmp42",
    "j.webm": b"\x1a\x45\xdf\xa3",
    "k.json": b"[1]",
    "l.txt": ("é" * 600_000).encode(),
    "m.md": b"# Method",
    "n.py": b"print(1)",
    "o.R": b"print(1)",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_taken(name: str) -> None:
    assert checked(name, ACCEPTED[name]) == kind_of(name).suffix


def test_every_kind_takes_its_own_and_refuses_another() -> None:
    assert {kind_of(name).suffix for name in ACCEPTED} == set(KINDS)
    for suffix, kind in KINDS.items():
        assert kind.media_type.count("/") == 1
        assert kind.label
        with pytest.raises(Refused, match="is not a"):
            checked(f"work.{suffix}", b"\0\1\2 of no kind")
    assert {suffix for suffix, kind in KINDS.items() if kind.is_image} == {"png", "jpg"}


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.exe", b"MZ", "must be one of PDF"),
        ("noextension", b"x", "must be one of"),
        ("a.pdf", b"", "is empty"),
        ("a.pdf", b"not a pdf at all", "is not a PDF file"),
        ("a.pdf", b"%PDF-1.7 but nothing else", "is not a PDF file"),
        ("a.png", a_pdf(), "is not a PNG file"),
        ("a.zip", b"PK\x03\x04 cut off", "is not a ZIP file"),
        ("a.docx", a_zip(**{"other.xml": b"x"}), "is not a Word file"),
        ("a.zip", a_zip(**{"_up/etc": b"x"}), "points outside"),
        ("a.zip", a_zip(**{"C:\\evil.exe": b"x"}), "points outside"),
        (
            "a.docx",
            an_office_file("presentationml.presentation", "ppt/p.xml"),
            "is not a Word file",
        ),
        ("a.docx", an_office_file("wordprocessingml.document", "gone.xml")[:-300], "is not a Word"),
        ("a.ipynb", b'{"no": "cells"}', "is not a notebook"),
        ("a.json", b"{", "is not a JSON file"),
        ("a.json", b"[" * 100_000, "is not a JSON file"),
        ("a.csv", b"a\0b", "is not a CSV file"),
        ("a.txt", b"\xff\xfea\0cut off in half a character", "is not a text file"),
        ("a.json", b"[" + b"1," * 3_000_000, "is not a JSON file"),
        ("a.json", b'{"a": "' + b"x" * 6_000_000, "is not a JSON file"),
        ("a.json", b"<html>" + b" " * 6_000_000, "is not a JSON file"),
        ("a.ipynb", b'{"a": ["' + b"x" * 6_000_000 + b'"]}', "is not a notebook"),
        ("project.tar.gz", b"x", "Put its files into a ZIP"),
        ("thesis.doc", b"x", "Save “thesis.doc” as .docx"),
        ("photo.heic", b"x", "as PNG or JPEG"),
    ],
)
def test_what_is_refused_names_the_file_and_the_fault(name: str, data: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        checked(name, data)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("word_online.docx", "word_online.docx"),
        ("sparse_csv.zip", "sparse_csv.zip"),
        ("colon_name.zip", "colon_name.zip"),
        ("nan.ipynb", "nan.ipynb"),
        ("cp1252.csv", "cp1252.csv"),
        ("utf16_excel.csv", "utf16_excel.csv"),
        ("latin1.py.txt", "latin1.py"),
    ],
)
def test_what_usual_programs_write_is_taken(stored: str, name: str) -> None:
    assert checked(name, (DATA / stored).read_bytes()) == name.rpartition(".")[2]


def test_an_archive_that_is_not_taken_says_the_way_on() -> None:
    with pytest.raises(Refused, match="Put its files into a ZIP"):
        checked("project.tar.gz", (DATA / "project.tar.gz").read_bytes())


def test_a_large_notebook_is_taken_as_far_as_the_upload_goes() -> None:
    assert checked("large.ipynb", a_notebook(24_000_000)) == "ipynb"


def test_large_json_is_looked_through_in_pieces_wherever_they_are_cut() -> None:
    for shift in range(4):
        filling = "x" * (2**20 - 40 + shift) + '\\"' * 40
        text = json.dumps({"pad": [filling] * 6, "cells": [1]})
        assert checked("cut.ipynb", text.encode()) == "ipynb"


def test_an_archive_of_very_many_files_is_refused() -> None:
    with pytest.raises(Refused, match="more than 10000"):
        checked("b.zip", a_zip(**{f"n{number}": b"" for number in range(10_001)}))


def an_archive_of_nothing(entries: int) -> bytes:
    """The directory of an archive alone: the shortest entries there can be, and its end."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *([0] * 18)) + b"a"
    entry = entry[:28] + struct.pack("<H", 1) + entry[30:]
    directory = entry * entries
    return directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 0, 0)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("b.zip", an_archive_of_nothing(600_000)),
        ("b.docx", an_archive_of_nothing(600_000)),
        ("b.json", b"[" + b"[]," * 7_000_000 + b"[]]"),
        ("b.json", b"[" + b"[]," * 600_000 + b"[]]"),
    ],
)
def test_looking_at_a_file_costs_little_whatever_it_holds(name: str, content: bytes) -> None:
    tracemalloc.start()
    try:
        with suppress(Refused):
            checked(name, content)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_the_list_of_an_office_files_parts_is_unpacked_within_bounds() -> None:
    bomb = a_zip(**{"_rels/.rels": b" " * 30_000_000, "[Content_Types].xml": b"<Types/>"})
    with pytest.raises(Refused, match="is not a Word file"):
        checked("a.docx", bomb)


def test_names_for_readers_tell_nothing() -> None:
    assert neutral_name("K7Q-M4X", 2, kind_of("Thesis of Alder.PDF")) == "K7Q-M4X-2.pdf"
    assert kind_of("C:\\work\\me.Jpeg") is KINDS["jpg"]
