"""What every page is checked for, beyond what its own test asks."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

_OPTIONS = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}},
}
# Targets that stand in a line of text are excepted by the rule itself.
_SMALL = """
() => [...document.querySelectorAll('button, input:not([type=hidden]), summary, select, textarea')]
  .filter((e) => e.checkVisibility())
  .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)
"""


def faults(page: Any) -> list[str]:
    """List what axe finds, targets under 24 pixels, and sideways scrolling."""
    found = [
        f"{item['id']}: {[node['target'] for node in item['nodes']][:3]}"
        for item in Axe().run(page, options=_OPTIONS).response["violations"]
    ]
    found += page.evaluate(_SMALL)
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    if over > 0:
        found.append(f"scrolls sideways by {over} px")
    return [f"{page.url}: {item}" for item in found]
