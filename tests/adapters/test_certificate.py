"""Certificates: one tagged page, every text as it was given, the code with the address."""

from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
import segno

from grading.adapters.certificate import TypstPrinter
from grading.errors import Refused

FACTS: dict[str, Any] = {
    "language": "en",
    "issuer": "Example College",
    "title": "A city's bicycles",
    "name": "Ada Byron",
    "name_note": "",
    "lines": ["The capstone of the program Counting bicycles", "Pass"],
    "signatories": [{"name": "Grace Brewster", "title": "Dean"}],
    "date": "7 September 2026",
    "at": "2026-09-07T08:00:00+00:00",
    "id": "abc-DEF_123",
    "address": "https://capstone.example.edu/verify/abc-DEF_123",
    "labels": {
        "awarded": "Awarded to",
        "issued": "Issued on",
        "id": "Credential ID:",
        "check": "Check it at",
        "proof": "This page is no proof.",
        "code": "Square code of",
    },
}


def text_of(facts: dict[str, Any]) -> str:
    document = pypdfium2.PdfDocument(TypstPrinter().certificate(facts))
    assert len(document) == 1
    assert document.is_tagged()
    return str(document[0].get_textpage().get_text_range())


@pytest.mark.parametrize(
    "name",
    [
        "Žofie Łukasiewicz",
        "Ωμέγα Παπαδόπουλος",
        "Иван Щукин",
        '#read("/etc/passwd")',
        "*bold* _it_ $x^2$ `raw` @label <tag> \\ // no comment",
        "#let x = panic()",
    ],
)
def test_a_name_is_set_as_it_is(name: str) -> None:
    # A line break in a long name is the printer's.
    assert name.replace(" ", "") in text_of(FACTS | {"name": name}).replace("\r\n", "").replace(
        " ", ""
    )


OTHER = Path(__file__).parents[1] / "data" / "other"
*SET, ETHIOPIC, EMOJI, CONJUNCTS = (OTHER / "names.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "name", [*SET, CONJUNCTS, "أحمد علي", "שרה כהן", "నాయుడు", "សុខា", "Nguyễn Thị", "Đurić"]
)
def test_a_name_is_set_in_every_script_that_has_a_font(name: str) -> None:
    assert TypstPrinter().unsettable(name) == ""
    assert text_of(FACTS | {"name": name})


def test_conjuncts_are_joined() -> None:
    """Two names apart only in a joiner that forbids the conjunct are drawn differently."""
    printer = TypstPrinter()
    joined, apart = (
        pypdfium2.PdfDocument(printer.certificate(FACTS | {"name": name}))[0].render().to_numpy()
        for name in ("प्रिया", "प्\u200cरिया")
    )
    assert (joined != apart).any()


@pytest.mark.parametrize(
    ("name", "signs"), [(ETHIOPIC, "አበ"), (EMOJI, "🌿"), ("Ada \ue000", "\ue000")]
)
def test_what_cannot_be_set_is_named_and_never_left_out(name: str, signs: str) -> None:
    assert TypstPrinter().unsettable(name) == signs
    with pytest.raises(Refused, match=f"“{signs}”"):
        TypstPrinter().certificate(FACTS | {"name": name})
    with pytest.raises(Refused, match=f"“{signs}”"):
        TypstPrinter().certificate(FACTS | {"signatories": [{"name": name, "title": "Dean"}]})


def test_it_says_everything_in_words_too() -> None:
    text = text_of(FACTS)
    for said in (
        *FACTS["lines"],
        "Example College",
        "Grace Brewster",
        "Dean",
        "7 September 2026",
        "abc-DEF_123",
        FACTS["address"],
        "This page is no proof.",
    ):
        assert said in text


def test_nobody_has_to_sign() -> None:
    assert "Dean" not in text_of(FACTS | {"signatories": []})


def test_equal_facts_give_equal_bytes() -> None:
    assert TypstPrinter().certificate(FACTS) == TypstPrinter().certificate(dict(FACTS))


def test_it_is_a4_landscape_and_says_that_it_is_accessible() -> None:
    printed = TypstPrinter().certificate(FACTS)
    page = pypdfium2.PdfDocument(printed)[0]
    assert [round(side) for side in page.get_size()] == [842, 595]
    # The identification of ISO 14289-1 stands in the metadata, which is not compressed.
    assert b"<pdfuaid:part>1</pdfuaid:part>" in printed


def test_the_code_holds_the_address() -> None:
    """Each module of the printed code is that of the address: 30 mm wide, with one free all round."""
    page = pypdfium2.PdfDocument(TypstPrinter().certificate(FACTS))[0]
    scale = 8
    pixels = np.asarray(page.render(scale=scale).to_numpy()[:, :, 0])
    millimetre = scale * 72 / 25.4
    expected = [list(row) for row in segno.make(FACTS["address"], error="m").matrix]
    module = 30 / (len(expected) + 2)
    left, top = 297 - 28 - 30, 210 - 18 - 30

    def dark(row: int, column: int) -> bool:
        y = round((top + (row + 1.5) * module) * millimetre)
        x = round((left + (column + 1.5) * module) * millimetre)
        return bool(pixels[y, x] < 128)

    found = [
        [int(dark(row, column)) for column in range(len(expected))] for row in range(len(expected))
    ]
    assert found == expected
