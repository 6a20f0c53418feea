"""What every page is checked for in each of its looks, beyond what its own test asks."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# The rules whose verdict hangs on colours, sizes and layout; the rest reads the document alone.
_VISUAL = ("color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable")


@dataclass(frozen=True)
class Look:
    """How a page is shown, and which of axe's rules are asked of it; none named is all."""

    media: dict[str, Any]
    rules: Sequence[str] = _VISUAL
    size: dict[str, int] = field(default_factory=lambda: {"width": 1280, "height": 800})


LIGHT = {"color_scheme": "light", "forced_colors": "none"}
LOOKS = {
    "light": Look(LIGHT, rules=()),
    "dark": Look({**LIGHT, "color_scheme": "dark"}),
    "narrow": Look(LIGHT, size={"width": 320, "height": 700}),
    "contrast": Look({**LIGHT, "forced_colors": "active"}),
}
# Targets that stand in a line of text are excepted by the rule itself.
_SMALL = """
() => [...document.querySelectorAll('button, input:not([type=hidden]), summary, select, textarea')]
  .filter((e) => e.checkVisibility())
  .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)
"""
# While the skip link has the focus it lies over the header, as it should; that is not the page's look.
_LEAVE_SKIP_LINK = "document.activeElement?.matches('.skip-link') && document.activeElement.blur()"


def in_every_look(page: Any) -> Iterator[tuple[str, Look]]:
    """Show a page in light, dark, narrow and high contrast, and in light again at the end."""
    for name, look in [*LOOKS.items()]:
        page.emulate_media(**look.media)
        page.set_viewport_size(look.size)
        page.evaluate(_LEAVE_SKIP_LINK)
        yield name, look
    page.emulate_media(**LIGHT)
    page.set_viewport_size(LOOKS["light"].size)


def faults(page: Any, *, picture: str = "", script: str = "") -> list[str]:
    """List what axe finds, targets under 24 pixels, and sideways scrolling, in every look.

    Where ``SWEEP`` is set every rule is asked in every look. Where ``SCREENSHOTS`` names a folder, a
    picture of each look is kept there.

    Parameters
    ----------
    picture : str
        The name of the picture.
    script : str
        A further check, a function that lists faults.
    """
    found = []
    for name, look in in_every_look(page):
        options: dict[str, Any] = {"rules": {"target-size": {"enabled": True}}}
        if look.rules and not os.environ.get("SWEEP"):
            options = {"runOnly": {"type": "rule", "values": look.rules}}
        else:
            options["runOnly"] = {"type": "tag", "values": _TAGS}
        seen = [
            f"{item['id']}: {[node['target'] for node in item['nodes']][:3]}"
            for item in Axe().run(page, options=options).response["violations"]
        ]
        seen += page.evaluate(_SMALL)
        if script:
            seen += page.evaluate(script)
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if over > 0:
            seen.append(f"scrolls sideways by {over} px")
        found += [f"{page.url} ({name}): {item}" for item in seen]
        if picture and (folder := os.environ.get("SCREENSHOTS")):
            page.screenshot(path=Path(folder) / f"{picture}-{name}.png", full_page=True)
    return found
