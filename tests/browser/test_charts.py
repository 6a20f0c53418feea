"""Charts as a browser lays them out: real boxes of text, in both layouts and both themes."""

from typing import Any

from flask import Flask, render_template_string

from tests.browser.a11y import faults, in_every_look
from tests.web.test_charts import EVERY

# Boxes of text that touch each other or leave the drawing; a pixel or two of a line's height is air.
_CLASHES = """
() => [...document.querySelectorAll('svg.chart')].filter((svg) => svg.checkVisibility()).flatMap((svg) => {
  const width = svg.viewBox.baseVal.width, found = [];
  const texts = [...svg.querySelectorAll('text')].map((e) => [e.textContent, e.getBBox()]);
  for (const [words, box] of texts)
    if (box.x < -0.5 || box.x + box.width > width + 0.5) found.push(`outside: ${words}`);
  texts.forEach(([one, a], i) => texts.slice(i + 1).forEach(([other, b]) => {
    if (a.x < b.x + b.width && b.x < a.x + a.width
        && a.y + 2 < b.y + b.height - 2 && b.y + 2 < a.y + a.height - 2)
      found.push(`${one} x ${other}`);
  }));
  return found;
})
"""
_PAGE = """{% extends 'base.html' %}{% from 'macros/charts.html' import chart %}
{% block title %}Charts{% endblock %}
{% block content %}<h1>Charts</h1>
{% for figure in figures %}{{ chart(figure, csv='#') }}{% endfor %}{% endblock %}"""


def test_no_text_touches_another_and_the_page_is_accessible(
    app: Flask, enter: Any, site: str
) -> None:
    with app.test_request_context(base_url=site):
        html = render_template_string(_PAGE, figures=[make() for make in EVERY])
    page = enter(None).new_page()
    page.goto("/help")
    page.route("**/charts", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("/charts")
    for name, _look in in_every_look(page):
        assert page.locator("svg.chart:visible").count() == len(EVERY), name
    assert faults(page, script=_CLASHES) == []
