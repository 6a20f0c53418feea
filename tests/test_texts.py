"""Text as it enters: one form for each, and the character that cannot stay is named with its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from grading import texts
from grading.errors import Refused

OTHER = Path(__file__).parent / "data" / "other"


def refusal(clean: Callable[[str], object], text: str) -> str:
    """Give the words in which a text is refused; a taken one fails the test."""
    with pytest.raises(Refused) as caught:
        clean(text)
    return str(caught.value)


def test_what_nobody_sees_in_a_line_is_named_with_what_stands_before_it() -> None:
    named = {
        "zw@example.org\u200b": "U+200B after “org”",
        "Learner\x07Bell": "U+0007 after “Learner”",
        "Ada\u202eecalevoL": "U+202E after “Ada”",
        "\ufeffAda": "U+FEFF at the beginning",
        "half \ud83c": "U+D83C after “half”",
        "a title\rBcc: all@example.org": "U+000D after “title”",
        "Ada\x00": "U+0000 after “Ada”",
        "Ada\u3164": "U+3164 after “Ada”",
        "A\u200dda": "U+200D after “A”",
        "Ada\uffff": "U+FFFF after “Ada”",
    }
    said = {line: refusal(texts.clean_line, line) for line in named}
    assert {line for line, words in said.items() if named[line] not in words} == set()


def test_a_line_is_composed_and_has_single_spaces() -> None:
    assert texts.clean_line("  Jose\u0301\u00a0 \tGarci\u0301a ") == "José García"
    # Copied from a page, with the isolates that stand around it there.
    assert texts.clean_line("\u2068أحمد\u2069") == "أحمد"
    # Signs of joining that Persian, Hindi and emoji need.
    for line in ("نامه\u200cای", "क्\u200dष", "👩\u200d🔬", "🏳\ufe0f\u200d🌈"):
        assert texts.clean_line(line) == line


def test_a_long_text_loses_what_no_page_and_no_database_takes_and_nothing_else() -> None:
    assert texts.clean_text("one\r\ntwo\rthree\vfour\u2028five") == "one\ntwo\nthree\nfour\nfive"
    assert texts.clean_text("a\x00b\x1b[31m\x85\tc") == "ab[31m\n\tc"
    assert texts.clean_text("half \ud83c, whole \ud83d\ude00") == "half \ufffd, whole 😀"
    assert texts.clean_text("👩\u200d🔬 \u202eright\u202c") == "👩\u200d🔬 \u202eright\u202c"
    assert texts.clean_text("e\u0301 \ufdd0") == "é \ufffd"
    assert texts.clean_text("\u200b \n\u2060") == ""
    assert texts.clean_text(str(texts.isolated("مرحبا"))) == "مرحبا"


def test_names_in_every_script_are_names() -> None:
    names = (OTHER / "names.txt").read_text(encoding="utf-8").splitlines()
    assert len(names) == 8
    assert [texts.person_name(name) for name in names] == names


def test_a_name_holds_a_letter_that_is_seen() -> None:
    for name in ("", "  ", "\u2800", "🌿", "12", "x" * 201):
        assert refusal(texts.person_name, name)


def test_an_address_has_one_form_whatever_its_script() -> None:
    one = {
        texts.email_address(text)
        for text in ("ada@bücher.example", "Ada@BÜCHER.example", " ada@xn--bcher-kva.example\n")
    }
    assert one == {"ada@bücher.example"}


def test_what_is_no_address_is_refused() -> None:
    wrong = (
        "ada@example..org", "b@localhost", ".c@example.org", "d@example.org.", "two@@example.org",
        "Ada <ada@example.org>", "", "@", "ada@example.org, bea@example.org", "a@" + "x" * 250 + ".org",
    )  # fmt: skip
    for text in wrong:
        assert "not an e-mail address" in refusal(texts.email_address, text), text
    assert "before the @" in refusal(texts.email_address, "jörg@example.org")
    assert "U+200B after “org”" in refusal(texts.email_address, "zw@example.org\u200b")


def test_a_sought_address_that_is_none_finds_nobody_and_is_no_error() -> None:
    assert texts.address_sought(" Ada@Example.org ") == "ada@example.org"
    assert texts.address_sought("zw@example.org\u200b\x00") == "zw@example.org\u200b"
    assert texts.address_sought("Root@localhost") == "root@localhost"


def test_every_broken_link_is_refused_in_words() -> None:
    links = (OTHER / "links.txt").read_text(encoding="utf-8").splitlines()
    assert len(links) == 3
    said = [refusal(texts.web_link, link) for link in links]
    assert all("is not the name of a host" in words for words in said)
    more = {
        "javascript:alert(1)": "starts with https://",
        "//example.org": "starts with https://",
        "https://ada:secret@example.org": "no name and no password",
        "https://example.org:port": "not the name of a host",
        "https://example..org": "not the name of a host",
        "https://[::1]x/": "not the name of a host",
        "https://example.org and more": "no spaces",
        "https://example.org/\u200b": "U+200B",
        "https://example.org/" + "x" * 2000: "at most 2000 characters",
    }
    assert [
        link for link, words in more.items() if words not in refusal(texts.web_link, link)
    ] == []


def test_links_with_a_host_are_kept_as_they_are() -> None:
    for link in (
        "https://example.org/a?b=c#d",
        "http://192.0.2.1:8080/",
        "https://[2001:db8::1]/",
        "https://bücher.example/ü",
        "https://my_site.example.org",
    ):
        assert texts.web_link(f" {link}\n") == link


def test_a_file_name_is_cleaned_since_nobody_can_correct_it() -> None:
    assert texts.file_name("C:\\work\\Отчёт – 1.pdf") == "Отчёт – 1.pdf"
    assert texts.file_name("../Re\u0301sume\u0301.pdf") == "Résumé.pdf"
    assert texts.file_name("bill\u202efdp.zip\r\nX: y") == "billfdp.zip X: y"
    assert texts.file_name("x" * 300 + ".pdf") == "x" * 251 + ".pdf"
