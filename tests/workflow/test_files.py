"""Files that are what they say, and files that are not."""

import io
import json
import zipfile
from typing import BinaryIO

import pypdfium2
import pytest

from grading.errors import Refused
from grading.workflow.files import KINDS, check, kind_of, neutral_name

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
            archive.writestr(name.replace("__", "/").replace("_up", ".."), data)
    return out.getvalue()


def checked(name: str, data: bytes) -> str:
    stream: BinaryIO = io.BytesIO(data)
    return check(name, stream, len(data)).suffix


ACCEPTED = {
    "a.pdf": a_pdf(),
    "b.PNG": PNG,
    "photo.jpeg": b"\xff\xd8\xff\xe0rest",
    "c.zip": a_zip(a=b"1"),
    "d.docx": a_zip(**{"word__document.xml": b"<x/>"}),
    "e.pptx": a_zip(**{"ppt__presentation.xml": b"<x/>"}),
    "f.xlsx": a_zip(**{"xl__workbook.xml": b"<x/>"}),
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
        ("a.zip", a_zip(_up__etc=b"x"), "points outside"),
        ("a.ipynb", b'{"no": "cells"}', "is not a notebook"),
        ("a.json", b"{", "is not a JSON file"),
        ("a.json", b"[" * 100_000, "is not a JSON file"),
        ("a.csv", b"a\0b", "is not a CSV file"),
        ("a.txt", "grüße".encode("latin-1"), "not UTF-8"),
        ("a.txt", b"cut off \xc3", "not UTF-8"),
    ],
)
def test_what_is_refused_names_the_file_and_the_fault(name: str, data: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        checked(name, data)
    assert name in str(caught.value)


def test_a_zip_bomb_is_seen_without_unpacking() -> None:
    bomb = a_zip(big=b"\0" * 30_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(Refused, match="would unpack to 30 MB"):
        checked("a.zip", bomb)
    with pytest.raises(Refused, match="more than 10000"):
        checked("b.zip", a_zip(**{f"n{number}": b"" for number in range(10_001)}))


def test_names_for_readers_tell_nothing() -> None:
    assert neutral_name("K7Q-M4X", 2, kind_of("Thesis of Alder.PDF")) == "K7Q-M4X-2.pdf"
    assert kind_of("C:\\work\\me.Jpeg") is KINDS["jpg"]
