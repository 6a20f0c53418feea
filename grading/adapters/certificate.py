"""Certificates as tagged PDF (PDF/UA-1), set by typst with fonts of packages; the square code by segno."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import segno
import typst

from grading.errors import Refused

# For each script a font that shapes it, and no other: a letter that a font has, but cannot join to its
# neighbours, would be misshapen without anybody being told.
_FONTS = {
    "Libertinus Serif": None,
    "Noto Sans Arabic": "fontpkg_noto_sans_arabic",
    "Noto Sans Devanagari": "fontpkg_noto_sans_devanagari",
    "Noto Sans Tamil": "fontpkg_noto_sans_tamil",
    "Noto Sans Telugu": "fontpkg_noto_sans_telugu",
    "Noto Sans Thai": "fontpkg_noto_sans_thai",
    "Noto Sans Khmer": "fontpkg_noto_sans_khmer",
    "Noto Sans CJK SC": "manimgx_fonts_cjk",
}
_PLAIN = re.compile("[ -~\u00a1-\u024f]*")
_KANA = re.compile("[\u3040-\u30ff]")
_MISSING = re.compile('the text `"(.+?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_WORDS = b"""#set document(title: "words", author: "words")
#set text(font: json(bytes(sys.inputs.at("families"))), fallback: false)
#json(bytes(sys.inputs.at("facts")))"""


class TypstPrinter:
    """Sets certificates in this process. Fulfils `grading.ports.Printer`."""

    def certificate(self, facts: Mapping[str, Any]) -> bytes:
        code = BytesIO()
        segno.make(str(facts["address"]), error="m", micro=False).save(
            code, kind="svg", border=1, xmldecl=False
        )
        page = (files("grading") / "adapters" / "certificate.typ").read_bytes()
        at = int(datetime.fromisoformat(str(facts["at"])).timestamp())
        try:
            return _set(page, dict(facts) | {"code": code.getvalue().decode()}, at)
        except typst.TypstError as error:
            if not (signs := _missing(error)):
                raise
            raise Refused(
                "The certificate cannot be printed: its fonts have no “%(signs)s”. The record and the "
                "credential’s file show every letter.",
                signs=self.unsettable(" ".join(_texts(facts))) or signs,
            ) from error

    def unsettable(self, text: str) -> str:
        missing = ""
        while not _PLAIN.fullmatch(text):
            try:
                _set(_WORDS, text, 0)
                break
            except typst.TypstError as error:
                signs = [sign for sign in _missing(error) if sign in text]
                if not signs:
                    raise
                missing += "".join(signs)
                text = "".join(sign for sign in text if sign not in signs)
        return missing


def _set(source: bytes, facts: Any, at: int) -> bytes:
    words = json.dumps(facts, ensure_ascii=False)
    families = list(_FONTS)
    if _KANA.search(words):
        families.insert(1, "Noto Sans CJK JP")
    return bytes(
        typst.compile(
            source,
            format="pdf",
            # Data only: nothing a name holds is ever read as markup.
            sys_inputs={"facts": words, "families": json.dumps(families)},
            pdf_standards=["ua-1"],
            font_paths=_fonts(),
            timestamp=at,
        )
    )


@cache
def _fonts() -> typst.Fonts:
    folders = [str(files(package)) for package in _FONTS.values() if package is not None]
    return typst.Fonts(include_system_fonts=False, font_paths=folders)


def _missing(error: typst.TypstError) -> str:
    signs = "".join(_MISSING.findall(str(error)))
    return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), signs)


def _texts(facts: Any) -> list[str]:
    if isinstance(facts, str):
        return [facts]
    parts = facts.values() if isinstance(facts, Mapping) else facts
    return [text for part in parts for text in _texts(part)]
