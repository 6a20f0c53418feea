"""What learners write: rendered, and harmless."""

import re

import pytest

from grading.web.markdown import render

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,AAAA)",
    "[x](vbscript:x)",
    "<svg onload=alert(1)>",
    "<iframe src=//example.org></iframe>",
    '<a href="//example.org" style="position:fixed">x</a>',
    "![x](https://example.org/pixel.png)",
    "[x]: javascript:alert(1)\n\n[x]",
    "$\\href{javascript:alert(1)}{x}$",
    "```html\n<script>alert(1)</script>\n```",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></math>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_comes_through(text: str) -> None:
    html = " ".join(re.findall(r"<[^>]*>", str(render(text)).lower()))
    for part in ("<script", "<img", "<svg", "<iframe", "<style", 'href="javascript', 'href="data',
                 'href="//', "<form"):  # fmt: skip
        assert part not in html
    assert 'style="' not in html


def test_math_code_and_tables() -> None:
    html = str(render("$x^2$\n\n```python\nprint(1)\n```\n\n|a|\n|-|\n|1|\n"))
    assert "<msup>" in html
    assert 'class="nb"' in html
    assert "<td>1</td>" in html
    assert "<code>\\frac{</code>" in str(render("$\\frac{$"))


def test_links_go_through_the_way_out_and_tell_nobody() -> None:
    html = str(render("[data](https://example.org/a?b=1&c=2)"))
    assert 'href="/out?to=https%3A%2F%2Fexample.org%2Fa%3Fb%3D1%26c%3D2"' in html
    assert 'rel="noreferrer noopener nofollow"' in html


def test_headings_stand_below_the_page() -> None:
    assert str(render("# One\n\n###### Six")) == "<h3>One</h3>\n<h4>Six</h4>\n"
    begun_lower = "## One\n\n#### Two\n\n### Three\n\n# Four\n\n## Five"
    levels = re.findall(r"<(h\d)>", str(render(begun_lower)))
    assert levels == ["h3", "h4", "h4", "h3", "h4"]
