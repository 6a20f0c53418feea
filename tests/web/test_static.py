"""Colours that can be read, nothing from outside, every word translatable."""

import re

import pytest

from grading import assets

CSS = (assets.folder("static") / "css" / "site.css").read_text(encoding="utf-8")
TEMPLATES = sorted(assets.folder("templates").rglob("*.html"))
SCRIPTS = sorted(assets.folder("static").rglob("*.js"))


def tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block))


def blocks() -> dict[str, dict[str, str]]:
    light = CSS[CSS.index(":root {") : CSS.index("}")]
    start = CSS.index(':root[data-theme="dark"]')
    dark = CSS[start : CSS.index("}", start)]
    return {"light": tokens(light), "dark": tokens(dark)}


def ratio(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


PAIRS = [
    (text, ground, 4.5)
    for text in ("text", "muted", "accent", "danger")
    for ground in ("page", "surface", "sunken")
] + [
    ("on-accent", "accent", 4.5), ("on-danger", "danger", 4.5), ("text", "accent-soft", 4.5),
    ("ok", "ok-soft", 4.5), ("warn", "warn-soft", 4.5), ("danger", "danger-soft", 4.5),
    ("info", "info-soft", 4.5), ("draft", "draft-soft", 4.5), ("text", "info-soft", 4.5),
    ("text", "warn-soft", 4.5), ("border", "surface", 3.0), ("border", "page", 3.0),
    ("focus", "page", 3.0), ("focus", "sunken", 3.0), ("draft", "sunken", 4.5), ("ok", "sunken", 4.5),
    ("info", "sunken", 4.5),
    *((f"chart-{number}", "surface", 3.0) for number in range(1, 7)),
    *((f"chart-{number}", "page", 3.0) for number in range(1, 7)),
    ("chart-1", "accent-soft", 3.0), ("draft", "page", 3.0), ("danger", "page", 3.0),
    ("muted", "warn-soft", 4.5),
]  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_pair_can_be_read(theme: str) -> None:
    colours = blocks()[theme]
    low = {
        f"{front} on {back}": round(ratio(colours[front], colours[back]), 2)
        for front, back, needed in PAIRS
        if ratio(colours[front], colours[back]) < needed
    }
    assert low == {}


def test_the_two_ways_to_dark_are_the_same() -> None:
    start = CSS.index(':root[data-theme="system"]')
    assert tokens(CSS[start : CSS.index("}", start)]) == blocks()["dark"]


def test_nothing_comes_from_outside() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS
    for path in (*TEMPLATES, *SCRIPTS):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", text), path
        assert "import(" not in text, path


def faults_of(text: str) -> list[str]:
    """Name inline styles, inline scripts, and words that stand outside a translation."""
    found = re.findall(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*src=)", text)
    text = re.sub(r"\{% block page_class %\}.*?\{% endblock %\}", "", text, flags=re.S)
    text = re.sub(r"\{%-? trans\b.*?\bendtrans -?%\}", " ", text, flags=re.S)
    bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.S)
    bare = re.sub(r"<[^>]*>", " ", bare)
    # Units, keys and names of algorithms are the same in every language.
    bare = re.sub(r"\b(SHA-256|Ctrl S|Ctrl Enter|j, k|c)\b|&\w+;", " ", bare)
    return found + re.findall(r"[A-Za-z]{2,}", bare)


def test_no_template_has_an_inline_style_or_script_and_every_word_is_translatable() -> None:
    faults = {str(path): faults_of(path.read_text(encoding="utf-8")) for path in TEMPLATES}
    assert {path: found for path, found in faults.items() if found} == {}


def test_the_check_of_templates_has_teeth() -> None:
    for text in (
        "<p style='x'>",
        "<a onclick='x'>",
        "<style>",
        "<script>1</script>",
        "<p>Words</p>",
    ):
        assert faults_of(text), text


def test_scripts_are_small() -> None:
    assert sum(path.stat().st_size for path in SCRIPTS) <= 30_000
